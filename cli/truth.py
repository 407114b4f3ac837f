"""Expected against found: which events of a clip with a known answer were raised as cases, and what was raised wrongly.

An event and a case belong together when rule and kind of actor agree, their times meet and their
boxes meet where both are known at about the same moment. Each belongs to one partner at most, chosen
so that most pairs form and the times of the pairs lie closest. A case without a partner is a false alarm.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from core.observations import ActorClass, Candidate
from core.time import NS_PER_S

Box = tuple[float, float, float, float]
Group = Literal["vehicle", "two_wheeler", "pedestrian"]

TOLERANCE_S = 1.5
"""How far the times of a crossing may lie apart."""
BOX_GAP_S = 0.5
"""Boxes further apart in time than this are not compared: the actor has moved on."""
LASTING = frozenset({"V02", "V05", "V06", "V07", "V08", "V09", "V10", "V11"})
"""Offences that go on for a while (standing, riding the wrong way): the times meet when the spans overlap."""

GROUPS: dict[ActorClass, Group] = {
    ActorClass.PERSON: "pedestrian",
    ActorClass.BICYCLE: "two_wheeler",
    ActorClass.MOTORCYCLE: "two_wheeler",
    ActorClass.CAR: "vehicle",
    ActorClass.BUS: "vehicle",
    ActorClass.TRUCK: "vehicle",
}

_IMPOSSIBLE = 1e9


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """Where an actor is at a session time."""

    t_s: float
    xyxy: Box


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """One event of the known answer.

    ``onset_until_s``: a crossing that takes a while (front wheel to rear wheel) begins between ``start_s`` and this.
    ``is_required`` False: true as well, so neither a miss when it is not raised nor a false alarm when it is.
    """

    event_id: str
    violation_id: str
    start_s: float
    end_s: float
    group: Group | None = None
    sightings: tuple[Sighting, ...] = ()
    onset_until_s: float | None = None
    is_required: bool = True
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One case the pipeline raised."""

    case_id: str
    violation_id: str
    group: Group
    start_s: float
    end_s: float
    sightings: tuple[Sighting, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """An expected event and the case that was raised for it."""

    expected: Expected
    found: Found


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """The outcome: nothing is hidden in a rate."""

    hits: tuple[Pair, ...]
    extras: tuple[Pair, ...]
    misses: tuple[Expected, ...]
    false_alarms: tuple[Found, ...]

    @property
    def is_exact(self) -> bool:
        """Tells whether every required event was raised and nothing else."""
        return not self.misses and not self.false_alarms


def found_from(case_id: str, candidate: Candidate) -> Found:
    """Returns a candidate as the comparison sees it."""
    return Found(
        case_id=case_id,
        violation_id=candidate.violation_id,
        group=GROUPS[candidate.subject],
        start_s=candidate.onset_ns / NS_PER_S,
        end_s=candidate.end_ns / NS_PER_S,
        sightings=tuple(Sighting(t_s=m.pts_ns / NS_PER_S, xyxy=m.xyxy) for m in candidate.moments),
    )


def compare(expected: Sequence[Expected], found: Sequence[Found], *, tolerance_s: float = TOLERANCE_S) -> Comparison:
    """Returns which events and cases belong together.

    Required events are served first: an optional one never takes a case a required one could have.
    """
    pairs = _pair(expected, found, tolerance_s)
    taken_events = {e for e, _ in pairs}
    taken_cases = {f for _, f in pairs}
    made = [Pair(expected=expected[e], found=found[f]) for e, f in pairs]
    return Comparison(
        hits=tuple(p for p in made if p.expected.is_required),
        extras=tuple(p for p in made if not p.expected.is_required),
        misses=tuple(e for i, e in enumerate(expected) if i not in taken_events and e.is_required),
        false_alarms=tuple(f for i, f in enumerate(found) if i not in taken_cases),
    )


def time_apart_s(event: Expected, case: Found) -> float:
    """Returns how far event and case lie apart, s: 0 where they meet.

    A crossing is compared at its onset with the nearest of the case's moments; a lasting offence by the
    gap between the two spans.
    """
    if event.violation_id in LASTING:
        return max(0.0, case.start_s - event.end_s, event.start_s - case.end_s)
    latest_s = event.start_s if event.onset_until_s is None else event.onset_until_s
    return min(max(0.0, event.start_s - s.t_s, s.t_s - latest_s) for s in case.sightings)


def are_together(one: Sequence[Sighting], other: Sequence[Sighting]) -> bool:
    """Tells whether two are in the same place at most of the moments when both are known; True when never both known.

    >>> here, there = Sighting(t_s=1.0, xyxy=(0, 0, 10, 10)), Sighting(t_s=1.0, xyxy=(90, 0, 99, 10))
    >>> are_together([here], [here]), are_together([here], [there]), are_together([here], [])
    (True, False, True)
    """
    votes = []
    for b in other:
        a = min(one, key=lambda s: abs(s.t_s - b.t_s), default=None)
        if a is not None and abs(a.t_s - b.t_s) <= BOX_GAP_S:
            votes.append(_is_near(a, b))
    return not votes or 2 * sum(votes) > len(votes)


def _is_near(one: Sighting, other: Sighting) -> bool:
    """Tells whether two boxes lie within half a box of each other, or a whole one if their times are far apart."""
    a, b = one.xyxy, other.xyxy
    apart = math.hypot(a[0] + a[2] - b[0] - b[2], a[1] + a[3] - b[1] - b[3]) / 2
    size = max(math.hypot(box[2] - box[0], box[3] - box[1]) for box in (a, b))
    return apart <= size * (0.5 + abs(one.t_s - other.t_s) / BOX_GAP_S / 2)


def _pair(expected: Sequence[Expected], found: Sequence[Found], tolerance_s: float) -> list[tuple[int, int]]:
    if not expected or not found:
        return []
    from scipy.optimize import linear_sum_assignment  # half a second to import, not needed by other commands

    cost = np.array([[_cost(event, case, tolerance_s) for case in found] for event in expected])
    rows, columns = linear_sum_assignment(cost)
    return [(int(r), int(c)) for r, c in zip(rows, columns, strict=True) if cost[r, c] < _IMPOSSIBLE]


def _cost(event: Expected, case: Found, tolerance_s: float) -> float:
    """Returns what pairing the two costs; an optional event costs more than any sum of required ones."""
    if event.violation_id != case.violation_id or event.group not in (None, case.group):
        return _IMPOSSIBLE
    apart = time_apart_s(event, case)
    if apart > tolerance_s or not are_together(event.sightings, case.sightings):
        return _IMPOSSIBLE
    return apart + (0.0 if event.is_required else 1e4)
