"""One file of footage: can it be read, what is in it, and when is each of its pictures shown."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import av
import numpy as np
from av.error import FFmpegError

from core import log
from core.errors import SourceUndecodable, SourceUnreachable
from core.time import NS_PER_S
from ingest.decode import Reader
from ingest.timeline import NEVER, Stamps, Timeline, build_timeline, shown_order

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.frame import VideoFrame

ENDS_BYTES = 1 << 20
"""Bytes at each end of a file that go into its fingerprint."""
TAIL_LOSS_NS = NS_PER_S
"""A file that ends this much before the length it declares has been cut short."""
UNTIMED = frozenset({"avi", "h264", "hevc", "vvc", "m4v", "mpegvideo", "mjpeg", "obu", "av1"})
"""Containers that store no pts: what FFmpeg reports for them is a guess."""
CHECKED_PICTURES = 60
"""Pictures decoded to see whether stamps that know of no reordering are true for a codec that may reorder."""

logger = log.get(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class FootageFile:
    """One file of a session, as the world sees it."""

    path: Path
    size_bytes: int
    sha256_ends: str
    """sha256 of the first and last MiB: tells files apart fast; the whole file's is ``sha256()``."""
    offset_ns: int
    """Session time of the file's first picture."""
    duration_s: float | None
    codec: str
    container: str
    width_px: int
    height_px: int
    picture_count: int
    is_cut_short: bool
    creation_utc_hint: datetime | None

    @property
    def name(self) -> str:
        """File name without folder."""
        return self.path.name

    def sha256(self) -> str:
        """Returns the sha256 of the whole file; reads all of it.

        Raises:
            SourceUnreachable: the file is gone or no longer readable.
        """
        return sha256_of(self.path)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reel:
    """One file with its inner workings, as session, decoder and clip cutter need it."""

    path: Path
    size_bytes: int
    sha256_ends: str
    stamps: Stamps
    timeline: Timeline
    codec: str
    container: str
    parameters: tuple[object, ...]
    """What must be equal for packets of two files to share a clip."""
    width_px: int
    height_px: int
    length_ns: int
    """Time the file covers, its lost tail included."""
    tail_lost: int
    """Pictures missing at the end, or missing without a hole to show for it (estimated)."""
    is_cut_short: bool
    is_gradual: bool
    """The camera sends no whole key frames but refreshes the picture strip by strip from a key packet on."""
    creation_utc_hint: datetime | None

    def key_row_at(self, row: int) -> int:
        """Returns the packet from which decoding yields the picture of packet ``row`` and those after it."""
        t_ns = self.timeline.t_ns
        rows = np.flatnonzero(self.stamps.is_key[: row + 1])
        rows = rows[(t_ns[rows] <= t_ns[row]) & (t_ns[rows] != NEVER)]
        back = 2 if self.is_gradual else 1
        return int(rows[-back]) if len(rows) >= back else 0


def sha256_of(path: Path) -> str:
    """Returns the sha256 of a whole file.

    Raises:
        SourceUnreachable: the file cannot be read.
    """
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise SourceUnreachable(f"cannot read '{path}': {error.strerror}; check that it is still there") from error


def fingerprint(path: Path) -> tuple[int, str]:
    """Returns size and sha256 of both ends of a file that can be read.

    Raises:
        SourceUnreachable: missing, a folder, or not readable.
        SourceUndecodable: empty.
    """
    if not path.exists():
        raise SourceUnreachable(f"no file '{path}'; check the path", path=str(path))
    if path.is_dir():
        raise SourceUnreachable(f"'{path}' is a folder; name the video files in it", path=str(path))
    try:
        with path.open("rb") as stream:
            size = path.stat().st_size
            digest = hashlib.sha256(stream.read(ENDS_BYTES))
            stream.seek(max(0, size - ENDS_BYTES))
            digest.update(stream.read(ENDS_BYTES))
    except PermissionError as error:
        raise SourceUnreachable(f"no permission to read '{path}'; allow it with chmod a+r", path=str(path)) from error
    except OSError as error:
        raise SourceUnreachable(f"cannot read '{path}': {error.strerror}; check disk or mount") from error
    if size == 0:
        raise SourceUndecodable(f"'{path}' is empty (0 bytes); copy it from the recorder again", path=str(path))
    return size, digest.hexdigest()


