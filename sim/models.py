"""Which meshes an actor is drawn with: shape, colours and gait chosen by its id, or by the scene."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from sim import buses, cars, plates, riders
from sim.actors import Pose
from sim.mesh import IDENTITY, Matrix, Mesh, Triple, place
from sim.scene import Look
from sim.town import Solid

_PAINTS: tuple[Triple, ...] = (
    (0.78, 0.78, 0.77), (0.78, 0.78, 0.77), (0.74, 0.75, 0.76), (0.02, 0.02, 0.022), (0.025, 0.025, 0.03),
    (0.32, 0.33, 0.34), (0.12, 0.125, 0.13), (0.42, 0.43, 0.44), (0.35, 0.02, 0.025),
    (0.03, 0.07, 0.22), (0.16, 0.12, 0.09),
)  # fmt: skip
_TOPS: tuple[Triple, ...] = (
    (0.05, 0.09, 0.25), (0.35, 0.04, 0.05), (0.45, 0.44, 0.40), (0.05, 0.05, 0.06), (0.06, 0.22, 0.12),
    (0.50, 0.36, 0.05), (0.22, 0.24, 0.28),
)  # fmt: skip
_TROUSERS: tuple[Triple, ...] = ((0.03, 0.035, 0.06), (0.02, 0.02, 0.02), (0.18, 0.16, 0.12), (0.05, 0.07, 0.14))
_EBIKES: tuple[Triple, ...] = (
    (0.45, 0.04, 0.05),
    (0.04, 0.08, 0.25),
    (0.55, 0.55, 0.53),
    (0.03, 0.03, 0.03),
    (0.1, 0.3, 0.28),
)
_BICYCLES: tuple[Triple, ...] = ((0.03, 0.1, 0.25), (0.3, 0.03, 0.03), (0.05, 0.25, 0.18))
_HELMETS: tuple[Triple, ...] = (
    (0.5, 0.5, 0.52),
    (0.6, 0.6, 0.58),
    (0.45, 0.05, 0.05),
    (0.05, 0.1, 0.3),
    (0.5, 0.4, 0.05),
)
_BOXES: tuple[Triple | None, ...] = ((0.50, 0.36, 0.03), (0.05, 0.2, 0.5), None, None)
_GAIT_STEPS, _STRIDE_M, _PEDAL_STEPS, _PEDAL_M = 16, 1.45, 8, 4.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One drawable piece of an actor, placed in the actor's own frame."""

    key: tuple[Any, ...]
    build: Callable[[], Solid]
    is_pushed: bool = False
    matrix: Any = None

    @property
    def offset(self) -> Matrix:
        """Where the piece sits on the actor."""
        return IDENTITY if self.matrix is None else self.matrix


def parts_of(pose: Pose, look: Look) -> list[Part]:
    """Returns the pieces an actor is drawn with; equal keys mean equal meshes."""
    chance = int(hashlib.md5(pose.actor_id.encode(), usedforsecurity=False).hexdigest()[:8], 16)
    if pose.kind in cars.PLANS:
        return _car(pose, look, chance)
    if pose.kind == "bus":
        return _bus(pose)
    if pose.kind == "ebike":
        return _ebike(pose, look, chance)
    if pose.kind == "bicycle":
        return _bicycle(pose, look, chance)
    return _walker(pose, look, chance)


def _car(pose: Pose, look: Look, chance: int) -> list[Part]:
    paint = look.paint or _PAINTS[chance % len(_PAINTS)]
    kind = pose.kind
    built: dict[str, cars.CarModel] = {}

    def model() -> cars.CarModel:
        if not built:
            built["car"] = cars.build_car(kind, paint)
        return built["car"]

    return [
        Part(key=("body", kind, paint), build=lambda: Solid(mesh=model().body, mode=2, texture=model().texture)),
        Part(key=("trim", kind, paint), build=lambda: Solid(mesh=model().trim.merge(cars.plate_backing(kind)))),
        *_plates(pose, *cars.plate_spots(kind)),
    ]


