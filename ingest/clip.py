"""Cutting a clip: the camera's own packets in a new container, no picture touched.

A clip starts with a key frame, which is shown at clip time 0, and ends where no kept picture waits
for one left out. Pictures shown before that key frame cannot be decoded alone and are left out.
Sound is never kept.
"""

from __future__ import annotations

import errno
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import av
import numpy as np
from av.error import FFmpegError

from core.errors import LukouError, SourceUndecodable, SourceUnreachable, StoreError
from core.time import NS_PER_S
from ingest.decode import Reader
from ingest.footage import Reel
from ingest.timeline import NEVER, IntArray

if TYPE_CHECKING:
    from av.packet import Packet
    from av.video.stream import VideoStream

CONTAINERS: tuple[tuple[str, str, dict[str, str]], ...] = (
    (".mp4", "mp4", {"movflags": "+faststart"}),
    (".mkv", "matroska", {}),
    (".nut", "nut", {}),
)
"""Tried in this order: browsers play the first, players the second, FFmpeg the last."""
MUXER_REFUSES = frozenset({errno.EINVAL, errno.EPERM, errno.ENOSYS})
"""What a container answers to packets it cannot hold; any other system error is the disk's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """A clip as written: clip time 0 is session time ``start_ns``."""

    path: Path
    start_ns: int
    end_ns: int
    codec: str
    picture_count: int
    is_complete: bool
    """False where the wanted span reaches into a file that cannot share a clip with the one kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """Packets [first_row, end_row) of one file.

    Shapes: t_ns (end_row - first_row,) session time of each, NEVER for packets left out.
    """

    reel: Reel
    first_row: int
    t_ns: IntArray

    @property
    def shown_ns(self) -> IntArray:
        """Times of the pictures kept, decode order."""
        kept: IntArray = self.t_ns[self.t_ns != NEVER]
        return kept


def build_piece(reel: Reel, offset_ns: int, start_ns: int, end_ns: int) -> Piece | None:
    """Returns the packets of a file that show [start_ns, end_ns], whole groups at the front; None if none do."""
    local_start, local_end = start_ns - offset_ns, end_ns - offset_ns
    first = reel.key_row_at(reel.timeline.row_at(max(0, local_start)))
    times = _with_silent_packets(reel.timeline.t_ns[first:])
    base = int(reel.timeline.t_ns[first])
    if base == NEVER:
        base = int(reel.timeline.shown_ns[0])
    if base > local_end:
        return None
    later = np.append(np.minimum.accumulate(times[::-1])[::-1][1:], np.iinfo(np.int64).max)
    closed = np.flatnonzero((later > local_end) & (np.maximum.accumulate(times) < later))
    times = times[: int(closed[0]) + 1]
    return Piece(reel=reel, first_row=first, t_ns=np.where(times >= base, times + offset_ns, NEVER))


def _with_silent_packets(times: IntArray) -> IntArray:
    """Returns times in which packets that show nothing follow the one before by a nanosecond."""
    result = times.copy()
    for row in np.flatnonzero(times == NEVER):
        result[row] = result[row - 1] + 1 if row else 0
    return result


def build_stamps(t_ns: IntArray, time_base: Fraction) -> tuple[IntArray, IntArray]:
    """Returns (pts, dts) of packets in decode order for a clip that starts at the first one's time.

    Decode times are the sorted show times, moved back just far enough that none is later than its pts.
    """
    scale = time_base.denominator / time_base.numerator / NS_PER_S
    pts = np.rint((t_ns - t_ns[0]) * scale).astype(np.int64)
    shown = np.argsort(np.argsort(pts, kind="stable"), kind="stable")
    ranked = np.sort(pts)
    ranked = np.maximum.accumulate(ranked - np.arange(len(ranked))) + np.arange(len(ranked))
    pts = ranked[shown]
    return pts, ranked - max(0, int(np.max(ranked - pts)))


def write_clip(pieces: Sequence[Piece], target: Path, *, is_complete: bool) -> Cut:
    """Writes the pieces one after another; the path's ending becomes that of the container used.

    Raises:
        StoreError: the disk refuses.
        SourceUndecodable: no container holds these packets.
        SourceUnreachable: a file of the session is gone.
    """
    failure: Exception | None = None
    for suffix, form, options in CONTAINERS:
        path = target.with_suffix(suffix)
        try:
            _remux(pieces, path, form, options)
            if form != CONTAINERS[0][1]:
                _check_playable(path)
        except (FFmpegError, ValueError) as error:
            with suppress(OSError):
                path.unlink()
            if isinstance(error, OSError) and error.errno not in MUXER_REFUSES:
                raise _refusal(pieces, path, error) from error
            failure = error
        else:
            return _described(pieces, path, is_complete=is_complete)
    raise SourceUndecodable(f"no clip can be cut from '{pieces[0].reel.path}'; convert it to H.264") from failure


def _check_playable(path: Path) -> None:
    """Decodes the first picture: a fallback container may accept packets it does not describe well enough."""
    with av.open(str(path)) as written:
        if next(written.decode(video=0), None) is None:
            raise ValueError("the clip shows nothing")


def _refusal(pieces: Sequence[Piece], path: Path, error: OSError) -> LukouError:
    for piece in pieces:
        if not piece.reel.path.exists():
            return SourceUnreachable(f"'{piece.reel.path}' is gone; put it back to cut clips from it")
    why = error.strerror or "disk error"
    return StoreError(f"cannot write clip '{path}': {why}; check folder, permission and free space")


def _described(pieces: Sequence[Piece], path: Path, *, is_complete: bool) -> Cut:
    shown = np.sort(np.concatenate([piece.shown_ns for piece in pieces]))
    last = pieces[-1].reel
    return Cut(
        path=path,
        start_ns=int(shown[0]),
        end_ns=int(shown[-1]) + last.timeline.interval_ns,
        codec=last.codec,
        picture_count=len(shown),
        is_complete=is_complete,
    )


def _remux(pieces: Sequence[Piece], path: Path, form: str, options: dict[str, str]) -> None:
    t_ns = np.concatenate([piece.shown_ns for piece in pieces])
    time_base = pieces[0].reel.stamps.time_base
    if time_base.denominator < 1000 * time_base.numerator or len({p.reel.stamps.time_base for p in pieces}) > 1:
        time_base = Fraction(1, 90_000)
    pts, dts = build_stamps(t_ns, time_base)
    interval = round(pieces[-1].reel.timeline.interval_ns / NS_PER_S / time_base)
    with av.open(str(path), mode="w", format=form, options=options) as output:
        stream: VideoStream | None = None
        for place, (packet, is_key) in enumerate(_packets(pieces)):
            if stream is None:
                stream = output.add_stream_from_template(packet.stream)
                stream.time_base = time_base
            packet.stream = stream
            packet.time_base = time_base
            packet.pts, packet.dts, packet.duration = int(pts[place]), int(dts[place]), interval
            packet.is_keyframe = is_key
            output.mux_one(packet)


def _packets(pieces: Sequence[Piece]) -> Iterator[tuple[Packet[VideoStream], bool]]:
    for piece in pieces:
        end_row = piece.first_row + len(piece.t_ns)
        with Reader(piece.reel.path) as reader:
            for row, packet in reader.packets(piece.reel.stamps, piece.first_row):
                if row >= end_row:
                    break
                if piece.t_ns[row - piece.first_row] != NEVER:
                    yield packet, bool(piece.reel.stamps.is_key[row]) or row == piece.first_row
