"""What another site file would have made of footage already seen: kept boxes and lamp readings, judged anew.

No pixel, case, package or journal is touched. Tracks are judged once, when whole.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np

from core.errors import ConfigError
from core.geometry import iou
from core.observations import Candidate, SignalState, SignalTimeline, TrackHistory
from core.site import Site
from core.time import NS_PER_S
from pipeline.kept import Kept
from rules import RuleBook, Scene, SiteView

SAME_TIME_NS = 5 * NS_PER_S
"""Two cases this near in time may be one: another line or threshold moves the moments, not the event."""
SAME_PLACE = 0.3
"""Least median overlap of two tracks of one actor."""
BESIDE_PX = 4
"""Boxes may reach this far over the picture's edge before the site is taken for another camera's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """A case as it was filed or as it would be: what, when, and the actor's boxes (pts_ns -> xyxy)."""

    violation_id: str
    onset_ns: int
    end_ns: int
    boxes: dict[int, tuple[float, ...]]
    case_id: str | None = None
    candidate: Candidate | None = None
    facts: dict[str, Any] | None = None
    """What was measured then, as sealed, or now, as the candidate says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """What a change would do: pairs (was, would be) that stay, cases that go, events that come."""

    stays: tuple[tuple[Event, Event], ...]
    goes: tuple[Event, ...]
    comes: tuple[Event, ...]


def rejudge(kept: Kept, site: Site, start_utc: datetime | None = None) -> list[Event]:
    """Returns what the rules say under a site in footage pixels, in order of time.

    Raises:
        ConfigError: the boxes do not fit the site's picture.
    """
    _check_fit(kept, site)
    scene = Scene(
        view=SiteView.of(site),
        tracks=kept.tracks,
        signals={signal.id: kept.lamps.get(signal.id) or _unread(signal.id, kept.end_ns) for signal in site.signals},
        now_ns=kept.end_ns,
        start_utc=start_utc,
    )
    by_id = {history.track_id: history for history in kept.tracks}
    outcomes = RuleBook().evaluate(list(kept.tracks), scene)
    events = [_event(o, by_id[o.track_id]) for o in outcomes if isinstance(o, Candidate)]
    return sorted(events, key=lambda event: event.onset_ns)


def compare(before: Sequence[Event], after: Sequence[Event]) -> Difference:
    """Returns which events stay, go and come; each is paired once, the nearest in time first."""
    near = sorted(
        (abs(old.onset_ns - new.onset_ns), i, k)
        for i, old in enumerate(before)
        for k, new in enumerate(after)
        if _is_same(old, new)
    )
    pairs: dict[int, int] = {}
    for _, i, k in near:
        if i not in pairs and k not in pairs.values():
            pairs[i] = k
    return Difference(
        stays=tuple((before[i], after[k]) for i, k in sorted(pairs.items())),
        goes=tuple(old for i, old in enumerate(before) if i not in pairs),
        comes=tuple(new for k, new in enumerate(after) if k not in pairs.values()),
    )


def _unread(signal_id: str, end_ns: int) -> SignalTimeline:
    """Returns the timeline of a lamp nobody read then."""
    return SignalTimeline(signal_id=signal_id, since_ns=(0,), states=(SignalState.UNKNOWN,), until_ns=end_ns)


def _check_fit(kept: Kept, site: Site) -> None:
    width, height = site.camera.picture_size_px
    corners = [track.xyxy[:, 2:].max(axis=0) for track in kept.tracks]
    x, y = np.max(corners, axis=0) if corners else (0.0, 0.0)
    if x > width + BESIDE_PX or y > height + BESIDE_PX:
        raise ConfigError(
            f"session {kept.session_id} has boxes up to ({x:.0f}, {y:.0f}), the site's picture is {width}x{height}: "
            "give the site of that camera, drawn at the footage's size"
        )


def _event(candidate: Candidate, history: TrackHistory) -> Event:
    boxes = {int(pts): tuple(float(v) for v in box) for pts, box in zip(history.pts_ns, history.xyxy, strict=True)}
    return Event(
        violation_id=candidate.violation_id,
        onset_ns=candidate.onset_ns,
        end_ns=candidate.end_ns,
        boxes=boxes,
        candidate=candidate,
        facts=candidate.facts,
    )


def _is_same(old: Event, new: Event) -> bool:
    if old.violation_id != new.violation_id:
        return False
    if old.onset_ns - SAME_TIME_NS > new.end_ns or new.onset_ns - SAME_TIME_NS > old.end_ns:
        return False
    shared = old.boxes.keys() & new.boxes.keys()
    if not old.boxes or not new.boxes:
        return True
    overlaps = [float(iou(old.boxes[pts], new.boxes[pts])[0, 0]) for pts in shared]
    return bool(overlaps) and float(np.median(overlaps)) >= SAME_PLACE
