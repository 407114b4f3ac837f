"""The painted ground as one texture: asphalt, paving, road markings, wear and dirt. Linear RGB."""

from __future__ import annotations

import math
from typing import Any

import cv2
import numpy as np

from sim import junction
from sim.junction import ARMS, Arm

TEXEL_M = 0.03
_HALF = junction.GROUND_HALF_M
_LANES = (1.7, 5.1)


class _Sheet:
    """A square raster over the ground, with metre coordinates."""

    def __init__(self, seed: int) -> None:
        self.random = np.random.RandomState(seed)
        self.size = int(2 * _HALF / TEXEL_M)

    def layer(self) -> Any:
        return np.zeros((self.size, self.size), "f4")

    def texel(self, x: float, y: float) -> tuple[int, int]:
        return int((x + _HALF) / TEXEL_M), int((_HALF - y) / TEXEL_M)

    def noise(self, grain_px: float, spread: float) -> Any:
        cells = max(2, int(self.size / grain_px))
        coarse = self.random.normal(0, spread, (cells, cells)).astype("f4")
        return cv2.resize(coarse, (self.size, self.size), interpolation=cv2.INTER_CUBIC)

    def fill(self, layer: Any, arm: Arm, across: tuple[float, float], along: tuple[float, float]) -> None:
        """Paints a rectangle in an arm's frame: x from-to, y from-to."""
        (x0, x1), (y0, y1) = across, along
        corners = [self.texel(*junction.rotate(arm, x, y)) for x, y in ((x0, y0), (x1, y0), (x1, y1), (x0, y1))]
        cv2.fillConvexPoly(layer, np.array(corners, np.int32), 1.0)


def build_ground(seed: int = 3) -> Any:
    """Returns the ground, shape (N, N, 3) uint8 sRGB, north up."""
    sheet = _Sheet(seed)
    image = _paving(sheet)
    road = _road_mask(sheet)
    kerb = cv2.dilate(road, np.ones((9, 9))) - road
    asphalt = np.full_like(sheet.layer(), 0.125)
    for grain, spread in ((1, 0.012), (3, 0.007), (60, 0.010), (400, 0.008)):
        asphalt += sheet.noise(grain, spread)
    image = np.where(road[..., None] > 0, asphalt[..., None] * np.array((1, 1.0, 1.02), "f4"), image)
    image[kerb > 0] = (0.46, 0.45, 0.43)
    image -= (_wheel_tracks(sheet) * (road > 0))[..., None]
    _age(sheet, image)
    _mark(sheet, image)
    return _srgb8(np.clip(image, 0.015, 1))


def _paving(sheet: _Sheet) -> Any:
    image = np.empty((sheet.size, sheet.size, 3), "f4")
    image[:] = (0.36, 0.34, 0.32)
    tile = int(0.4 / TEXEL_M)
    image[::tile, :] *= 0.82
    image[:, ::tile] *= 0.82
    count = sheet.size // tile + 1
    shade = sheet.random.normal(0, 0.014, (count, count)).astype("f4")
    image += cv2.resize(shade, (count * tile,) * 2, interpolation=cv2.INTER_NEAREST)[: sheet.size, : sheet.size, None]
    return image


def _road_mask(sheet: _Sheet) -> Any:
    road = np.zeros((sheet.size, sheet.size), "u1")
    half = junction.ROAD_HALF_M
    low, high = sheet.texel(-half, 0)[0], sheet.texel(half, 0)[0]
    road[:, low:high] = 1
    road[low:high, :] = 1
    for sx in (-1, 1):
        for sy in (-1, 1):
            a, b = sheet.texel(sx * half, sy * half), sheet.texel(sx * (half + 4), sy * (half + 4))
            road[min(a[1], b[1]) : max(a[1], b[1]), min(a[0], b[0]) : max(a[0], b[0])] = 1
            cv2.circle(road, b, int(4 / TEXEL_M), 0, -1)
    return road


def _wheel_tracks(sheet: _Sheet) -> Any:
    tracks = sheet.layer()
    for lane in (*_LANES, *(-x for x in _LANES)):
        for wheel in (-0.8, 0.8):
            a, b = sheet.texel(lane + wheel - 0.28, 0)[0], sheet.texel(lane + wheel + 0.28, 0)[0]
            tracks[:, a:b] += 0.012
            tracks[sheet.size - b : sheet.size - a, :] += 0.012
    return cv2.GaussianBlur(tracks, (0, 0), 6)


