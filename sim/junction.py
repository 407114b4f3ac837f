"""The simulated junction: four equal arms, cycle lanes, crosswalks, lamp housings, in metres.

World frame: origin at the junction's centre, x east, y north, z up. Arm frame: the south arm's own
picture of itself, turned by a quarter circle per arm; inbound traffic drives towards +y at x > 0.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]
GroundPoint = tuple[float, float]
Arm = Literal["S", "E", "N", "W"]
ARMS: tuple[Arm, ...] = ("S", "E", "N", "W")

STOP_LINE_M = 19.2
"""Distance of the stop line's front edge from the centre."""
STOP_LINE_WIDTH_M = 0.4
CROSSWALK_M = (13.6, 18.2)
"""Near and far edge of the zebra, distance from the centre."""
CROSSWALK_HALF_M = 9.1
ROAD_HALF_M = 9.4
DIVIDER_M = 6.88
"""Outer edge of the line between motor lanes and cycle lane."""
CYCLE_LANE_M = (6.95, 9.3)
MOTOR_LANES_M = ((0.25, 3.4), (3.4, 6.8))
LANE_CENTRES_M = (1.7, 5.1, 8.1)
WATCHED_M = 35.5
"""How far out, from the centre, the site file's lanes and zones on the watched approach reach."""
GROUND_HALF_M = 75.0
"""Half the side of the textured ground square."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LampHousing:
    """One lamp group on its pole.

    Units: centre in world metres, ``facing`` a unit vector on the ground, lamps top to bottom.
    """

    housing_id: str
    group: str
    centre: tuple[float, float, float]
    facing: tuple[float, float]
    size_m: tuple[float, float]
    lamp_offsets_m: tuple[float, ...]
    lamp_colours: tuple[str, ...]
    radius_m: float

    def lamp_centres(self) -> list[tuple[str, Vector]]:
        """Returns (colour, world position) of each lamp."""
        base = np.array(self.centre)
        pairs = zip(self.lamp_colours, self.lamp_offsets_m, strict=True)
        return [(colour, base + np.array([0.0, 0.0, offset])) for colour, offset in pairs]

    def corners(self) -> Vector:
        """Returns the corners of the housing's front face, shape (4, 3)."""
        side = np.array([-self.facing[1], self.facing[0], 0.0]) * self.size_m[0] / 2
        up = np.array([0.0, 0.0, self.size_m[1] / 2])
        centre = np.array(self.centre) + 0.12 * np.array([*self.facing, 0.0])
        return np.array([centre - side - up, centre + side - up, centre + side + up, centre - side + up])


def rotate(arm: Arm, x: float, y: float) -> GroundPoint:
    """Returns the world point of a point in the arm's own frame.

    >>> rotate("E", 1.0, -19.2)
    (19.2, 1.0)
    """
    turns = {"S": (1, 0), "E": (0, 1), "N": (-1, 0), "W": (0, -1)}
    cos, sin = turns[arm]
    return (cos * x - sin * y, sin * x + cos * y)


def in_arm_frame(arm: Arm, points: Vector) -> Vector:
    """Returns world points (N, 2) in the arm's own frame, shape (N, 2)."""
    turns = {"S": (1, 0), "E": (0, 1), "N": (-1, 0), "W": (0, -1)}
    cos, sin = turns[arm]
    return np.stack([cos * points[:, 0] + sin * points[:, 1], -sin * points[:, 0] + cos * points[:, 1]], axis=1)


def group_of(arm: Arm) -> str:
    """Returns the signal group that governs driving in from an arm."""
    return "ns" if arm in "NS" else "ew"


def ped_group_of(arm: Arm) -> str:
    """Returns the signal group of the crosswalk over an arm."""
    return "ped_ns" if arm in "NS" else "ped_ew"


def stop_line(arm: Arm) -> list[GroundPoint]:
    """Returns the stop line's front edge, from the centre line to the kerb."""
    return [rotate(arm, 0.1, -STOP_LINE_M), rotate(arm, CYCLE_LANE_M[1], -STOP_LINE_M)]


def crosswalk(arm: Arm) -> list[GroundPoint]:
    """Returns the zebra's outline."""
    near, far = CROSSWALK_M
    half = CROSSWALK_HALF_M
    return [rotate(arm, x, y) for x, y in ((-half, -far), (half, -far), (half, -near), (-half, -near))]


def strip(arm: Arm, across_m: tuple[float, float], along_m: tuple[float, float]) -> list[GroundPoint]:
    """Returns a rectangle on an arm: ``across_m`` from the centre line (right of inbound travel), ``along_m`` out."""
    (left, right), (start, end) = across_m, along_m
    return [rotate(arm, x, y) for x, y in ((left, -end), (right, -end), (right, -start), (left, -start))]


def lamp_housings() -> list[LampHousing]:
    """Returns every lamp group of the junction, arm by arm."""
    return [housing for arm in ARMS for housing in _arm_housings(arm)]


def housing(housing_id: str) -> LampHousing:
    """Returns the lamp group with this id, e.g. ``S-near``.

    Raises:
        KeyError: there is no such housing.
    """
    return {h.housing_id: h for h in lamp_housings()}[housing_id]


def _arm_housings(arm: Arm) -> list[LampHousing]:
    towards_driver = math.pi * 1.5
    found = [
        _motor_housing(arm, "far-left", (1.7, 20.2, 6.0), 0.19),
        _motor_housing(arm, "far-right", (5.1, 20.2, 6.0), 0.19),
        _motor_housing(arm, "near", (10.6, -18.9, 3.7), 0.2),
    ]
    for name, side in (("ped-left", -1), ("ped-right", 1)):
        x, y = rotate(arm, side * 10.3, -15.9)
        # Turned from straight across towards the approach: waiting people and the pole camera both see it.
        yaw = towards_driver - side * math.radians(35)
        facing = rotate(arm, math.cos(yaw), math.sin(yaw))
        found.append(
            LampHousing(
                housing_id=f"{arm}-{name}",
                group=ped_group_of(arm),
                centre=(x, y, 2.75),
                facing=facing,
                size_m=(0.46, 0.92),
                lamp_offsets_m=(0.22, -0.22),
                lamp_colours=("red", "green"),
                radius_m=0.18,
            )
        )
    return found


def _motor_housing(arm: Arm, name: str, at: tuple[float, float, float], radius_m: float) -> LampHousing:
    x, y = rotate(arm, at[0], at[1])
    pitch = radius_m * 2.55
    return LampHousing(
        housing_id=f"{arm}-{name}",
        group=group_of(arm),
        centre=(x, y, at[2]),
        facing=rotate(arm, 0.0, -1.0),
        size_m=(radius_m * 2.9, radius_m * 8.2),
        lamp_offsets_m=(pitch, 0.0, -pitch),
        lamp_colours=("red", "yellow", "green"),
        radius_m=radius_m,
    )
