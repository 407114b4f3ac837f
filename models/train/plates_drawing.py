"""Clean plates, drawn to the sizes of the standard: 1 px is 2 mm.

Source: GA 36-2018: small plate 440 x 140 mm with characters of 45 x 90 mm, 12 mm apart, 34 mm after the second; large
rear plate 440 x 220 mm, upper row 80 x 60 mm, lower row 65 x 110 mm; new energy 480 x 140 mm; GA 36-2014: motorcycle
220 x 140 mm in two rows.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from core.plate import DIGITS, LETTERS, NEW_ENERGY, PROVINCES, Colour, Layout
from models.train.plates_glyphs import CHINESE_STYLES, PENS, STYLES, glyph

PX_PER_MM = 0.5
RGB = tuple[int, int, int]
Picker = np.random.Generator


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """A plate to draw: what it says and how it is laid out. ``text`` is empty where a reader must say unreadable."""

    text: str
    layout: Layout
    colour: Colour
    is_double: bool = False
    is_motorcycle: bool = False


GROUNDS: dict[Colour, tuple[RGB, RGB]] = {
    Colour.BLUE: ((12, 55, 165), (235, 238, 240)),
    Colour.YELLOW: ((240, 180, 20), (20, 20, 20)),
    Colour.GREEN: ((60, 190, 120), (15, 20, 20)),
    Colour.YELLOW_GREEN: ((70, 190, 110), (15, 20, 20)),
    Colour.WHITE: ((230, 232, 232), (20, 20, 25)),
    Colour.BLACK: ((18, 18, 22), (230, 230, 230)),
}
"""Ground and paint of each kind, sRGB."""

RED: RGB = (200, 30, 35)


def _serial(pick: Picker, length: int) -> str:
    """Returns a serial: mostly digits with up to two letters, sometimes any mixture, so that nothing is guessed."""
    letters = length if pick.random() < 0.15 else int(pick.integers(0, 3))
    places = set(pick.permutation(length)[: min(letters, length)].tolist())
    return "".join(_one(pick, LETTERS) if i in places else _one(pick, DIGITS) for i in range(length))


def _one(pick: Picker, of: str) -> str:
    return of[int(pick.integers(len(of)))]


def _digits(pick: Picker, length: int) -> str:
    return "".join(_one(pick, DIGITS) for _ in range(length))


def _head(pick: Picker) -> str:
    return _one(pick, PROVINCES) + _one(pick, LETTERS)


def _standard(colour: Colour, *, double: bool = False, motorcycle: bool = False) -> Callable[[Picker], Sheet]:
    def draw(pick: Picker) -> Sheet:
        text = _head(pick) + _serial(pick, 5)
        return Sheet(text=text, layout=Layout.STANDARD, colour=colour, is_double=double, is_motorcycle=motorcycle)

    return draw


def _suffixed(layout: Layout, colour: Colour, suffixes: str, *, double: bool = False) -> Callable[[Picker], Sheet]:
    def draw(pick: Picker) -> Sheet:
        text = _head(pick) + _serial(pick, 4) + _one(pick, suffixes)
        return Sheet(text=text, layout=layout, colour=colour, is_double=double)

    return draw


def _small_energy(pick: Picker) -> Sheet:
    third = _one(pick, "DF") if pick.random() < 0.6 else _one(pick, NEW_ENERGY)
    fourth = _one(pick, LETTERS) if pick.random() < 0.25 else _one(pick, DIGITS)
    text = _head(pick) + third + fourth + _digits(pick, 4)
    return Sheet(text=text, layout=Layout.NEW_ENERGY_SMALL, colour=Colour.GREEN)


def _large_energy(pick: Picker) -> Sheet:
    text = _head(pick) + _digits(pick, 5) + _one(pick, NEW_ENERGY)
    return Sheet(text=text, layout=Layout.NEW_ENERGY_LARGE, colour=Colour.YELLOW_GREEN)


def _embassy(pick: Picker) -> Sheet:
    number = _digits(pick, 6)
    text = f"使{number}" if pick.random() < 0.5 else f"{number}使"
    return Sheet(text=text, layout=Layout.EMBASSY, colour=Colour.BLACK)


def _army(pick: Picker) -> Sheet:
    text = _one(pick, LETTERS) + _one(pick, LETTERS) + _digits(pick, 5)
    return Sheet(text=text, layout=Layout.ARMY, colour=Colour.WHITE, is_double=pick.random() < 0.3)


def _armed_police(pick: Picker) -> Sheet:
    province = _one(pick, PROVINCES) if pick.random() < 0.7 else ""
    text = f"WJ{province}{_digits(pick, 4)}{_one(pick, DIGITS + 'TDSHBXJ')}"
    return Sheet(text=text, layout=Layout.ARMED_POLICE, colour=Colour.WHITE)


def _emergency(pick: Picker) -> Sheet:
    middle = _digits(pick, 3) if pick.random() < 0.3 else _serial(pick, 1) + _digits(pick, int(pick.integers(3, 5)))
    return Sheet(text=f"{_one(pick, PROVINCES)}X{middle}应急", layout=Layout.EMERGENCY, colour=Colour.WHITE)


KINDS: tuple[tuple[float, Callable[[Picker], Sheet]], ...] = (
    (0.36, _standard(Colour.BLUE)),
    (0.07, _standard(Colour.YELLOW)),
    (0.09, _standard(Colour.YELLOW, double=True)),
    (0.08, _standard(Colour.YELLOW, double=True, motorcycle=True)),
    (0.04, _standard(Colour.BLUE, double=True, motorcycle=True)),
    (0.12, _small_energy),
    (0.04, _large_energy),
    (0.03, _suffixed(Layout.TRAILER, Colour.YELLOW, "挂", double=True)),
    (0.03, _suffixed(Layout.SCHOOL, Colour.YELLOW, "学")),
    (0.03, _suffixed(Layout.POLICE, Colour.WHITE, "警")),
    (0.02, _suffixed(Layout.BORDER, Colour.BLACK, "港澳")),
    (0.01, _suffixed(Layout.CONSULATE, Colour.BLACK, "领")),
    (0.02, _standard(Colour.BLACK)),
    (0.01, _embassy),
    (0.02, _army),
    (0.02, _armed_police),
    (0.01, _emergency),
)
"""Shares of the kinds: common ones more often, every kind often enough to be learnt."""


def draw_sheet(pick: Picker) -> Sheet:
    """Returns a plate to draw, by the shares of ``KINDS``."""
    shares = np.array([share for share, _ in KINDS])
    return KINDS[int(pick.choice(len(KINDS), p=shares / shares.sum()))][1](pick)


def draw_drill(pick: Picker) -> Sheet:
    """Returns a sheet no authority issues, mostly Chinese characters: a plate has one, so they are learnt slowly."""
    chinese = PROVINCES + "学警港澳领使挂"
    is_double, is_motorcycle = pick.random() < 0.25, pick.random() < 0.5
    length = 7 if is_double or pick.random() < 0.6 else 8
    text = "".join(_one(pick, chinese if pick.random() < 0.75 else LETTERS + DIGITS) for _ in range(length))
    colour = list(Colour)[int(pick.integers(4))] if pick.random() < 0.5 else Colour.BLUE
    return Sheet(
        text=text,
        layout=Layout.STANDARD,
        colour=colour,
        is_double=is_double,
        is_motorcycle=is_double and is_motorcycle,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """Where a character stands, mm."""

    character: str
    x: float
    y: float
    width: float
    height: float


def cells(sheet: Sheet) -> tuple[tuple[float, float], list[Cell]]:
    """Returns the plate's size in mm and its characters' places."""
    text = sheet.text
    if sheet.is_motorcycle:
        upper = _row(text[:2], (110, 13, 34, 44), gap=28)
        return (220, 140), upper + _row(text[2:], (110, 64, 34, 66), gap=6)
    if sheet.is_double:
        upper = _row(text[:2], (220, 15, 80, 60), gap=70)
        return (440, 220), upper + _row(text[2:], (220, 90, 65, 110), gap=15)
    if len(text) >= 8:
        width = 43 if len(text) == 8 else 38
        return (480, 140), _row(text, (240, 25, width, 90), gap=9, after={1: 44 if len(text) == 8 else 20})
    after = 2 if text[0] in DIGITS + "使" else 1
    return (440, 140), _row(text, (220, 25, 45, 90), gap=12, after={after: 34})


def _row(
    text: str, place: tuple[float, float, float, float], *, gap: float, after: dict[int, float] | None = None
) -> list[Cell]:
    """Returns a centred row; ``place``: middle, top, width and height of a character in mm."""
    middle, top, width, height = place
    gaps = [(after or {}).get(i, gap) for i in range(len(text) - 1)]
    x = middle - (len(text) * width + sum(gaps)) / 2
    row = []
    for character, step in zip(text, [*gaps, 0.0], strict=True):
        row.append(Cell(character=character, x=x, y=top, width=width, height=height))
        x += width + step
    return row


def draw_plate(sheet: Sheet, pick: Picker) -> NDArray[np.float32]:
    """Returns a clean plate.

    Shapes: (H, W, 3) float32 RGB, 0 to 255.
    """
    size_mm, row = cells(sheet)
    width, height = (round(v * PX_PER_MM) for v in size_mm)
    ground, paint = _tinted(sheet.colour, pick)
    picture = _ground(sheet.colour, (width, height), ground)
    style = int(pick.integers(PENS)) if pick.random() < 0.8 else int(pick.integers(PENS, STYLES))
    chinese = int(pick.integers(CHINESE_STYLES))
    weight = float(pick.uniform(-0.5, 0.7)) if pick.random() < 0.5 else 0.0
    mask = np.zeros((height, width), np.float32)
    red = np.zeros_like(mask)
    for index, cell in enumerate(row):
        layer = red if _is_red(sheet, cell.character, index) else mask
        _stamp(layer, glyph(cell.character, style if cell.character.isascii() else chinese), cell, pick)
    _dot(mask, sheet, row, pick)
    _frame(mask, pick)
    for layer, colour in ((mask, paint), (red, RED)):
        if layer.any():
            share = _weighted(layer, weight)[..., None] / np.float32(255)
            picture += (np.array(colour, np.float32) - picture) * share
    _bolts(picture, pick)
    return picture


def _tinted(colour: Colour, pick: Picker) -> tuple[NDArray[np.float32], RGB]:
    ground, paint = GROUNDS[colour]
    return np.clip(np.array(ground, np.float32) * pick.uniform(0.85, 1.15, 3) + pick.normal(0, 6, 3), 0, 255).astype(
        np.float32
    ), paint


def _ground(colour: Colour, size: tuple[int, int], ground: NDArray[np.float32]) -> NDArray[np.float32]:
    width, height = size
    picture = np.full((height, width, 3), ground, np.float32)
    if colour is Colour.GREEN:  # white at the top, green at the foot
        fade = np.linspace(0, 1, height, dtype=np.float32)[:, None, None] ** 0.8
        picture = (1 - fade) * np.array((225, 238, 228), np.float32) + fade * picture
    if colour is Colour.YELLOW_GREEN:  # yellow behind province and letter
        picture[:, : round(width * 0.26)] = (235, 185, 30)
    return picture


def _is_red(sheet: Sheet, character: str, index: int) -> bool:
    """Source: GA 36-2018 and the army's rules: 警 使 领 应急 and the letters of army and armed police are red."""
    if sheet.layout in {Layout.ARMY, Layout.ARMED_POLICE}:
        return index < 2
    return character in "警使领应急" and sheet.colour in {Colour.WHITE, Colour.BLACK}


