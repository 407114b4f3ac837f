"""The painted ground as one texture: asphalt, paving, road markings, wear and dirt. Linear RGB."""

from __future__ import annotations

import math
from typing import Any

import cv2
import numpy as np

from sim import junction
from sim.junction import Arm, Junction

TEXEL_M, DRAFT_TEXEL_M = 0.03, 0.05
_HALF = junction.GROUND_HALF_M


class _Sheet:
    """A square raster over the ground, with metre coordinates."""

    def __init__(self, seed: int, texel_m: float) -> None:
        self.texel_m = texel_m
        self.random = np.random.RandomState(seed)
        self.size = int(2 * _HALF / texel_m)

    def layer(self) -> Any:
        return np.zeros((self.size, self.size), "f4")

    def texel(self, x: float, y: float) -> tuple[int, int]:
        return int((x + _HALF) / self.texel_m), int((_HALF - y) / self.texel_m)

    def noise(self, grain_px: float, spread: float) -> Any:
        cells = max(2, int(self.size / grain_px))
        coarse = self.random.normal(0, spread, (cells, cells)).astype("f4")
        return cv2.resize(coarse, (self.size, self.size), interpolation=cv2.INTER_CUBIC)

    def fill(self, layer: Any, arm: Arm, across: tuple[float, float], along: tuple[float, float]) -> None:
        """Paints a rectangle in an arm's frame: x from-to, y from-to."""
        (x0, x1), (y0, y1) = across, along
        corners = [self.texel(*junction.rotate(arm, x, y)) for x, y in ((x0, y0), (x1, y0), (x1, y1), (x0, y1))]
        cv2.fillConvexPoly(layer, np.array(corners, np.int32), 1.0)


def build_ground(seed: int = 3, built: Junction | None = None, *, texel_m: float = TEXEL_M) -> Any:
    """Returns the ground of a junction, by default the standard one, shape (N, N, 3) uint8 sRGB, north up."""
    built = built or Junction()
    sheet = _Sheet(seed, texel_m)
    image = _paving(sheet)
    road = _road_mask(sheet, built)
    kerb = cv2.dilate(road, np.ones((9, 9))) - road
    asphalt = np.full_like(sheet.layer(), 0.125)
    for grain, spread in ((1, 0.012), (3, 0.007), (60, 0.010), (400, 0.008)):
        asphalt += sheet.noise(grain, spread)
    image = np.where(road[..., None] > 0, asphalt[..., None] * np.array((1, 1.0, 1.02), "f4"), image)
    image[kerb > 0] = (0.46, 0.45, 0.43)
    image -= (_wheel_tracks(sheet, built) * (road > 0))[..., None]
    _age(sheet, image, built)
    _mark(sheet, image, built)
    _raise_median(sheet, image, built)
    return _srgb8(np.clip(image, 0.015, 1))


def _paving(sheet: _Sheet) -> Any:
    image = np.empty((sheet.size, sheet.size, 3), "f4")
    image[:] = (0.36, 0.34, 0.32)
    tile = int(0.4 / sheet.texel_m)
    image[::tile, :] *= 0.82
    image[:, ::tile] *= 0.82
    count = sheet.size // tile + 1
    shade = sheet.random.normal(0, 0.014, (count, count)).astype("f4")
    image += cv2.resize(shade, (count * tile,) * 2, interpolation=cv2.INTER_NEAREST)[: sheet.size, : sheet.size, None]
    return image


def _road_mask(sheet: _Sheet, built: Junction) -> Any:
    road = np.zeros((sheet.size, sheet.size), "u1")
    half = built.road_half_m
    for arm in built.arms:
        sheet.fill(road, arm, (-half, half), (0.0, -_HALF - 1))
    for sx, side in ((-1, "W"), (1, "E")):
        for sy in (-1, 1):
            if side not in built.arms:
                continue
            a, b = sheet.texel(sx * half, sy * half), sheet.texel(sx * (half + 4), sy * (half + 4))
            road[min(a[1], b[1]) : max(a[1], b[1]), min(a[0], b[0]) : max(a[0], b[0])] = 1
            cv2.circle(road, b, int(4 / sheet.texel_m), 0, -1)
    sheet.fill(road, "S", (-half, half), (half, -half))
    if built.has_bays:
        cv2.fillConvexPoly(road, np.array([sheet.texel(*p) for p in built.bay_strip()], np.int32), 1)
    return road


def _wheel_tracks(sheet: _Sheet, built: Junction) -> Any:
    tracks, lanes = sheet.layer(), built.lane_centres_m
    for lane in (*lanes, *(-x for x in lanes)):
        for wheel in (-0.8, 0.8):
            a, b = sheet.texel(lane + wheel - 0.28, 0)[0], sheet.texel(lane + wheel + 0.28, 0)[0]
            tracks[:, a:b] += 0.012
            tracks[sheet.size - b : sheet.size - a, :] += 0.012
    return cv2.GaussianBlur(tracks, (0, 0), 6)


