"""Coded pictures without their stream: decoding packets kept in memory, and telling what codec they are."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any, cast

import av
from av.bitstream import BitStreamFilterContext
from av.error import FFmpegError

from ingest.ring import LivePacket

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.packet import Packet
    from av.video.codeccontext import VideoCodecContext
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

TO_ANNEX_B = {"h264": "h264_mp4toannexb", "hevc": "hevc_mp4toannexb"}
RAW_FORMATS = {"h264": "h264", "hevc": "hevc", "mjpeg": "mjpeg", "mpeg4": "m4v", "mpeg2video": "mpegvideo"}
MARK = b"\x00\x00\x01"


@dataclass(frozen=True, slots=True, kw_only=True)
class Coding:
    """What a decoder must know: codec, and the parameter sets the stream's description gave."""

    codec: str
    header: bytes
    width_px: int
    height_px: int


def read_coding(stream: VideoStream) -> Coding:
    """Returns the coding of an open stream."""
    context = stream.codec_context
    header = bytes(context.extradata or b"")
    is_annex_b = header[:3] == MARK or header[:4] == b"\x00" + MARK
    return Coding(
        codec=context.name,
        header=header if is_annex_b or context.name not in TO_ANNEX_B else b"",
        width_px=context.width,
        height_px=context.height,
    )


class AnnexB:
    """Gives packets their self-contained form: start codes, parameter sets before key frames."""

    def __init__(self, stream: VideoStream) -> None:
        name = TO_ANNEX_B.get(stream.codec_context.name)
        self._filter = None if name is None else BitStreamFilterContext(name, in_stream=stream)

    def packets(self, packet: Packet[Any]) -> Iterator[Packet[Any]]:
        """Yields what a packet becomes; some AVI files describe themselves in one form and hold the other."""
        if self._filter is None or bytes(memoryview(packet)[:4]) == b"\x00" + MARK:
            yield packet
        else:
            yield from self._filter.filter(packet)

    def flush(self) -> None:
        """Forgets a packet that could not be read."""
        if self._filter is not None:
            self._filter.flush()


class PacketDecoder:
    """Decodes packets given one by one in decode order; each picture comes back with the packet it was."""

    def __init__(self, coding: Coding) -> None:
        self._context = cast("VideoCodecContext", av.CodecContext.create(coding.codec, "r"))
        if coding.header:
            self._context.extradata = coding.header
        self._context.thread_count = 1
        self._number = 0
        self._waiting: dict[int, LivePacket] = {}

    def decode(self, packet: LivePacket) -> list[tuple[LivePacket, VideoFrame]]:
        """Returns the pictures that are complete with this packet.

        Raises:
            FFmpegError: the packet cannot be decoded.
        """
        coded = av.Packet(packet.data)
        coded.pts = coded.dts = self._number
        coded.time_base = Fraction(1, 1000)
        self._waiting[self._number] = packet
        self._number += 1
        try:
            frames = self._context.decode(coded)
        except FFmpegError:
            self._waiting.pop(self._number - 1, None)
            raise
        return self._paired(frames)

    def drain(self) -> list[tuple[LivePacket, VideoFrame]]:
        """Returns the pictures still inside; the next packet must be a key frame."""
        try:
            found = self._paired(self._context.decode(None))
        except FFmpegError:
            found = []
        self.flush()
        return found

    def flush(self) -> None:
        """Forgets everything inside; the next packet must be a key frame."""
        self._context.flush_buffers()
        self._waiting.clear()

    def silent(self, behind: int = 32) -> int:
        """Returns how many packets never became a picture, and forgets them."""
        gone = [n for n in self._waiting if n < self._number - behind]
        for number in gone:
            del self._waiting[number]
        return len(gone)

    def _paired(self, frames: Iterable[VideoFrame]) -> list[tuple[LivePacket, VideoFrame]]:
        pairs = []
        for frame in frames:
            packet = None if frame.pts is None else self._waiting.pop(frame.pts, None)
            if packet is not None:
                pairs.append((packet, frame))
        return pairs


@contextmanager
def template(coding: Coding, first: bytes) -> Iterator[InputContainer]:
    """Yields an open container whose only stream describes packets that begin with ``first``, a key frame.

    Raises:
        FFmpegError: the codec has no bare form.
    """
    form = RAW_FORMATS.get(coding.codec, coding.codec)
    with av.open(io.BytesIO(coding.header + first), "r", format=form) as described:
        yield described
