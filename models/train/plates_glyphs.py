"""Characters for rendered plates: letters and digits drawn with our own strokes, Chinese ones from an OFL typeface.

A plate's letters are strokes of one width in a box of 45 x 90 mm (GA 36-2018). They are described here as polylines in
a box one wide and two high and drawn with a random pen, so that no typeface is learnt by heart. A fifth of the plates
take a narrow typeface instead.
"""

from functools import cache
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from core.errors import ConfigError

Points = list[tuple[float, float]]
SIZE_PX = (48, 96)
"""Width and height of a glyph's mask."""

PENS = 24
"""Ways to draw our own strokes."""

_FONTS = "/usr/share/fonts"
LATIN = (
    "truetype/liberation/LiberationSansNarrow-Bold.ttf",
    "truetype/dejavu/DejaVuSansCondensed-Bold.ttf",
    "truetype/liberation/LiberationSans-Bold.ttf",
    "opentype/noto/NotoSansCJK-Bold.ttc",
)
CHINESE = (
    "opentype/noto/NotoSansCJK-Bold.ttc",
    "opentype/noto/NotoSansCJK-Regular.ttc",
    "truetype/droid/DroidSansFallbackFull.ttf",
    "truetype/wqy/wqy-microhei.ttc",
    "truetype/lxgw-wenkai/LXGWWenKai-Bold.ttf",
    "opentype/noto/NotoSerifCJK-Bold.ttc",
)
"""Typefaces under the OFL, Apache 2.0 or the GPL with an exception for what is drawn; none ships."""

SANS_WEIGHTS = 4
CHINESE_STYLES = SANS_WEIGHTS + 2 * len(CHINESE)
_SC = 2
"""Face of the collection drawn for simplified Chinese."""


def _arc(centre: tuple[float, float], radius: tuple[float, float], start_deg: float, end_deg: float) -> Points:
    angles = np.radians(np.linspace(start_deg, end_deg, 24))
    return [(centre[0] + radius[0] * np.cos(a), centre[1] + radius[1] * np.sin(a)) for a in angles]


def _bow(top: float, base: float, reach: float) -> Points:
    """Returns the bow of a B, P or R."""
    half = (base - top) / 2
    return [(0.1, top), (0.5, top), *_arc((0.5, top + half), (reach, half), -90, 90), (0.1, base)]


def strokes(character: str, pen: np.random.Generator) -> list[Points]:
    """Returns the strokes of a letter or digit; the pen varies what differs between makers of plates."""
    left, right, top, base, mid = 0.1, 0.9, 0.1, 1.9, 0.5
    r = float(pen.uniform(0.34, 0.5))
    waist = float(pen.uniform(0.92, 1.05))
    flag = float(pen.uniform(0.03, 0.22))
    oval = [*_arc((mid, top + r), (0.4, r), 180, 360), *_arc((mid, base - r), (0.4, r), 0, 180), (left, top + r)]
    bow_top = _bow(top, waist, 0.38)
    bow_low = _bow(waist, base, 0.4)
    stem: Points = [(left, top), (left, base)]
    cup = [*_arc((mid, top + r), (0.4, r), -15, -180), *_arc((mid, base - r), (0.4, r), 180, 15)]
    belly = [
        (left, top),
        *_arc((0.45, top + r), (0.45, r), -90, 0),
        *_arc((0.45, base - r), (0.45, r), 0, 90),
        (left, base),
    ]
    six = [_arc((mid, 1.9 - 0.48), (0.4, 0.48), 0, 360)]
    six += (
        [[(left, 1.42), (0.13, 1.05), (0.3, 0.55), (0.62, top)]]
        if pen.random() < 0.5
        else [[(left, 1.42), (left, top + r), *_arc((mid, top + r), (0.4, r), 180, 330)]]
    )
    bowl = _arc((0.48, 1.34), (0.42, 0.56), -90, 165)
    three = [[(0.14, top), (0.84, top), (0.44, 0.78), *bowl]]  # makers in China cut it flat at the top
    if pen.random() < 0.25:
        three = [_arc((0.48, 0.53), (0.38, 0.43), 195, 450), _arc((0.48, 1.42), (0.42, 0.48), -90, 165)]
    table: dict[str, list[Points]] = {
        "0": [oval],
        "1": [[(mid - flag, top + 1.6 * flag), (mid, top), (mid, base)]],
        "2": [[*_arc((mid, top + 0.44), (0.4, 0.44), 190, 375), (left, base), (right, base)]],
        "3": three,
        "4": [[(0.6, top), (left, 1.42), (0.95, 1.42)], [(0.7, float(pen.uniform(0.5, 1.1))), (0.7, base)]],
        "5": [[(0.85, top), (0.18, top), (0.13, 0.95), *_arc((mid, 1.38), (0.4, 0.52), 230, 505)]],
        "6": six,
        "7": [[(left, top), (right, top), (0.55, 1.0), (0.42, base)]],
        "8": [_arc((mid, 0.53), (0.35, 0.43), 0, 360), _arc((mid, 1.42), (0.4, 0.48), 0, 360)],
        "9": [[(1 - x, 2 - y) for x, y in line] for line in six],
        "A": [[(0.06, base), (mid, top), (0.94, base)], [(0.22, 1.4), (0.78, 1.4)]],
        "B": [stem, bow_top, bow_low],
        "C": [cup],
        "D": [stem, belly],
        "E": [stem, [(left, top), (right, top)], [(left, waist), (0.8, waist)], [(left, base), (right, base)]],
        "F": [stem, [(left, top), (right, top)], [(left, waist), (0.8, waist)]],
        "G": [[*cup, (right, 1.1), (0.55, 1.1)]],
        "H": [stem, [(right, top), (right, base)], [(left, waist), (right, waist)]],
        "J": [[(0.75, top), (0.75, base - 0.35), *_arc((0.42, base - 0.35), (0.33, 0.35), 0, 170)]],
        "K": [stem, [(right, top), (left, 1.2)], [(0.36, 0.95), (0.92, base)]],
        "L": [[(left, top), (left, base), (right, base)]],
        "M": [[(left, base), (left, top), (mid, float(pen.uniform(0.9, 1.35))), (right, top), (right, base)]],
        "N": [[(left, base), (left, top), (right, base), (right, top)]],
        "P": [stem, bow_top],
        "Q": [oval, [(0.52, 1.4), (0.95, 1.95)]],
        "R": [stem, bow_top, [(0.45, waist), (0.92, base)]],
        "S": [[*_arc((mid, 0.54), (0.38, 0.44), -15, -265), *_arc((mid, 1.42), (0.4, 0.48), -80, 165)]],
        "T": [[(0.05, top), (0.95, top)], [(mid, top), (mid, base)]],
        "U": [[(left, top), (left, base - r), *_arc((mid, base - r), (0.4, r), 180, 0), (right, top)]],
        "V": [[(0.06, top), (mid, base), (0.94, top)]],
        "W": [[(0.04, top), (0.27, base), (mid, float(pen.uniform(0.15, 0.9))), (0.73, base), (0.96, top)]],
        "X": [[(0.08, top), (0.92, base)], [(0.92, top), (0.08, base)]],
        "Y": [[(0.06, top), (mid, 1.0), (0.94, top)], [(mid, 1.0), (mid, base)]],
        "Z": [[(left, top), (right, top), (left, base), (right, base)]],
    }
    return table[character]