def _plates(pose: Pose, front: Triple, rear: Triple) -> list[Part]:
    """Returns an actor's plates: a front one where its kind carries one, and the rear one."""
    plate = plates.plate_of(pose.actor_id, pose.kind)
    if plate is None:
        return []

    def part(style: plates.Style, at: Triple, ahead: int) -> Part:
        return Part(
            key=("plate", plate.text, style, at),
            build=lambda: Solid(
                mesh=plates.plate_face(style, at, ahead), mode=2, texture=plates.plate_texture(plate.text, style)
            ),
        )

    found = [part(plate.rear, rear, -1)]
    return found if plate.front is None else [part(plate.front, front, 1), *found]


def _bus(pose: Pose) -> list[Part]:
    built: dict[str, cars.CarModel] = {}

    def model() -> cars.CarModel:
        if not built:
            built["bus"] = buses.build_bus()
        return built["bus"]

    return [
        Part(key=("bus",), build=lambda: Solid(mesh=model().body, mode=2, texture=model().texture)),
        Part(key=("bus", "trim"), build=lambda: Solid(mesh=model().trim)),
        *_plates(pose, (5.43, 0.0, 0.55), (-5.43, 0.0, 0.62)),
    ]


def _outfit(
    look: Look,
    chance: int,
    *,
    helmet: Triple | None = None,
    bag: Literal["pack", "hand"] | None = None,
    may_be_long_haired: bool = False,
) -> riders.Outfit:
    return riders.Outfit(
        top=look.top or _TOPS[chance % 7],
        trousers=_TROUSERS[(chance >> 4) % 4],
        skin=riders.SKINS[(chance >> 6) % 3],
        helmet=helmet,
        bag=bag,
        is_long_haired=may_be_long_haired and (chance >> 8) % 3 == 0,
    )


def _ebike(pose: Pose, look: Look, chance: int) -> list[Part]:
    colour, carried = _EBIKES[chance % 5], look.box or _BOXES[(chance >> 12) % 4]
    outfit = _outfit(look, chance, helmet=look.helmet or _HELMETS[(chance >> 10) % 5])
    return [
        Part(key=("ebike", colour, carried), build=lambda: _plain(riders.build_ebike(colour, carried))),
        Part(key=("rider", outfit), build=lambda: _plain(riders.build_rider(outfit))),
        *_plates(pose, (0.0, 0.0, 0.0), (-0.875, 0.0, 0.40)),
    ]


def _bicycle(pose: Pose, look: Look, chance: int) -> list[Part]:
    colour, step = _BICYCLES[chance % 3], int(pose.gone_m / _PEDAL_M * _PEDAL_STEPS) % _PEDAL_STEPS
    outfit = _outfit(look, chance, bag="pack" if chance % 2 else None)
    pedal = step * 2 * math.pi / _PEDAL_STEPS
    return [
        Part(key=("bicycle", colour), build=lambda: _plain(riders.build_bicycle(colour))),
        Part(key=("cyclist", outfit, step), build=lambda: _plain(riders.build_rider(outfit, pedal=pedal))),
    ]


def _walker(pose: Pose, look: Look, chance: int) -> list[Part]:
    is_still = pose.speed_mps < 0.15
    step = 0 if is_still else int(pose.gone_m / _STRIDE_M * _GAIT_STEPS) % _GAIT_STEPS
    is_pushing = pose.kind == "bike_pusher"
    bags: tuple[Literal["pack", "hand"] | None, ...] = (None, "pack", "hand")
    outfit = _outfit(look, chance, bag=None if is_pushing else bags[(chance >> 9) % 3], may_be_long_haired=True)
    height = 1.6 + 0.02 * (chance % 9)
    phase, stride = step * 2 * math.pi / _GAIT_STEPS, 0.0 if is_still else 0.48
    walker = Part(
        key=("walker", outfit, round(height, 2), step, is_still),
        build=lambda: _plain(riders.build_walker(outfit, phase=phase, stride=stride, height_m=height)),
    )
    if not is_pushing:
        return [walker]
    bike = Part(
        key=("bicycle", _BICYCLES[0]),
        is_pushed=True,
        build=lambda: _plain(riders.build_bicycle(_BICYCLES[0])),
        matrix=place(0.1, -0.5),
    )
    return [walker, bike]


def _plain(mesh: Mesh) -> Solid:
    return Solid(mesh=mesh)
