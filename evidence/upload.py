"""What strangers hand in: told apart by content, looked into only by a process of its own with limits.

``evidence.inspector`` is that process. A file that makes it fail, hang or eat memory is refused with a reason; the
server and the other files go on.
"""

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from core import log

PHOTO_MAX_BYTES = 20_000_000
VIDEO_MAX_BYTES = 100_000_000
VIDEO_MAX_S = 60.0
"""Source: domain §4.2 (one video of at most 60 s and 100 MB)."""
PIXELS_MAX = 64_000_000
"""Largest picture that is decoded: today's phones make up to 50 million pixels, decompression bombs more."""
UNREADABLE, TOO_SLOW, UNKNOWN = "unreadable", "too_slow", "unknown"
TOO_LARGE, TOO_LONG, EMPTY = "too_large", "too_long", "empty"
"""Why a file is refused; whoever tells the citizen has the words."""
INSPECTION_MAX_S = 60.0
SNIFF_BYTES = 32

PHOTO_ENDINGS = ("jpg", "png", "webp", "heic")
VIDEO_ENDINGS = ("mp4", "mov", "mkv", "webm")
BRANDS = {b"heic": "heic", b"heix": "heic", b"mif1": "heic", b"avif": None, b"avis": None, b"qt  ": "mov"}
"""Endings by the brand of an ISO base media file; any other brand is a video."""
_log = log.get(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sign:
    """One reason to look twice: ``key`` names the kind, ``detail`` what was found."""

    key: str
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Capture:
    """What the camera wrote beside the picture; None where it wrote nothing. ``taken`` is local time without zone.

    ``speed_kmh`` is how fast the camera itself went.
    """

    taken: datetime | None = None
    lat_deg: float | None = None
    lon_deg: float | None = None
    speed_kmh: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class InspectedStill:
    """A derived picture: upright, sRGB, no metadata; ``at_s`` is its second in a video, 0 for a photo."""

    path: Path
    at_s: float
    width_px: int
    height_px: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspection:
    """What one file is. ``refused`` names why it cannot be used; everything else is empty then."""

    ending: str
    refused: str = ""
    duration_s: float = 0.0
    phash: str = ""
    capture: Capture = field(default_factory=Capture)
    signs: tuple[Sign, ...] = ()
    stills: tuple[InspectedStill, ...] = ()


def sniff(head: bytes) -> str | None:
    """Returns the ending that belongs to a file's first bytes; None for everything that is not taken.

    >>> sniff(b"<svg xmlns=") is None, sniff(bytes.fromhex("ffd8ffe0"))
    (True, 'jpg')
    """
    if head.startswith(b"\xff\xd8\xff"):
        return "jpg"
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "png"
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "webp"
    if head[4:8] == b"ftyp":
        return BRANDS.get(head[8:12], "mp4")
    if head.startswith(b"\x1a\x45\xdf\xa3"):
        return "webm" if b"webm" in head else "mkv"
    return None


def inspect(files: Sequence[Path], out_dir: Path) -> list[Inspection]:
    """Returns one inspection per file; derived stills are written to ``out_dir``.

    One process looks at all files; one that dies is replaced, and the file it died of is refused.
    """
    out_dir.mkdir(parents=True, exist_ok=True)
    found: list[Inspection] = []
    while len(found) < len(files):
        lines, fault = _inspect_apart(files, len(found), out_dir)
        found += [parse_inspection(json.loads(line)) for line in lines]
        if fault and len(found) < len(files):
            found.append(Inspection(ending="", refused=fault))
    return found


def _inspect_apart(files: Sequence[Path], done: int, out_dir: Path) -> tuple[list[str], str]:
    """Returns the inspector's lines for the files from ``done`` on, and what is wrong with the one it died of."""
    command = [sys.executable, "-P", "-m", "evidence.inspector", str(out_dir), str(done + 1), *map(str, files[done:])]
    answer = subprocess.Popen(
        command,
        cwd=Path(__file__).parents[1],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        stdin=subprocess.DEVNULL,
        env={"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "PATH": ""},
        text=True,
    )
    try:
        output, _ = answer.communicate(timeout=INSPECTION_MAX_S)
    except subprocess.TimeoutExpired:
        answer.kill()
        output, _ = answer.communicate()
        _log.warning("upload_inspection_timed_out")
        return _whole_lines(output), TOO_SLOW
    if answer.returncode != 0:
        _log.warning("upload_inspection_failed", code=answer.returncode)
    return _whole_lines(output), UNREADABLE


def _whole_lines(output: str) -> list[str]:
    return output.split("\n")[:-1]


def parse_inspection(raw: Mapping[str, Any]) -> Inspection:
    """Returns the value of what the inspector printed."""
    capture = raw["capture"]
    taken = datetime.fromisoformat(capture["taken"]) if capture["taken"] else None
    return Inspection(
        ending=raw["ending"],
        refused=raw["refused"],
        duration_s=raw["duration_s"],
        phash=raw["phash"],
        capture=Capture(**{**capture, "taken": taken}),
        signs=tuple(Sign(**sign) for sign in raw["signs"]),
        stills=tuple(InspectedStill(**{**still, "path": Path(still["path"])}) for still in raw["stills"]),
    )
