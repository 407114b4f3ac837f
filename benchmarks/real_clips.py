"""Real footage with a known answer: hits, misses and false alarms per clip.

    python benchmarks/real_clips.py [CLIP ...] [--data DIR] [--keep DIR] [--json]

The answers are in ``real_clips.yaml``, the site files in ``tests/sites``. The clips carry no licence that
allows shipping them, so they stay outside the repository (``../shared/data`` or ``--data``).
"""

import argparse
import json
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from cli.console import offset_text  # noqa: E402  # run as a script, the repository is not on the path yet
from cli.truth import Comparison, Expected, Found, Sighting, compare, found_from  # noqa: E402
from cli.workbench import open_workbench  # noqa: E402
from core import log  # noqa: E402
from core.observations import Candidate  # noqa: E402
from core.settings import Settings  # noqa: E402
from core.site import load_site  # noqa: E402
from core.time import parse_utc  # noqa: E402
from ingest.session import open_session  # noqa: E402
from pipeline.process import RunReport, process  # noqa: E402

ANSWERS = Path(__file__).with_name("real_clips.yaml")
SITES = ROOT / "tests" / "sites"
DATA = ROOT.parent / "shared" / "data"
STILL_EVERY_S = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Clip:
    """One clip and what it must give; see the head of real_clips.yaml."""

    clip_id: str
    video: str
    start: str | None
    judge_until_s: float
    events: tuple[Expected, ...]
    sets: dict[str, str]
    not_judged: tuple[dict[str, str], ...]
    demands: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What a clip gave. ``shortfalls`` says in words which demands it does not meet; empty means passed."""

    clip: Clip
    comparison: Comparison
    not_judged: tuple[Found, ...]
    undecided: dict[str, dict[str, int]]
    frames: dict[str, int]
    realtime_factor: float
    shortfalls: tuple[str, ...] = field(default=())


class Silent:
    """Listens to a run and says nothing."""

    def progressed(self, footage_s: float, total_s: float | None) -> None:
        """Hears how far the run is."""

    def found(self, case_id: str, candidate: Candidate, *, is_new: bool) -> None:
        """Hears of a case."""


def load_clips(path: Path = ANSWERS) -> list[Clip]:
    """Returns every clip of the answers file."""
    data = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
    return [
        Clip(
            clip_id=row["id"],
            video=row["video"],
            start=row.get("start"),
            judge_until_s=float(row.get("judge_until_s", "inf")),
            events=tuple(_event(event) for event in row["events"]),
            sets={event["id"]: event["set"] for event in row["events"] if "set" in event},
            not_judged=tuple(row.get("not_judged", ())),
            demands=row["pass"],
        )
        for row in data["clips"]
    ]


def run_clip(clip: Clip, data: Path, home: Path) -> Result:
    """Returns what the pipeline finds in a clip, compared with its answer."""
    site = load_site(SITES / f"{clip.clip_id}.site.yaml")
    start_utc = None if clip.start is None else parse_utc(clip.start)
    session = open_session([data / clip.video], camera_id=site.camera.camera_id, start_utc=start_utc)
    with open_workbench(Settings(home=home)) as workbench:
        report = process(session, site, workbench=workbench, listener=Silent())
    return judge(clip, report)


def judge(clip: Clip, report: RunReport) -> Result:
    """Returns a run compared with the clip's answer."""
    found = [found_from(case_id, candidate) for case_id, candidate in report.found]
    comparison = compare(clip.events, [f for f in found if f.start_s < clip.judge_until_s])
    excused = tuple(f for f in comparison.false_alarms if _is_excused(clip, f))
    comparison = Comparison(
        hits=comparison.hits,
        extras=comparison.extras,
        misses=comparison.misses,
        false_alarms=tuple(f for f in comparison.false_alarms if f not in excused),
    )
    return Result(
        clip=clip,
        comparison=comparison,
        not_judged=excused,
        undecided=report.undecided,
        frames=report.counts,
        realtime_factor=report.realtime_factor,
        shortfalls=tuple(_shortfalls(clip, comparison, report)),
    )


def hits_by_set(clip: Clip, comparison: Comparison) -> Counter[str]:
    """Returns how many events of each set were found."""
    return Counter(clip.sets[p.expected.event_id] for p in comparison.hits if p.expected.event_id in clip.sets)


def facts(result: Result) -> dict[str, Any]:
    """Returns a result as JSON for machines."""
    comparison = result.comparison
    return {
        "clip": result.clip.clip_id,
        "hits": [{"event": p.expected.event_id, "case": p.found.case_id} for p in comparison.hits],
        "hits_by_set": dict(hits_by_set(result.clip, comparison)),
        "also_true": [{"event": p.expected.event_id, "case": p.found.case_id} for p in comparison.extras],
        "misses": [e.event_id for e in comparison.misses],
        "false_alarms": [_found_facts(f) for f in comparison.false_alarms],
        "not_judged": [_found_facts(f) for f in result.not_judged],
        "undecided": result.undecided,
        "frames": result.frames,
        "realtime_factor": round(result.realtime_factor, 2),
        "shortfalls": list(result.shortfalls),
    }


