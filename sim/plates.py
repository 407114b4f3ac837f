"""Fictional Chinese number plates: layouts and colours after GA 36-2018, texts drawn by chance from an actor's id."""

from __future__ import annotations

import random
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

import numpy as np
from PIL import Image, ImageDraw

from sim.lettering import load_font
from sim.mesh import Mesh, Triple

Style = Literal["blue", "green", "yellow", "yellow_double", "motorcycle", "ebike"]
PROVINCES = "苏皖浙沪鲁豫京津冀粤川鄂湘赣闽"
_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ"
_SERIAL = "0123456789" * 3 + _LETTERS
_PX_PER_M = 500
_Rgb = tuple[int, int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sheet:
    """One kind of plate. Units: size in metres, width then height."""

    size_m: tuple[float, float]
    ground: _Rgb
    ink: _Rgb
    is_double: bool = False


_SHEETS: dict[Style, _Sheet] = {
    "blue": _Sheet(size_m=(0.44, 0.14), ground=(8, 52, 160), ink=(245, 245, 245)),
    "green": _Sheet(size_m=(0.48, 0.14), ground=(80, 190, 110), ink=(15, 15, 15)),
    "yellow": _Sheet(size_m=(0.44, 0.14), ground=(238, 176, 20), ink=(15, 15, 15)),
    "yellow_double": _Sheet(size_m=(0.44, 0.22), ground=(238, 176, 20), ink=(15, 15, 15), is_double=True),
    "motorcycle": _Sheet(size_m=(0.22, 0.14), ground=(238, 176, 20), ink=(15, 15, 15), is_double=True),
    "ebike": _Sheet(size_m=(0.20, 0.12), ground=(238, 240, 238), ink=(20, 90, 50), is_double=True),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Plate:
    """What an actor's plates say; ``rear`` differs from ``front`` on large vehicles."""

    text: str
    front: Style | None
    rear: Style


def plate_of(actor_id: str, kind: str) -> Plate | None:
    """Returns the plate an actor carries, the same for the same id; None for kinds without one."""
    chance = random.Random(f"plate {actor_id}")
    if kind in ("bus", "truck"):
        return Plate(text=_text(chance, 5), front="yellow", rear="yellow_double")
    if kind in ("ebike", "motorcycle"):
        style: Style = "ebike" if kind == "ebike" else "motorcycle"
        return Plate(text=_text(chance, 5 if kind == "motorcycle" else 6), front=None, rear=style)
    if kind in ("bicycle", "walker", "bike_pusher"):
        return None
    style = "green" if chance.random() < 0.25 else "blue"
    return Plate(text=_new_energy(chance) if style == "green" else _text(chance, 5), front=style, rear=style)


def plate_face(style: Style, at: Triple, ahead: int) -> Mesh:
    """Returns one plate standing upright across an actor; ``ahead`` is +1 facing forward, -1 backward."""
    x, y, z = at
    wide, high = (side / 2 for side in _SHEETS[style].size_m)
    corners = [(x, y - ahead * a * wide, z + b * high) for a, b in ((1, -1), (-1, -1), (-1, 1), (1, 1))]
    return Mesh().quad(corners, (float(ahead), 0.0, 0.0)).mark("plate", corners)


@cache
def draw_plate(text: str, style: Style) -> Any:
    """Returns a plate, shape (H, W, 3) uint8 sRGB."""
    sheet = _SHEETS[style]
    wide, high = (round(side * _PX_PER_M) for side in sheet.size_m)
    rgb = np.empty((high, wide, 3), np.uint8)
    rgb[:] = sheet.ground
    if style == "green":
        white = np.linspace(1.0, 0.0, high)[:, None, None] ** 0.7
        rgb[:] = (255 * white * 0.97 + rgb * (1 - white)).astype(np.uint8)
    image = Image.fromarray(rgb)
    draw = ImageDraw.Draw(image)
    edge = max(2, high // 30)
    draw.rounded_rectangle(
        (edge, edge, wide - edge, high - edge), radius=high // 14, outline=sheet.ink, width=edge // 2
    )
    for letter, box in _cells(text, sheet, wide, high):
        image.paste(sheet.ink, box[:2], _glyph(letter, (box[2] - box[0], box[3] - box[1])))
    return np.asarray(image)


def plate_texture(text: str, style: Style) -> Any:
    """Returns a plate as a texture, shape (H, W, 4) uint8: linear RGB with gloss in alpha."""
    srgb = draw_plate(text, style).astype(np.float32) / 255
    rgba = np.concatenate([srgb**2.2, np.full((*srgb.shape[:2], 1), 0.2, np.float32)], -1)
    return (np.clip(rgba, 0, 1) * 255).astype("u1")


def _text(chance: random.Random, count: int) -> str:
    # Two letters at most in the serial, as issued.
    serial = [chance.choice(_SERIAL) for _ in range(count)]
    while sum(c.isalpha() for c in serial) > 2:
        serial = [chance.choice(_SERIAL) for _ in range(count)]
    return chance.choice(PROVINCES) + chance.choice(_LETTERS) + "".join(serial)


def _new_energy(chance: random.Random) -> str:
    # Source: GA 36-2018, small vehicles: a letter of the kind of drive, one character, four digits.
    head = chance.choice(PROVINCES) + chance.choice(_LETTERS) + chance.choice("DDDDFFABCE") + chance.choice(_SERIAL)
    return head + "".join(chance.choice("0123456789") for _ in range(4))


def _cells(text: str, sheet: _Sheet, wide: int, high: int) -> list[tuple[str, tuple[int, int, int, int]]]:
    """Returns each character with its cell: one row with a gap after the second, or two rows."""
    if not sheet.is_double:
        pitch = (wide * 0.93) / (len(text) + 0.35)
        left = wide * 0.035
        return [
            (
                letter,
                _cell(left + pitch * (i + (0.35 if i > 1 else 0)), pitch * 0.8, high * 0.18, high * 0.64),
            )
            for i, letter in enumerate(text)
        ]
    top = [(c, _cell(wide * (0.27 + 0.28 * i), wide * 0.18, high * 0.08, high * 0.28)) for i, c in enumerate(text[:2])]
    pitch = wide * 0.9 / len(text[2:])
    return top + [
        (c, _cell(wide * 0.05 + pitch * i, pitch * 0.82, high * 0.43, high * 0.47)) for i, c in enumerate(text[2:])
    ]


def _cell(left: float, wide: float, top: float, high: float) -> tuple[int, int, int, int]:
    return round(left), round(top), round(left + wide), round(top + high)


@cache
def _glyph(letter: str, size: tuple[int, int]) -> Any:
    """Returns a character filling its cell, as a mask."""
    font, _ = load_font(120)
    left, top, right, bottom = (int(v) for v in font.getbbox(letter))
    image = Image.new("L", (max(right - left, 1), max(bottom - top, 1)), 0)
    ImageDraw.Draw(image).text((-left, -top), letter, font=font, fill=255)
    wide, high = size
    if letter in "1I":
        slim = Image.new("L", (max(wide, 1), max(high, 1)), 0)
        slim.paste(image.resize((max(wide // 2, 1), max(high, 1))), (wide // 4, 0))
        return slim
    return image.resize((max(wide, 1), max(high, 1)))
