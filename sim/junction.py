"""The simulated junction: equal arms, cycle lanes, crosswalks, lamp housings, in metres.

World frame: origin at the junction's centre, x east, y north, z up. Arm frame: the south arm's own
picture of itself, turned by a quarter circle per arm; inbound traffic drives towards +y at x > 0.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, model_validator

Vector = NDArray[np.float64]
GroundPoint = tuple[float, float]
Arm = Literal["S", "E", "N", "W"]
ARMS: tuple[Arm, ...] = ("S", "E", "N", "W")

STOP_LINE_WIDTH_M = 0.4
_ISLAND_MIN_M = 1.5
LANE_M = 3.4
GROUND_HALF_M = 75.0
"""Half the side of the textured ground square."""
_LINE_M = 0.25
"""From the road's middle to the edge of the innermost lane: half the double line."""


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


class Junction(BaseModel):
    """What a junction is built of; everything else follows. All arms have the same cross-section."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    arms: tuple[Arm, ...] = Field(default=ARMS, description="the south arm is the watched one")
    lanes: int = Field(default=2, ge=1, le=3, description="motor lanes per direction")
    cycle_lane_m: float = Field(default=2.35, ge=0, le=4, description="width of each cycle lane; 0: none")
    median_m: float = Field(default=0.0, ge=0, le=4, description="width of the green strip in the middle")
    has_island: bool = Field(default=False, description="refuge islands in the crosswalks; needs a median")
    has_waiting_area: bool = Field(default=False, description="left-turn waiting area past the watched stop line")
    has_bays: bool = Field(default=False, description="parking bays beside the south arm's outbound kerb")

    @model_validator(mode="after")
    def _is_possible(self) -> Self:
        if "S" not in self.arms or "N" not in self.arms or len(set(self.arms)) < max(3, len(self.arms)):
            raise ValueError("arms must be S, N and one or both of E and W; the south arm is the watched one")
        if self.has_island and self.median_m < _ISLAND_MIN_M:
            raise ValueError(f"a refuge island needs a median of at least {_ISLAND_MIN_M} m; widen median_m")
        return self

    @property
    def motor_lanes_m(self) -> tuple[tuple[float, float], ...]:
        """Near and far edge of each inbound lane from the road's middle, innermost first."""
        edge = self.median_m / 2
        return tuple(
            (edge + (LANE_M * i if i else _LINE_M), round(edge + LANE_M * (i + 1), 3)) for i in range(self.lanes)
        )

    @property
    def lane_centres_m(self) -> tuple[float, ...]:
        """Middle of each motor lane from the road's middle, innermost first."""
        return tuple(round(self.median_m / 2 + LANE_M * (i + 0.5), 3) for i in range(self.lanes))

    @property
    def divider_m(self) -> float:
        """Outer edge of the line between motor lanes and cycle lane, or of the outermost lane."""
        return round(self.median_m / 2 + LANE_M * self.lanes + 0.08, 3)

    @property
    def cycle_edges_m(self) -> tuple[float, float]:
        """Near and far edge of the cycle lane; equal where there is none."""
        near = self.divider_m + 0.07 if self.cycle_lane_m else self.divider_m
        return round(near, 3), round(near + self.cycle_lane_m, 3)

    @property
    def kerb_m(self) -> float:
        """Where who rides or parks at the kerb has its middle."""
        near, far = self.cycle_edges_m
        return round((near + far) / 2, 2) if self.cycle_lane_m else round(self.lane_centres_m[-1] + 0.7, 2)

    @property
    def road_half_m(self) -> float:
        """From the road's middle to its kerb."""
        return round(self.cycle_edges_m[1] + (0.1 if self.cycle_lane_m else 0.3), 3)

    @property
    def crosswalk_m(self) -> tuple[float, float]:
        """Near and far edge of the zebra, distance from the centre."""
        return round(self.road_half_m + 4.2, 3), round(self.road_half_m + 8.8, 3)

    @property
    def crosswalk_half_m(self) -> float:
        """Half the length of the zebra."""
        return round(self.road_half_m - 0.3, 3)

    @property
    def stop_line_m(self) -> float:
        """Distance of the stop line's front edge from the centre."""
        return round(self.crosswalk_m[1] + 1.0, 3)

    @property
    def watched_m(self) -> float:
        """How far out, from the centre, the site file's lanes and zones on the watched approach reach."""
        return round(self.stop_line_m + 16.3, 3)

    @property
    def line_start_m(self) -> float:
        """Where the stop line begins beside the middle of the road."""
        return round(self.median_m / 2 + 0.1, 3)

    def stop_line(self, arm: Arm) -> list[GroundPoint]:
        """Returns the stop line's front edge, from the centre line to the kerb."""
        y = -self.stop_line_m
        return [rotate(arm, self.line_start_m, y), rotate(arm, self.cycle_edges_m[1], y)]

    def crosswalk(self, arm: Arm) -> list[GroundPoint]:
        """Returns the zebra's outline."""
        half = self.crosswalk_half_m
        return strip(arm, (-half, half), self.crosswalk_m)

    def island(self, arm: Arm) -> list[GroundPoint]:
        """Returns the refuge island's outline."""
        return strip(arm, (-self.median_m / 2, self.median_m / 2), self.crosswalk_m)

    def waiting_area(self) -> list[GroundPoint]:
        """Returns the watched approach's left-turn waiting area: past the zebra, before the junction's middle."""
        return strip("S", self.motor_lanes_m[0], (self.crosswalk_m[0] - 8.0, self.crosswalk_m[0]))

    def bay_strip(self) -> list[GroundPoint]:
        """Returns the row of parking bays in its recess beside the south arm's outbound kerb."""
        return strip("S", (-self.road_half_m - 2.3, -self.road_half_m), (self.stop_line_m + 5.0, self.watched_m + 4.0))

    def lamp_housings(self) -> list[LampHousing]:
        """Returns every lamp group of the junction, arm by arm."""
        return [housing for arm in self.arms for housing in self._arm_housings(arm)]

    def housing(self, housing_id: str) -> LampHousing:
        """Returns the lamp group with this id, e.g. ``S-near``.

        Raises:
            KeyError: there is no such housing.
        """
        return {h.housing_id: h for h in self.lamp_housings()}[housing_id]

    def _arm_housings(self, arm: Arm) -> list[LampHousing]:
        towards_driver = math.pi * 1.5
        line, kerb = self.stop_line_m, self.road_half_m
        found = [
            _motor_housing(arm, "far-left", (self.lane_centres_m[0], line + 1.0, 6.0), 0.19),
            _motor_housing(arm, "near", (kerb + 1.2, -line + 0.3, 3.7), 0.2),
        ]
        if self.lanes > 1:
            found.insert(1, _motor_housing(arm, "far-right", (self.lane_centres_m[-1], line + 1.0, 6.0), 0.19))
        middle = sum(self.crosswalk_m) / 2
        for name, side in (("ped-left", -1), ("ped-right", 1)):
            x, y = rotate(arm, side * (kerb + 0.9), -middle)
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


def strip(arm: Arm, across_m: tuple[float, float], along_m: tuple[float, float]) -> list[GroundPoint]:
    """Returns a rectangle on an arm: ``across_m`` from the centre line (right of inbound travel), ``along_m`` out."""
    (left, right), (start, end) = across_m, along_m
    return [rotate(arm, x, y) for x, y in ((left, -end), (right, -end), (right, -start), (left, -start))]


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
