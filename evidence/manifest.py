"""manifest.json: everything a court may ask about a package, as RFC 8785 canonical JSON with the hash of every file."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import Enum
from pathlib import PurePath
from typing import Any, Literal

import numpy as np
import rfc8785
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from core.catalogue import Catalogue, Violation
from core.errors import EvidenceError
from core.time import at
from evidence.draft import Draft, StillImage
from evidence.picture import NAMES
from evidence.playable import NOTE, PROXY
from evidence.wording import place_zone, position_text

SCHEMA = "lukou.evidence/1"
Sha256 = str


class Part(BaseModel):
    """Base of everything in a manifest: unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class FileEntry(Part):
    """One file of the package."""

    name: str
    size_bytes: int
    sha256: Sha256 = Field(pattern=r"^[0-9a-f]{64}$")


class ImageEntry(Part):
    """One original picture: when, from which frame, where the subject is, what the lamp showed."""

    role: str
    name: str
    sha256: Sha256
    width_px: int
    height_px: int
    pts_ns: int
    position: str
    captured: str | None
    source_file_index: int | None
    source_stream_pts: int | None
    subject_xyxy_px: list[float]
    signal: str | None
    mark: str = Field(description="防伪码: the first 16 hex digits of sha256")


class ClipEntry(Part):
    """The video, packets copied from the footage without re-encoding."""

    name: str
    sha256: Sha256
    start_ns: int
    end_ns: int
    is_complete: bool


class ProxyEntry(Part):
    """A copy of the clip in another codec, for viewing only."""

    name: str
    sha256: Sha256
    codec: str
    derived_from: str
    derived_from_sha256: Sha256
    note: str


class Clause(Part):
    """One demand of the standard; ``ok`` is None where it does not apply."""

    clause: str
    ok: bool | None
    why: str


class Conformance(Part):
    """The package's check of itself."""

    standard: str
    conforms: bool
    clauses: list[Clause]


class Manifest(Part):
    """The whole manifest. Times are ISO 8601 with UTC offset; None where the clock of the footage is unknown."""

    schema_: Literal["lukou.evidence/1"] = Field(alias="schema")
    case_id: str
    violation: dict[str, Any]
    device: dict[str, Any]
    place: dict[str, Any]
    clock: dict[str, Any]
    sealed_utc: str
    signal: dict[str, Any] | None
    subject: dict[str, Any]
    rule: dict[str, Any]
    site: dict[str, Any]
    model: dict[str, Any]
    code: dict[str, Any]
    session: dict[str, Any]
    images: list[ImageEntry]
    clip: ClipEntry | None = Field(description="None when the originals are photos")
    proxy: ProxyEntry | None = Field(default=None, description="only beside a clip that browsers may not play")
    composite: dict[str, Any]
    conformance: Conformance
    files: list[FileEntry]
    key_id: str

    def file(self, name: str) -> FileEntry | None:
        """Returns the entry of a file, None when the package has no such file."""
        return next((f for f in self.files if f.name == name), None)


def build_manifest(
    draft: Draft,
    catalogue: Catalogue,
    *,
    files: list[FileEntry],
    composite: Mapping[str, Any],
    conformance: Mapping[str, Any],
    sealed_utc: datetime,
    key_id: str,
) -> Manifest:
    """Returns the manifest of a draft whose files are written.

    Raises:
        EvidenceError: a value of the draft has no place in a manifest.
    """
    violation = catalogue.get(draft.violation_id)
    digests = {f.name: f.sha256 for f in files}
    data = {
        "schema": SCHEMA,
        "case_id": draft.case_id,
        "violation": _violation(violation, catalogue),
        "device": draft.device,
        "place": {
            "text": draft.place,
            "direction": draft.direction,
            "lane": draft.lane,
            "time_zone": draft.time_zone,
        },
        "clock": _clock(draft),
        "sealed_utc": stamp(sealed_utc),
        "signal": _signal(draft),
        "subject": {"plate": "UNREADABLE", **draft.subject},
        "rule": draft.rule,
        "site": draft.site,
        "model": draft.model,
        "code": draft.code,
        "session": draft.session,
        "images": [_image(draft, s, digests[NAMES[s.role]]) for s in draft.stills],
        "clip": _clip(draft, digests),
        "proxy": _proxy(digests),
        "composite": {"name": "COMPOSITE.jpg", **composite},
        "conformance": conformance,
        "files": [f.model_dump() for f in files],
        "key_id": key_id,
    }
    try:
        return Manifest.model_validate(plain(data))
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(p) for p in first["loc"])
        raise EvidenceError(
            f"case {draft.case_id}: manifest field {place}: {first['msg']}; correct the draft"
        ) from error