def _age(sheet: _Sheet, image: Any, built: Junction) -> None:
    """Adds patches, cracks, oil and manholes to the carriageway."""
    random, half = sheet.random, built.road_half_m
    for _ in range(60):
        x, y = random.uniform(-_HALF, _HALF, 2)
        if abs(x) < half - 0.9 or abs(y) < half - 0.9:
            at = sheet.texel(x, y)
            wide, high = int(random.uniform(0.6, 3) / sheet.texel_m), int(random.uniform(0.6, 4) / sheet.texel_m)
            image[at[1] : at[1] + high, at[0] : at[0] + wide] *= random.uniform(0.82, 1.1)
    for _ in range(160):
        x, y = random.uniform(-_HALF, _HALF, 2)
        if abs(x) < half - 0.2 or abs(y) < half - 0.2:
            points, turn = [sheet.texel(x, y)], random.uniform(0, 6.28)
            for _ in range(14):
                turn += random.normal(0, 0.5)
                last = points[-1]
                points.append((last[0] + int(12 * math.cos(turn)), last[1] + int(12 * math.sin(turn))))
            cv2.polylines(image, [np.array(points, np.int32)], False, (0.07, 0.07, 0.07), 1, cv2.LINE_AA)
    for _ in range(90):
        lane, along = random.choice(list(built.lane_centres_m)), random.uniform(20, 40)
        x, y = [(lane, -along), (-lane, along), (along, lane), (-along, -lane)][random.randint(4)]
        spot = sheet.texel(x + random.normal(0, 0.2), y)
        cv2.circle(image, spot, int(random.uniform(2, 6)), (0.085, 0.085, 0.085), -1)
    for x, y in ((3.1, -9), (-2.5, 4), (5.5, -34), (-4.5, 30), (12, -3), (-30, 3)):
        cv2.circle(image, sheet.texel(x, y), int(0.38 / sheet.texel_m), (0.09, 0.085, 0.08), -1)
        cv2.circle(image, sheet.texel(x, y), int(0.38 / sheet.texel_m), (0.17, 0.165, 0.16), 2)


def _mark(sheet: _Sheet, image: Any, built: Junction) -> None:
    white, yellow, red = sheet.layer(), sheet.layer(), sheet.layer()
    for arm in built.arms:
        _mark_lines(sheet, arm, white, yellow, built)
        _mark_symbols(sheet, arm, white, built)
        for side in (-1, 1):
            near, far = built.cycle_edges_m
            if built.cycle_lane_m:
                sheet.fill(red, arm, (side * near, side * far), (-built.stop_line_m - 0.8, -_HALF))
    if built.has_waiting_area:
        _mark_waiting_area(sheet, white, built)
    if built.has_bays:
        _mark_bays(sheet, white, built)
    wear = np.clip(0.80 + sheet.noise(6, 0.16) + sheet.noise(70, 0.13), 0.25, 1.0)
    red *= np.clip(0.55 + sheet.noise(40, 0.15) + sheet.noise(4, 0.1), 0.1, 0.9)
    brick = np.array((0.24, 0.085, 0.06), "f4") * (1 + sheet.noise(2, 0.08)[..., None])
    image[:] = image * (1 - red[..., None]) + red[..., None] * brick
    for layer, colour in ((white, (0.62, 0.62, 0.60)), (yellow, (0.60, 0.42, 0.06))):
        share = (cv2.GaussianBlur(layer, (0, 0), 0.8) * wear)[..., None]
        image[:] = image * (1 - share) + share * np.array(colour, "f4")


def _mark_lines(sheet: _Sheet, arm: Arm, white: Any, yellow: Any, built: Junction) -> None:
    line, line_end = built.stop_line_m, built.stop_line_m + junction.STOP_LINE_WIDTH_M
    edge, half = built.median_m / 2, built.crosswalk_half_m
    for side in (-1, 1):
        sheet.fill(yellow, arm, (side * (edge + 0.08), side * (edge + 0.22)), (-line_end, -_HALF))
    sheet.fill(white, arm, (edge, built.cycle_edges_m[1]), (-line, -line_end))
    for side in (-1, 1):
        sheet.fill(white, arm, (side * (built.divider_m - 0.15), side * built.divider_m), (-line_end, -_HALF))
    for lane in range(1, built.lanes):
        x = edge + junction.LANE_M * lane
        sheet.fill(white, arm, (x - 0.07, x + 0.07), (-line_end, -45))
        for along in np.arange(45, _HALF, 6):
            sheet.fill(white, arm, (x - 0.07, x + 0.07), (-along, -along - 3))
        for along in np.arange(line + 0.8, _HALF, 6):
            sheet.fill(white, arm, (-x - 0.07, -x + 0.07), (-along, -along - 3))
    near, far = built.crosswalk_m
    for across in np.arange(-half + 0.1, half - 0.1, 0.9):
        if not (built.has_island and abs(across + 0.22) < edge + 0.2):
            sheet.fill(white, arm, (across, across + 0.45), (-near, -far))