def _stamp(layer: NDArray[np.float32], mask: NDArray[np.uint8], cell: Cell, pick: Picker) -> None:
    wide, high = cell.width, cell.height
    if not cell.character.isascii():  # makers draw Chinese characters smaller than their field
        wide, high = wide * pick.uniform(0.86, 1.04), high * pick.uniform(0.8, 1.02)
    x, y = cell.x + (cell.width - wide) / 2, cell.y + (cell.height - high) / 2
    x, y = (round((v + pick.normal(0, 0.8)) * PX_PER_MM) for v in (x, y))
    width, height = round(wide * PX_PER_MM), round(high * PX_PER_MM)
    x, y = min(max(0, x), layer.shape[1] - width), min(max(0, y), layer.shape[0] - height)
    if not cell.character.isascii():
        mask = _warped(mask, pick)
    shape = cv2.resize(mask, (width, height), interpolation=cv2.INTER_AREA)
    area = layer[y : y + height, x : x + width]
    np.maximum(area, shape, out=area)


def _warped(mask: NDArray[np.uint8], pick: Picker) -> NDArray[np.uint8]:
    """Returns a character whose parts are a little longer, shorter or elsewhere, as another maker would cut it.

    Often the left part ends above the foot: characters of plates are set like that, those of typefaces are not.
    """
    height, width = mask.shape
    shifts = pick.normal(0, 0.018, (3, 3, 2))
    shifts[:, 1, 0] += pick.normal(0, 0.025)
    if pick.random() < 0.5:
        side, at_head = (2, False) if pick.random() < 0.25 else (0, pick.random() < 0.15)
        shifts[:, side, 1] += pick.uniform(0, 0.28) * np.array((-1, -0.5, 0) if at_head else (0, 0.5, 1))
    field = cv2.resize(shifts.astype(np.float32), (width, height), interpolation=cv2.INTER_CUBIC)
    y, x = np.mgrid[:height, :width].astype(np.float32)
    return np.asarray(
        cv2.remap(mask, x + field[..., 0] * width, y + field[..., 1] * height, cv2.INTER_LINEAR), np.uint8
    )


