"""Evidence out of the ring: a stretch of live packets that gives stills and clips as a session of files does.

An excerpt refers to its packets, so it stays whole while the ring moves on, however long sealing has to wait.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import av
import numpy as np
from av.error import FFmpegError

from core.errors import ConfigError, SourceUndecodable, StoreError
from core.time import NS_PER_S
from ingest.clip import CONTAINERS, MUXER_REFUSES, Cut, build_stamps
from ingest.coded import Coding, PacketDecoder, template
from ingest.footage import FootageFile
from ingest.frame import Converter, Rgb, Still
from ingest.ring import Group, LivePacket

if TYPE_CHECKING:
    from av.video.stream import VideoStream

CLIP_BASE = Fraction(1, 90_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class Excerpt:
    """Packets around one event; the parts of ``ingest.session.Session`` evidence is made from."""

    session_id: str
    camera_id: str
    start_utc: datetime | None
    coding: Coding
    groups: tuple[Group, ...]
    end_ns: int
    files: tuple[FootageFile, ...] = ()

    @property
    def width_px(self) -> int:
        """Width of every picture."""
        return self.coding.width_px

    @property
    def height_px(self) -> int:
        """Height of every picture."""
        return self.coding.height_px

    def still(self, pts_ns: int) -> Still:
        """Returns the picture on show at a session time, whole and at full resolution.

        Raises:
            SourceUndecodable: it is not in the excerpt, or cannot be decoded.
        """
        packets = self._packets()
        times = np.array([p.t_ns for p in packets], dtype=np.int64)
        shown = np.flatnonzero(times <= pts_ns)
        if len(shown):
            wanted = packets[int(shown[times[shown].argmax()])]
            keys = [i for i, p in enumerate(packets) if p.is_key and p.t_ns <= wanted.t_ns]
            for start in reversed(keys[-2:]):
                rgb = _decode_one(self.coding, packets[start:], wanted)
                if rgb is not None:
                    return Still(rgb=rgb, pts_ns=wanted.t_ns, file_index=0, stream_pts=None)
        raise SourceUndecodable(
            f"the picture at {pts_ns / NS_PER_S:.3f} s was not received whole; nothing can be shown of it",
            pts_ns=pts_ns,
        )

    def cut(self, start_ns: int, end_ns: int, target: Path) -> Cut:
        """Writes the clip that shows [start_ns, end_ns] from the camera's own packets.

        Raises:
            ConfigError: nothing of that span is here.
            StoreError: the clip cannot be written.
            SourceUndecodable: no container holds these packets.
        """
        packets = _span(self._packets(), start_ns, end_ns)
        if not packets:
            raise ConfigError(
                f"footage from {start_ns / NS_PER_S:.3f} s to {end_ns / NS_PER_S:.3f} s is not kept any more; "
                "raise source.evidence_s"
            )
        failure: Exception | None = None
        for suffix, form, options in CONTAINERS[:2]:
            path = target.with_suffix(suffix)
            try:
                self._remux(packets, path, form, options)
            except (FFmpegError, ValueError) as error:
                with suppress(OSError):
                    path.unlink()
                if isinstance(error, OSError) and error.errno not in MUXER_REFUSES:
                    why = error.strerror or "disk error"
                    raise StoreError(
                        f"cannot write clip '{path}': {why}; check folder, permission and free space"
                    ) from error
                failure = error
            else:
                return self._described(packets, path, start_ns=start_ns, end_ns=end_ns)
        raise SourceUndecodable(f"no clip can be cut from codec {self.coding.codec}; set H.264") from failure

    def _packets(self) -> list[LivePacket]:
        try:
            return [packet for group in self.groups for packet in group.packets()]
        except OSError as error:
            raise StoreError(f"kept footage cannot be read back ({error.strerror}); check the disk") from error

    def _remux(self, packets: Sequence[LivePacket], path: Path, form: str, options: dict[str, str]) -> None:
        pts, dts = build_stamps(np.array([p.t_ns for p in packets], dtype=np.int64), CLIP_BASE)
        interval = round(_interval_ns(packets) / NS_PER_S / CLIP_BASE)
        with (
            template(self.coding, packets[0].data) as described,
            av.open(str(path), mode="w", format=form, options=options) as output,
        ):
            stream: VideoStream = output.add_stream_from_template(described.streams.video[0])
            stream.time_base = CLIP_BASE
            for place, kept in enumerate(packets):
                packet = av.Packet(kept.data)
                packet.stream = stream
                packet.time_base = CLIP_BASE
                packet.pts, packet.dts, packet.duration = int(pts[place]), int(dts[place]), interval
                packet.is_keyframe = kept.is_key
                output.mux_one(packet)

    def _described(self, packets: Sequence[LivePacket], path: Path, *, start_ns: int, end_ns: int) -> Cut:
        shown = np.sort(np.array([p.t_ns for p in packets], dtype=np.int64))
        return Cut(
            path=path,
            start_ns=int(shown[0]),
            end_ns=int(shown[-1]) + _interval_ns(packets),
            codec=self.coding.codec,
            picture_count=len(shown),
            is_complete=int(shown[0]) <= max(start_ns, 0) and int(shown[-1]) + NS_PER_S >= end_ns,
        )


def _span(packets: Sequence[LivePacket], start_ns: int, end_ns: int) -> list[LivePacket]:
    """Returns packets from the key frame at or before ``start_ns`` to where no kept picture needs one left out."""
    keys = [i for i, p in enumerate(packets) if p.is_key]
    if not keys or packets[keys[0]].t_ns > end_ns:
        return []
    first = max((i for i in keys if packets[i].t_ns <= start_ns), default=keys[0])
    base = packets[first].t_ns
    kept = [p for p in packets[first:] if p.t_ns >= base]
    times = np.array([p.t_ns for p in kept], dtype=np.int64)
    later = np.append(np.minimum.accumulate(times[::-1])[::-1][1:], np.iinfo(np.int64).max)
    closed = np.flatnonzero((later > end_ns) & (np.maximum.accumulate(times) < later))
    return kept[: int(closed[0]) + 1]


def _interval_ns(packets: Sequence[LivePacket]) -> int:
    times = np.sort(np.array([p.t_ns for p in packets], dtype=np.int64))
    return int(np.median(np.diff(times))) if len(times) > 1 else NS_PER_S // 25


def _decode_one(coding: Coding, packets: Sequence[LivePacket], wanted: LivePacket) -> Rgb | None:
    decoder = PacketDecoder(coding)
    for packet in packets:
        try:
            pairs = decoder.decode(packet)
        except FFmpegError:
            continue
        for got, frame in pairs:
            if got is wanted:
                return Converter().full(frame)
    return next((Converter().full(frame) for got, frame in decoder.drain() if got is wanted), None)