def show(result: Result) -> None:
    """Prints a result for a person."""
    comparison, clip = result.comparison, result.clip
    sizes = Counter(clip.sets.values())
    by_set = hits_by_set(clip, comparison)
    print(
        f"\n== {clip.clip_id}: {'FAILED' if result.shortfalls else 'passed'}, {result.realtime_factor:.1f}x real time"
    )
    for name, size in sizes.items():
        print(f"  {name}: {by_set[name]} of {size}")
    for label, pairs in (("hit", comparison.hits), ("also true", comparison.extras)):
        for pair in pairs:
            event, case = pair.expected, pair.found
            print(
                f"  {label:11} {event.violation_id} {event.event_id} "
                f"expected {offset_text(event.start_s)}, found {_text(case)}"
            )
    for event in comparison.misses:
        print(
            f"  {'MISS':11} {event.violation_id} {event.event_id} at {offset_text(event.start_s)} {event.note}".rstrip()
        )
    for label, cases in (("FALSE ALARM", comparison.false_alarms), ("not judged", result.not_judged)):
        for case in cases:
            print(f"  {label:11} {case.violation_id} {case.group} {_text(case)}")
    for rule, reasons in sorted(result.undecided.items()):
        print(f"  undecided   {rule} " + ", ".join(f"{reason} {count}x" for reason, count in sorted(reasons.items())))
    print("  frames      " + ", ".join(f"{name} {count}" for name, count in result.frames.items()))
    for text in result.shortfalls:
        print(f"  FAILED      {text}")


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the clips; the exit code is 1 when one does not give what it must."""
    parser = argparse.ArgumentParser(description="Runs Lukou over real clips and compares with what is known.")
    parser.add_argument("clips", nargs="*", help="clip ids; all when left out")
    parser.add_argument("--data", type=Path, default=DATA, help="folder of the clips")
    parser.add_argument("--keep", type=Path, help="keep database and evidence in this folder")
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args(arguments)
    log.configure(level="warning")
    if not options.data.is_dir():
        print(f"no footage at {options.data}; give --data", file=sys.stderr)
        return 2
    wanted = [clip for clip in load_clips() if not options.clips or clip.clip_id in options.clips]
    results = []
    for clip in wanted:
        with tempfile.TemporaryDirectory(prefix="lukou-clips-") as scratch:
            home = options.keep / clip.clip_id if options.keep else Path(scratch)
            results.append(run_clip(clip, options.data, home))
        if not options.json:
            show(results[-1])
    if options.json:
        print(json.dumps([facts(result) for result in results], ensure_ascii=False, indent=2))
    return int(any(result.shortfalls for result in results))


def _event(row: dict[str, Any]) -> Expected:
    seen = [Sighting(t_s=float(t), xyxy=(x1, y1, x2, y2)) for t, x1, y1, x2, y2 in row.get("seen", ())]
    if "still" in row:
        t, last, *box = row["still"]
        steps = int((last - t) / STILL_EVERY_S) + 1
        seen += [Sighting(t_s=t + i * STILL_EVERY_S, xyxy=(box[0], box[1], box[2], box[3])) for i in range(steps)]
    return Expected(
        event_id=row["id"],
        violation_id=row["rule"],
        start_s=float(row["at"]),
        end_s=float(row["until"]),
        group=row.get("group"),
        onset_until_s=row.get("onset_until"),
        sightings=tuple(seen),
        is_required=row.get("required", True),
        note=row.get("note", ""),
    )


def _is_excused(clip: Clip, case: Found) -> bool:
    return any(
        entry["rule"] == case.violation_id and entry.get("group", case.group) == case.group for entry in clip.not_judged
    )


def _shortfalls(clip: Clip, comparison: Comparison, report: RunReport) -> list[str]:
    demands, by_set = clip.demands, hits_by_set(clip, comparison)
    texts = [
        f"{name}: {by_set[name]} found, {wanted} demanded"
        for name, wanted in demands["hits"].items()
        if by_set[name] < wanted
    ]
    if len(comparison.false_alarms) > demands["false_alarms"]:
        texts.append(f"{len(comparison.false_alarms)} false alarms, {demands['false_alarms']} allowed")
    texts += [
        f"{rule} reported nothing undecided" for rule in demands.get("undecided", ()) if not report.undecided.get(rule)
    ]
    gone = report.counts.get("lost", 0) + report.counts.get("damaged", 0)
    if gone < demands.get("lost_frames", 0):
        texts.append(f"{gone} frames counted as lost or damaged, at least {demands['lost_frames']} are")
    return texts


def _text(case: Found) -> str:
    moments = " ".join(offset_text(s.t_s) for s in case.sightings)
    x1, y1, x2, y2 = (round(v) for v in case.sightings[len(case.sightings) // 2].xyxy)
    return f"at {moments}, box ({x1},{y1})-({x2},{y2})"


def _found_facts(case: Found) -> dict[str, Any]:
    return {
        "case": case.case_id,
        "rule": case.violation_id,
        "group": case.group,
        "moments": [{"t_s": round(s.t_s, 2), "xyxy": [round(v, 1) for v in s.xyxy]} for s in case.sightings],
    }


if __name__ == "__main__":
    sys.exit(main())
