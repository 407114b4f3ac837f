"""A session: the files of one camera, one after another, on one time axis."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from datetime import datetime
from pathlib import Path

from core import log
from core.errors import ConfigError, SourceUndecodable, SourceUnreachable
from core.time import NS_PER_S
from ingest.ahead import read_ahead
from ingest.clip import Cut, Piece, build_piece, write_clip
from ingest.counts import FrameCounts
from ingest.decode import Reader
from ingest.footage import FootageFile, Reel, load_reel, session_id_of
from ingest.frame import Converter, Frame, Rgb, Still
from ingest.passage import Passage

READ_AHEAD = 4
"""Pictures decoded before they are asked for."""

logger = log.get(__name__)


def open_session(
    files: Sequence[Path], *, camera_id: str, start_utc: datetime | None = None, decode_threads: int = 1
) -> Session:
    """Returns the session of these files, in this order; reads every file through once, without decoding.

    Raises:
        SourceUnreachable: a file is missing, a folder, or may not be read.
        SourceUndecodable: a file holds no usable video, or another codec or picture size than the first.
        ConfigError: ``start_utc`` has no time zone.
    """
    if not files:
        raise SourceUnreachable("no footage given; name at least one video file")
    if start_utc is not None and start_utc.tzinfo is None:
        raise ConfigError("the start time has no time zone; write it like 2026-11-22T08:15:03+08:00")
    reels: list[Reel] = []
    for path in files:
        reel = load_reel(Path(path))
        if reels:
            _check_alike(reels[0], reel)
        reels.append(reel)
    return Session(reels, camera_id=camera_id, start_utc=start_utc, decode_threads=decode_threads)


def _check_alike(first: Reel, other: Reel) -> None:
    for what, want, got in (
        ("picture size", f"{first.width_px}x{first.height_px}", f"{other.width_px}x{other.height_px}"),
        ("codec", first.codec, other.codec),
    ):
        if want != got:
            raise SourceUndecodable(
                f"'{other.path}' has {what} {got}, '{first.path.name}' has {want}; give files of one camera setting",
                path=str(other.path),
                expected=want,
                got=got,
            )


class Session:
    """Footage of one camera: pictures in time order, single pictures, clips.

    ``counts`` grows while ``frames`` is read. Not for use by several threads at once.
    """

    def __init__(
        self, reels: Sequence[Reel], *, camera_id: str, start_utc: datetime | None, decode_threads: int = 1
    ) -> None:
        self.camera_id = camera_id
        self.start_utc = start_utc
        self.session_id = session_id_of(camera_id, start_utc, reels)
        self.counts = FrameCounts()
        self._reels = tuple(reels)
        self._threads = decode_threads
        self._offsets: list[int] = []
        offset = 0
        for reel in reels:
            self._offsets.append(offset)
            offset += reel.length_ns
        self._end_ns = offset
        self.files = tuple(_described(r, o) for r, o in zip(reels, self._offsets, strict=True))

    @property
    def width_px(self) -> int:
        """Width of every picture."""
        return self._reels[0].width_px

    @property
    def height_px(self) -> int:
        """Height of every picture."""
        return self._reels[0].height_px

    @property
    def duration_s(self) -> float | None:
        """Length of the whole session."""
        return self._end_ns / NS_PER_S

    @property
    def end_ns(self) -> int:
        """Session time at which the last picture ends."""
        return self._end_ns

    @property
    def frame_count(self) -> int:
        """Pictures the files hold, as far as their packets tell."""
        return sum(len(reel.timeline.order) for reel in self._reels)

    @property
    def fps(self) -> float:
        """Pictures per second on average, holes included."""
        return self.frame_count / (self._end_ns / NS_PER_S)

    @property
    def creation_utc_hint(self) -> datetime | None:
        """When the first file says it was made; anyone can write that, so it is never used as evidence."""
        return self._reels[0].creation_utc_hint

    def frames(self, *, detect_hz: float, from_ns: int = 0) -> Iterator[Frame]:
        """Yields the pictures to analyse, at least ``detect_hz`` per second where the footage has them.

        Which pictures are chosen depends on the footage and ``detect_hz`` alone: reading again
        ``from_ns`` on yields the same pictures an uninterrupted reading would.
        """
        if detect_hz <= 0:
            raise ConfigError(f"detect_hz must be above 0, got {detect_hz}", got=detect_hz)
        return read_ahead(self._frames(detect_hz, from_ns), READ_AHEAD)

    def still(self, pts_ns: int) -> Still:
        """Returns the picture on show at a session time, decoded again, whole and at full resolution.

        Raises:
            SourceUndecodable: it cannot be decoded.
        """
        index = self._file_at(pts_ns)
        reel, offset = self._reels[index], self._offsets[index]
        row = reel.timeline.row_at(pts_ns - offset)
        for start in dict.fromkeys((reel.key_row_at(row), 0)):
            rgb = _decode_one(reel, start, row)
            if rgb is not None:
                return Still(
                    rgb=rgb,
                    pts_ns=offset + int(reel.timeline.t_ns[row]),
                    file_index=index,
                    stream_pts=reel.stamps.pts_or_none(row),
                )
        raise SourceUndecodable(
            f"the picture at {pts_ns / NS_PER_S:.3f} s of '{reel.path.name}' is damaged; choose one beside it",
            pts_ns=pts_ns,
        )

    def cut(self, start_ns: int, end_ns: int, target: Path) -> Cut:
        """Writes the clip that shows [start_ns, end_ns] from the original packets; see ``Cut`` for what it became.

        Raises:
            ConfigError: the span is empty or outside the session.
            StoreError: the clip cannot be written.
            SourceUndecodable: no container holds these packets.
        """
        if end_ns <= start_ns or end_ns < 0 or start_ns >= self._end_ns:
            raise ConfigError(
                f"no footage from {start_ns / NS_PER_S:.3f} s to {end_ns / NS_PER_S:.3f} s; "
                f"the session runs from 0 to {self._end_ns / NS_PER_S:.3f} s"
            )
        pieces = self._pieces(start_ns, end_ns)
        kept = _joinable(pieces, start_ns, end_ns)
        return write_clip(kept, target, is_complete=len(kept) == len(pieces))

    def _pieces(self, start_ns: int, end_ns: int) -> list[Piece]:
        first, last = self._file_at(start_ns), self._file_at(end_ns)
        pieces = []
        for index in range(first, last + 1):
            piece = build_piece(self._reels[index], self._offsets[index], start_ns, end_ns)
            if piece is not None:
                pieces.append(piece)
        return pieces

    def _file_at(self, pts_ns: int) -> int:
        return max(0, bisect_right(self._offsets, pts_ns) - 1)

    def _frames(self, detect_hz: float, from_ns: int) -> Generator[Frame, None, None]:
        converter = Converter()
        for index in range(self._file_at(from_ns), len(self._reels)):
            passage = Passage(
                self._reels[index],
                self.counts,
                offset_ns=self._offsets[index],
                detect_hz=detect_hz,
                from_ns=from_ns,
                is_after_break=index > 0 and self._reels[index - 1].is_cut_short,
            )
            with closing(passage.frames(converter, self._threads)) as frames:
                yield from frames


def _described(reel: Reel, offset_ns: int) -> FootageFile:
    return FootageFile(
        path=reel.path,
        size_bytes=reel.size_bytes,
        sha256_ends=reel.sha256_ends,
        offset_ns=offset_ns,
        duration_s=reel.length_ns / NS_PER_S,
        codec=reel.codec,
        container=reel.container,
        width_px=reel.width_px,
        height_px=reel.height_px,
        picture_count=len(reel.timeline.order),
        is_cut_short=reel.is_cut_short,
        creation_utc_hint=reel.creation_utc_hint,
    )


def _joinable(pieces: list[Piece], start_ns: int, end_ns: int) -> list[Piece]:
    """Returns all pieces if they can share a clip, else the one that shows most of the span."""
    if len({piece.reel.parameters for piece in pieces}) == 1:
        return pieces

    def shown(piece: Piece) -> int:
        times = piece.shown_ns
        return min(int(times.max()), end_ns) - max(int(times.min()), start_ns)

    best = max(pieces, key=shown)
    logger.warning("clip_shortened", kept_ns=shown(best), wanted_ns=end_ns - start_ns)
    return [best]


def _decode_one(reel: Reel, start: int, row: int) -> Rgb | None:
    with Reader(reel.path) as reader:
        for got, frame in reader.pictures(reel.stamps, start, lambda _row: None):
            if got == row:
                return Converter().full(frame)
    return None
