"""What the pipeline hands over for sealing: full-resolution stills, a cut clip and every fact the manifest pins."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, NotRequired, TypedDict

import numpy as np
from numpy.typing import NDArray

from core.errors import EvidenceError
from core.observations import Role, SignalState

Box = tuple[float, float, float, float]

ULID = re.compile(r"[0-7][0-9A-HJKMNP-TV-Z]{25}")
ATTACHMENT = re.compile(r"ORIGINAL-[1-9]\.(jpg|png|webp|heic|mp4|mov|mkv|webm)")
PANORAMAS = frozenset({Role.P1_BEFORE, Role.P2_DURING, Role.P3_AFTER, Role.T0_OVERVIEW, Role.T1_OVERVIEW})


class Device(TypedDict):
    """The camera that took the footage; ``device_code`` is 设备编号, "" when it has none.

    ``failed_gates`` is what keeps its records from being evidence (``cases.devices``); left out without a register.
    """

    camera_id: str
    device_code: str
    failed_gates: NotRequired[list[str]]


class SignalFacts(TypedDict):
    """The lamp that governs the movement: when its red began (session ns) and whether that was seen."""

    id: str
    red_onset_ns: int | None
    is_onset_seen: bool
    source: NotRequired[str]


class Subject(TypedDict):
    """Who is in the box: ActorClass name, share of votes for it, plate text or ``"UNREADABLE"``, how it was read."""

    class_name: str
    class_share: NotRequired[float]
    plate: NotRequired[str]
    plate_read: NotRequired[dict[str, Any]]


class Rule(TypedDict):
    """The rule that proposed the case, with every threshold it used and what it measured."""

    id: str
    version: str
    parameters: dict[str, Any]
    facts: dict[str, Any]
    cues: list[str]


class SitePin(TypedDict):
    """The site file in force: its id, its hash, and what distances are measured in."""

    site_id: str
    sha256: str
    calibration: str


class ModelPin(TypedDict):
    """The network that saw the subject."""

    name: str
    version: str
    sha256: str


class CodePin(TypedDict):
    """The program that proposed the case; ``commit`` is None outside a git checkout."""

    version: str
    commit: str | None


class SourceFile(TypedDict):
    """One footage file, without its folder."""

    name: str
    size_bytes: int
    sha256: str


class SessionPin(TypedDict):
    """The footage the case was cut from."""

    session_id: str
    files: list[SourceFile]


class ClockPin(TypedDict):
    """Where the time comes from and how far it may be off from Beijing time, s (None: not known)."""

    source: str
    uncertainty_s: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StillImage:
    """One full-resolution picture of the case.

    Shapes: rgb (H, W, 3) uint8. ``xyxy`` frames the subject in the picture's pixels.
    """

    role: Role
    pts_ns: int
    rgb: NDArray[np.uint8]
    xyxy: Box
    captured_utc: datetime | None = None
    signal: SignalState | None = None
    stream_pts: int | None = None
    file_index: int | None = None

    def __post_init__(self) -> None:
        if self.rgb.dtype != np.uint8 or self.rgb.ndim != 3 or self.rgb.shape[2] != 3:
            raise EvidenceError(
                f"{self.role}: a still must be (H, W, 3) uint8, got {self.rgb.shape} {self.rgb.dtype}",
                role=str(self.role),
            )
        x1, y1, x2, y2 = self.xyxy
        if not (x1 < x2 and y1 < y2):
            raise EvidenceError(f"{self.role}: the subject box {self.xyxy} has no area", role=str(self.role))
        if self.captured_utc is not None and self.captured_utc.tzinfo is None:
            raise EvidenceError(
                f"{self.role}: captured_utc has no time zone; pass an aware UTC time", role=str(self.role)
            )

    @property
    def size_px(self) -> tuple[int, int]:
        """Width and height of the picture."""
        return self.rgb.shape[1], self.rgb.shape[0]

    @property
    def is_panorama(self) -> bool:
        """Tells whether the picture shows the whole scene, not a close-up."""
        return self.role in PANORAMAS


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """An original file sealed byte for byte beside the stills made from it: what a citizen handed in."""

    name: str
    path: Path

    def __post_init__(self) -> None:
        if not ATTACHMENT.fullmatch(self.name):
            raise EvidenceError(f"'{self.name}' is no name for an original; use ORIGINAL-1.jpg and so on")


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """Everything one evidence package is made of; ``clip`` is moved into the package when it is sealed.

    ``track`` becomes TRACK.json (clip_start_ns, width, height, boxes, lines, signal, moments). Photos of a citizen have
    no clip: it is None then, and the originals are ``attachments``.
    """

    case_id: str
    violation_id: str
    device: Device
    place: str
    direction: str
    stills: tuple[StillImage, ...]
    clip: Path | None
    clip_start_ns: int
    clip_end_ns: int
    track: dict[str, Any]
    subject: Subject
    rule: Rule
    site: SitePin
    model: ModelPin
    code: CodePin
    session: SessionPin
    clock: ClockPin = field(default_factory=lambda: ClockPin(source="unknown", uncertainty_s=None))
    signal: SignalFacts | None = None
    start_utc: datetime | None = None
    time_zone: str = "Asia/Shanghai"
    lane: str = ""
    clip_is_complete: bool = True
    attachments: tuple[Attachment, ...] = ()

    def __post_init__(self) -> None:
        if not ULID.fullmatch(self.case_id):
            raise EvidenceError(f"'{self.case_id}' is no ULID; case ids are 26 characters of Crockford base 32")
        if not any(s.is_panorama for s in self.stills):
            raise EvidenceError(f"case {self.case_id} has no overview still; give P1-P3 or T0/T1", case_id=self.case_id)
        roles = [s.role for s in self.stills]
        if len(set(roles)) != len(roles):
            raise EvidenceError(f"case {self.case_id}: each role may appear once, got {[str(r) for r in roles]}")
        if len({s.captured_utc is None for s in self.stills}) > 1:
            raise EvidenceError(f"case {self.case_id}: some stills have a time and some have none; give all or none")
        if self.clip is not None and self.clip_end_ns <= self.clip_start_ns:
            raise EvidenceError(f"case {self.case_id}: the clip ends before it begins", case_id=self.case_id)

    @property
    def panoramas(self) -> tuple[StillImage, ...]:
        """The overview stills in order of time."""
        return tuple(sorted((s for s in self.stills if s.is_panorama), key=lambda s: s.pts_ns))

    @property
    def is_clock_known(self) -> bool:
        """Tells whether the stills carry world time."""
        return self.stills[0].captured_utc is not None
