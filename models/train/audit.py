"""Held-apart pictures whose two-wheelers were labelled again by eye, so that precision means something.

The human labels of junctions A+E and F leave out moving riders and often box the machine without its rider. Every
two-wheeler that three detectors (two versions of ours, the trial's) saw at 0.2 or more and the labels do not have was
looked at. ``audited.json`` holds the answers: *missing* (a two-wheeler without a label), *whole* (rider and machine,
where the label holds only a part) and *unclear* (counts neither way). What no detector saw is still missing.
"""

import json
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.observations import ActorClass
from models.boxes import covered_share, overlap
from models.train.dataset import Labelled

FILE = Path(__file__).with_name("audited.json")
TWO_WHEELERS = (int(ActorClass.BICYCLE), int(ActorClass.MOTORCYCLE))
PART = 0.6
"""A label with more than this share inside a *whole* box is the part it replaces."""
SAME = 0.6
"""Boxes overlapping more than this are one actor."""


def audited(picture: Labelled) -> tuple[Labelled, NDArray[np.bool_]]:
    """Returns the picture's two-wheelers as looked at again, and which of them count."""
    kept = np.isin(picture.class_id, TWO_WHEELERS)
    xyxy, counts = picture.xyxy[kept], np.ones(int(kept.sum()), dtype=bool)
    answers = [(np.array([box], dtype=np.float32), verdict) for *box, verdict in _answers().get(picture.name, [])]
    for box, verdict in answers:
        if verdict == "whole":
            is_other = covered_share(xyxy, box)[:, 0] <= PART
            xyxy, counts = xyxy[is_other], counts[is_other]
    for box, verdict in answers:
        if overlap(box, xyxy).max(initial=0) <= SAME:
            xyxy, counts = np.concatenate([xyxy, box]), np.append(counts, verdict != "unclear")
    class_id = np.full(len(xyxy), int(ActorClass.MOTORCYCLE), dtype=np.int64)
    return replace(picture, xyxy=xyxy, class_id=class_id), counts


@cache
def _answers() -> dict[str, list[list[Any]]]:
    """Returns x1, y1, x2, y2 in px and the answer, by picture."""
    found: dict[str, list[list[Any]]] = json.loads(FILE.read_text(encoding="utf-8"))
    return found
