"""Reading one file: packets in order, pictures with the packet they came from, exact seeking.

Every packet is numbered in decode order and the number is handed to the decoder in place of the
time stamp, so each picture names its packet whatever the stamps in the file are worth.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Self

import av
from av.error import EOFError as EndOfFile
from av.error import FFmpegError

from ingest.timeline import NEVER, Stamps

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.packet import Packet
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

MAX_READ_FAILURES = 50
"""Read errors in a row, without one packet between them, that end a file."""
SEEK_BACK_S = (0.0, 1.0, 5.0, 20.0)


class Reader:
    """One open file; not shared between threads. Use as a context manager."""

    def __init__(self, path: Path, *, threads: int = 1) -> None:
        self._path = path
        self._threads = threads
        self.read_failures = 0
        self._open()

    def _open(self) -> None:
        self._container: InputContainer = av.open(str(self._path), mode="r")
        self.stream: VideoStream = self._container.streams.video[0]
        self.stream.codec_context.thread_count = self._threads
        self.stream.thread_type = "FRAME" if self._threads > 1 else "SLICE"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._container.close()

    @property
    def container(self) -> InputContainer:
        """The open container."""
        return self._container

    @property
    def time_base(self) -> Fraction:
        """Seconds per unit of the stream's stamps."""
        return self.stream.time_base or Fraction(1, av.time_base)

    def raw_packets(self) -> Iterator[Packet[VideoStream]]:
        """Yields packets from the present position; read errors are counted and passed over."""
        in_a_row = 0
        while in_a_row < MAX_READ_FAILURES:
            try:
                for packet in self._container.demux(self.stream):
                    in_a_row = 0
                    if packet.size:
                        yield packet
                return
            except EndOfFile:
                return
            except FFmpegError:
                in_a_row += 1
                self.read_failures += 1

    def packets(self, stamps: Stamps, first_row: int) -> Iterator[tuple[int, Packet[VideoStream]]]:
        """Yields (row, packet) from ``first_row`` on, once per reader.

        Where every packet has its own pts the file is sought; else it is read, not decoded, from its start.
        """
        if first_row > 0 and stamps.is_regular:
            for goal in self._seek_goals(stamps, first_row):
                found = self._sought(stamps, first_row, goal)
                if found is not None:
                    yield first_row, found
                    yield from self._following(stamps, first_row)
                    return
            self._container.close()
            self._open()
        for row, packet in enumerate(self.raw_packets()):
            if row >= first_row:
                yield row, packet

    def pictures(
        self, stamps: Stamps, first_row: int, on_damage: Callable[[int], None]
    ) -> Iterator[tuple[int, VideoFrame]]:
        """Yields (row of its packet, picture) as shown, decoding from ``first_row`` (a key frame) on.

        ``on_damage`` is called with the row of every packet that cannot be decoded.
        """
        context = self.stream.codec_context
        row = first_row
        for row, packet in self.packets(stamps, first_row):
            packet.pts = packet.dts = row
            try:
                frames = context.decode(packet)
            except FFmpegError:
                on_damage(row)
                continue
            for frame in frames:
                if frame.pts is not None:
                    yield frame.pts, frame
        try:
            frames = context.decode(None)
        except FFmpegError:
            on_damage(row)
            return
        for frame in frames:
            if frame.pts is not None:
                yield frame.pts, frame

    def _sought(self, stamps: Stamps, first_row: int, goal: int) -> Packet[VideoStream] | None:
        """Returns the packet of ``first_row`` after seeking to ``goal``; None if that lands behind it."""
        try:
            self._container.seek(goal, stream=self.stream, backward=True)
        except FFmpegError:
            return None
        self.stream.codec_context.flush_buffers()
        self._source = self.raw_packets()
        for packet in self._source:
            row = stamps.row_of(packet.pts)
            if row == first_row:
                return packet
            if row is not None and row > first_row:
                return None
        return None

    def _following(self, stamps: Stamps, first_row: int) -> Iterator[tuple[int, Packet[VideoStream]]]:
        expected = first_row
        for packet in self._source:
            expected += 1
            row = expected if stamps.is_pts_at(expected, packet.pts) else stamps.row_of(packet.pts)
            if row is not None:
                expected = row
                yield row, packet

    def _seek_goals(self, stamps: Stamps, first_row: int) -> Iterator[int]:
        pts, dts = int(stamps.pts[first_row]), int(stamps.dts[first_row])
        if "matroska" in self._container.format.name or dts == NEVER:
            yield pts
        for back_s in SEEK_BACK_S:
            yield (pts if dts == NEVER else dts) - round(back_s / stamps.time_base)
