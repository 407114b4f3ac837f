"""What shines: signals, street lamps, vehicle lights; their light on the road and their image in the wet."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from sim.actors import Pose
from sim.camera import Camera
from sim.gpu import Gpu, set_matrix
from sim.junction import Junction, rotate
from sim.lights import lights_of
from sim.mesh import Matrix, Triple
from sim.town import LAMP_M, street_lamps
from sim.weather import Weather
from sim.world import Moment

_LAMP_COLOURS = {"red": (1.0, 0.13, 0.07), "yellow": (1.0, 0.72, 0.08), "green": (0.10, 1.0, 0.55)}
_UNLIT = 0.10
_CLOSE, _WIDE = 2.2, 5.0
"""The lamp sheet is this much larger than the lens, to hold the glow: by day, and in the dark."""
_POOL_M = {"car": (1.0, 17.0, 2.6), "small": (0.6, 9.0, 1.3)}
"""The light before a vehicle: where it begins, how far it reaches, half its width."""
_FACING = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class _Spot:
    at: Matrix
    facing: Matrix
    colour: Triple
    radius_m: float
    glow: float


class Glow:
    """Draws lamps into the picture of one camera."""

    def __init__(self, gpu: Gpu, camera: Camera, built: Junction, weather: Weather) -> None:
        self._gpu, self._camera, self._weather = gpu, camera, weather
        self._housings = built.lamp_housings()
        self._street = street_lamp_heads(built)

    def draw_on_road(self, moment: Moment, seen: list[tuple[Pose, Matrix]]) -> None:
        """Draws what lies on the ground, before the actors: light pools and mirror images."""
        gpu = self._gpu
        if not self._weather.is_lit:
            return
        gpu.context.enable(gpu.gl.BLEND)
        strength = 0.9 if self._weather.exposure > 1 else 0.18
        for pose, frame in seen:
            if pose.body.subject != "pedestrian" and pose.kind != "bicycle":
                self._draw_pool(pose, frame, strength)
        if self._weather.wetness:
            self._draw_streaks([*self._signals(moment), *self._vehicles(moment, seen)])
        gpu.context.disable(gpu.gl.BLEND)

    def draw(self, moment: Moment, seen: list[tuple[Pose, Matrix]]) -> None:
        """Draws the lamps themselves, over everything."""
        gpu = self._gpu
        gpu.context.enable(gpu.gl.BLEND)
        gpu.context.blend_func = (gpu.gl.SRC_ALPHA, gpu.gl.ONE_MINUS_SRC_ALPHA)
        set_matrix(gpu.lamp, "VP", self._camera.view_projection)
        for spot in (*self._signals(moment, is_dark_too=True), *self._vehicles(moment, seen), *self._street_spots()):
            gpu.lamp["spread"] = spread = _WIDE if self._weather.exposure > 1 and spot.glow else _CLOSE
            self._place(gpu.lamp, spot, spread)
            gpu.lamp_sheet.render(gpu.gl.TRIANGLE_STRIP)
        gpu.context.disable(gpu.gl.BLEND)

    def _draw_pool(self, pose: Pose, frame: Matrix, strength: float) -> None:
        gpu = self._gpu
        start, reach, half = _POOL_M["car" if pose.body.length_m > 3 else "small"]
        set_matrix(gpu.pool, "VP", self._camera.view_projection)
        set_matrix(gpu.pool, "Mo", frame)
        gpu.pool["pool"] = (pose.body.length_m / 2 + start, reach, half)
        # What the road already shows grows brighter, which keeps its texture; a little light comes on top.
        for source, colour in ((gpu.gl.DST_COLOR, 1.0), (gpu.gl.DST_COLOR, 1.0), (gpu.gl.ONE, 0.16)):
            gpu.context.blend_func = (source, gpu.gl.ONE)
            tint = colour * min(strength * 1.1, 1.0)
            gpu.pool["col"] = (tint, tint * 0.95, tint * 0.8)
            gpu.pool_sheet.render(gpu.gl.TRIANGLE_STRIP)

    def _draw_streaks(self, spots: list[_Spot]) -> None:
        gpu, camera = self._gpu, self._camera
        set_matrix(gpu.streak, "VP", camera.view_projection)
        gpu.context.blend_func = (gpu.gl.ONE, gpu.gl.ONE)
        gpu.context.disable(gpu.gl.DEPTH_TEST)
        for spot in spots:
            x, y, z = spot.at
            half = spot.radius_m * camera.pixels_per_metre(np.array([x, y, 0.0])) * 2 / camera.width_px
            gpu.streak["ctr"] = (x, y, -z)
            gpu.streak["sz"] = (half * 1.6, half * 11 * camera.width_px / camera.height_px)
            gpu.streak["col"] = spot.colour
            gpu.streak["glow"] = 0.34 * self._weather.wetness * spot.glow
            gpu.streak_sheet.render(gpu.gl.TRIANGLE_STRIP)
        gpu.context.enable(gpu.gl.DEPTH_TEST)

    def _place(self, program: Any, spot: _Spot, spread: float) -> None:
        camera = self._camera
        half = spot.radius_m * camera.pixels_per_metre(spot.at) * 2 / camera.width_px * spread
        program["ctr"] = tuple(spot.at)
        program["sz"] = (half, half * camera.width_px / camera.height_px)
        program["col"], program["glow"] = spot.colour, spot.glow

    def _signals(self, moment: Moment, *, is_dark_too: bool = False) -> Iterator[_Spot]:
        for housing in self._housings:
            facing = np.array([*housing.facing, 0.0])
            if not self._is_turned(np.array(housing.centre), facing):
                continue
            for colour, centre in housing.lamp_centres():
                is_lit = moment.signals[housing.group] == colour
                if is_lit or is_dark_too:
                    red, green, blue = _LAMP_COLOURS[colour]
                    share = 1.0 if is_lit else _UNLIT * (0.3 if self._weather.exposure > 1.3 else 1.0)
                    yield _Spot(
                        at=centre + facing * 0.17,
                        facing=facing,
                        colour=(red * share, green * share, blue * share),
                        radius_m=housing.radius_m,
                        glow=1.0 if is_lit else 0.0,
                    )

    def _vehicles(self, moment: Moment, seen: list[tuple[Pose, Matrix]]) -> Iterator[_Spot]:
        for pose, frame in seen:
            facing = np.array([frame[0, 0], frame[1, 0], 0.0])
            for light in lights_of(pose, moment.t_s, is_lit=self._weather.is_lit):
                at = frame[:3, :3] @ np.array(light.at) + frame[:3, 3]
                if self._is_turned(at, facing * light.ahead):
                    yield _Spot(
                        at=at,
                        facing=facing * light.ahead,
                        colour=light.colour,
                        radius_m=light.radius_m,
                        glow=light.glow,
                    )

    def _street_spots(self) -> Iterator[_Spot]:
        if self._weather.is_lit and self._weather.exposure > 1:
            for at in self._street:
                if self._camera.is_near(at[0], at[1], 12.0):
                    yield _Spot(at=at, facing=at, colour=(1.0, 0.86, 0.6), radius_m=0.22, glow=1.0)

    def _is_turned(self, at: Matrix, facing: Matrix) -> bool:
        towards = self._camera.eye - at
        return bool(towards @ facing > _FACING * np.linalg.norm(towards))


def street_lamp_heads(built: Junction) -> list[Matrix]:
    """Returns where the light of each street lamp comes from, world metres, nearest to the junction first."""
    heads = []
    for x, y in street_lamps(built):
        for arm in built.arms:
            at = rotate(arm, x - 3.2, y)
            heads.append(np.array([*at, LAMP_M - 0.08]))
    return heads
