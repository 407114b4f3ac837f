"""Raw detector output to boxes: the one place where thresholds, NMS and rider folding happen.

The networks are YOLO exports: per anchor a box (centre x, centre y, width, height in input pixels)
and one score a class. Reading is shared by every engine and by the training's evaluation, so a
figure in a manifest is a figure of what runs.

One actor, one box: the motor vehicle classes suppress each other (a van is not car and truck at
once), the two-wheeler classes too, and a person lying mostly inside a two-wheeler is its rider.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from core.errors import ModelError
from core.observations import ActorClass, FloatArray, IntArray
from models.registry import Manifest

MAX_BOXES = 300
"""Most boxes read from one picture."""

NEVER = 2.0
"""A confidence no box reaches."""

KINDS: dict[ActorClass, int] = {
    ActorClass.PERSON: 0,
    ActorClass.BICYCLE: 1,
    ActorClass.MOTORCYCLE: 1,
    ActorClass.CAR: 2,
    ActorClass.BUS: 2,
    ActorClass.TRUCK: 2,
}
"""Classes of one kind are alternatives for one actor."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Boxes:
    """Boxes of one picture in the pixels of the network's input, best first.

    Shapes: xyxy (N, 4), confidence (N,), class_id (N,) of ActorClass values.
    """

    xyxy: FloatArray
    confidence: FloatArray
    class_id: IntArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """How to read one network's output.

    Shapes: class_of (C,) and least (C,) by output channel.
    """

    class_of: IntArray
    least: FloatArray
    nms_iou: float
    rider_share: float | None
    """None keeps riders as persons of their own."""

    def read(self, output: FloatArray) -> Boxes:
        """Returns the boxes of one picture.

        Shapes: output (4 + C, A), A anchors.
        """
        scores = output[4:]
        channel = scores.argmax(axis=0)
        best = scores[channel, np.arange(scores.shape[1])]
        kept = np.flatnonzero(best >= self.least[channel])
        class_id = self.class_of[channel[kept]]
        xyxy = corners(output[:4, kept].T)
        chosen = suppress(xyxy, best[kept], class_id, self.nms_iou)
        boxes = Boxes(
            xyxy=xyxy[chosen].astype(np.float32),
            confidence=best[kept][chosen].astype(np.float32),
            class_id=class_id[chosen],
        )
        return boxes if self.rider_share is None else fold_riders(boxes, self.rider_share)


def build_reader(manifest: Manifest, *, confidence: float | None = None, keep_riders: bool = False) -> Reader:
    """Returns the reader a manifest describes.

    Args:
        manifest: The network's manifest; classes that are no ActorClass name in lower case are never read.
        confidence: Lowest confidence for every class instead of the manifest's.
        keep_riders: Leave a person inside a two-wheeler as a box of its own.

    Raises:
        ModelError: the network is no detector.
    """
    thresholds = manifest.thresholds
    if manifest.task != "detect" or thresholds is None:
        raise ModelError(f"model '{manifest.name}' finds no actors, its task is {manifest.task}; choose a detector")
    actors = {actor.name.lower(): actor for actor in ActorClass}
    least = [
        NEVER if name not in actors else thresholds.of(name) if confidence is None else confidence
        for name in manifest.classes
    ]
    return Reader(
        class_of=np.array([actors.get(name, 0) for name in manifest.classes], dtype=np.int64),
        least=np.array(least, dtype=np.float32),
        nms_iou=thresholds.nms_iou,
        rider_share=None if keep_riders else thresholds.rider_share,
    )


def corners(cxcywh: NDArray[np.floating]) -> FloatArray:
    """Returns boxes given by centre and size as corners.

    Shapes: (N, 4) in and out.

    >>> corners(np.array([[10.0, 20.0, 4.0, 6.0]])).tolist()
    [[8.0, 17.0, 12.0, 23.0]]
    """
    half = cxcywh[:, 2:] / 2
    return np.concatenate([cxcywh[:, :2] - half, cxcywh[:, :2] + half], axis=1).astype(np.float32)


def suppress(xyxy: FloatArray, confidence: FloatArray, class_id: IntArray, iou: float) -> IntArray:
    """Returns the indices of boxes that stand for an actor each, best first: NMS within each kind.

    Shapes: xyxy (N, 4), confidence (N,), class_id (N,); result (M,).
    """
    if len(confidence) == 0:
        return np.zeros(0, dtype=np.int64)
    kinds = np.array([KINDS[ActorClass(c)] for c in range(len(ActorClass))])[class_id]
    xywh = np.concatenate([xyxy[:, :2], xyxy[:, 2:] - xyxy[:, :2]], axis=1)
    chosen = cv2.dnn.NMSBoxesBatched(xywh.tolist(), confidence.tolist(), kinds.tolist(), 0.0, iou)
    index = np.asarray(chosen, dtype=np.int64).reshape(-1)
    order = np.lexsort((index, -confidence[index]))
    return index[order][:MAX_BOXES]


def fold_riders(boxes: Boxes, share: float) -> Boxes:
    """Returns the boxes without persons that lie mostly inside a two-wheeler: rider and machine are one actor."""
    is_person = boxes.class_id == ActorClass.PERSON
    is_ridden = (boxes.class_id == ActorClass.BICYCLE) | (boxes.class_id == ActorClass.MOTORCYCLE)
    if not is_person.any() or not is_ridden.any():
        return boxes
    inside = covered_share(boxes.xyxy[is_person], boxes.xyxy[is_ridden]).max(axis=1)
    kept = np.ones(len(boxes.class_id), dtype=bool)
    kept[np.flatnonzero(is_person)[inside >= share]] = False
    return Boxes(xyxy=boxes.xyxy[kept], confidence=boxes.confidence[kept], class_id=boxes.class_id[kept])


def covered_share(inner: FloatArray, outer: FloatArray) -> FloatArray:
    """Returns which share of each inner box's area lies in each outer box.

    Shapes: inner (N, 4), outer (M, 4); result (N, M).

    >>> covered_share(np.float32([[0, 0, 2, 2]]), np.float32([[1, 0, 5, 5], [9, 9, 10, 10]])).tolist()
    [[0.5, 0.0]]
    """
    top_left = np.maximum(inner[:, None, :2], outer[None, :, :2])
    bottom_right = np.minimum(inner[:, None, 2:], outer[None, :, 2:])
    common = np.clip(bottom_right - top_left, 0, None).prod(axis=2)
    area = np.clip(inner[:, 2:] - inner[:, :2], 1e-6, None).prod(axis=1)
    return np.asarray(common / area[:, None], dtype=np.float32)


def overlap(first: FloatArray, second: FloatArray) -> FloatArray:
    """Returns the intersection over union of every pair.

    Shapes: first (N, 4), second (M, 4); result (N, M).

    >>> overlap(np.float32([[0, 0, 2, 2]]), np.float32([[0, 0, 2, 4]])).tolist()
    [[0.5]]
    """
    top_left = np.maximum(first[:, None, :2], second[None, :, :2])
    bottom_right = np.minimum(first[:, None, 2:], second[None, :, 2:])
    common = np.clip(bottom_right - top_left, 0, None).prod(axis=2)
    area_first = (first[:, 2:] - first[:, :2]).prod(axis=1)
    area_second = (second[:, 2:] - second[:, :2]).prod(axis=1)
    union = area_first[:, None] + area_second[None] - common
    return np.asarray(common / np.clip(union, 1e-6, None), dtype=np.float32)
