"""Trackers compared on scenes whose identities are known: HOTA, IDF1 and MOTA by ``trackers.eval``.

    python benchmarks/track.py [--seeds A-B] [--fps LIST] [--family NAME] [--ours] [--clips MP4 ...] [--save FILE]

Needs the ``trackers`` library of Roboflow beside what Lukou needs; ``ultralytics`` joins in where it is installed.
Simulated detections (``track_scenes.py`` says how they err) of a junction, of 30 motorbikes at a red lamp with buses
passing before them and of a drone in gusts; or, with ``--clips``, clips of ``scenes.py`` through the pole network.
"""

import argparse
import json
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from trackers import eval as measure  # noqa: E402  # run as a script, the repository is not on the path yet

from benchmarks.track_scenes import FAMILIES, SEEN_LEAST, Look, looks  # noqa: E402
from core.observations import Detections  # noqa: E402
from core.time import NS_PER_S  # noqa: E402
from ingest.session import open_session  # noqa: E402
from vision.track import Tracker  # noqa: E402

Rows = list[tuple[NDArray[np.float64], NDArray[np.int64]]]
"""A frame each: boxes (N, 4) and track numbers (N,)."""
Way = Callable[[list[Look], float], Rows]
LOST_S = 1.6
"""What the library's trackers wait for in the settings 'as ours', as long as we do for what moves."""
CONFIDENT = 0.35


def ours(shown: list[Look], fps: float) -> Rows:
    """Runs the tracker that ships."""
    del fps
    tracker = Tracker()
    ended = [h for look in shown for h in tracker.update(look.found)] + tracker.finish()
    rows = {look.found.pts_ns: ([], []) for look in shown}
    for history in ended:
        for pts_ns, box in zip(history.pts_ns.tolist(), history.xyxy.tolist(), strict=True):
            rows[pts_ns][0].append(box)
            rows[pts_ns][1].append(history.track_id)
    return [(np.array(b, float).reshape(-1, 4), np.array(i, np.int64)) for b, i in rows.values()]


def steadied(shown: list[Look], fps: float) -> Rows:
    """Runs ours on boxes put where the first frame's camera would see them, and puts its tracks back."""
    onto, matrices, still = np.eye(3), [], []
    for look in shown:
        onto = onto @ np.linalg.inv(np.vstack([look.moved if look.moved is not None else np.eye(3)[:2], (0, 0, 1)]))
        matrices.append(onto)
        still.append(replace(look, found=replace(look.found, xyxy=_mapped(look.found.xyxy, onto).astype(np.float32))))
    rows = ours(still, fps)
    return [(_mapped(b, np.linalg.inv(m)), ids) for (b, ids), m in zip(rows, matrices, strict=True)]


