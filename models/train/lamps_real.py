"""Photographed signal lamps: the human boxes of the labelled corpus, cut out as an engineer would draw a region."""

import csv
import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from models.lamp import lamp_view
from models.train.dataset import SHIPPABLE

Pixels = NDArray[np.uint8]
Box = tuple[float, float, float, float]

LAMPS = {"signal_red": "red", "signal_yellow": "yellow", "signal_green": "green"}
PLACE_D_CLASSES = {1: "green", 3: "red", 5: "yellow"}
PLACE_D_VEHICLES = frozenset({0, 2})
VEHICLES = frozenset({"car", "bus", "truck", "motorcycle"})
RED_RIGHT = frozenset({"camA", "camE", "place_d"})
"""Places whose lying housings have red on the right, as an engineer would configure them."""
TRAINING_GROUPS = {"camA": "AE", "camE": "AE", "camF": "F", "photos": "photos"}
"""Places that must stay on one side of a split: A and E are one junction by day and by night."""
LYING, STANDING = 1.05, 0.65
"""Width by height from which a housing lies, and up to which it stands; in between it is one lamp or its digits.

The pictures of the junctions were squeezed to squares, so a lying housing of four is hardly wider than high.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lamp:
    """One human lamp box: where it is and what the lamp shows."""

    image: Path
    place: str
    source: str
    licence: str
    box: Box
    state: str

    @property
    def may_train(self) -> bool:
        """Tells whether weights that ship may learn from it; place D is for choosing."""
        return self.licence in SHIPPABLE and self.place in TRAINING_GROUPS


def corpus_lamps(shared: Path) -> Iterator[Lamp]:
    """Yields every human lamp box of the corpus and of place D."""
    corpus = shared / "corpus"
    with (corpus / "manifest.csv").open(encoding="utf-8", newline="") as file:
        images = {Path(row["image"]).stem: row for row in csv.DictReader(file)}
    with (corpus / "boxes.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if row["class"] in LAMPS and row["origin"].startswith("human"):
                image = images[row["image"]]
                yield Lamp(
                    image=corpus / image["image"],
                    place=image["camera"],
                    source=image["source"],
                    licence=image["licence"],
                    box=_box(row["cx"], row["cy"], row["w"], row["h"]),
                    state=LAMPS[row["class"]],
                )
    for labels in sorted((shared / "place_d" / "labels").glob("*.txt")):
        for line in labels.read_text(encoding="utf-8").splitlines():
            number, *values = line.split()
            if int(number) in PLACE_D_CLASSES:
                yield Lamp(
                    image=shared / "place_d" / "images" / f"{labels.stem}.jpg",
                    place="place_d",
                    source="place_d",
                    licence="measuring only",
                    box=_box(*values),
                    state=PLACE_D_CLASSES[int(number)],
                )


def _box(*values: str) -> Box:
    cx, cy, w, h = (float(v) for v in values)
    return cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2


def load(image: Path) -> Pixels:
    """Returns a picture, (H, W, 3) RGB.

    Raises:
        FileNotFoundError: it cannot be read.
    """
    bgr = cv2.imread(str(image))
    if bgr is None:
        raise FileNotFoundError(f"{image} cannot be read; check --corpus")
    return np.asarray(bgr[..., ::-1], dtype=np.uint8)


def region(rgb: Pixels, box: Box, chance: random.Random, *, most: float = 0.3) -> Pixels:
    """Returns a lamp's region as drawn by hand: up to ``most`` of a side too wide, a little too tight or shifted."""
    height, width = rgb.shape[:2]
    x1, y1, x2, y2 = box[0] * width, box[1] * height, box[2] * width, box[3] * height
    w, h = x2 - x1, y2 - y1
    left, right = x1 - chance.uniform(-0.08, most) * w, x2 + chance.uniform(-0.08, most) * w
    top, bottom = y1 - chance.uniform(-0.04, most / 2) * h, y2 + chance.uniform(-0.04, most / 2) * h
    cut = rgb[max(0, round(top)) : max(round(bottom), round(top) + 2), max(0, round(left)) : max(round(right), 2)]
    return np.ascontiguousarray(cut)