def session_id_of(camera_id: str, start_utc: datetime | None, reels: Sequence[Reel]) -> str:
    """Returns the session's id: the same for the same bytes, whatever the files are called."""
    start = None if start_utc is None else start_utc.astimezone(UTC).isoformat()
    what = [camera_id, start, [[reel.size_bytes, reel.sha256_ends] for reel in reels]]
    return "S" + hashlib.sha256(json.dumps(what, separators=(",", ":")).encode()).hexdigest()[:16]


def load_reel(path: Path) -> Reel:
    """Returns one file, indexed.

    Raises:
        SourceUnreachable: the file cannot be opened.
        SourceUndecodable: it holds no video that can be decoded.
    """
    size, ends = fingerprint(path)
    with _open(path) as reader:
        container = reader.container
        declared = reader.stream.frames
        declared_ns = round((reader.stream.duration or 0) * reader.time_base * NS_PER_S)
        stamps = _scan(reader)
        parameters, hint = _parameters(reader), _creation_hint(container)
        codec, form = reader.stream.codec_context.name, container.format.name
        is_reordering = bool(reader.stream.codec_context.has_b_frames)
    if not len(stamps):
        raise SourceUndecodable(f"'{path}' has a video track but no pictures in it; copy it again", path=str(path))
    timeline, stamps, first = _timeline(path, stamps, is_reordering=is_reordering)
    missing_ns = declared_ns - timeline.end_ns
    is_cut_short = declared > len(stamps) and missing_ns > TAIL_LOSS_NS
    length_ns = declared_ns if is_cut_short else timeline.end_ns
    in_holes = sum(count for _, count in timeline.holes())
    return Reel(
        path=path,
        size_bytes=size,
        sha256_ends=ends,
        stamps=stamps,
        timeline=timeline,
        codec=codec,
        container=form,
        parameters=parameters,
        width_px=first.width,
        height_px=first.height,
        length_ns=length_ns,
        tail_lost=max(0, declared - len(stamps) - in_holes),
        is_cut_short=is_cut_short,
        is_gradual=_is_gradual(path, stamps),
        creation_utc_hint=hint,
    )


def _open(path: Path) -> Reader:
    try:
        container = av.open(str(path), mode="r")
    except FFmpegError as error:
        raise SourceUndecodable(_unreadable(path), path=str(path)) from error
    with container:
        if not container.streams.video:
            what = "only audio" if container.streams.audio else "no pictures"
            raise SourceUndecodable(f"'{path}' has no video track, {what}; choose the video file", path=str(path))
        if container.streams.video[0].codec_context is None:
            raise SourceUndecodable(f"'{path}' uses a codec FFmpeg does not know; convert it to H.264", path=str(path))
    return Reader(path)


def _unreadable(path: Path) -> str:
    with path.open("rb") as stream:
        head = stream.read(4096)
    if head[4:8] in (b"ftyp", b"mdat", b"free", b"wide"):
        return f"'{path}' is cut short: its index (moov) is missing; copy it from the recorder again or repair it"
    return f"'{path}' is not video that FFmpeg can read; check that it is the right file"