def _age(sheet: _Sheet, image: Any) -> None:
    """Adds patches, cracks, oil and manholes to the carriageway."""
    random = sheet.random
    for _ in range(60):
        x, y = random.uniform(-_HALF, _HALF, 2)
        if abs(x) < 8.5 or abs(y) < 8.5:
            at = sheet.texel(x, y)
            wide, high = int(random.uniform(0.6, 3) / TEXEL_M), int(random.uniform(0.6, 4) / TEXEL_M)
            image[at[1] : at[1] + high, at[0] : at[0] + wide] *= random.uniform(0.82, 1.1)
    for _ in range(160):
        x, y = random.uniform(-_HALF, _HALF, 2)
        if abs(x) < 9.2 or abs(y) < 9.2:
            points, turn = [sheet.texel(x, y)], random.uniform(0, 6.28)
            for _ in range(14):
                turn += random.normal(0, 0.5)
                last = points[-1]
                points.append((last[0] + int(12 * math.cos(turn)), last[1] + int(12 * math.sin(turn))))
            cv2.polylines(image, [np.array(points, np.int32)], False, (0.07, 0.07, 0.07), 1, cv2.LINE_AA)
    for _ in range(90):
        lane, along = random.choice([1.7, 5.1]), random.uniform(20, 40)
        x, y = [(lane, -along), (-lane, along), (along, lane), (-along, -lane)][random.randint(4)]
        spot = sheet.texel(x + random.normal(0, 0.2), y)
        cv2.circle(image, spot, int(random.uniform(2, 6)), (0.085, 0.085, 0.085), -1)
    for x, y in ((3.1, -9), (-2.5, 4), (5.5, -34), (-4.5, 30), (12, -3), (-30, 3)):
        cv2.circle(image, sheet.texel(x, y), int(0.38 / TEXEL_M), (0.09, 0.085, 0.08), -1)
        cv2.circle(image, sheet.texel(x, y), int(0.38 / TEXEL_M), (0.17, 0.165, 0.16), 2)


def _mark(sheet: _Sheet, image: Any) -> None:
    white, yellow, red = sheet.layer(), sheet.layer(), sheet.layer()
    for arm in ARMS:
        _mark_lines(sheet, arm, white, yellow)
        _mark_symbols(sheet, arm, white)
        for side in (-1, 1):
            near, far = junction.CYCLE_LANE_M
            sheet.fill(red, arm, (side * near, side * far), (-20, -_HALF))
    wear = np.clip(0.80 + sheet.noise(6, 0.16) + sheet.noise(70, 0.13), 0.25, 1.0)
    red *= np.clip(0.55 + sheet.noise(40, 0.15) + sheet.noise(4, 0.1), 0.1, 0.9)
    brick = np.array((0.24, 0.085, 0.06), "f4") * (1 + sheet.noise(2, 0.08)[..., None])
    image[:] = image * (1 - red[..., None]) + red[..., None] * brick
    for layer, colour in ((white, (0.62, 0.62, 0.60)), (yellow, (0.60, 0.42, 0.06))):
        share = (cv2.GaussianBlur(layer, (0, 0), 0.8) * wear)[..., None]
        image[:] = image * (1 - share) + share * np.array(colour, "f4")


def _mark_lines(sheet: _Sheet, arm: Arm, white: Any, yellow: Any) -> None:
    line, line_end = junction.STOP_LINE_M, junction.STOP_LINE_M + junction.STOP_LINE_WIDTH_M
    sheet.fill(yellow, arm, (-0.22, -0.08), (-line_end, -_HALF))
    sheet.fill(yellow, arm, (0.08, 0.22), (-line_end, -_HALF))
    sheet.fill(white, arm, (0, junction.CYCLE_LANE_M[1]), (-line, -line_end))
    for side in (-1, 1):
        sheet.fill(white, arm, (side * 6.73, side * junction.DIVIDER_M), (-line_end, -_HALF))
    sheet.fill(white, arm, (3.33, 3.47), (-line_end, -45))
    for along in np.arange(45, _HALF, 6):
        sheet.fill(white, arm, (3.33, 3.47), (-along, -along - 3))
    for along in np.arange(20, _HALF, 6):
        sheet.fill(white, arm, (-3.47, -3.33), (-along, -along - 3))
    near, far = junction.CROSSWALK_M
    for across in np.arange(-9.0, 9.0, 0.9):
        sheet.fill(white, arm, (across, across + 0.45), (-near, -far))


def _mark_symbols(sheet: _Sheet, arm: Arm, white: Any) -> None:
    for lane, side in ((1.7, -1), (5.1, 1)):
        for tail in (-27, -48):
            sheet.fill(white, arm, (lane - 0.08, lane + 0.08), (tail, tail - 5))
            for step in np.linspace(0, 0.45, 12):
                top = tail + 1.0 - step * 2.4
                sheet.fill(white, arm, (lane - step * 0.75, lane + step * 0.75), (top, top - 0.16))
            sheet.fill(white, arm, (lane, lane + side * 0.65), (tail - 3.0, tail - 2.8))
            sheet.fill(white, arm, (lane + side * 0.55, lane + side * 0.75), (tail - 2.0, tail - 3.4))
    for along in (-26, -44):
        for lane in (8.1, -8.1):

            def at(x: float, y: float) -> tuple[int, int]:
                return sheet.texel(*junction.rotate(arm, x, y))

            for hub in (-0.75, 0.75):
                cv2.circle(white, at(lane, along + hub), int(0.42 / TEXEL_M), 1.0, 3, cv2.LINE_AA)
            cv2.line(white, at(lane, along - 0.75), at(lane + 0.35, along), 1.0, 3, cv2.LINE_AA)
            cv2.line(white, at(lane + 0.35, along), at(lane, along + 0.75), 1.0, 3, cv2.LINE_AA)


def _srgb8(linear: Any) -> Any:
    curve = np.where(linear < 0.0031308, linear * 12.92, 1.055 * np.power(linear, 1 / 2.4) - 0.055)
    return (np.clip(curve, 0, 1) * 255).astype("u1")
