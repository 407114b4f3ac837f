"""Windows of real pictures, labelled by the network itself: its answers of the last round, where they fit the actor.

    python -m models.train.parts_crops --corpus ../shared/train/corpus --weights runs/parts.onnx --out crops

Rows whose licence allows shipping are used, of the training split. A window is kept if its own actor shows what it
must: a rider or person a head, a vehicle a plate. What is seen of neighbours is kept too, at a higher confidence.
"""

import argparse
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnxruntime
from numpy.typing import NDArray

from core import log
from core.observations import ActorClass, FloatArray
from models.boxes import corners
from models.train.dataset import is_shippable, read_row, read_rows
from models.train.parts_windows import HEAD, PLATE

SIZE_PX = 256
MARGIN = 1.25
LEAST_HEIGHT_PX, LEAST_WIDTH_PX, LEAST_CAR_PX = 22, 10, 36
SQUASHED = ("camA", "camE", "camF")
"""Cameras whose pictures were stored square: stretched back to 16:9."""

RIDERS = frozenset({ActorClass.PERSON, ActorClass.BICYCLE, ActorClass.MOTORCYCLE})
FLOOR = 0.03
logger = log.get(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Crop:
    """A window around one actor. Shapes: rgb (256, 256, 3), box (4,) of the actor in it."""

    name: str
    rgb: NDArray[np.uint8]
    actor: ActorClass
    box: FloatArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One box the network gave, in the window's pixels."""

    kind: int
    confidence: float
    xyxy: tuple[float, float, float, float]


def crops(corpus: Path) -> Iterator[Crop]:
    """Yields a window for each actor of the shippable training rows that is large enough to show something."""
    for row in read_rows(corpus):
        if row.split != "train" or not is_shippable(row):
            continue
        picture = read_row(row)
        rgb, xyxy = picture.rgb, picture.xyxy
        if row.camera in SQUASHED:
            wide = round(rgb.shape[0] * 16 / 9)
            xyxy = xyxy * np.array([wide / rgb.shape[1], 1, wide / rgb.shape[1], 1], dtype=np.float32)
            rgb = np.asarray(cv2.resize(rgb, (wide, rgb.shape[0])), dtype=np.uint8)
        for number, (box, class_id) in enumerate(zip(xyxy, picture.class_id.tolist(), strict=True)):
            actor, (width, height) = ActorClass(class_id), (box[2:] - box[:2]).tolist()
            if height >= LEAST_HEIGHT_PX and width >= (LEAST_WIDTH_PX if actor in RIDERS else LEAST_CAR_PX):
                yield _crop(rgb, box, actor, f"{picture.name}_{number:02d}")


def _crop(rgb: NDArray[np.uint8], box: FloatArray, actor: ActorClass, name: str) -> Crop:
    side = MARGIN * float((box[2:] - box[:2]).max())
    corner = (box[:2] + box[2:]) / 2 - side / 2
    scale = SIZE_PX / side
    change = np.array([[scale, 0, -corner[0] * scale], [0, scale, -corner[1] * scale]])
    soft = rgb if scale > 1 else cv2.GaussianBlur(rgb, (0, 0), 0.45 / scale)
    cut = cv2.warpAffine(soft, change, (SIZE_PX, SIZE_PX), flags=cv2.INTER_LINEAR, borderValue=(114, 114, 114))
    inside = ((box - np.tile(corner, 2)) * scale).astype(np.float32)
    return Crop(name=name, rgb=np.asarray(cut, dtype=np.uint8), actor=actor, box=inside)


def build_finder(weights: Path) -> Callable[[NDArray[np.uint8]], list[Answer]]:
    """Returns a function that gives every answer of the network above a very low confidence."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session: Any = onnxruntime.InferenceSession(str(weights), options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name

    def find(rgb: NDArray[np.uint8]) -> list[Answer]:
        planes = np.ascontiguousarray(rgb.transpose(2, 0, 1)[None], dtype=np.float32) / np.float32(255)
        output = session.run(None, {name: planes})[0][0]
        return [answer for kind in (HEAD, PLATE) for answer in _answers(output, kind)]

    return find


def _answers(output: FloatArray, kind: int) -> Iterator[Answer]:
    score = output[4 + kind]
    rows = np.flatnonzero(score > FLOOR)
    if not len(rows):
        return
    xyxy = corners(output[:4, rows].T)
    xywh = np.concatenate([xyxy[:, :2], xyxy[:, 2:] - xyxy[:, :2]], axis=1)
    chosen = cv2.dnn.NMSBoxes(xywh.tolist(), score[rows].tolist(), 0.0, 0.4)
    for index in np.asarray(chosen, dtype=np.int64).reshape(-1).tolist():
        x1, y1, x2, y2 = xyxy[index].tolist()
        yield Answer(kind=kind, confidence=float(score[rows[index]]), xyxy=(x1, y1, x2, y2))


def accept(crop: Crop, answers: list[Answer], least: float) -> list[Answer] | None:
    """Returns the answers to believe; None if the crop's own actor does not show what it must."""
    own = [a for a in answers if _is_on(a, crop) and fits(a, crop)]
    heads = [a for a in own if a.kind == HEAD and a.confidence >= least]
    plates = sorted((a for a in own if a.kind == PLATE), key=lambda a: -a.confidence)[:1]
    plates = [a for a in plates if a.confidence >= least]
    if not (heads if crop.actor in RIDERS else plates):
        return None
    others = [a for a in answers if not _is_on(a, crop) and a.confidence >= (least + 0.1 if a.kind == HEAD else 0.35)]
    return [*heads, *plates, *others]


def _place(answer: Answer, crop: Crop) -> tuple[float, float, float, float]:
    """Returns centre, width and height of an answer in sides of the actor's box."""
    x1, y1, x2, y2 = crop.box.tolist()
    wide, high = x2 - x1, y2 - y1
    a, b, c, d = answer.xyxy
    return ((a + c) / 2 - x1) / wide, ((b + d) / 2 - y1) / high, (c - a) / wide, (d - b) / high


def _is_on(answer: Answer, crop: Crop) -> bool:
    x, y, _, _ = _place(answer, crop)
    return -0.08 < x < 1.08 and -0.12 < y < 1.05


def fits(answer: Answer, crop: Crop) -> bool:
    """Tells whether a head or plate on the crop's actor is where and as large as its kind wears it."""
    x, y, wide, high = _place(answer, crop)
    if answer.kind == HEAD:
        return crop.actor in RIDERS and y < 0.45 and 0.05 < high < 0.45
    if crop.actor in (ActorClass.BICYCLE, ActorClass.MOTORCYCLE):
        return 0.45 < y < 1.02 and 0.2 < x < 0.8 and 0.04 < wide < 0.6 and high < 0.25
    is_sure = answer.confidence >= 0.3
    return crop.actor not in RIDERS and is_sure and 0.5 < y < 1.02 and 0.12 < x < 0.88 and 0.06 < wide < 0.42


def write(crop: Crop, answers: list[Answer], folder: Path) -> None:
    """Saves a crop as a training row."""
    cv2.imwrite(str(folder / f"{crop.name}.jpg"), crop.rgb[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, 95])
    (folder / f"{crop.name}.txt").write_text(f"{int(crop.actor)} 0.5 0.5 0.55 0.55\n", encoding="utf-8")
    lines = []
    for answer in answers:
        x1, y1, x2, y2 = (value / SIZE_PX for value in answer.xyxy)
        lines.append(f"{answer.kind} {(x1 + x2) / 2:.5f} {(y1 + y2) / 2:.5f} {x2 - x1:.5f} {y2 - y1:.5f}\n")
    (folder / f"{crop.name}.parts.txt").write_text("".join(lines), encoding="utf-8")


def main() -> None:
    """Runs the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", type=Path, required=True)
    parser.add_argument("--weights", type=Path, required=True)
    parser.add_argument("--least", type=float, default=0.2, help="lowest confidence of an answer to believe")
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    find, seen, kept = build_finder(given.weights), 0, 0
    for crop in crops(given.corpus):
        answers = accept(crop, find(crop.rgb), given.least)
        seen += 1
        if answers is not None:
            kept += 1
            write(crop, answers, given.out)
    logger.info("crops_written", seen=seen, kept=kept)


if __name__ == "__main__":
    main()