def _dot(mask: NDArray[np.float32], sheet: Sheet, row: Sequence[Cell], pick: Picker) -> None:
    """Draws the dot after the second character, or the new-energy mark there."""
    if sheet.is_motorcycle and pick.random() < 0.5:
        return
    after = 2 if sheet.layout is Layout.EMBASSY and sheet.text[0] in DIGITS else 1
    left, right = row[after - 1 if sheet.is_double else after], row[after if sheet.is_double else after + 1]
    x = (left.x + left.width + right.x) / 2 * PX_PER_MM
    y = (left.y + left.height / 2) * PX_PER_MM
    energy = sheet.colour in {Colour.GREEN, Colour.YELLOW_GREEN}
    radius = float(pick.uniform(10, 14) if energy else pick.uniform(4, 6.5)) * PX_PER_MM
    cv2.circle(mask, (round(x), round(y)), max(2, round(radius)), 170 if energy else 255, -1, cv2.LINE_AA)


def _frame(mask: NDArray[np.float32], pick: Picker) -> None:
    if pick.random() < 0.85:
        inset = int(pick.integers(1, 4))
        corner = (mask.shape[1] - 1 - inset, mask.shape[0] - 1 - inset)
        cv2.rectangle(mask, (inset, inset), corner, float(pick.uniform(120, 255)), int(pick.integers(1, 3)))


def _weighted(layer: NDArray[np.float32], weight: float) -> NDArray[np.float32]:
    """Returns paint that ran out (above 0) or wore off (below) by this share of a pixel on every side."""
    if weight == 0:
        return layer
    kernel = np.ones((2, 2), np.uint8)
    other = cv2.dilate(layer, kernel) if weight > 0 else cv2.erode(layer, kernel)
    return np.asarray(layer + abs(weight) * (other - layer), np.float32)


def _bolts(picture: NDArray[np.float32], pick: Picker) -> None:
    if pick.random() < 0.6:
        height, width = picture.shape[:2]
        shade = float(pick.uniform(30, 240))
        for x in (0.23, 0.77):
            for y in (0.1, 0.9)[: int(pick.integers(1, 3))]:
                at = (round(width * (x + pick.normal(0, 0.02))), round(height * y))
                cv2.circle(picture, at, int(pick.integers(2, 6)), (shade,) * 3, -1, cv2.LINE_AA)