def _scan(reader: Reader) -> Stamps:
    pts: list[int] = []
    dts: list[int] = []
    key: list[bool] = []
    hidden: list[bool] = []
    for packet in reader.raw_packets():
        pts.append(NEVER if packet.pts is None else packet.pts)
        dts.append(NEVER if packet.dts is None else packet.dts)
        key.append(packet.is_keyframe)
        hidden.append(packet.is_discard)
    return Stamps(
        pts=np.asarray(pts, dtype=np.int64),
        dts=np.asarray(dts if set(dts) != {NEVER} else _counted(reader, len(dts)), dtype=np.int64),
        is_key=np.asarray(key, dtype=np.bool_),
        is_hidden=np.asarray(hidden, dtype=np.bool_),
        time_base=reader.time_base,
        is_timed=not UNTIMED & set(reader.container.format.name.split(",")),
    )


def _counted(reader: Reader, count: int) -> list[int]:
    """Returns even decode times for a bare stream, from the rate it names."""
    rate = reader.stream.average_rate or reader.stream.guessed_rate or Fraction(25)
    return [round(row / rate / reader.time_base) for row in range(count)]


def _timeline(path: Path, stamps: Stamps, *, is_reordering: bool) -> tuple[Timeline, Stamps, VideoFrame]:
    has_pts = stamps.is_timed and not bool(np.any(stamps.pts == NEVER))
    if is_reordering and not has_pts:
        return _decoded_timeline(path, stamps)
    is_suspect = is_reordering and bool(np.all(np.diff(stamps.pts) > 0))
    rows, first = _first_pictures(path, stamps, CHECKED_PICTURES if is_suspect else 1)
    if is_suspect and bool(np.any(np.diff(rows) < 0)):
        return _decoded_timeline(path, stamps)
    order = shown_order(stamps, is_reordering=is_reordering)
    return build_timeline(stamps, order=order, first_row=rows[0], is_by_dts=not has_pts), stamps, first


def _first_pictures(path: Path, stamps: Stamps, count: int) -> tuple[list[int], VideoFrame]:
    """Returns the packets of the first ``count`` pictures as the decoder shows them, and the first picture."""
    rows: list[int] = []
    first: VideoFrame | None = None
    with Reader(path) as reader:
        for row, frame in reader.pictures(stamps, 0, lambda _row: None):
            first = first or frame
            rows.append(row)
            if len(rows) == count:
                break
    if first is None:
        raise _no_picture(path)
    return rows, first


def _is_gradual(path: Path, stamps: Stamps) -> bool:
    """Tells whether decoding from the second key packet fails to show that packet's picture first."""
    keys = np.flatnonzero(stamps.is_key)
    if len(keys) < 2 or not stamps.is_regular:
        return False
    with Reader(path) as reader:
        for row, _ in reader.pictures(stamps, int(keys[1]), lambda _row: None):
            if stamps.pts[row] >= stamps.pts[keys[1]]:
                return bool(row != keys[1])
    return True


def _no_picture(path: Path) -> SourceUndecodable:
    return SourceUndecodable(f"no picture of '{path}' can be decoded; copy it from the recorder again", path=str(path))


def _decoded_timeline(path: Path, stamps: Stamps) -> tuple[Timeline, Stamps, VideoFrame]:
    """Finds the showing order by decoding the whole file: without pts, or with false ones, packets do not tell it."""
    logger.info("order_decoded", packets=len(stamps))
    order: list[int] = []
    is_key = stamps.is_key.copy()
    first: VideoFrame | None = None
    with Reader(path) as reader:
        for row, frame in reader.pictures(stamps, 0, lambda _row: None):
            first = first or frame
            order.append(row)
            is_key[row] |= frame.key_frame
    if first is None:
        raise _no_picture(path)
    stamps = replace(stamps, is_key=is_key)
    rows = np.asarray(list(dict.fromkeys(order)), dtype=np.int64)
    return build_timeline(stamps, order=rows, first_row=order[0], is_by_dts=True), stamps, first


def _parameters(reader: Reader) -> tuple[object, ...]:
    context = reader.stream.codec_context
    return (context.name, context.width, context.height, context.pix_fmt, bytes(context.extradata or b""))


def _creation_hint(container: InputContainer) -> datetime | None:
    text = container.metadata.get("creation_time")
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC)
