"""What judging costs: 200 road users at once, every rule on, at the pipeline's own pace.

    python benchmarks/rules.py [--tracks N] [--minutes M] [--save FILE] [--json]

A junction with everything drawn on one arm of it, in a picture that shows more: 28 m across, 40 m deep. A fifth of the
road users stand for good (parked cars and bicycles), two fifths wait half a minute to a minute somewhere and go on, two
fifths pass through; who has left is followed by another. Nobody heeds lamps or lanes: far more cases than in reality.
Frames are looked at 8 times a second; tracks are given as the tracker would hand them on, so that ``ms_per_frame`` is
the judging alone: processor time inside ``pipeline.judge`` without the tracker, over all frames looked at but those of
the first minute; ``ms_per_camera_frame`` spreads it over the 25 frames a second of the camera. It is printed for some
minutes of the session (flat in its length), then per rule (timed apart, a short stretch). ``worst_ms`` is the dearest
single frame: all tracks that are due are judged at once, every second. At last the kept tracks of a street with 20 road
users are judged anew, as ``lukou replay`` does.
"""

import argparse
import json
import os
import platform
import statistics
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import numpy as np  # noqa: E402  # run as a script, the repository is not on the path yet

import rules.engine  # noqa: E402
from core.observations import Detections, Outcome, SignalState, TrackHistory  # noqa: E402
from core.site import Site  # noqa: E402
from core.time import NS_PER_S  # noqa: E402
from pipeline.judge import Judge  # noqa: E402
from pipeline.kept import Kept  # noqa: E402
from pipeline.observation import Observation  # noqa: E402
from pipeline.replay import rejudge  # noqa: E402
from rules import Scene  # noqa: E402
from rules.interest import Rule  # noqa: E402
from rules.needs_model import REFUSED  # noqa: E402
from sim.trajectories import Film, TrajectoryScene, film  # noqa: E402
from vision.signal_sources import SignalWatch  # noqa: E402
from vision.track import THIN, Tracker  # noqa: E402

HZ, CAMERA_HZ = 8.0, 25.0
MINUTES = (1, 2, 10, 30, 60)
REPLAYED_TRACKS = 20
WAITS_S, LONGEST_S = 25.0, 100.0
"""Who is in sight longer has waited; still longer: stands for good."""
TEMPLATES = 240
"""Different passages; each is driven again and again, later, under a new track id."""
CYCLE_S = (("green", 30.0), ("yellow", 3.0), ("red", 37.0))
RULES_ON = [f"V{n:02d}" for n in range(1, 27) if f"V{n:02d}" not in REFUSED]


def lane(name: str, kind: str, start_m: tuple[float, float], end_m: tuple[float, float], **more: Any) -> dict[str, Any]:
    """Returns a straight lane between two corners, travelled from the first towards the second."""
    (x1, y1), (x2, y2) = start_m, end_m
    middle = (x1 + x2) / 2
    corners = [[x1, y1], [x2, y1], [x2, y2], [x1, y2]]
    return {"id": name, "kind": kind, "polygon_m": corners, "heading_m": [[middle, y1], [middle, y2]], **more}


SITE: dict[str, Any] = {
    "stop_lines": [
        {"id": "south", "points_m": [[-7, 0], [7, 0]], "towards_m": [0, 8], "signal": "lamp", "movements": ["S", "R"]}
    ],
    "lanes": [
        lane("left", "motor", (-3.5, -9), (0, 0), movements=["L"]),
        lane("right", "motor", (0, -9), (3.5, 0), movements=["S"]),
        lane("bikes", "nonmotor", (3.5, -9), (6, 0)),
        lane("onward", "motor", (0, 8), (3.5, 40)),
        lane("beside", "motor", (-3.5, 40), (0, 8)),
        lane("bikes-on", "nonmotor", (3.5, 8), (6, 40)),
        lane("shoulder", "emergency", (-6, 40), (-3.5, 8)),
    ],
    "exits": [
        {"id": "ahead", "movement": "S", "polygon_m": [[-4, 24], [5, 24], [5, 32], [-4, 32]]},
        {"id": "east", "movement": "R", "polygon_m": [[7.5, 4], [12, 4], [12, 16], [7.5, 16]]},
    ],
    "crosswalks": [{"id": "south", "signal": "walk", "polygon_m": [[-7, 2], [7, 2], [7, 6], [-7, 6]]}],
    "waiting_areas": [{"id": "left", "polygon_m": [[-3, 7], [0, 7], [0, 12], [-3, 12]]}],
    "no_stop_zones": [{"id": "kerb", "kind": "general", "polygon_m": [[6, 10], [8, 10], [8, 40], [6, 40]]}],
    "direction_zones": [
        {
            "id": "bikes",
            "applies_to": ["nonmotor"],
            "heading_m": [[4.7, 9], [4.7, 39]],
            "polygon_m": [[3.5, 8], [6, 8], [6, 40], [3.5, 40]],
        },
        {
            "id": "cars",
            "applies_to": ["motor"],
            "heading_m": [[1.7, 9], [1.7, 39]],
            "polygon_m": [[0, 8], [3.5, 8], [3.5, 40], [0, 40]],
        },
    ],
    "boxes": [{"id": "box", "polygon_m": [[-4, 8], [4, 8], [4, 18], [-4, 18]]}],
    "parking_bays": [{"id": "bay", "polygon_m": [[-8, 20], [-6, 20], [-6, 26], [-8, 26]]}],
    "solid_lines": [{"id": "middle", "points_m": [[0, -9], [0, 0]]}, {"id": "onward", "points_m": [[0, 8], [0, 40]]}],
    "no_u_turn_zones": [{"id": "junction", "polygon_m": [[-6, 6], [6, 6], [6, 22], [-6, 22]]}],
    "barriers": [{"id": "rail", "points_m": [[-6.3, 8], [-6.3, 40]]}],
    "nonmotor_zones": [{"id": "pavement", "polygon_m": [[8, 8], [11, 8], [11, 40], [8, 40]]}],
    "signals": [{"id": "lamp", "region_px": [10, 10, 40, 90]}, {"id": "walk", "region_px": [60, 10, 90, 90]}],
    "rules": {name: {"enabled": True} for name in RULES_ON},
}


