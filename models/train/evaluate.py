"""Figures of a network, measured on the exported file through the same reader that runs on site.

Boxes match at IoU 0.5 within a group (a bus called truck is no miss for any rule). Where a set's
labels leave actors out, precision is a lower bound; ``Metric.labels`` says so.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnxruntime
from numpy.typing import NDArray

from core.observations import ActorClass, FloatArray
from models.boxes import Boxes, Reader, covered_share, overlap
from models.picture import fit, pad
from models.registry import Metric
from models.train.dataset import Labelled

GROUPS: dict[str, frozenset[ActorClass]] = {
    "four_wheelers": frozenset({ActorClass.CAR, ActorClass.BUS, ActorClass.TRUCK}),
    "two_wheelers": frozenset({ActorClass.BICYCLE, ActorClass.MOTORCYCLE}),
    "person": frozenset({ActorClass.PERSON}),
    **{actor.name.lower(): frozenset({actor}) for actor in ActorClass if actor != ActorClass.PERSON},
}
"""What is counted together: kinds, in which a bus called truck is right, and each class alone."""
LEVELS = (0.25, 0.35, 0.45)
STRIDE = 32
FLOOR = 0.01
"""Lowest confidence looked at, for the precision-recall curve."""

Finder = Callable[[NDArray[np.uint8]], Boxes]


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationSet:
    """Labelled pictures of one kind; ``groups`` names what is labelled in them at all.

    Each item is a picture and which of its boxes count; boxes that do not count are neither hit nor false.
    """

    name: str
    unseen: bool
    labels: str
    groups: tuple[str, ...]
    items: Iterable[tuple[Labelled, NDArray[np.bool_]]]


def build_finder(weights: Path, reader: Reader, *, long_side_px: int, threads: int = 1) -> Finder:
    """Returns a function that finds boxes in a picture of any size, in that picture's pixels."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session: Any = onnxruntime.InferenceSession(str(weights), options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    fixed = session.get_inputs()[0].shape[2:]

    def find(rgb: NDArray[np.uint8]) -> Boxes:
        size = fit(rgb.shape[1], rgb.shape[0], long_side_px, long_side_px)
        small = cv2.resize(rgb, size, interpolation=cv2.INTER_AREA if size[0] < rgb.shape[1] else cv2.INTER_LINEAR)
        padded = pad(np.asarray(small, dtype=np.uint8), fixed[0] if isinstance(fixed[0], int) else STRIDE)
        planes = np.ascontiguousarray(padded.transpose(2, 0, 1)[None], dtype=np.float32) / np.float32(255)
        boxes = reader.read(session.run(None, {name: planes})[0][0])
        scale = np.array([rgb.shape[1] / size[0], rgb.shape[0] / size[1]] * 2, dtype=np.float32)
        return replace(boxes, xyxy=boxes.xyxy * scale)

    return find


def measure(find: Finder, data: EvaluationSet, levels: Sequence[float] = LEVELS) -> list[Metric]:
    """Returns one row a group and confidence level; ``find`` must go down to ``FLOOR``."""
    scores: dict[str, list[FloatArray]] = {group: [] for group in data.groups}
    hits: dict[str, list[NDArray[np.bool_]]] = {group: [] for group in data.groups}
    counts = dict.fromkeys(data.groups, 0)
    pictures = 0
    for picture, counts_here in data.items:
        pictures += 1
        found = find(picture.rgb)
        for group in data.groups:
            is_true = np.isin(picture.class_id, [int(c) for c in GROUPS[group]])
            is_found = np.isin(found.class_id, [int(c) for c in GROUPS[group]])
            matched, ignored = match(found.xyxy[is_found], picture.xyxy[is_true], counts_here[is_true])
            counts[group] += int(counts_here[is_true].sum())
            scores[group].append(found.confidence[is_found][~ignored])
            hits[group].append(matched[~ignored])
    rows = []
    for group in data.groups:
        score = np.concatenate([np.zeros(0, dtype=np.float32), *scores[group]])
        hit = np.concatenate([np.zeros(0, dtype=bool), *hits[group]])
        ap50 = average_precision(score, hit, counts[group])
        for level in levels:
            kept = score >= level
            rows.append(
                Metric(
                    set=data.name,
                    unseen=data.unseen,
                    labels=data.labels,
                    class_name=group,
                    n=counts[group],
                    conf=level,
                    recall=_share(int(hit[kept].sum()), counts[group]),
                    precision=_share(int(hit[kept].sum()), int(kept.sum())),
                    ap50=ap50,
                    false_per_image=_share(int(kept.sum()) - int(hit[kept].sum()), pictures),
                )
            )
    return rows


def match(
    found: FloatArray, true: FloatArray, counts: NDArray[np.bool_], iou: float = 0.5
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Returns (hit, ignored) of each found box, best first: each true box is found once.

    Shapes: found (N, 4), true (M, 4), counts (M,); results (N,).
    """
    hit, ignored = np.zeros(len(found), dtype=bool), np.zeros(len(found), dtype=bool)
    if not len(found) or not len(true):
        return hit, ignored
    iou_table = overlap(found, true)
    inside = covered_share(found, true)
    free = counts.copy()
    for index in range(len(found)):
        row = np.where(free, iou_table[index], 0)
        best = int(row.argmax())
        if row[best] >= iou:
            hit[index], free[best] = True, False
        else:
            ignored[index] = bool(((iou_table[index] >= iou) | (inside[index] >= 0.7))[~counts].any())
    return hit, ignored


def average_precision(score: FloatArray, hit: NDArray[np.bool_], count: int) -> float | None:
    """Returns the area under the precision-recall curve; None without true boxes.

    >>> average_precision(np.float32([0.9, 0.8, 0.7]), np.array([True, False, True]), 2)
    0.833
    """
    if not count:
        return None
    order = np.argsort(-score, kind="stable")
    true_so_far = np.cumsum(hit[order])
    precision = true_so_far / np.arange(1, len(order) + 1)
    envelope = np.maximum.accumulate(precision[::-1])[::-1]
    return round(float((envelope * hit[order]).sum() / count), 3)


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 3) if whole else None
