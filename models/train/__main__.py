"""Makes the pole detector: ``python -m models.train --corpus ../shared/train --renders DIR --hours 1.2``.

1. data        shippable corpus rows, labels completed by a teacher; rendered clips
2. real        fine-tune from COCO weights on the real rows, a third of the time
3. scenes      go on with real rows and rendered scenes, a third
4. start       weighted mean of both stages and the COCO weights
5. closer      go on from it with labels completed by it and the teacher where they agree, and nearer views, a third
6. blend       weighted means of start, closer and the COCO weights
7. export      each to ONNX, measure, choose by place_d and the held-out scenes
8. describe    weights and manifest, ready to be copied to models/weights and models/manifests

Every step leaves its result under ``--out`` and is skipped when that exists, so the run can be interrupted.
"""

import argparse
import json
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from core import log
from core.observations import ActorClass
from models.boxes import Reader
from models.registry import Metric, Thresholds, TrainingSource
from models.train import agreement, closer, dataset, describe, evaluate, export, recipe, sets

TEACHER_CLASSES = [0, 1, 2, 3, 4, 5, 0, 0, 0, 0]
"""The teacher's ten classes: our six, then lamps and lines, which are never read."""

LONG_SIDE_PX = 960
"""Largest input: measured against 640 on held-out scenes, two-wheelers .54 -> .72, people .60 -> .73 recall."""

THRESHOLDS = Thresholds(confidence=0.25, per_class={"person": 0.2, "bicycle": 0.17, "motorcycle": 0.17}, nms_iou=0.6)
START = {"real": 0.1, "scenes": 0.8, "coco": 0.1}
"""What the last stage begins with: shares of two stages and of the COCO weights."""

BLENDS = {"blend": {"closer": 0.3, "start": 0.65, "coco": 0.05}}
"""Candidates by name: shares of the last stage, of what it began with and of the COCO weights."""

CHOOSING_SETS = ("place_d", "rendered_held_out")
TIE = 0.01
"""Scores this close are equal: the blend then wins, it stays nearer to what is known to generalise."""

