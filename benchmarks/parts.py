"""Heads and plates on their actors: recall, precision and AP50 of the network that ships or of a weights file.

    python benchmarks/parts.py --renders FOLDER [--photos ../shared/data/photos] [--weights FILE] [--out metrics.json]

``--renders`` holds pictures of ``python -m sim pictures`` from seeds that were not trained on: ``.txt`` (actors),
``.parts.txt`` (0 head, 1 plate). The plates of the photos were measured by hand (``parts_photos.csv``).
Only parts of legible size count: heads from 9 px, plates from 12.4 px height (characters of 8 px) and 26 px width.
"""

import argparse
import csv
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from core.observations import FloatArray  # noqa: E402  # run as a script, the repository is not on the path yet
from models.boxes import overlap  # noqa: E402
from models.registry import Metric, load_manifest  # noqa: E402
from vision.detect_onnx import OnnxNetwork  # noqa: E402
from vision.parts import PartFinder, PartKind, load_parts  # noqa: E402

PHOTO_TRUTH = Path(__file__).with_name("parts_photos.csv")
FLOOR = 0.02
LEVELS = (0.05, 0.25, 0.5)
LEAST_PX = {PartKind.HEAD: (9.0, 9.0), PartKind.PLATE: (26.0, 12.4)}
KINDS = (PartKind.HEAD, PartKind.PLATE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A picture with its truth. Shapes: rgb (h, w, 3), actors (N, 4), parts {kind: (M, 4)}."""

    rgb: NDArray[np.uint8]
    actors: FloatArray
    parts: dict[PartKind, FloatArray]


@dataclass(slots=True)
class Score:
    """What was found of one kind: (confidence, is a hit) of each box that counts, and how many there are."""

    rows: list[tuple[float, bool]] = field(default_factory=list)
    count: int = 0

    def share(self, level: float) -> tuple[float, float]:
        """Returns recall and precision from a confidence on."""
        kept = [hit for confidence, hit in self.rows if confidence >= level]
        return sum(kept) / max(self.count, 1), sum(kept) / max(len(kept), 1)

    @property
    def ap50(self) -> float:
        """Area under the precision-recall curve."""
        hits = np.array([hit for _, hit in sorted(self.rows, reverse=True)], dtype=bool)
        precision = np.cumsum(hits) / np.arange(1, len(hits) + 1)
        envelope = np.maximum.accumulate(precision[::-1])[::-1]
        return float((envelope * hits).sum() / max(self.count, 1))


def read_rgb(path: Path) -> NDArray[np.uint8]:
    """Returns a picture file's pixels."""
    bgr = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if bgr is None:
        raise FileNotFoundError(f"{path} is missing or no picture")
    return np.ascontiguousarray(bgr[:, :, ::-1], dtype=np.uint8)


def read_yolo(path: Path, size_px: tuple[int, int]) -> tuple[FloatArray, list[int]]:
    """Returns (xyxy, class) of a YOLO text file."""
    rows = [line.split() for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    table = np.array([[float(v) for v in row[1:5]] for row in rows], dtype=np.float32).reshape(-1, 4)
    half = table[:, 2:] / 2
    xyxy = np.concatenate([table[:, :2] - half, table[:, :2] + half], axis=1)
    return xyxy * np.array(size_px * 2, dtype=np.float32), [int(row[0]) for row in rows]


def renders(folder: Path) -> Iterator[Picture]:
    """Yields rendered pictures."""
    for path in sorted(folder.glob("*.jpg")):
        rgb = read_rgb(path)
        size = (rgb.shape[1], rgb.shape[0])
        actors, _ = read_yolo(path.with_suffix(".txt"), size)
        xyxy, kind = read_yolo(path.with_suffix(".parts.txt"), size)
        parts = {name: xyxy[np.array(kind, dtype=int) == number] for number, name in enumerate(KINDS)}
        yield Picture(rgb=rgb, actors=actors, parts=parts)


def photos(folder: Path) -> Iterator[Picture]:
    """Yields photographs, with boxes measured by hand in pixels of the file."""
    table: dict[str, dict[str, list[list[float]]]] = {}
    with PHOTO_TRUTH.open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            kinds = table.setdefault(row["file"], {"actor": [], "plate": []})
            kinds[row["kind"]].append([float(row[key]) for key in ("x1", "y1", "x2", "y2")])
    for name, kinds in table.items():
        boxes = {key: np.array(value, dtype=np.float32).reshape(-1, 4) for key, value in kinds.items()}
        yield Picture(rgb=read_rgb(folder / name), actors=boxes["actor"], parts={PartKind.PLATE: boxes["plate"]})


def measure(finder: PartFinder, pictures: Iterator[Picture], iou: float) -> dict[PartKind, Score]:
    """Returns what was found, by kind; boxes on parts too small to count are neither hit nor false."""
    scores = {kind: Score() for kind in KINDS}
    for picture in pictures:
        found = finder.find(picture.rgb, picture.actors)
        for kind, true in picture.parts.items():
            least = np.array(LEAST_PX[kind], dtype=np.float32)
            counts = ((true[:, 2:] - true[:, :2]) >= least).all(axis=1)
            scores[kind].count += int(counts.sum())
            free = np.ones(len(true), dtype=bool)
            for part in sorted((p for p in found if p.kind is kind), key=lambda p: -p.confidence):
                shared = overlap(np.array([part.xyxy], dtype=np.float32), true)[0] * free
                best = int(shared.argmax()) if len(true) else 0
                is_hit = len(true) > 0 and bool(shared[best] >= iou)
                if is_hit:
                    free[best] = False
                if not is_hit or counts[best]:
                    scores[kind].rows.append((part.confidence, is_hit))
    return scores


def metrics(scores: dict[PartKind, Score], name: str, labels: str) -> Iterator[Metric]:
    """Yields a manifest's rows."""
    for kind, score in scores.items():
        for level in LEVELS if score.count else ():
            recall, precision = score.share(level)
            yield Metric(
                set=name,
                unseen=True,
                labels=labels,
                class_name=kind.value,
                n=score.count,
                conf=level,
                recall=round(recall, 3),
                precision=round(precision, 3),
                ap50=round(score.ap50, 3),
            )


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--renders", type=Path)
    parser.add_argument("--photos", type=Path, default=ROOT.parent / "shared" / "data" / "photos")
    parser.add_argument("--weights", type=Path, help="ONNX file to measure instead of the one that ships")
    parser.add_argument("--out", type=Path)
    given = parser.parse_args(arguments)
    if given.weights:
        finder = PartFinder(load_manifest("parts"), OnnxNetwork(given.weights, threads=1), confidence=FLOOR)
    else:
        finder = load_parts("onnxruntime", confidence=FLOOR)
    rows: list[Metric] = []
    if given.renders:
        rows += metrics(measure(finder, renders(given.renders), 0.5), "rendered_held_out", "exact")
    if given.photos.is_dir():
        rows += metrics(measure(finder, photos(given.photos), 0.4), "photos", "by hand, IoU 0.4")
    for row in rows:
        print(f"{row.set:18} {row.class_name:6} n {row.n:4} conf {row.conf:.2f} recall {row.recall} ", end="")
        print(f"precision {row.precision} AP50 {row.ap50}")
    if given.out:
        given.out.write_text(f"[{','.join(row.model_dump_json(by_alias=True) for row in rows)}]\n", encoding="utf-8")


if __name__ == "__main__":
    main()