class Traffic:
    """A tracker that needs no boxes: it knows who drives where, and hands on what a tracker would."""

    def __init__(self, count: int, shot: Film) -> None:
        spans = [track.duration_s for track in shot.tracks]
        standing = [track for track, span_s in zip(shot.tracks, spans, strict=True) if span_s > LONGEST_S]
        self._waiting = [
            track for track, span_s in zip(shot.tracks, spans, strict=True) if WAITS_S < span_s <= LONGEST_S
        ]
        self._passing = [track for track, span_s in zip(shot.tracks, spans, strict=True) if span_s <= WAITS_S]
        self._slots = [replace(standing[k % len(standing)], track_id=k) for k in range(count // 5)]
        self._parked_count, self._next_id = len(self._slots), count
        self._slots += [self._passage(slot, slot % 20) for slot in range(self._parked_count, count)]
        self._now_ns = 0

    def update(self, detections: Detections) -> list[TrackHistory]:
        """Moves on to a frame; returns whose passage ended with it."""
        self._now_ns = detections.pts_ns
        ended = []
        for slot in range(self._parked_count, len(self._slots)):
            track = self._slots[slot]
            if int(track.pts_ns[-1]) < self._now_ns - 1.6 * NS_PER_S:
                ended.append(track)
                self._slots[slot] = self._passage(self._next_id, self._now_ns / NS_PER_S)
        return ended

    def live(self) -> list[TrackHistory]:
        """Returns everybody in sight, up to now."""
        cut = [self._until_now(slot, track) for slot, track in enumerate(self._slots)]
        return [track for track in cut if len(track) > 1]

    def finish(self) -> list[TrackHistory]:
        """Returns everybody in sight, ended."""
        return [replace(track, is_finished=True) for track in self.live()]

    def _passage(self, slot: int, start_s: float) -> TrackHistory:
        templates = self._waiting if slot % 2 else self._passing
        template = templates[self._next_id // 2 % len(templates)]
        self._next_id += 1
        shift_ns = round(start_s * HZ) * round(NS_PER_S / HZ) - int(template.pts_ns[0])
        return replace(template, track_id=self._next_id, pts_ns=template.pts_ns + shift_ns)

    def _until_now(self, slot: int, track: TrackHistory) -> TrackHistory:
        if slot < self._parked_count:
            pts_ns = _parked_times(self._now_ns)
            at = np.arange(len(pts_ns)) % len(track)
            return replace(
                track, pts_ns=pts_ns, xyxy=track.xyxy[at], confidence=track.confidence[at], is_finished=False
            )
        end = int(np.searchsorted(track.pts_ns, self._now_ns, side="right"))
        return replace(
            track,
            pts_ns=track.pts_ns[:end],
            xyxy=track.xyxy[:end],
            confidence=track.confidence[:end],
            is_finished=False,
        )


def _parked_times(now_ns: int) -> np.ndarray:
    """Returns the times of a track in sight since the start, as thinned as the tracker keeps them."""
    (recent_s, _), (old_s, old_step_s) = THIN
    now_s = now_ns / NS_PER_S
    parts = [
        np.arange(0, max(now_s - old_s, 0), old_step_s),
        np.arange(max(now_s - old_s, 0), max(now_s - recent_s, 0), 1.0),
        np.arange(max(now_s - recent_s, 0), now_s + 0.5 / HZ, 1 / HZ),
    ]
    return np.unique(np.round(np.concatenate(parts) * HZ).astype(np.int64)) * round(NS_PER_S / HZ)


def traffic_scene(seed: int = 7) -> TrajectoryScene:
    """Returns passages through the junction, drawn at random, and who stands there for good."""
    dice = np.random.default_rng(seed)
    actors: list[dict[str, Any]] = []
    for _ in range(TEMPLATES):
        kind = str(dice.choice(["car", "car", "van", "bus", "truck", "bicycle", "motorcycle", "motorcycle", "person"]))
        actors.append({"kind": kind, "from_s": 0, "to_s": 95, **_passes(dice, kind)})
    for number in range(20):
        actors.append({"kind": "car", "wait": {"at_m": [7, 12 + 1.2 * number]}})
        actors.append({"kind": "bicycle", "wait": {"at_m": [9, 12 + 1.2 * number]}})
    named = [{"name": f"{number}-{actor['kind']}", **actor} for number, actor in enumerate(actors)]
    return TrajectoryScene.model_validate(
        {
            "title_en": "a full junction",
            "title_zh": "满员路口",
            "law": "none",
            "camera": "mast",
            "until_s": 140.0,
            "lamps": {"lamp": [[0, "green"]], "walk": [[0, "green"]]},
            "site": SITE,
            "actors": named,
        }
    )


def _passes(dice: np.random.Generator, kind: str) -> dict[str, Any]:
    x_m, y_m = float(dice.uniform(-14, 14)), float(dice.uniform(-4, 32))
    if kind == "person":
        side = -1 if dice.random() < 0.5 else 1
        return {"walk": {"at_m": [side * 7.0, y_m], "towards": [-side, 0], "at_s": 4, **_pause(dice)}}
    side = str(dice.choice(["S", "S", "S", "R", "L"]))
    if dice.random() < 0.5:
        go_s = 6 + float(dice.uniform(30, 60))
        return {"stop_and_go": {"at_m": [x_m, y_m], "side": side, "speed_mps": 5.0, "stop_s": 6, "go_s": go_s}}
    slowest, fastest = (2.5, 5.0) if kind in {"bicycle", "motorcycle"} else (3.0, 12.0)
    speed_mps = float(dice.uniform(slowest, fastest))
    return {"drive": {"at_m": [x_m, 0], "side": side, "speed_mps": speed_mps, "at_s": 3}}


def _pause(dice: np.random.Generator) -> dict[str, float]:
    """Returns what makes every second walker wait on the way."""
    return {"stop_after_m": 0.5, "pause_s": float(dice.uniform(20, 50))} if dice.random() < 0.5 else {}


def lamp_at(t_s: float, shift_s: float = 0.0) -> SignalState:
    """Returns the state of a lamp that goes round and round."""
    rest = (t_s + shift_s) % sum(length for _, length in CYCLE_S)
    for name, length in CYCLE_S:
        if rest < length:
            return SignalState(name)
        rest -= length
    return SignalState.RED


def frames(minutes: float) -> Iterator[Observation]:
    """Yields frames without boxes: the traffic knows where everybody is."""
    for number in range(int(minutes * 60 * HZ)):
        pts_ns = number * round(NS_PER_S / HZ)
        yield Observation(
            detections=Detections(
                pts_ns=pts_ns,
                xyxy=np.zeros((0, 4), np.float32),
                confidence=np.zeros(0, np.float32),
                class_id=np.zeros(0, np.int64),
            ),
            lamps={"lamp": lamp_at(pts_ns / NS_PER_S), "walk": lamp_at(pts_ns / NS_PER_S, 35.0)},
            is_after_gap=False,
        )


class Stopwatch(Tracker):
    """The traffic as a tracker, with the time it takes itself set apart."""

    def __init__(self, traffic: Traffic) -> None:
        super().__init__()
        self._traffic = traffic
        self.spent_s = 0.0

    def update(self, detections: Detections) -> list[TrackHistory]:
        """Moves on to a frame."""
        return self._timed(lambda: self._traffic.update(detections))

    def live(self) -> list[TrackHistory]:
        """Returns everybody in sight."""
        return self._timed(self._traffic.live)

    def finish(self) -> list[TrackHistory]:
        """Returns everybody in sight, ended."""
        return self._timed(self._traffic.finish)

    def _timed(self, ask: Any) -> list[TrackHistory]:
        began = time.process_time()
        found: list[TrackHistory] = ask()
        self.spent_s += time.process_time() - began
        return found


def judged(shot: Film, count: int, minutes: float) -> tuple[list[float], dict[str, int]]:
    """Returns the seconds each frame took to judge, and what came of it."""
    watch = Stopwatch(Traffic(count, shot))
    judge = Judge(shot.site, tracker=watch)
    spent: list[float] = []
    said: dict[str, int] = defaultdict(int)
    for observation in frames(minutes):
        before, began = watch.spent_s, time.process_time()
        outcomes = judge.add(observation)
        spent.append(time.process_time() - began - (watch.spent_s - before))
        for outcome in outcomes:
            said[type(outcome).__name__] += 1
    return spent, dict(said)


def per_rule(shot: Film, count: int, minutes: float) -> dict[str, float]:
    """Returns the milliseconds per frame of each rule, dearest first; a shared value counts where it is first asked."""
    total: dict[str, float] = defaultdict(float)

    def timed(rule: Rule) -> Rule:
        def run(history: TrackHistory, scene: Scene) -> list[Outcome]:
            began = time.process_time()
            found = rule(history, scene)
            total[getattr(rule, "__name__", "rule")] += time.process_time() - began
            return found

        return run

    plain = rules.engine.INTERESTS
    rules.engine.INTERESTS = tuple(replace(interest, rule=timed(interest.rule)) for interest in plain)
    try:
        judged(shot, count, minutes)
    finally:
        rules.engine.INTERESTS = plain
    per_frame = {name: round(1000 * s / (minutes * 60 * HZ), 3) for name, s in total.items()}
    return dict(sorted(per_frame.items(), key=lambda pair: -pair[1]))


def measured(count: int, minutes: float) -> dict[str, Any]:
    """Returns everything this benchmark tells."""
    shot = film(traffic_scene(), HZ)
    check_site(shot.site)
    spent, said = judged(shot, count, minutes)
    minute = int(60 * HZ)
    mean_ms = 1000 * statistics.fmean(spent[minute:] or spent)
    shown = [number for number in MINUTES if number <= minutes]
    return {
        "tracks": count,
        "rules": len(RULES_ON),
        "minutes": minutes,
        "ms_per_frame": round(mean_ms, 3),
        "ms_per_camera_frame": round(mean_ms * HZ / CAMERA_HZ, 3),
        "ms_in_minute": {n: round(1000 * statistics.fmean(spent[(n - 1) * minute : n * minute]), 3) for n in shown},
        "worst_ms": round(1000 * max(spent), 1),
        "said": said,
        "per_rule_ms": per_rule(shot, count, min(minutes, 2.0)),
        "replay": replayed(shot, minutes),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, one used",
        "python": platform.python_version(),
    }


def replayed(shot: Film, minutes: float) -> dict[str, float]:
    """Returns what judging the kept tracks of a street with 20 road users anew costs, every rule on."""
    traffic, seen = Traffic(REPLAYED_TRACKS, shot), list(frames(minutes))
    tracks = [track for observation in seen for track in traffic.update(observation.detections)] + traffic.finish()
    watches = {name: SignalWatch(name) for name in seen[0].lamps}
    for observation in seen:
        for name, watch in watches.items():
            watch.add(observation.pts_ns, observation.lamps[name], None)
    lamps = {name: watch.timeline() for name, watch in watches.items()}
    kept = Kept(session_id="S1", tracks=tuple(tracks), lamps=lamps, end_ns=seen[-1].pts_ns)
    began = time.process_time()
    events = rejudge(kept, shot.site)
    spent_s = time.process_time() - began
    return {
        "minutes": minutes,
        "tracks": len(tracks),
        "rows": sum(map(len, tracks)),
        "events": len(events),
        "cpu_s": round(spent_s, 2),
    }


def check_site(site: Site) -> None:
    """Stops if a rule is off: the figure would flatter."""
    off = [name for name in RULES_ON if not site.is_enabled(name)]
    if off:
        sys.exit(f"rules switched off: {', '.join(off)}")


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tracks", type=int, default=200)
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--save", type=Path)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    told = measured(options.tracks, options.minutes)
    if options.save:
        options.save.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
    if options.json:
        print(json.dumps(told))
        return
    print(f"{told['tracks']} tracks, {told['rules']} rules, {told['minutes']:g} min at {HZ:g} Hz: {told['said']}")
    for key in ("ms_per_frame", "ms_per_camera_frame", "worst_ms"):
        print(f"  {key:28} {told[key]:8.3f}")
    for number, ms in told["ms_in_minute"].items():
        print(f"  in minute {number:<18} {ms:8.3f}")
    for name, ms in told["per_rule_ms"].items():
        print(f"    {name:26} {ms:8.3f}")
    replay = told["replay"]
    print(f"  replay of {replay['minutes']:g} min: {replay['tracks']} tracks, {replay['cpu_s']} s of processor time")


if __name__ == "__main__":
    main()
