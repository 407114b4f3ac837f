"""What another site file would have made of footage already seen: kept boxes and lamp readings, judged anew.

Reads journals only; no pixel, case or package is touched. Tracks are judged once, when whole.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from core.errors import ConfigError
from core.geometry import iou
from core.observations import Candidate, SignalState, TrackHistory
from core.site import Site
from core.time import NS_PER_S
from pipeline.observation import Observation
from rules import RuleBook, Scene, SiteView
from vision.signal import SignalReader
from vision.track import Tracker

SAME_TIME_NS = 5 * NS_PER_S
"""Two cases this near in time may be one: another line or threshold moves the moments, not the event."""
SAME_PLACE = 0.3
"""Least median overlap of two tracks of one actor."""
BESIDE_PX = 4
"""Boxes may reach this far over the picture's edge before the site is taken for another camera's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """One session's journal."""

    session_id: str
    observations: tuple[Observation, ...]

    @property
    def footage_s(self) -> float:
        """Seconds of footage it covers."""
        return self.observations[-1].pts_ns / NS_PER_S if self.observations else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """A case as it was filed or as it would be: what, when, and the actor's boxes (pts_ns -> xyxy)."""

    violation_id: str
    onset_ns: int
    end_ns: int
    boxes: dict[int, tuple[float, ...]]
    case_id: str | None = None
    candidate: Candidate | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """What a change would do: pairs (was, would be) that stay, cases that go, events that come."""

    stays: tuple[tuple[Event, Event], ...]
    goes: tuple[Event, ...]
    comes: tuple[Event, ...]


def read_journal(path: Path) -> Kept:
    """Returns what a journal holds, without locking or mending it.

    Raises:
        ConfigError: no such file, or not a journal.
    """
    rows: list[dict[str, Any]] = []
    try:
        with path.open("rb") as file:
            for line in file:
                if not line.endswith(b"\n"):
                    break  # cut short by a crash
                rows.append(json.loads(line))
    except OSError as error:
        raise ConfigError(f"nothing is kept at {path} ({error.strerror}); process that footage first") from error
    except ValueError as error:
        raise ConfigError(f"{path} is damaged in line {len(rows) + 1}; process that footage again") from error
    if not rows or "session_id" not in rows[0]:
        raise ConfigError(f"{path} is no journal of a session")
    seen = tuple(Observation.from_row(row) for row in rows[1:] if "t" in row)
    return Kept(session_id=str(rows[0]["session_id"]), observations=seen)


def rejudge(kept: Kept, site: Site, start_utc: datetime | None = None) -> list[Event]:
    """Returns what the rules say under a site in footage pixels, in order of time.

    Raises:
        ConfigError: the boxes do not fit the site's picture.
    """
    _check_fit(kept, site)
    histories, readers = _tracks(kept.observations, site)
    scene = Scene(
        view=SiteView.of(site),
        tracks=histories,
        signals={key: reader.timeline() for key, reader in readers.items()},
        now_ns=kept.observations[-1].pts_ns if kept.observations else 0,
        start_utc=start_utc,
    )
    by_id = {history.track_id: history for history in histories}
    outcomes = RuleBook().evaluate(histories, scene)
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


def _tracks(observations: Iterable[Observation], site: Site) -> tuple[list[TrackHistory], dict[str, SignalReader]]:
    tracker, ended = Tracker(), list[TrackHistory]()
    readers = {signal.id: SignalReader(signal.id) for signal in site.signals}
    for observation in observations:
        if observation.is_after_gap:
            ended += tracker.finish()
        for signal_id, reader in readers.items():
            if observation.is_after_gap:
                reader.cut(observation.pts_ns)
            reader.add(observation.pts_ns, observation.lamps.get(signal_id, SignalState.UNKNOWN))
        ended += tracker.update(observation.detections)
    return ended + tracker.finish(), readers


def _check_fit(kept: Kept, site: Site) -> None:
    width, height = site.camera.picture_size_px
    corners = [o.detections.xyxy[:, 2:].max(axis=0) for o in kept.observations if len(o.detections)]
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
