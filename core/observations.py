"""What the machine sees, as frozen values handed from floor to floor.

``Detections`` (one frame, struct of arrays) -> ``TrackHistory`` (one actor over time) and
``SignalTimeline`` (one lamp over time) -> ``Candidate`` or ``Undecided`` (one possible offence).

Pixel convention: ``xyxy`` is float32, full-resolution source pixels, x right, y down, half-open
(x2, y2 are the first pixels outside), whatever size the network saw.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field, replace
from enum import IntEnum, StrEnum
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.time import NS_PER_S

FloatArray = NDArray[np.float32]
IntArray = NDArray[np.int64]


class ActorClass(IntEnum):
    """Detector classes. A two-wheeler box is machine and rider together; PERSON is on foot only."""

    PERSON = 0
    BICYCLE = 1
    MOTORCYCLE = 2
    """Motorcycle or e-bike: a picture alone does not tell them apart, the site or the reviewer does."""
    CAR = 3
    BUS = 4
    TRUCK = 5


class SignalState(StrEnum):
    """Lamp group state. Only a steady RED convicts; a flashing green counts as GREEN."""

    RED = "red"
    YELLOW = "yellow"
    GREEN = "green"
    FLASHING_YELLOW = "flashing_yellow"
    OFF = "off"
    UNKNOWN = "unknown"
    FAULT = "fault"
    """It shows something, but not what it should: see ``SignalFault``."""


UNCLEAR = frozenset({SignalState.UNKNOWN, SignalState.OFF, SignalState.FLASHING_YELLOW, SignalState.FAULT})
"""States under which no lamp says what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A frame scaled for a network, with the size it came from.

    Shapes: rgb (h, w, 3) uint8. Units: source_size_px is (width, height) of the full frame.
    """

    pts_ns: int
    rgb: NDArray[np.uint8]
    source_size_px: tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Detections:
    """Boxes of one frame.

    Shapes: xyxy (N, 4), confidence (N,), class_id (N,) of ActorClass values.
    """

    pts_ns: int
    xyxy: FloatArray
    confidence: FloatArray
    class_id: IntArray

    def __post_init__(self) -> None:
        count = len(self.confidence)
        if self.xyxy.shape != (count, 4) or self.class_id.shape != (count,):
            raise ValueError(
                f"expected xyxy ({count}, 4) and class_id ({count},), got {self.xyxy.shape} and {self.class_id.shape}"
            )

    def __len__(self) -> int:
        return len(self.confidence)

    def usable(self) -> Detections:
        """Returns these boxes without any that is not a number or has no area: what is not seen leaves a gap."""
        kept = np.isfinite(self.xyxy).all(axis=1) & np.isfinite(self.confidence)
        kept &= (self.xyxy[:, 2:] > self.xyxy[:, :2]).all(axis=1)
        if kept.all():
            return self
        return replace(self, xyxy=self.xyxy[kept], confidence=self.confidence[kept], class_id=self.class_id[kept])


@dataclass(frozen=True, kw_only=True)
class TrackHistory:
    """One actor over time, the only view a rule has of it.

    Shapes: pts_ns (N,) strictly increasing, xyxy (N, 4), confidence (N,). Only observed rows: a gap
    in time is a gap in sight.
    """

    track_id: int
    class_id: ActorClass
    class_share: float
    """Share of observations that voted for class_id, 0-1."""
    pts_ns: IntArray
    xyxy: FloatArray
    confidence: FloatArray
    is_finished: bool

    def __post_init__(self) -> None:
        count = len(self.pts_ns)
        if self.xyxy.shape != (count, 4):
            raise ValueError(f"expected xyxy ({count}, 4), got {self.xyxy.shape}")
        if count > 1 and not bool(np.all(np.diff(self.pts_ns) > 0)):
            raise ValueError(f"track {self.track_id}: pts_ns must increase strictly")
        if not bool(np.isfinite(self.xyxy).all()):
            raise ValueError(f"track {self.track_id}: a box is not a number")

    def __len__(self) -> int:
        return len(self.pts_ns)

    @cached_property
    def t_s(self) -> NDArray[np.float64]:
        """Session time of each row, seconds, shape (N,)."""
        return self.pts_ns / NS_PER_S

    @cached_property
    def extent_px(self) -> tuple[float, float, float, float]:
        """Everywhere it was: the box (x1, y1, x2, y2) around all its boxes."""
        x1, y1, x2, y2 = self.xyxy.T
        return float(x1.min()), float(y1.min()), float(x2.max()), float(y2.max())

    @property
    def duration_s(self) -> float:
        """Seconds from first to last row."""
        return float(self.pts_ns[-1] - self.pts_ns[0]) / NS_PER_S if len(self) else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalTimeline:
    """One lamp group over time: state ``states[i]`` holds from ``since_ns[i]`` to ``since_ns[i + 1]``.

    The last state holds to ``until_ns``; outside the covered span the state is UNKNOWN.
    ``source`` is who said so: video, controller or both.
    """

    signal_id: str
    since_ns: tuple[int, ...]
    states: tuple[SignalState, ...]
    until_ns: int
    source: str = "video"

    def state_at(self, pts_ns: int) -> SignalState:
        """Returns the state at a session position; UNKNOWN outside the covered span."""
        index = self._index(pts_ns)
        return SignalState.UNKNOWN if index is None else self.states[index]

    def since_at(self, pts_ns: int) -> int | None:
        """Returns when the state holding at ``pts_ns`` began (session ns); None outside the span."""
        index = self._index(pts_ns)
        return None if index is None else self.since_ns[index]

    def is_onset_seen(self, pts_ns: int) -> bool:
        """Tells whether the change into the state holding at ``pts_ns`` was itself observed."""
        index = self._index(pts_ns)
        return index is not None and index > 0 and self.states[index - 1] is not SignalState.UNKNOWN

    def states_between(self, start_ns: int, end_ns: int) -> set[SignalState]:
        """Returns every state that holds somewhere in [start_ns, end_ns]."""
        found = {self.state_at(start_ns), self.state_at(end_ns)}
        found.update(s for t, s in zip(self.since_ns, self.states, strict=True) if start_ns <= t <= end_ns)
        return found

    def _index(self, pts_ns: int) -> int | None:
        if not self.since_ns or pts_ns < self.since_ns[0] or pts_ns > self.until_ns:
            return None
        return bisect_right(self.since_ns, pts_ns) - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalFault:
    """A span in which a lamp or its feed cannot be right; ``kind`` says why (``vision.signal_health``)."""

    signal_id: str
    kind: str
    start_ns: int
    end_ns: int


class Role(StrEnum):
    """Picture roles of an evidence package (violations.yaml ``image_role``)."""

    P1_BEFORE = "P1_before"
    P2_DURING = "P2_during"
    P3_AFTER = "P3_after"
    T0_OVERVIEW = "T0_overview"
    T1_OVERVIEW = "T1_overview"
    PLATE_CLOSEUP = "PLATE_CLOSEUP"
    SUBJECT_CLOSEUP = "SUBJECT_CLOSEUP"


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """One of the law's moments: when, which picture role, where the subject is, what the lamp shows."""

    role: Role
    pts_ns: int
    xyxy: tuple[float, float, float, float]
    signal: SignalState | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A possible offence a rule proposes. A machine never decides: people do.

    ``parameters`` holds every threshold used; ``facts`` what was measured (SI units in the names);
    ``cues`` names what the reviewer must look at (exclusion keys of violations.yaml).
    """

    violation_id: str
    track_id: int
    subject: ActorClass
    moments: tuple[Moment, ...]
    parameters: dict[str, Any] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)
    cues: tuple[str, ...] = ()
    signal_id: str | None = None
    region_id: str | None = None
    stay_id: str | None = None
    """Which stay it is about, where an offence outlasts sessions (V11)."""

    def __post_init__(self) -> None:
        if not self.moments:
            raise ValueError(f"{self.violation_id}: a candidate needs at least one moment")

    @property
    def onset_ns(self) -> int:
        """Session time of the first moment."""
        return min(m.pts_ns for m in self.moments)

    @property
    def end_ns(self) -> int:
        """Session time of the last moment."""
        return max(m.pts_ns for m in self.moments)


@dataclass(frozen=True, slots=True, kw_only=True)
class Undecided:
    """A rule could not tell, and why: counted and shown, never a case."""

    violation_id: str
    track_id: int
    pts_ns: int
    reason: str


Outcome = Candidate | Undecided
