"""Scenes against their verdicts: what the rules say to each, exactly, and how that adds up per offence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cache
from importlib.resources import as_file, files
from random import Random
from typing import Any

import numpy as np

from cli.days import over_days
from core.geometry import iou
from core.observations import Candidate, Detections, Undecided
from core.time import NS_PER_S, parse_utc
from pipeline.judge import Judge
from pipeline.observation import Observation
from rules import RuleBook, Scene, SiteView
from sim.trajectories import Case, Film, film
from sim.trajectories.family import load_set
from sim.trajectories.scene import ANYONE
from vision.signal_sources import agreed

Said = tuple[str, str]
"""(rule, actor)."""
NOBODY = "nobody"
"""Who a case is about when no actor stands where it points."""
FRAME_RATES = (2.0, 6.0, 12.5, 25.0, 60.0)
SLOW_FPS = 6.0
"""Below this rate recall may fall to 0.9, false cases to none (docs/conformance.md)."""
SLOW_RECALL = 0.9
SAME_PLACE = 0.3
"""Least mean overlap of a case's moments with an actor's true boxes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What one scene gave at one frame rate."""

    case: Case
    fps: float
    hits: tuple[Said, ...]
    missed: tuple[Said, ...]
    false: tuple[Said, ...]
    unsaid: tuple[Said, ...]
    """Undecided verdicts, and cues for the reviewer, that were due and did not come."""

    @property
    def is_exact(self) -> bool:
        """Whether everything due was said and nothing else."""
        return not (self.missed or self.false or self.unsaid)


@dataclass(slots=True)
class Tally:
    """Sums over scenes."""

    scenes: int = 0
    exact: int = 0
    due: int = 0
    hits: int = 0
    missed: int = 0
    false: int = 0
    legal: int = 0

    @property
    def recall(self) -> float:
        """Share of what was due that was found; 1 where nothing was due."""
        return self.hits / self.due if self.due else 1.0

    @property
    def precision(self) -> float:
        """Share of what was found that was due; 1 where nothing was found."""
        return self.hits / (self.hits + self.false) if self.hits + self.false else 1.0

    def as_dict(self) -> dict[str, Any]:
        """Returns the sums and shares as plain data."""
        return {
            "scenes": self.scenes,
            "legal": self.legal,
            "exact": self.exact,
            "due": self.due,
            "missed": self.missed,
            "false": self.false,
            "recall": round(self.recall, 4),
            "precision": round(self.precision, 4),
        }


@dataclass(slots=True)
class Report:
    """Sums per offence and frame rate, and every scene that differed."""

    tallies: dict[tuple[str, float], Tally] = field(default_factory=dict)
    differing: list[Result] = field(default_factory=list)

    def add(self, result: Result) -> None:
        """Counts one scene."""
        tally = self.tallies.setdefault((offence_of(result.case), result.fps), Tally())
        tally.scenes += 1
        tally.legal += result.case.is_legal
        tally.exact += result.is_exact
        tally.due += len(result.hits) + len(result.missed)
        tally.hits += len(result.hits)
        tally.missed += len(result.missed)
        tally.false += len(result.false)
        if not result.is_exact:
            self.differing.append(result)

    def total(self, fps: float) -> Tally:
        """Returns the sums over all offences at one frame rate."""
        parts = [tally for (_, rate), tally in self.tallies.items() if rate == fps]
        names = ("scenes", "exact", "due", "hits", "missed", "false", "legal")
        return Tally(**{name: sum(getattr(part, name) for part in parts) for name in names})

    @property
    def is_passed(self) -> bool:
        """Exact from 6 fps on; slower, nothing false and recall at least 0.9."""
        if any(result.fps >= SLOW_FPS or result.false for result in self.differing):
            return False
        return all(self.total(fps).recall >= SLOW_RECALL for _, fps in self.tallies)


def all_cases(wanted: Iterable[str] = ()) -> list[Case]:
    """Returns the scenes that ship with this version; ``wanted`` keeps those whose id contains one of its texts."""
    keys = tuple(wanted)
    return [case for case in _shipped() if not keys or any(key in case.case_id for key in keys)]


def drawn(cases: list[Case], most: int, seed: int) -> list[Case]:
    """Returns at most so many scenes of each offence, half of them lawful, drawn by a seed."""
    groups: dict[tuple[str, bool], list[Case]] = {}
    for case in cases:
        groups.setdefault((offence_of(case), case.is_legal), []).append(case)
    dice = Random(seed)  # noqa: S311 - scenes, not secrets
    return [case for group in groups.values() for case in dice.sample(group, min(len(group), max(most // 2, 1)))]


@cache
def _shipped() -> tuple[Case, ...]:
    with as_file(files("sim") / "conformance") as folder:
        return tuple(load_set(folder))


def start_of(case: Case) -> datetime | None:
    """Returns the world time a scene begins at, if it says one."""
    return None if case.scene.start_utc is None else parse_utc(case.scene.start_utc)


def offence_of(case: Case) -> str:
    """Returns the offence a family is about, the first word of its name."""
    return case.family.split("_", 1)[0].upper()


def score(case: Case, fps: float) -> Result:
    """Returns what the rules say to a scene given perfect tracks and lamps."""
    seen = film(case.scene, fps)
    now_ns = round(case.scene.until_s * NS_PER_S)
    scene = Scene(
        view=SiteView.of(seen.site),
        tracks=seen.tracks,
        signals={**seen.signals, **{n: agreed(seen.signals[n], told)[0] for n, told in seen.feed.items()}},
        now_ns=now_ns,
        start_utc=start_of(case),
    )
    outcomes = RuleBook().evaluate(list(seen.tracks), scene) + over_days(seen, start_of(case))
    candidates = [o for o in outcomes if isinstance(o, Candidate)]
    cases = [(c.violation_id, seen.name_of(c.track_id)) for c in candidates]
    open_ = [(o.violation_id, seen.name_of(o.track_id)) for o in outcomes if isinstance(o, Undecided)]
    result = compared(case, fps, cases, open_)
    due = {(v.rule, cue) for v in case.scene.expected for cue in v.cues}
    given = {(c.violation_id, cue) for c in candidates for cue in c.cues}
    return replace(result, unsaid=(*result.unsaid, *sorted(due - given)))


def score_observations(case: Case, seen: Film, observations: Iterable[Observation], judge: Judge) -> Result:
    """Returns what tracker, lamp reader and rules together say to a scene given one detection after the other."""
    outcomes = [outcome for observation in observations for outcome in judge.add(observation)]
    outcomes += judge.finish()
    cases = [(o.candidate.violation_id, actor_at(seen, o.candidate)) for o in outcomes if not isinstance(o, Undecided)]
    due_open = [(v.rule, case.scene.who(v)) for v in case.scene.undecided]
    return compared(case, seen.fps, cases, due_open)


def observations_of(seen: Film) -> list[Observation]:
    """Returns what a perfect detector and lamp reader would say, frame by frame."""
    rows: dict[int, list[tuple[Any, ...]]] = {}
    for track in seen.tracks:
        for pts, box in zip(track.pts_ns.tolist(), track.xyxy, strict=True):
            rows.setdefault(pts, []).append((*box.tolist(), 0.9, int(track.class_id)))
    return [
        Observation(
            detections=detections(pts, rows.get(pts, [])),
            lamps={name: lamp.state_at(pts) for name, lamp in seen.signals.items()},
            is_after_gap=False,
            feed={name: told.state_at(pts) for name, told in seen.feed.items()},
        )
        for pts in seen.times_ns.tolist()
    ]


def detections(pts_ns: int, rows: list[tuple[Any, ...]]) -> Detections:
    """Returns rows of (x1, y1, x2, y2, confidence, class) as the detections of one frame."""
    table = np.asarray(rows, np.float64).reshape(-1, 6)
    return Detections(
        pts_ns=pts_ns,
        xyxy=table[:, :4].astype(np.float32),
        confidence=table[:, 4].astype(np.float32),
        class_id=table[:, 5].astype(np.int64),
    )


def actor_at(seen: Film, candidate: Candidate) -> str:
    """Returns the name of the actor whose true boxes a case's moments lie on."""
    best, name = SAME_PLACE, NOBODY
    for track in seen.tracks:
        overlaps = []
        for moment in candidate.moments:
            row = int(np.argmin(np.abs(track.pts_ns - moment.pts_ns))) if len(track) else -1
            overlaps.append(0.0 if row < 0 else float(iou(track.xyxy[row], moment.xyxy)[0, 0]))
        if float(np.mean(overlaps)) > best:
            best, name = float(np.mean(overlaps)), seen.name_of(track.track_id)
    return name


def _due(case: Case, cases: list[Said]) -> list[Said]:
    """Returns what has to be said; a verdict about anyone is due from whoever it was said of."""
    due = [(v.rule, case.scene.who(v)) for v in case.scene.expected]
    told = dict(reversed(cases))
    return [(rule, told.get(rule, who)) if who == ANYONE else (rule, who) for rule, who in due]


def compared(case: Case, fps: float, cases: list[Said], open_: list[Said] | None = None) -> Result:
    """Returns how what was said compares with what was due; without ``open_`` nothing undecided is asked for."""
    due = Counter(_due(case, cases))
    found = Counter(cases)
    due_open = {(v.rule, case.scene.who(v)) for v in case.scene.undecided}
    return Result(
        case=case,
        fps=fps,
        hits=tuple((due & found).elements()),
        missed=tuple((due - found).elements()),
        false=tuple((found - due).elements()),
        unsaid=() if open_ is None else tuple(sorted(due_open - set(open_))),
    )