def _mark_symbols(sheet: _Sheet, arm: Arm, white: Any, built: Junction) -> None:
    for index, lane in enumerate(built.lane_centres_m):
        turns = [side for side, wanted in ((-1, 0), (1, built.lanes - 1)) if index == wanted]
        for tail in (-27, -48):
            sheet.fill(white, arm, (lane - 0.08, lane + 0.08), (tail, tail - 5))
            for step in np.linspace(0, 0.45, 12):
                top = tail + 1.0 - step * 2.4
                sheet.fill(white, arm, (lane - step * 0.75, lane + step * 0.75), (top, top - 0.16))
            for side in turns:
                sheet.fill(white, arm, (lane, lane + side * 0.65), (tail - 3.0, tail - 2.8))
                sheet.fill(white, arm, (lane + side * 0.55, lane + side * 0.75), (tail - 2.0, tail - 3.4))
    for along in (-26, -44) if built.cycle_lane_m else ():
        for lane in (built.kerb_m - 0.025, -built.kerb_m + 0.025):

            def at(x: float, y: float) -> tuple[int, int]:
                return sheet.texel(*junction.rotate(arm, x, y))

            for hub in (-0.75, 0.75):
                cv2.circle(white, at(lane, along + hub), int(0.42 / sheet.texel_m), 1.0, 3, cv2.LINE_AA)
            cv2.line(white, at(lane, along - 0.75), at(lane + 0.35, along), 1.0, 3, cv2.LINE_AA)
            cv2.line(white, at(lane + 0.35, along), at(lane, along + 0.75), 1.0, 3, cv2.LINE_AA)


def _mark_waiting_area(sheet: _Sheet, white: Any, built: Junction) -> None:
    """Paints the dashed outline and the line at the end of the left-turn waiting area."""
    near, far = built.crosswalk_m[0] - 8.0, built.crosswalk_m[0]
    for x in built.motor_lanes_m[0]:
        for along in np.arange(near, far, 1.0):
            sheet.fill(white, "S", (x - 0.07, x + 0.07), (-along, -along - 0.5))
    sheet.fill(white, "S", built.motor_lanes_m[0], (-near, -near - 0.2))


def _mark_bays(sheet: _Sheet, white: Any, built: Junction) -> None:
    """Paints parking bays of six metres in their recess."""
    corners = np.array(built.bay_strip())
    (left, bottom), (right, top) = corners.min(0), corners.max(0)
    for y in (*np.arange(top, bottom, -6.0), bottom):
        sheet.fill(white, "S", (left, right), (y - 0.06, y + 0.06))
    sheet.fill(white, "S", (right - 0.1, right), (bottom, top))


def _raise_median(sheet: _Sheet, image: Any, built: Junction) -> None:
    """Paints the median as grass between kerb stones, and the islands as paving."""
    edge = built.median_m / 2
    if not edge:
        return
    for arm in built.arms:
        kerb, grass, paved = sheet.layer(), sheet.layer(), sheet.layer()
        sheet.fill(kerb, arm, (-edge, edge), (-built.stop_line_m - 0.4, -_HALF))
        sheet.fill(grass, arm, (-edge + 0.2, edge - 0.2), (-built.stop_line_m - 0.8, -_HALF))
        if built.has_island:
            near, far = built.crosswalk_m
            sheet.fill(kerb, arm, (-edge, edge), (-near, -near + 0.8))
            sheet.fill(kerb, arm, (-edge, edge), (-far, -far - 0.8))
            sheet.fill(paved, arm, (-edge, edge), (-near, -far))
        image[kerb > 0] = (0.46, 0.45, 0.43)
        image[grass > 0] = np.array((0.07, 0.11, 0.035)) * (1 + sheet.noise(3, 0.2)[grass > 0][:, None])
        image[paved > 0] = (0.34, 0.25, 0.2)


def _srgb8(linear: Any) -> Any:
    curve = np.where(linear < 0.0031308, linear * 12.92, 1.055 * np.power(linear, 1 / 2.4) - 0.055)
    return (np.clip(curve, 0, 1) * 255).astype("u1")