@cache
def glyph(character: str, style: int) -> NDArray[np.uint8]:
    """Returns the mask of a character in one of the styles; ours below ``PENS``, then typefaces.

    Shapes: (96, 48) uint8, 255 where there is paint.
    """
    if not character.isascii():
        return _chinese(character, style % CHINESE_STYLES)
    if style >= PENS:
        return _typeset(character, LATIN[(style - PENS) % len(LATIN)])
    pen = np.random.default_rng(1000 + style)
    thickness = int(pen.integers(12, 28))
    canvas = np.zeros((SIZE_PX[1] * 2, SIZE_PX[0] * 2), np.uint8)
    scale = np.array([SIZE_PX[0] * 2 - thickness, (SIZE_PX[1] * 2 - thickness) / 2]) / np.array([0.8, 0.9])
    for line in strokes(character, pen):
        points = ((np.array(line) - (0.1, 0.1)) * scale + thickness / 2).round().astype(np.int32)
        cv2.polylines(canvas, [points], False, 255, thickness, cv2.LINE_AA)
    return np.asarray(cv2.resize(canvas, SIZE_PX, interpolation=cv2.INTER_AREA), np.uint8)


STYLES = PENS + len(LATIN)


def _chinese(character: str, style: int) -> NDArray[np.uint8]:
    """Returns a Chinese character in one of the styles: weights of one typeface, then others, thin and heavy."""
    if style < SANS_WEIGHTS:
        regular, bold = (_typeset(character, name).astype(np.float32) for name in CHINESE[1::-1])
        share = style / (SANS_WEIGHTS - 1)
        return np.asarray(np.clip((1 - share) * regular + share * bold, 0, 255), np.uint8)
    name, is_heavy = CHINESE[(style - SANS_WEIGHTS) // 2], (style - SANS_WEIGHTS) % 2
    change = cv2.dilate if is_heavy else cv2.erode
    return np.asarray(change(_typeset(character, name), np.ones((2, 2), np.uint8)), np.uint8)


def _typeset(character: str, name: str) -> NDArray[np.uint8]:
    path = Path(_FONTS) / name
    if not path.exists():
        raise ConfigError(
            f"typeface {path.name} is missing; install fonts-noto-cjk, fonts-dejavu, fonts-liberation, "
            "fonts-droid-fallback, fonts-wqy-microhei and fonts-lxgw-wenkai"
        )
    font = ImageFont.truetype(str(path), 120, index=_SC if "CJK" in name else 0)
    box = font.getbbox(character)
    image = Image.new("L", (int(box[2] - box[0]), int(box[3] - box[1])))
    ImageDraw.Draw(image).text((-box[0], -box[1]), character, font=font, fill=255)
    if character == "1":  # a bare stroke must not be stretched to the width of the box
        wide = Image.new("L", (image.height // 2, image.height))
        wide.paste(image, ((wide.width - image.width) // 2, 0))
        image = wide
    return np.asarray(image.resize(SIZE_PX, Image.Resampling.BOX), np.uint8)
