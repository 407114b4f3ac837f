"""Rendered crops of plates with their truth, by number: the same number is always the same crop."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from core.plate import Colour
from models.train.plates_drawing import GROUNDS, Picker, Sheet, cells, draw_drill, draw_plate, draw_sheet
from models.train.plates_glyphs import STYLES, glyph
from models.train.plates_weather import backdrop, photograph

UNWHOLE_SHARE, CLUTTER_SHARE = 0.05, 0.05
"""Plates with a character cut off or covered, and crops without a plate: both must be called unreadable."""

NOWHERE = np.zeros((0, 2))
_FOREIGN = "ABCDEFGHJKLMNPRSTUVWXYZ0123456789"


@dataclass(frozen=True, slots=True, kw_only=True)
class Render:
    """A crop and what it shows; an empty text means that nobody could read it whole.

    Shapes: ``rgb`` (h, w, 3) uint8; ``middles`` (n, 2), x and y of every character of the text as shares of the crop.
    ``colour`` is None where there is no plate.
    """

    rgb: NDArray[np.uint8]
    middles: NDArray[np.float64]
    text: str
    colour: Colour | None
    is_double: bool = False
    is_motorcycle: bool = False


def render(number: int, seed: int = 0, *, drill_share: float = 0.0) -> Render:
    """Returns the crop of this number: mostly plates, some unwhole, some clutter; and that share of drills."""
    pick = np.random.default_rng((seed, number))
    if drill_share and pick.random() < drill_share:
        return render_sheet(draw_drill(pick), pick)
    kind = pick.random()
    if kind < CLUTTER_SHARE:
        return Render(rgb=_clutter(pick), middles=NOWHERE, text="", colour=None)
    if kind < CLUTTER_SHARE + UNWHOLE_SHARE:
        return _unwhole(pick)
    return render_sheet(draw_sheet(pick), pick)


def render_sheet(sheet: Sheet, pick: Picker) -> Render:
    """Returns a crop of this plate, whole."""
    size_mm, row = cells(sheet)
    plate = draw_plate(sheet, pick)
    scale = plate.shape[1] / size_mm[0]
    marks = np.array([(c.x + c.width / 2, c.y + c.height / 2) for c in row]) * scale
    rgb, middles = photograph(plate, pick, marks)
    return Render(
        rgb=rgb,
        middles=middles,
        text=sheet.text,
        colour=sheet.colour,
        is_double=sheet.is_double,
        is_motorcycle=sheet.is_motorcycle,
    )


def _unwhole(pick: Picker) -> Render:
    """A plate with at least one character covered, or with the crop running through one."""
    sheet = draw_sheet(pick)
    plate = draw_plate(sheet, pick)
    covered = pick.random() < 0.5 or sheet.is_double
    if covered:
        size_mm, row = cells(sheet)
        scale = plate.shape[1] / size_mm[0]
        first = int(pick.integers(len(row)))
        shade = [float(v) for v in pick.uniform(0, 255, 3)]
        if pick.random() < 0.3:
            shade = [float(v) for v in GROUNDS[sheet.colour][0]]  # a character painted over
        for cell in row[first : first + int(pick.integers(1, 4))]:
            start = (round((cell.x - 5) * scale), round((cell.y - 6) * scale))
            end = (round((cell.x + cell.width + 5) * scale), round((cell.y + cell.height + 6) * scale))
            cv2.rectangle(plate, start, end, shade, -1)
    rgb = photograph(plate, pick, cut=not covered)[0]
    return Render(rgb=rgb, middles=NOWHERE, text="", colour=sheet.colour, is_double=sheet.is_double)


def _clutter(pick: Picker) -> NDArray[np.uint8]:
    """Bumpers, grilles, lettering that is no Chinese plate."""
    picture = backdrop((308, 98), pick)
    if pick.random() < 0.6:
        count = int(pick.integers(1, 13))
        width, height = 290 // max(count, 4), int(pick.integers(30, 80))
        style, shade = int(pick.integers(STYLES)), pick.uniform(0, 255, 3).astype(np.float32)
        for index in range(count):
            shape = cv2.resize(glyph(_FOREIGN[int(pick.integers(len(_FOREIGN)))], style), (width - 4, height))
            area = picture[12 : 12 + height, 6 + index * width : 2 + (index + 1) * width]
            share = shape[..., None].astype(np.float32) / 255
            area[:] = area * (1 - share) + shade * share
    return photograph(picture, pick)[0]