logger = log.get(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to make from what. ``held_out`` are beginnings of names of rendered views kept for measuring."""

    shared: Path
    renders: Path
    held_out: tuple[str, ...]
    demo: Path
    out: Path
    hours: float
    threads: int
    seed: int
    note: str

    def training_frames(self) -> Iterator[sets.Item]:
        """Yields the rendered frames to train on."""
        return (item for item in self._frames() if not item[0].name.startswith(self.held_out))

    def measuring_frames(self) -> Iterator[sets.Item]:
        """Yields the rendered frames kept for measuring."""
        return (item for item in self._frames() if item[0].name.startswith(self.held_out))

    def _frames(self) -> Iterator[sets.Item]:
        for clip in sorted(self.renders.glob("*.mp4")):
            if clip.with_suffix(".gt.json").exists():
                yield from dataset.rendered_frames(clip)
        yield from dataset.rendered_pictures(self.renders)


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs every step that has no result yet."""
    log.configure(level="info")
    plan = _parse(arguments)
    plan.out.mkdir(parents=True, exist_ok=True)
    sources = build_data(plan)
    checkpoints = train(plan)
    chosen, metrics = choose(plan, checkpoints)
    manifest = describe.describe(
        chosen,
        name="pole",
        version=datetime.now(UTC).strftime("%Y.%m.%d"),
        thresholds=THRESHOLDS,
        sources=sources,
        metrics=metrics,
        recipe=summary(plan, chosen.stem),
        created=datetime.now(UTC).replace(microsecond=0),
        long_side_px=LONG_SIDE_PX,
    )
    (plan.out / "pole.onnx").write_bytes(chosen.read_bytes())
    describe.save(manifest, plan.out / "pole.json")
    logger.info("model_described", chosen=chosen.stem, sha256=manifest.sha256)


def _parse(arguments: Sequence[str] | None) -> Plan:
    parser = argparse.ArgumentParser(prog="python -m models.train", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--corpus", type=Path, required=True, help="folder with corpus/, place_d/ and initial weights")
    parser.add_argument("--renders", type=Path, required=True, help="folder `python -m sim pictures` filled")
    parser.add_argument(
        "--held-out", default="sim_0022_01,sim_0023_03,sim_0025_02", help="name beginnings of views kept for measuring"
    )
    parser.add_argument("--demo", type=Path, default=Path("sim/demo/junction.mp4"), help="the film that ships")
    parser.add_argument("--out", type=Path, default=Path("runs/pole"))
    parser.add_argument("--hours", type=float, default=2.1, help="training time of all stages together")
    parser.add_argument("--threads", type=int, default=1, help="1 on a shared machine")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--note", default="", help="what else the manifest should say about this run")
    given = parser.parse_args(arguments)
    return Plan(
        shared=given.corpus,
        renders=given.renders,
        held_out=tuple(given.held_out.split(",")),
        demo=given.demo,
        out=given.out,
        hours=given.hours,
        threads=given.threads,
        seed=given.seed,
        note=given.note,
    )


def build_data(plan: Plan) -> list[TrainingSource]:
    """Makes both data sets and returns what is in them."""
    done = plan.out / "sources.json"
    if not done.exists():
        teacher = evaluate.build_finder(
            plan.shared / "trial_soup_640.onnx", _reader(TEACHER_CLASSES, 0.3), long_side_px=640, threads=plan.threads
        )
        real, scenes = plan.out / "data_real", plan.out / "data_scenes"
        sources = describe.corpus_sources(dataset.write_corpus(plan.shared / "corpus", real, teacher))
        dataset.write_data_yaml(real)
        shutil.copytree(real, scenes, symlinks=True, dirs_exist_ok=True)
        count = dataset.write_renders(plan.training_frames(), scenes, seed=plan.seed)
        dataset.write_data_yaml(scenes)
        sources.append(TrainingSource(source="own renders (sim)", licence="AGPL-3.0-or-later", images=count))
        done.write_text(json.dumps([s.model_dump() for s in sources], indent=1), encoding="utf-8")
    return [TrainingSource.model_validate(s) for s in json.loads(done.read_text(encoding="utf-8"))]


def train(plan: Plan) -> dict[str, Path]:
    """Runs every stage and blends them; returns the candidates by name."""
    first, second, third = stages(plan)
    made = {"coco": first.init, "real": recipe.run(first), "scenes": recipe.run(second)}
    made["start"] = _mix(START, made, third.init)
    build_closer(plan, start=third.init, coco=first.init)
    made["closer"] = recipe.run(third)
    return {third.name: third.result} | {n: _mix(b, made, plan.out / f"{n}.pt") for n, b in BLENDS.items()}


def _mix(shares: dict[str, float], made: dict[str, Path], target: Path) -> Path:
    if not target.exists():
        recipe.blend({made[name]: share for name, share in shares.items()}, target)
    return target


def build_closer(plan: Plan, *, start: Path, coco: Path) -> None:
    """Makes the last stage's data set: labels two networks agree on, nearer views, renders."""
    folder, real = plan.out / "data_closer", plan.out / "data_real"
    if (folder / "data.yaml").exists():
        return
    first = evaluate.build_finder(
        plan.shared / "trial_soup_640.onnx", _reader(TEACHER_CLASSES, 0.2), long_side_px=640, threads=plan.threads
    )
    reader = _reader(list(range(len(ActorClass))), 0.2)
    second, walkers = (
        evaluate.build_finder(
            export.export(checkpoint, plan.out / f"{checkpoint.stem}.onnx"),
            reader,
            long_side_px=side,
            threads=plan.threads,
        )
        for checkpoint, side in ((start, LONG_SIDE_PX), (coco, 640))
    )
    closer.write_rows(
        plan.shared / "corpus",
        folder,
        lambda rgb: agreement.Opinions(first=first(rgb), second=second(rgb), walkers=walkers(rgb)),
        seed=plan.seed,
    )
    dataset.write_renders(plan.training_frames(), folder, seed=plan.seed)
    for part in ("images", "labels"):
        (folder / part / "val").symlink_to((real / part / "val").resolve())
    dataset.write_data_yaml(folder)


def stages(plan: Plan) -> tuple[recipe.Stage, recipe.Stage, recipe.Stage]:
    """Returns the three runs of the trainer."""
    common: dict[str, Any] = {"out": plan.out, "hours": plan.hours / 3, "threads": plan.threads, "seed": plan.seed}
    init = plan.shared / "yolo11n_coco_dequant_bn.pt"
    first = recipe.Stage(name="real", data=plan.out / "data_real" / "data.yaml", init=init, **common)
    second = recipe.Stage(
        name="scenes",
        data=plan.out / "data_scenes" / "data.yaml",
        init=first.result,
        learning_rate=5e-4,
        augmentation="strong",
        **common,
    )
    third = recipe.Stage(
        name="closer",
        data=plan.out / "data_closer" / "data.yaml",
        init=plan.out / "start.pt",
        size_px=640,
        batch=8,
        learning_rate=4e-4,
        augmentation="closer",
        **common,
    )
    return first, second, third


def choose(plan: Plan, checkpoints: dict[str, Path]) -> tuple[Path, list[Metric]]:
    """Exports and measures every checkpoint; returns the best one's ONNX file and figures."""
    measured = {}
    for name, checkpoint in checkpoints.items():
        target = plan.out / f"{name}.onnx"
        if not target.exists():
            export.export(checkpoint, target)
        measured[target] = figures(plan, target)
        logger.info("model_measured", name=name, score=round(score(measured[target]), 3))
    best = max(score(metrics) for metrics in measured.values())
    chosen = [path for path, metrics in measured.items() if score(metrics) >= best - TIE][-1]
    return chosen, measured[chosen]


def figures(plan: Plan, weights: Path, long_side_px: int = LONG_SIDE_PX) -> list[Metric]:
    """Returns the figures of an exported network on every set."""
    find = evaluate.build_finder(
        weights, _reader(list(range(len(ActorClass))), evaluate.FLOOR), long_side_px=long_side_px, threads=plan.threads
    )
    every = sets.evaluation_sets(plan.shared / "corpus", plan.shared / "place_d", plan.demo, plan.measuring_frames)
    return [metric for data in every for metric in evaluate.measure(find, data)]


def score(metrics: Sequence[Metric]) -> float:
    """Returns the mean AP50 over the groups of the sets that may be used for choosing."""
    values = {(m.set, m.class_name): m.ap50 for m in metrics if m.set in CHOOSING_SETS and m.ap50 is not None}
    return sum(values.values()) / max(1, len(values))


def summary(plan: Plan, chosen: str) -> dict[str, Any]:
    """Returns what the manifest says about the training run."""
    return {
        "code": "models/train",
        "places": ["A+E", "F"],
        "chosen": chosen,
        "chosen_by": f"mean AP50 on {' and '.join(CHOOSING_SETS)}; within {TIE} the blend",
        "note": plan.note,
        "stages": [
            {
                "name": s.name,
                "hours": round(s.hours, 2),
                "size_px": s.size_px,
                "batch": s.batch,
                "learning_rate": s.learning_rate,
                "augmentation": recipe.AUGMENTATIONS[s.augmentation],
                "seed": s.seed,
            }
            for s in stages(plan)
        ],
        "start": START,
        "shares": BLENDS.get(chosen, {chosen: 1.0}),
        "held_out": list(plan.held_out),
        "precision": "bf16 autocast, fp32 loss, fp16 weights in the file",
    }


def _reader(classes: list[int], least: float) -> Reader:
    """Returns a reader with one threshold that never reads channels beyond our classes."""
    levels = [least if channel < len(ActorClass) else 2.0 for channel in range(len(classes))]
    return Reader(
        class_of=np.array(classes, dtype=np.int64),
        least=np.array(levels, dtype=np.float32),
        nms_iou=THRESHOLDS.nms_iou,
        rider_share=THRESHOLDS.rider_share,
    )


if __name__ == "__main__":
    main()