def layout_of(lamp: Lamp, rgb: Pixels) -> str:
    """Returns the layout an engineer would configure for a labelled box."""
    height, width = rgb.shape[:2]
    ratio = (lamp.box[2] - lamp.box[0]) * width / max((lamp.box[3] - lamp.box[1]) * height, 1e-9)
    if ratio > LYING:
        return "horizontal_red_right" if lamp.place in RED_RIGHT else "horizontal"
    return "vertical" if ratio < STANDING else "single"


def views(lamp: Lamp, rgb: Pixels, chance: random.Random, count: int) -> list[Pixels]:
    """Returns the region drawn ``count`` times, each a little differently, as the network sees it."""
    layout = layout_of(lamp, rgb)
    cuts = [region(rgb, lamp.box, chance) for _ in range(count)]
    return [lamp_view(_coarser(cut, chance), layout) for cut in cuts if cut.size]


def _coarser(cut: Pixels, chance: random.Random) -> Pixels:
    """Returns half of the regions as a camera farther away would have shown them."""
    short = min(cut.shape[:2])
    factor = chance.uniform(1.0, 3.0 if short > 20 else 1.4) if chance.random() < 0.5 else 1.0
    if factor == 1.0 or short < 6:
        return cut
    size = (max(4, round(cut.shape[1] / factor)), max(4, round(cut.shape[0] / factor)))
    return np.asarray(cv2.resize(cut, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def backgrounds(shared: Path, chance: random.Random, count: int) -> tuple[list[Pixels], list[Pixels]]:
    """Returns pieces of streets and of vehicles without a lamp, from pictures that may train, as the network sees them.

    A region filled by either is one whose lamp cannot be seen.
    """
    corpus = shared / "corpus"
    lamps = {lamp.image for lamp in corpus_lamps(shared)}
    with (corpus / "manifest.csv").open(encoding="utf-8", newline="") as file:
        images = {Path(r["image"]).stem: r for r in csv.DictReader(file) if r["licence"] in SHIPPABLE}
    with (corpus / "boxes.csv").open(encoding="utf-8", newline="") as file:
        rows = [r for r in csv.DictReader(file) if r["image"] in images and r["class"] in VEHICLES]
    chance.shuffle(rows)
    streets: list[Pixels] = []
    vehicles: list[Pixels] = []
    for row in rows[: count * 2]:
        image = corpus / images[row["image"]]["image"]
        rgb = load(image)
        piece = _piece(rgb, _box(row["cx"], row["cy"], row["w"], row["h"]), chance)
        if piece is not None and len(vehicles) < count:
            vehicles.append(lamp_view(piece, "vertical"))
        elsewhere = _piece(rgb, (0.0, 0.45, 1.0, 1.0) if image in lamps else (0.0, 0.0, 1.0, 1.0), chance)
        if elsewhere is not None and len(streets) < count:
            streets.append(lamp_view(elsewhere, "vertical"))
    return streets, vehicles


def vehicle_pieces(place_d: Path, chance: random.Random) -> dict[str, list[Pixels]]:
    """Returns pieces of vehicles and of streets of place D: what a hidden lamp's region shows."""
    found: dict[str, list[Pixels]] = {"vehicles": [], "streets": []}
    for labels in sorted((place_d / "labels").glob("*.txt")):
        rgb = load(place_d / "images" / f"{labels.stem}.jpg")
        rows = [line.split() for line in labels.read_text(encoding="utf-8").splitlines()]
        boxes = [_box(*values) for number, *values in rows if int(number) in PLACE_D_VEHICLES]
        found["vehicles"] += [p for box in boxes if (p := _piece(rgb, box, chance)) is not None]
        streets = (_piece(rgb, (0.0, 0.4, 1.0, 1.0), chance) for _ in range(3))
        found["streets"] += [p for p in streets if p is not None]
    return found


def _piece(rgb: Pixels, box: Box, chance: random.Random) -> Pixels | None:
    """Returns a random upright piece of a box; None when the box is too small."""
    height, width = rgb.shape[:2]
    wide, high = (box[2] - box[0]) * width, (box[3] - box[1]) * height
    size = min(wide, high / 2.5) * chance.uniform(0.15, 0.9)
    if size < 5:
        return None
    left = box[0] * width + chance.random() * max(wide - size, 0)
    top = box[1] * height + chance.random() * max(high - size * 2, 0)
    piece = rgb[max(0, int(top)) : int(top + size * 2), max(0, int(left)) : int(left + size)]
    return np.ascontiguousarray(piece) if piece.size else None
