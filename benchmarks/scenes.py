"""Rendered random junctions through the whole pipeline: hits, misses and false alarms per offence, and why.

    python benchmarks/scenes.py [--cache DIR] [--weather NAME] [--camera NAME] [--json FILE]

Scenes come from seeds (``lukou sim``). Missing clips are rendered into the cache first, which needs the extra
``sim``; the cache is $LUKOU_SCENES, by default ``lukou/scenes`` in the user's cache folder. A miss or a false
alarm is judged again without pixels, from what was seen with one part of it replaced by the truth: the part
whose replacement puts it right is the cause.
"""

import argparse
import json
import os
import platform
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from cli.known import load_answer  # noqa: E402  # run as a script, the repository is not on the path yet
from cli.truth import GROUPS, Box, Comparison, Expected, Found, compare, found_from  # noqa: E402
from cli.workbench import open_workbench  # noqa: E402
from core import log  # noqa: E402
from core.geometry import iou  # noqa: E402
from core.observations import ActorClass, Candidate, Detections, SignalState  # noqa: E402
from core.settings import Settings  # noqa: E402
from core.site import Site, load_site  # noqa: E402
from core.time import NS_PER_S  # noqa: E402
from ingest.session import open_session  # noqa: E402
from pipeline.judge import Finding, Judge  # noqa: E402
from pipeline.observation import Observation  # noqa: E402
from pipeline.process import process  # noqa: E402

Cause = Literal["detector", "tracker", "lamp", "rule", "detector and lamp"]
WEATHERS = ("day", "night", "rain", "dusk", "haze")
CAMERAS = ("pole", "gantry")
FIRST_SEED, COUNT = 101, 24
SEEN_IOU, SEEN_SHARE = 0.4, 0.75
"""A box counts as detected from this overlap on; an actor whose boxes were detected this often was not lost there."""
HIDDEN = 0.2
"""Actors less visible than this have no box in the truth a miss is judged again with."""
LONGEST_GAP_S = 0.8


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One scene of the set."""

    seed: int
    camera: str
    weather: str

    @property
    def name(self) -> str:
        """File name of its clip, without ending."""
        return f"{self.seed:04d}-{self.camera}-{self.weather}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """One miss or false alarm with its cause."""

    violation_id: str
    at_s: float
    cause: Cause
    detected: float
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What one scene gave."""

    plan: Plan
    hits: tuple[str, ...]
    misses: tuple[Judged, ...]
    false_alarms: tuple[Judged, ...]
    undecided: dict[str, dict[str, int]]
    lamps_right: float | None
    lamps_undecided: float | None
    detected: float
    realtime_factor: float