def canonical_bytes(value: Any) -> bytes:
    """Returns RFC 8785 canonical JSON.

    Raises:
        EvidenceError: the value holds something JSON cannot (NaN, infinity, integers past 2^53).
    """
    try:
        return rfc8785.dumps(plain(value))
    except rfc8785.CanonicalizationError as error:
        raise EvidenceError(f"a value cannot be written as canonical JSON ({error}); correct the draft") from error


def manifest_bytes(manifest: Manifest) -> bytes:
    """Returns the bytes that are signed."""
    return canonical_bytes(manifest.model_dump(by_alias=True))


def parse_manifest(content: bytes) -> Manifest:
    """Returns the manifest some bytes hold.

    Raises:
        EvidenceError: they hold none.
    """
    try:
        return Manifest.model_validate_json(content)
    except ValidationError as error:
        raise EvidenceError(f"not a manifest of schema {SCHEMA}: {error.errors()[0]['msg']}") from error


def stamp(moment: datetime) -> str:
    """Returns an aware time as ISO 8601 with offset, to the millisecond."""
    return moment.isoformat(timespec="milliseconds")


def plain(value: Any) -> Any:
    """Returns a value with NumPy, enum, time and path objects turned into what JSON knows."""
    if isinstance(value, Mapping):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        items = sorted(value, key=str) if isinstance(value, set | frozenset) else value
        return [plain(v) for v in items]
    if isinstance(value, np.ndarray | np.generic):
        return plain(value.tolist())
    if isinstance(value, Enum):
        return plain(value.value)
    if isinstance(value, datetime):
        return stamp(value)
    return value.name if isinstance(value, PurePath) else value


def _violation(violation: Violation, catalogue: Catalogue) -> dict[str, Any]:
    return {
        "id": violation.id,
        "name_zh": violation.name_zh,
        "name_en": violation.name_en,
        "subject": violation.subject,
        "code": violation.code.current,
        "code_table_version": catalogue.catalogue_date,
    }


def _clock(draft: Draft) -> dict[str, Any]:
    is_known = draft.is_clock_known
    return {
        **draft.clock,
        "session_start": stamp(_local(draft, draft.start_utc)) if draft.start_utc else None,
        "note": "" if is_known else "the clock of the footage is unknown; positions count from its first frame",
    }


def _local(draft: Draft, moment: datetime) -> datetime:
    return moment.astimezone(place_zone(draft.time_zone))


def _signal(draft: Draft) -> dict[str, Any] | None:
    if draft.signal is None:
        return None
    onset_ns = draft.signal["red_onset_ns"]
    is_timed = onset_ns is not None and draft.start_utc is not None
    onset = at(draft.start_utc, onset_ns) if onset_ns is not None and draft.start_utc is not None else None
    return {
        "source": "video",
        **draft.signal,
        "red_onset": stamp(_local(draft, onset)) if is_timed and onset else None,
        "states": {str(s.role): str(s.signal) if s.signal else None for s in draft.stills},
    }


def _clip(draft: Draft, digests: Mapping[str, str]) -> dict[str, Any] | None:
    if draft.clip is None:
        return None
    return {
        "name": "CLIP.mp4",
        "sha256": digests["CLIP.mp4"],
        "start_ns": draft.clip_start_ns,
        "end_ns": draft.clip_end_ns,
        "is_complete": draft.clip_is_complete,
    }


def _proxy(digests: Mapping[str, str]) -> dict[str, Any] | None:
    if PROXY not in digests:
        return None
    return {
        "name": PROXY,
        "sha256": digests[PROXY],
        "codec": "h264",
        "derived_from": "CLIP.mp4",
        "derived_from_sha256": digests["CLIP.mp4"],
        "note": NOTE,
    }


def _image(draft: Draft, still: StillImage, sha256: str) -> dict[str, Any]:
    width, height = still.size_px
    return {
        "role": str(still.role),
        "name": NAMES[still.role],
        "sha256": sha256,
        "width_px": width,
        "height_px": height,
        "pts_ns": still.pts_ns,
        "position": position_text(still.pts_ns),
        "captured": stamp(_local(draft, still.captured_utc)) if still.captured_utc else None,
        "source_file_index": still.file_index,
        "source_stream_pts": still.stream_pts,
        "subject_xyxy_px": [round(float(v), 2) for v in still.xyxy],
        "signal": str(still.signal) if still.signal else None,
        "mark": sha256[:16],
    }