def _mapped(boxes: NDArray[Any], matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    corners = np.asarray(boxes, float).reshape(-1, 2) @ matrix[:2, :2].T + matrix[:2, 2]
    return corners.reshape(-1, 4)


def library(name: str, **settings: Any) -> Way:
    """Returns a tracker of ``trackers``; it is told the frame rate."""

    def run(shown: list[Look], fps: float) -> Rows:
        import supervision
        import trackers

        tracker = getattr(trackers, name)(frame_rate=fps, **settings)
        rows = []
        for look in shown:
            found = supervision.Detections(
                xyxy=look.found.xyxy, confidence=look.found.confidence, class_id=look.found.class_id
            )
            seen = tracker.update(found)
            is_known = seen.tracker_id >= 0
            rows.append((np.asarray(seen.xyxy[is_known], float), np.asarray(seen.tracker_id[is_known], np.int64)))
        return rows

    return run


def ultralytics_way(name: str, *, is_patient: bool = False, **settings: Any) -> Way:
    """Returns a tracker of Ultralytics with its own settings (patience in frames) or ours; it gets no pictures."""

    def run(shown: list[Look], fps: float) -> Rows:
        import ultralytics.trackers as found_trackers
        from ultralytics.utils import ROOT as FOLDER
        from ultralytics.utils import YAML

        given = YAML.load(FOLDER / "cfg" / "trackers" / f"{name.lower().removesuffix('er')}.yaml")
        given |= {"gmc_method": "none", "with_reid": False, **settings}
        if is_patient:
            given["track_buffer"] = round(LOST_S * fps)
        tracker = getattr(found_trackers, name)(SimpleNamespace(**given))
        return [_ultralytics_rows(tracker, look.found) for look in shown]

    return run


class _Results:
    """What Ultralytics' trackers read of a frame's boxes."""

    def __init__(self, xyxy: Any, conf: Any, cls: Any) -> None:
        self.xyxy, self.conf, self.cls = xyxy, conf, cls
        self.xywh = np.c_[(xyxy[:, :2] + xyxy[:, 2:]) / 2, xyxy[:, 2:] - xyxy[:, :2]]

    def __len__(self) -> int:
        return len(self.conf)

    def __getitem__(self, picked: Any) -> "_Results":
        return _Results(self.xyxy[picked], self.conf[picked], self.cls[picked])


def _ultralytics_rows(tracker: Any, found: Detections) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    rows = np.asarray(tracker.update(_Results(found.xyxy, found.confidence, found.class_id)), float).reshape(-1, 8)
    return rows[:, :4], rows[:, 4].astype(np.int64)


def ways() -> Iterator[tuple[str, Way]]:
    """Yields every tracker by name; 'as ours' is with our confidence and our patience, else as it comes."""
    yield "lukou", ours
    yield "lukou, camera's motion taken out", steadied
    patient = {"lost_track_buffer": round(30 * LOST_S)}
    weak = {"high_conf_det_threshold": CONFIDENT}
    begin = {"track_activation_threshold": CONFIDENT}
    yield "trackers SORT", library("SORTTracker")
    yield "trackers ByteTrack", library("ByteTrackTracker")
    yield "trackers OC-SORT", library("OCSORTTracker")
    yield "trackers BoT-SORT", library("BoTSORTTracker", enable_cmc=False)
    yield "trackers ByteTrack as ours", library("ByteTrackTracker", **patient, **begin, **weak)
    yield "trackers BoT-SORT as ours", library("BoTSORTTracker", enable_cmc=False, **patient, **begin, **weak)
    if find_spec("ultralytics") is None:
        print("not run: ultralytics (needs the extra train)", file=sys.stderr)
        return
    from models.train.recipe import load_libraries

    load_libraries()
    as_ours: dict[str, Any] = {"track_high_thresh": CONFIDENT, "new_track_thresh": CONFIDENT, "is_patient": True}
    yield "ultralytics ByteTrack", ultralytics_way("BYTETracker")
    yield "ultralytics BoT-SORT", ultralytics_way("BOTSORT")
    yield "ultralytics BoT-SORT as ours", ultralytics_way("BOTSORT", **as_ours)


def score(shown: list[Look], rows: Rows) -> tuple[dict[str, Any], ...]:
    """Returns what the library says of one scene: HOTA, CLEAR, identities."""
    pairs = [(look, row) for look, row in zip(shown, rows, strict=True) if look.is_scored]
    similar = [measure.box_iou(look.truth, boxes, box_format="xyxy") for look, (boxes, _) in pairs]
    true = _numbered([look.ids for look, _ in pairs])
    said = _numbered([ids for _, (_, ids) in pairs])
    return (
        measure.compute_hota_metrics(true, said, similar),
        measure.compute_clear_metrics(true, said, similar),
        measure.compute_identity_metrics(true, said, similar),
    )


def summed(scores: list[tuple[dict[str, Any], ...]]) -> dict[str, float]:
    """Returns the figures of several scenes together."""
    hota, clear, identity = (list(s) for s in zip(*scores, strict=True))
    hota_all, clear_all = measure.aggregate_hota_metrics(hota), measure.aggregate_clear_metrics(clear)
    return {
        "HOTA": round(100 * hota_all["HOTA"], 1),
        "AssA": round(100 * hota_all["AssA"], 1),
        "IDF1": round(100 * measure.aggregate_identity_metrics(identity)["IDF1"], 1),
        "MOTA": round(100 * clear_all["MOTA"], 1),
        "switches": int(clear_all["IDSW"]),
        "fragments": int(clear_all["Frag"]),
    }


def _numbered(ids: list[NDArray[np.int64]]) -> list[NDArray[np.int64]]:
    """Returns numbers without holes, as the library wants them."""
    order = {number: k for k, number in enumerate(sorted({int(i) for row in ids for i in row}))}
    return [np.array([order[int(i)] for i in row], np.int64) for row in ids]


def run_all(trackers: list[tuple[str, Way]], sets: dict[str, tuple[float, Callable[[], Iterable[list[Look]]]]]) -> Any:
    """Returns a row for every set and tracker. All trackers get the same frames."""
    table = []
    for name, (fps, make) in sets.items():
        scores: dict[str, list[Any]] = {label: [] for label, _ in trackers}
        spent, frames = dict.fromkeys(scores, 0.0), 0
        for shown in make():
            frames += len(shown)
            for label, way in trackers:
                began = time.process_time()
                rows = way(shown, fps)
                spent[label] += time.process_time() - began
                scores[label].append(score(shown, rows))
        for label, found in scores.items():
            row = {"set": name, "tracker": label, **summed(found), "cpu_ms": round(1e3 * spent[label] / frames, 3)}
            table.append(row)
            print(" ".join(f"{v!s:>{30 if k in ('set', 'tracker') else 7}}" for k, v in row.items()), flush=True)
    return table


def rendered(clips: list[Path]) -> Iterator[list[Look]]:
    """Yields clips of ``scenes.py`` as the pole network sees them; scored at the times their truth lists boxes for."""
    from vision.detect import load_detector

    detector = load_detector("pole")
    for clip in clips:
        truth = json.loads(clip.with_suffix(".truth.json").read_text(encoding="utf-8"))
        session = open_session([clip], camera_id="bench")
        size = detector.picture_size(truth["width_px"], truth["height_px"])
        boxes = {round(t, 2): [b for b in rows if b[5] >= SEEN_LEAST] for t, rows in truth["boxes"]}
        shown = []
        for frame in session.frames(detect_hz=truth["fps"]):
            [found] = detector.detect([frame.picture(size)])
            rows = boxes.get(round(frame.pts_ns / NS_PER_S, 2))
            table = np.array(rows or [], float).reshape(-1, 6)
            shown.append(
                Look(found=found, truth=table[:, 1:5], ids=table[:, 0].astype(np.int64), is_scored=rows is not None)
            )
        yield shown


def main() -> None:
    """Compares, prints, saves."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", default="1-12")
    parser.add_argument("--fps", default="6.25,12.5,25")
    parser.add_argument("--family", choices=FAMILIES, action="append")
    parser.add_argument("--ours", action="store_true", help="without the others")
    parser.add_argument("--clips", type=Path, nargs="*", default=[], help="rendered clips instead, 8.3 fps")
    parser.add_argument("--save", type=Path)
    given = parser.parse_args()
    first, last = (int(v) for v in given.seeds.split("-"))
    sets = {
        f"{family} {fps:g} fps": (
            fps,
            lambda family=family, fps=fps: (looks(family, s, fps) for s in range(first, last + 1)),
        )
        for family in given.family or FAMILIES
        for fps in (float(v) for v in given.fps.split(","))
    }
    if given.clips:
        sets = {"rendered 8.3 fps": (25 / 3, lambda: rendered(given.clips))}
    table = run_all(list(ways())[: 2 if given.ours else None], sets)
    if given.save:
        commit = subprocess.run(
            ["/usr/bin/env", "git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=True
        )
        machine = f"{platform.machine()}, Python {platform.python_version()}, one core"
        saved = {"machine": machine, "commit": commit.stdout.strip(), "seeds": given.seeds, "table": table}
        given.save.write_text(json.dumps(saved, indent=1) + "\n")


if __name__ == "__main__":
    main()