def plans() -> list[Plan]:
    """Returns the set: every weather on pole and gantry in turn."""
    return [
        Plan(seed=FIRST_SEED + i, camera=CAMERAS[i % 2], weather=WEATHERS[(i + i // 10) % len(WEATHERS)])
        for i in range(COUNT)
    ]


def cache_folder() -> Path:
    """Returns where rendered clips are kept, outside the repository."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(os.environ.get("LUKOU_SCENES") or Path(base) / "lukou" / "scenes")


def ensure(plan: Plan, folder: Path) -> Path:
    """Returns the clip of a scene, rendered now if it is not in the cache."""
    video = folder / f"{plan.name}.mp4"
    if not (folder / f"{plan.name}.truth.json").exists():
        from sim.film import render_film
        from sim.generator import draw_scene, dump_scene

        scene = draw_scene(plan.seed, camera=plan.camera, weather=plan.weather)  # type: ignore[arg-type]
        render_film(scene, folder, plan.name, lambda _done, _total: None, is_draft=True)
        (folder / f"{plan.name}.scene.yaml").write_text(dump_scene(scene), encoding="utf-8")
    return video


def run_scene(plan: Plan, folder: Path) -> Result:
    """Returns what the pipeline finds in a scene, compared with its truth."""
    video = ensure(plan, folder)
    site = load_site(folder / f"{plan.name}.site.yaml")
    answer = load_answer(folder / f"{plan.name}.truth.json", site.time_zone)
    truth = _Truth(json.loads((folder / f"{plan.name}.truth.json").read_text(encoding="utf-8")), site)
    session = open_session([video], camera_id=site.camera.camera_id, start_utc=answer.start_utc)
    with tempfile.TemporaryDirectory(prefix="lukou-scenes-") as home:
        settings = Settings(home=Path(home))
        with open_workbench(settings) as workbench:
            report = process(session, site, workbench=workbench, listener=_Silent())
        seen = _kept(settings.checkpoint_dir / f"{session.session_id}.jsonl")
    found = [found_from(case_id, candidate) for case_id, candidate in report.found]
    comparison = compare(answer.expected, found)
    again = _Again(site, seen, truth)
    right, undecided = truth.lamp_shares(seen)
    return Result(
        plan=plan,
        hits=tuple(p.expected.violation_id for p in comparison.hits),
        misses=tuple(again.miss(event, answer.expected) for event in comparison.misses),
        false_alarms=tuple(again.false_alarm(case, answer.expected) for case in comparison.false_alarms),
        undecided=report.undecided,
        lamps_right=right,
        lamps_undecided=undecided,
        detected=truth.detected_share(seen),
        realtime_factor=report.realtime_factor,
    )


class _Silent:
    """Listens to a run and says nothing."""

    def progressed(self, footage_s: float, total_s: float | None) -> None:
        """Hears how far the run is."""

    def found(self, case_id: str, candidate: Candidate, *, is_new: bool) -> None:
        """Hears of a case."""


def _kept(path: Path) -> list[Observation]:
    """Returns what a run saw, from its journal."""
    rows = (json.loads(line) for line in path.read_text(encoding="utf-8").splitlines())
    return [Observation.from_row(row) for row in rows if "d" in row]


class _Truth:
    """What each frame would have said, had everything been seen."""

    def __init__(self, data: dict[str, Any], site: Site) -> None:
        self._classes = [int(ActorClass[track["class"].upper()]) for track in data["tracks"]]
        self._ids = [track["id"] for track in data["tracks"]]
        self._rows: dict[int, list[tuple[float, tuple[float, ...]]]] = defaultdict(list)
        for t_s, rows in data["boxes"]:
            for track, *rest in rows:
                self._rows[track].append((float(t_s), tuple(rest)))
        self._signals = {s.id: data["signals"][s.id] for s in site.signals}

    def at(self, t_s: float) -> list[tuple[int, Box]]:
        """Returns (class, box) of each actor that is seen, between the measured frames on a straight line."""
        found = []
        for track, rows in self._rows.items():
            times = [t for t, _ in rows]
            after = int(np.searchsorted(times, t_s))
            first, last = rows[max(after - 1, 0)], rows[min(after, len(rows) - 1)]
            span = last[0] - first[0]
            if t_s < times[0] - 1e-6 or t_s > times[-1] + 1e-6 or span > LONGEST_GAP_S:
                continue
            share = 0.0 if span <= 0 else (t_s - first[0]) / span
            values = np.array(first[1]) * (1 - share) + np.array(last[1]) * share
            if values[4] >= HIDDEN:
                found.append((self._classes[track], tuple(float(v) for v in values[:4])))
        return found  # type: ignore[return-value]

    def lamps(self, t_s: float) -> dict[str, SignalState]:
        """Returns the true state of each lamp the site file has."""
        return {
            name: SignalState([state for since, state in states if since <= t_s + 1e-6][-1])
            for name, states in self._signals.items()
        }

    def seen_rightly(self, seen: Sequence[Observation], *, boxes: bool, lamps: bool) -> list[Observation]:
        """Returns the observations with their boxes, their lamps or both as they truly were."""
        return [self._corrected(one, boxes=boxes, lamps=lamps) for one in seen]

    def _corrected(self, one: Observation, *, boxes: bool, lamps: bool) -> Observation:
        t_s = one.pts_ns / NS_PER_S
        detections = one.detections
        if boxes:
            rows = self.at(t_s)
            detections = Detections(
                pts_ns=one.pts_ns,
                xyxy=np.array([box for _, box in rows], np.float32).reshape(-1, 4),
                confidence=np.full(len(rows), 0.9, np.float32),
                class_id=np.array([c for c, _ in rows], np.int64),
            )
        return replace(one, detections=detections, lamps=self.lamps(t_s) if lamps else one.lamps)

    def lamp_shares(self, seen: Sequence[Observation]) -> tuple[float | None, float | None]:
        """Returns the share of decided readings that are right, and the share of undecided ones."""
        decided = right = total = 0
        for one in seen:
            for name, state in self.lamps(one.pts_ns / NS_PER_S).items():
                total += 1
                read = one.lamps.get(name, SignalState.UNKNOWN)
                decided += read is not SignalState.UNKNOWN
                right += read is state
        if not total:
            return None, None
        return (round(right / decided, 4) if decided else None), round(1 - decided / total, 4)

    def detected_share(self, seen: Sequence[Observation]) -> float:
        """Returns the share of true boxes of 24 px and more that a detection of the same group covers."""
        hits = total = 0
        for one in seen:
            for class_id, box in self.at(one.pts_ns / NS_PER_S):
                if min(box[2] - box[0], box[3] - box[1]) >= 24:
                    total += 1
                    hits += _is_detected(one, class_id, box)
        return round(hits / max(total, 1), 4)


def _is_detected(one: Observation, class_id: int, box: Sequence[float]) -> bool:
    found = one.detections
    group = GROUPS[ActorClass(class_id)]
    same = np.array([GROUPS[ActorClass(int(c))] == group for c in found.class_id], dtype=bool)
    return bool(same.any() and iou(np.array([box], np.float32), found.xyxy[same]).max() >= SEEN_IOU)


class _Again:
    """Judges a scene again with parts of what was seen replaced by the truth."""

    def __init__(self, site: Site, seen: list[Observation], truth: _Truth) -> None:
        self._site, self._seen, self._truth = site, seen, truth
        self._verdicts: dict[tuple[bool, bool], list[Found]] = {}

    def miss(self, event: Expected, expected: Sequence[Expected]) -> Judged:
        """Returns a miss with its cause."""

        def is_put_right(*, boxes: bool, lamps: bool) -> bool:
            return event not in self._compared(expected, boxes=boxes, lamps=lamps).misses

        share = self._detected(event)
        cause = _cause(is_put_right, share)
        return Judged(violation_id=event.violation_id, at_s=event.start_s, cause=cause, detected=share, note=event.note)

    def false_alarm(self, case: Found, expected: Sequence[Expected]) -> Judged:
        """Returns a false alarm with its cause."""

        def is_put_right(*, boxes: bool, lamps: bool) -> bool:
            alarms = self._compared(expected, boxes=boxes, lamps=lamps).false_alarms
            return not any(a.violation_id == case.violation_id and abs(a.start_s - case.start_s) < 3 for a in alarms)

        cause = _cause(is_put_right, 1.0)
        return Judged(
            violation_id=case.violation_id, at_s=round(case.start_s, 2), cause=cause, detected=1.0, note=case.group
        )

    def _compared(self, expected: Sequence[Expected], *, boxes: bool, lamps: bool) -> Comparison:
        if (boxes, lamps) not in self._verdicts:
            judge, outcomes = Judge(self._site), []
            for one in self._truth.seen_rightly(self._seen, boxes=boxes, lamps=lamps):
                outcomes += judge.add(one)
            outcomes += judge.finish()
            cases = [o.candidate for o in outcomes if isinstance(o, Finding)]
            self._verdicts[boxes, lamps] = [found_from(str(i), c) for i, c in enumerate(_once(cases))]
        return compare(expected, self._verdicts[boxes, lamps])

    def _detected(self, event: Expected) -> float:
        """Returns the share of the event's true boxes that were detected."""
        hits = total = 0
        for sighting in event.sightings:
            near = min(self._seen, key=lambda one: abs(one.pts_ns / NS_PER_S - sighting.t_s))
            total += 1
            class_id = next(int(c) for c, group in GROUPS.items() if group == event.group)
            hits += _is_detected(near, class_id, sighting.xyxy)
        return round(hits / max(total, 1), 2)


def _once(cases: Sequence[Candidate]) -> list[Candidate]:
    """Returns one candidate per track and offence: what stands is judged more than once."""
    return list({(c.track_id, c.violation_id): c for c in cases}.values())


def _cause(is_put_right: Any, detected: float) -> Cause:
    if not is_put_right(boxes=True, lamps=True):
        return "rule"
    if is_put_right(boxes=False, lamps=True):
        return "lamp"
    if is_put_right(boxes=True, lamps=False):
        return "detector" if detected < SEEN_SHARE else "tracker"
    return "detector and lamp"


def facts(result: Result) -> dict[str, Any]:
    """Returns a result as JSON for machines."""

    def rows(items: Sequence[Judged]) -> list[dict[str, Any]]:
        return [
            {"rule": j.violation_id, "at_s": j.at_s, "cause": j.cause, "detected": j.detected, "subject": j.note}
            for j in items
        ]

    return {
        "scene": result.plan.name,
        "hits": list(result.hits),
        "misses": rows(result.misses),
        "false_alarms": rows(result.false_alarms),
        "undecided": result.undecided,
        "lamps_right": result.lamps_right,
        "lamps_undecided": result.lamps_undecided,
        "boxes_detected": result.detected,
    }


def show(result: Result) -> None:
    """Prints one scene for a person."""
    lamps = "no lamps" if result.lamps_right is None else f"lamps {result.lamps_right:.1%} right"
    print(
        f"{result.plan.name:22} hits {' '.join(sorted(result.hits)) or '-':24} boxes {result.detected:.0%}, {lamps}, "
        f"{result.lamps_undecided or 0:.1%} undecided, {result.realtime_factor:.1f}x"
    )
    for label, items in (("MISS", result.misses), ("FALSE ALARM", result.false_alarms)):
        for j in items:
            print(
                f"  {label:11} {j.violation_id} {j.note} at {j.at_s:.1f} s: {j.cause} ({j.detected:.0%} of boxes seen)"
            )


def totals(results: Sequence[Result]) -> list[dict[str, Any]]:
    """Returns one row per offence: hits, misses by cause, false alarms by cause."""
    rules = sorted(
        {r for one in results for r in (*one.hits, *(j.violation_id for j in (*one.misses, *one.false_alarms)))}
    )
    return [
        {
            "rule": rule,
            "hits": sum(one.hits.count(rule) for one in results),
            "misses": dict(Counter(j.cause for one in results for j in one.misses if j.violation_id == rule)),
            "false_alarms": dict(
                Counter(j.cause for one in results for j in one.false_alarms if j.violation_id == rule)
            ),
        }
        for rule in rules
    ]


def show_totals(results: Sequence[Result]) -> None:
    """Prints the table per offence and per weather."""
    print(f"\n{'':6}{'hits':>6}{'missed':>8}{'false':>7}   causes of misses; of false alarms")
    for row in totals(results):
        missed, wrong = sum(row["misses"].values()), sum(row["false_alarms"].values())
        print(
            f"{row['rule']:6}{row['hits']:6}{missed:8}{wrong:7}   "
            f"{_words(row['misses'])}; {_words(row['false_alarms'])}"
        )
    for weather in WEATHERS:
        own = [one for one in results if one.plan.weather == weather]
        if own:
            hits, missed = sum(len(one.hits) for one in own), sum(len(one.misses) for one in own)
            wrong = sum(len(one.false_alarms) for one in own)
            print(f"{weather:6}{hits:6}{missed:8}{wrong:7}   {len(own)} scenes")


def write(results: Sequence[Result], path: Path) -> None:
    """Writes results as JSON, the machine they come from first."""
    path.parent.mkdir(parents=True, exist_ok=True)
    document = {
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}",
        "scenes": len(results),
        "per_offence": totals(results),
        "results": [facts(one) for one in results],
    }
    path.write_text(json.dumps(document, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def _words(counts: dict[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(counts.items())) or "-"


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the scenes and prints what was found."""
    parser = argparse.ArgumentParser(description="Runs Lukou over rendered scenes and compares with their truth.")
    parser.add_argument("--cache", type=Path, default=cache_folder(), help="folder of the rendered clips")
    parser.add_argument("--weather", choices=WEATHERS)
    parser.add_argument("--camera", choices=CAMERAS)
    parser.add_argument("--only-cached", action="store_true", help="leave out what is not rendered yet")
    parser.add_argument("--json", type=Path, help="write the results there")
    options = parser.parse_args(arguments)
    log.configure(level="warning")
    wanted = [
        plan
        for plan in plans()
        if options.weather in (None, plan.weather)
        and options.camera in (None, plan.camera)
        and (not options.only_cached or (options.cache / f"{plan.name}.truth.json").exists())
    ]
    results = []
    for plan in wanted:
        results.append(run_scene(plan, options.cache))
        show(results[-1])
    show_totals(results)
    if options.json:
        write(results, options.json)
    return 0


if __name__ == "__main__":
    sys.exit(main())
