"""Drawn signal lamps for training: day and night, glow, overexposed cores, digits, haze, rain, buses in front.

Everything is drawn upright with red on top, then cut out as an engineer would draw the region: never exactly.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from models.lamp import lamp_view, shows_light

Pixels = NDArray[np.uint8]
Floats = NDArray[np.float32]

COLOURS = {
    "red": ((255, 35, 25), (255, 15, 70), (255, 0, 95), (255, 70, 45), (225, 25, 40)),
    "yellow": ((255, 175, 20), (255, 140, 10), (255, 205, 70), (250, 165, 60), (255, 150, 90)),
    "green": ((30, 255, 150), (10, 235, 210), (70, 255, 190), (20, 200, 120), (90, 255, 255)),
}
"""LED red reaches hue 175 of 180 and LED green cyan; old bulbs are paler."""
STATES = ("red", "yellow", "green")
HOT_RED = ((1.0, 1.0, 1.0), (1.0, 0.75, 0.1), (1.0, 0.9, 0.45))
"""Colour of the core of an overexposed red: white, or yellow inside a red ring."""
OVEREXPOSED = 0.3
"""Share of lamps by day that are as bright as by night."""
SHARPENED = 0.35
"""Share of pictures whose camera draws dark rims around everything bright."""
COUNTDOWN_ON_TOP = 0.6
"""Share of housings whose other units are all above the red one."""
LYING = 0.12
"""Share of regions whose housing lies although the site file says it stands."""
LEAST_HIDDEN, MOST_HIDDEN = 0.6, 0.9
"""Share of the lit lamp behind a bus: up to the first it can be read, from the second on it cannot."""
SIZE_PX = (240, 480)
"""Height and width of the drawing board; the housing stands in its middle, some 60 px wide."""
SEGMENTS = ("abcdef", "bc", "abged", "abgcd", "fgbc", "afgcd", "afgedc", "abc", "abcdefg", "abcfgd")
LINES = {
    "a": ((0, 0), (1, 0)),
    "b": ((1, 0), (1, 1)),
    "c": ((1, 1), (1, 2)),
    "d": ((0, 2), (1, 2)),
    "e": ((0, 1), (0, 2)),
    "f": ((0, 0), (0, 1)),
    "g": ((0, 1), (1, 1)),
}


@dataclass(slots=True)
class Housing:
    """A housing on the drawing board: its box and one box for each unit, px; red, yellow, green from ``first`` on.

    Units before and after those three are countdowns, arrows or blind.
    """

    box: tuple[int, int, int, int]
    units: list[tuple[int, int, int, int]]
    first: int = 0

    @property
    def spare(self) -> list[tuple[int, int, int, int]]:
        """Units that are none of the three lamps."""
        return [*self.units[: self.first], *self.units[self.first + len(STATES) :]]


def drawn_lamp(chance: random.Random, backgrounds: Sequence[Pixels]) -> tuple[Pixels, str]:
    """Returns one drawn region, (64, 32, 3) RGB, and what it shows: one of ``models.lamp.CLASSES``."""
    kind = chance.random()
    if kind < 0.06:
        return _shot(chance, _street(chance, backgrounds), Housing((200, 20, 280, 220), []), 0.0), "unreadable"
    if kind < 0.12:
        return _vehicle_only(chance, backgrounds), "unreadable"
    if kind < 0.24:
        return _lit(chance, backgrounds, ())[0], "off"
    if kind < 0.27:
        return _lit(chance, backgrounds, tuple(chance.sample(STATES, 2)))[0], "unreadable"
    while True:
        state = chance.choice(STATES)
        picture, hidden = _lit(chance, backgrounds, (state,))
        if hidden > MOST_HIDDEN:
            return picture, "unreadable"
        if hidden < LEAST_HIDDEN and shows_light(picture, state):
            return picture, state


def _lit(chance: random.Random, backgrounds: Sequence[Pixels], states: tuple[str, ...]) -> tuple[Pixels, float]:
    """Returns a housing with these lamps lit, and the share of the lit lamp that is hidden."""
    is_night = chance.random() < 0.4
    board = _street(chance, backgrounds).astype(np.float32)
    board *= chance.uniform(0.05, 0.4) if is_night else chance.uniform(0.6, 1.15)
    housing = _housing(chance, board, is_night=is_night)
    light = np.zeros_like(board)
    for state in states:
        _lamp(chance, light, _unit_of(chance, housing, state), state)
    for unit in housing.spare if len(states) == 1 else ():
        _extra(chance, light, unit, states[0])
    hidden = 0.0
    is_bright = is_night or chance.random() < OVEREXPOSED
    glow = chance.uniform(0.0, 2.5) if is_bright else chance.uniform(0.0, 0.5)
    strength = chance.uniform(0.9, 2.6) if is_bright else chance.uniform(0.3, 1.4)
    board += strength * (light + glow * _blurred(light, chance.uniform(8, 26)))
    core = cv2.erode(light.max(axis=2), np.ones((chance.choice((5, 9, 17, 25)),) * 2, np.uint8))
    core = cv2.GaussianBlur(core, (0, 0), chance.uniform(0.5, 6))[..., None]
    hot = chance.choice(HOT_RED) if states == ("red",) else (1.0, 1.0, 1.0)
    board += strength * core * chance.choice((0.0, 0.0, 0.2, 0.5, 0.9, 1.4)) * np.array(hot, np.float32)
    if not is_night and chance.random() < 0.3:
        haze = chance.uniform(0.1, 0.7)
        board = board * (1 - haze) + chance.uniform(150, 240) * haze
    if chance.random() < 0.15:
        hidden = _cover(chance, board, housing, states)
    return _shot(chance, board, housing, 0.25 if chance.random() < 0.2 else 0.0), hidden


def _blurred(light: Floats, sigma_px: float) -> Floats:
    """Returns a wide blur, worked out on a quarter of the size."""
    height, width = SIZE_PX
    small = cv2.resize(light, (width // 4, height // 4), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(cv2.GaussianBlur(small, (0, 0), sigma_px / 4), (width, height)), dtype=np.float32)


def _street(chance: random.Random, backgrounds: Sequence[Pixels]) -> Pixels:
    height, width = SIZE_PX
    if backgrounds and chance.random() < 0.5:
        return np.asarray(cv2.resize(chance.choice(backgrounds), (width, height)), dtype=np.uint8)
    rough = np.array([[[chance.randint(20, 255)] * 3 for _ in range(4)] for _ in range(3)], np.float32)
    rough *= np.array([chance.uniform(0.6, 1.2) for _ in range(3)], np.float32)
    board = np.clip(cv2.resize(rough, (width, height), interpolation=cv2.INTER_LINEAR), 0, 255)
    for _ in range(chance.randint(0, 12)):
        colour = tuple(float(chance.randint(0, 255)) for _ in range(3))
        cv2.circle(board, (chance.randint(0, width), chance.randint(0, height)), chance.randint(4, 50), colour, -1)
    return np.asarray(cv2.blur(board, (chance.randint(1, 9),) * 2), dtype=np.uint8)


def _housing(chance: random.Random, board: Floats, *, is_night: bool) -> Housing:
    count = chance.choice((3, 3, 3, 4, 4, 5, 2, 1))
    side = 200 / count if count > 2 else chance.uniform(60, 90)
    wide = side * chance.uniform(0.8, 1.15)
    left, top = 240 - wide / 2, 120 - side * count / 2
    shade = chance.uniform(5, 25) if is_night else chance.uniform(10, 75)
    body = tuple(shade * chance.uniform(0.8, 1.25) for _ in range(3))
    cv2.rectangle(board, (int(left), int(top)), (int(left + wide), int(top + side * count)), body, -1)
    units = [(int(left), int(top + i * side), int(left + wide), int(top + (i + 1) * side)) for i in range(count)]
    spare = max(0, count - len(STATES))
    first = spare if chance.random() < COUNTDOWN_ON_TOP else chance.randint(0, spare)
    for number, unit in enumerate(units[first : first + len(STATES)]):
        _lens(chance, board, unit, number if count > 2 else chance.randint(0, 2), is_night=is_night)
    return Housing((int(left), int(top), int(left + wide), int(top + side * count)), units, first)


def _lens(
    chance: random.Random, board: Floats, unit: tuple[int, int, int, int], number: int, *, is_night: bool
) -> None:
    """Draws an unlit lens: faintly coloured, by day sometimes with the sun in it."""
    faint = chance.uniform(0.02, 0.3) * (0.3 if is_night else 1.0)
    colour = tuple(faint * v + 8.0 for v in chance.choice(COLOURS[STATES[number]]))
    centre, radius = _disc(unit)
    cv2.circle(board, centre, radius, colour, -1)
    if not is_night and chance.random() < 0.15:
        place = (centre[0] + chance.randint(-radius // 2, radius // 2), centre[1] - radius // 3)
        cv2.circle(board, place, max(2, radius // 4), (float(chance.randint(120, 255)),) * 3, -1)


def _disc(unit: tuple[int, int, int, int]) -> tuple[tuple[int, int], int]:
    x1, y1, x2, y2 = unit
    return ((x1 + x2) // 2, (y1 + y2) // 2), max(3, int(min(x2 - x1, y2 - y1) * 0.4))


def _unit_of(chance: random.Random, housing: Housing, state: str) -> tuple[int, int, int, int]:
    units = housing.units
    if len(units) >= len(STATES):
        return units[housing.first + STATES.index(state)]
    if len(units) == 2:
        return units[0] if state == "red" else units[1]
    return units[chance.randrange(len(units))]


def _lamp(chance: random.Random, light: Floats, unit: tuple[int, int, int, int], state: str) -> None:
    """Draws a lit lamp as light: a disc, an arrow, a figure or a ring of LEDs."""
    colour = tuple(float(v) for v in chance.choice(COLOURS[state]))
    (x, y), radius = _disc(unit)
    shape = chance.choice(("disc", "disc", "disc", "arrow", "figure", "dots"))
    if shape == "disc":
        cv2.circle(light, (x, y), radius, colour, -1)
    elif shape == "arrow":
        tip = chance.choice(((-1, 0), (1, 0), (0, -1)))
        start, end = (x - tip[0] * radius, y - tip[1] * radius), (x + tip[0] * radius, y + tip[1] * radius)
        cv2.arrowedLine(light, start, end, colour, max(3, radius // 3), tipLength=0.5)
    elif shape == "figure":
        cv2.circle(light, (x, y - radius // 2), max(2, radius // 3), colour, -1)
        cv2.line(light, (x, y - radius // 3), (x, y + radius // 2), colour, max(3, radius // 2))
        cv2.line(
            light, (x, y + radius // 3), (x + chance.randint(-radius, radius), y + radius), colour, radius // 4 + 1
        )
    else:
        for row in range(-radius, radius + 1, max(3, radius // 4)):
            for column in range(-radius, radius + 1, max(3, radius // 4)):
                if row * row + column * column <= radius * radius:
                    cv2.circle(light, (x + column, y + row), max(1, radius // 9), colour, -1)


def _extra(chance: random.Random, light: Floats, unit: tuple[int, int, int, int], state: str) -> None:
    """Lights a unit beside the three lamps, or leaves it dark: seconds left, or an arrow of the same colour."""
    kind = chance.random()
    if kind < 0.55:
        _digits(chance, light, unit, state)
    elif kind < 0.7:
        _lamp(chance, light, unit, state)


def _digits(chance: random.Random, light: Floats, unit: tuple[int, int, int, int], state: str) -> None:
    """Draws the seconds left, in the colour of the lamp that is lit."""
    colour = tuple(float(v) for v in chance.choice(COLOURS[state]))
    x1, y1, x2, y2 = unit
    wide, high = (x2 - x1) * 0.3, (y2 - y1) * 0.3
    for place in range(2):
        left = x1 + (x2 - x1) * (0.15 + 0.42 * place)
        for name in SEGMENTS[chance.randrange(10)]:
            points = [(int(left + a * wide), int(y1 + (y2 - y1) * 0.2 + b * high)) for a, b in LINES[name]]
            cv2.line(light, points[0], points[1], colour, max(2, int(wide * 0.3)))


def _cover(chance: random.Random, board: Floats, housing: Housing, states: tuple[str, ...]) -> float:
    """Puts a bus before part of the housing; returns the covered share of the lamp that is lit."""
    x1, y1, x2, y2 = housing.box
    edge = chance.uniform(0.2, 0.8)
    colour = tuple(float(chance.randint(10, 250)) for _ in range(3))
    if chance.random() < 0.5:
        cover = (x1 - 60, int(y1 + edge * (y2 - y1)), x2 + 60, y2 + 60)
    else:
        cover = (int(x1 + edge * (x2 - x1)), y1 - 60, x2 + 60, y2 + 60)
    cv2.rectangle(board, cover[:2], cover[2:], colour, -1)
    if not states:
        return 0.0
    u = _unit_of(chance, housing, states[0])
    shared = max(0, min(u[2], cover[2]) - max(u[0], cover[0])) * max(0, min(u[3], cover[3]) - max(u[1], cover[1]))
    return shared / ((u[2] - u[0]) * (u[3] - u[1]))


def _vehicle_only(chance: random.Random, backgrounds: Sequence[Pixels]) -> Pixels:
    """Returns a region hidden by a vehicle: its body, brake lights, head lamps or a red line display."""
    board = _street(chance, backgrounds).astype(np.float32)
    body = tuple(float(chance.randint(5, 250)) for _ in range(3))
    cv2.rectangle(board, (140, 0), (340, 240), body, -1)
    light = np.zeros_like(board)
    colour = tuple(float(v) for v in chance.choice(COLOURS[chance.choice(("red", "red", "yellow"))]))
    if chance.random() < 0.5:
        cv2.rectangle(board, (150, 20), (330, 110), (12.0, 12.0, 12.0), -1)
        for _ in range(chance.randint(20, 70)):
            cv2.circle(light, (chance.randint(155, 325), chance.randint(25, 105)), 3, colour, -1)
    else:
        for _ in range(chance.randint(0, 2)):
            x, y = chance.randint(180, 290), chance.randint(20, 200)
            cv2.rectangle(light, (x, y), (x + chance.randint(10, 50), y + chance.randint(8, 30)), colour, -1)
    glow = _blurred(light, 10.0) * chance.uniform(0, 1.5)
    return _shot(chance, board + light + glow, Housing((200, 20, 280, 220), []), 0.0)


def _shot(chance: random.Random, board: Floats | Pixels, housing: Housing, tilt: float) -> Pixels:
    """Returns the region as the camera shows it: cut, small, noisy, compressed."""
    picture: NDArray[Any] = np.clip(board, 0, 255).astype(np.float32)
    if tilt:
        turn = cv2.getRotationMatrix2D((240, 120), chance.uniform(-60, 60) * tilt, 1.0)
        picture = cv2.warpAffine(picture, turn, (SIZE_PX[1], SIZE_PX[0]), borderMode=cv2.BORDER_REPLICATE)
    x1, y1, x2, y2 = housing.box
    wide, high = x2 - x1, y2 - y1
    left, right = x1 - chance.uniform(-0.1, 0.45) * wide, x2 + chance.uniform(-0.1, 0.45) * wide
    top, bottom = y1 - chance.uniform(-0.05, 0.25) * high, y2 + chance.uniform(-0.05, 0.25) * high
    region = picture[max(0, int(top)) : int(bottom) + 1, max(0, int(left)) : int(right) + 1]
    small_px = max(5, int(4 * 2 ** chance.uniform(0.3, 3.5)))
    if chance.random() < LYING:
        region = np.rot90(region, chance.choice((1, -1)))
    squeeze = chance.uniform(0.55, 1.2) if chance.random() < 0.5 else 1.0
    size = (small_px, max(8, int(small_px * squeeze * region.shape[0] / region.shape[1])))
    seen = cv2.resize(np.ascontiguousarray(region), size, interpolation=cv2.INTER_AREA)
    if chance.random() < SHARPENED:
        soft = cv2.GaussianBlur(seen, (0, 0), chance.uniform(0.6, 1.6))
        seen = seen + chance.uniform(0.5, 2.0) * (seen - soft)
    noise = np.random.default_rng(chance.randrange(2**32)).normal(0, chance.uniform(0, 12), seen.shape)
    return lamp_view(compressed(np.clip(seen + noise, 0, 255).astype(np.uint8), chance), "vertical")


def compressed(rgb: Pixels, chance: random.Random) -> Pixels:
    """Returns a picture after a lossy camera encoder: chroma at half resolution."""
    quality = [cv2.IMWRITE_JPEG_QUALITY, chance.randint(35, 95)]
    done, data = cv2.imencode(".jpg", np.ascontiguousarray(rgb[..., ::-1]), quality)
    if not done:
        raise ValueError(f"a picture of shape {rgb.shape} cannot be compressed")
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), dtype=np.uint8)[..., ::-1]
