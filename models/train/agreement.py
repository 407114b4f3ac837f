"""Labels completed by detectors that agree: people leave riders out, or box a machine without its rider.

A box one teacher is sure of, or two teachers draw at the same place, is an actor the labels lack. Where it holds
exactly one label that is clearly smaller, that label was a part and becomes the whole.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from core.observations import ActorClass, FloatArray
from models.boxes import Boxes, covered_share, overlap
from models.train.dataset import Labelled

FOUR_WHEELERS = (ActorClass.CAR, ActorClass.BUS, ActorClass.TRUCK)
TWO_WHEELERS = (ActorClass.BICYCLE, ActorClass.MOTORCYCLE)
WALKERS = (ActorClass.PERSON,)

SEEN = 0.25
"""Confidence from which two teachers together are believed."""
SURE = 0.5
"""Confidence from which one teacher alone is believed."""
AGREED = 0.55
"""Overlap (IoU) at which two teachers, or a teacher and a label, mean the same actor."""
TOUCHED = 0.25
"""Overlap with a label above which a box may be the labelled actor drawn badly: neither added nor replaced."""
WITHIN = 0.85
"""Share of a label inside a box from which the label is a part of it."""
PART = 0.7
"""A label smaller than this share of the whole box is a part."""
ON_A_MACHINE = 0.5
"""Share of a person inside a two-wheeler's box from which it is the rider."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Opinions:
    """What three detectors find in one picture: two that know riders, one (COCO) that knows people."""

    first: Boxes
    second: Boxes
    walkers: Boxes


def complete(picture: Labelled, seen: Opinions) -> Labelled:
    """Returns the picture with the actors its labels leave out."""
    return _add_walkers(_add_riders(_add_vehicles(picture, seen), seen), seen)


def _add_vehicles(picture: Labelled, seen: Opinions) -> Labelled:
    for teacher in (seen.first, seen.second):
        boxes = _of(teacher, FOUR_WHEELERS, SURE)
        known = picture.xyxy[np.isin(picture.class_id, FOUR_WHEELERS)]
        is_new = overlap(boxes.xyxy, known).max(axis=1, initial=0) < TOUCHED
        is_new &= covered_share(boxes.xyxy, known).max(axis=1, initial=0) < WITHIN
        picture = _with(picture, boxes.xyxy[is_new], boxes.class_id[is_new])
    return picture


def _add_riders(picture: Labelled, seen: Opinions) -> Labelled:
    first, second = _of(seen.first, TWO_WHEELERS, SEEN), _of(seen.second, TWO_WHEELERS, SEEN)
    is_agreed = overlap(second.xyxy, first.xyxy).max(axis=1, initial=0) > AGREED
    believed = is_agreed | (second.confidence >= SURE)
    for box, both in zip(second.xyxy[believed], is_agreed[believed], strict=True):
        picture = _add_rider(picture, box[None], both=bool(both))
    for box in first.xyxy[first.confidence >= SURE]:
        picture = _add_rider(picture, box[None], both=False)
    return picture


def _add_rider(picture: Labelled, box: FloatArray, *, both: bool) -> Labelled:
    at = np.flatnonzero(np.isin(picture.class_id, TWO_WHEELERS))
    known = picture.xyxy[at]
    shared = overlap(box, known).max(initial=0)
    parts = at[covered_share(known, box)[:, 0] > WITHIN] if len(at) else at
    if shared <= TOUCHED and not len(parts):
        return _with(picture, box, np.array([ActorClass.MOTORCYCLE]))
    if both and shared <= AGREED and len(parts) == 1 and _area(picture.xyxy[parts])[0] < PART * _area(box)[0]:
        xyxy = picture.xyxy.copy()
        xyxy[parts] = box
        return replace(picture, xyxy=xyxy)
    return picture


def _add_walkers(picture: Labelled, seen: Opinions) -> Labelled:
    machines = [picture.xyxy[np.isin(picture.class_id, TWO_WHEELERS)]]
    machines += [_of(teacher, TWO_WHEELERS, 0.0).xyxy for teacher in (seen.first, seen.second)]
    boxes = _of(seen.walkers, WALKERS, SURE)
    known = picture.xyxy[np.isin(picture.class_id, WALKERS)]
    is_new = overlap(boxes.xyxy, known).max(axis=1, initial=0) < TOUCHED
    is_new &= covered_share(boxes.xyxy, np.concatenate(machines)).max(axis=1, initial=0) < ON_A_MACHINE
    return _with(picture, boxes.xyxy[is_new], boxes.class_id[is_new])


def _of(boxes: Boxes, classes: tuple[ActorClass, ...], least: float) -> Boxes:
    kept = np.isin(boxes.class_id, classes) & (boxes.confidence >= least)
    return Boxes(xyxy=boxes.xyxy[kept], confidence=boxes.confidence[kept], class_id=boxes.class_id[kept])


def _with(picture: Labelled, xyxy: FloatArray, class_id: NDArray[np.int64]) -> Labelled:
    return replace(
        picture,
        xyxy=np.concatenate([picture.xyxy, xyxy]),
        class_id=np.concatenate([picture.class_id, class_id]).astype(np.int64),
    )


def _area(xyxy: FloatArray) -> FloatArray:
    """Returns the area of each box, px squared. Shapes: (N, 4) to (N,)."""
    size: FloatArray = xyxy[:, 2:] - xyxy[:, :2]
    return size[:, 0] * size[:, 1]
