"""What moves in a scene: kinds of road users, their size and their class in the ground truth."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from core.observations import ActorClass

Kind = Literal["hatchback", "sedan", "suv", "van", "bus", "bicycle", "ebike", "walker", "bike_pusher"]
Subject = Literal["motor", "nonmotor", "pedestrian"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Body:
    """Size and meaning of one kind of road user; lengths in metres."""

    length_m: float
    width_m: float
    height_m: float
    class_id: ActorClass
    subject: Subject
    label: str


BODIES: dict[str, Body] = {
    "hatchback": Body(length_m=4.05, width_m=1.76, height_m=1.5, class_id=ActorClass.CAR, subject="motor", label="car"),
    "sedan": Body(length_m=4.65, width_m=1.82, height_m=1.46, class_id=ActorClass.CAR, subject="motor", label="car"),
    "suv": Body(length_m=4.7, width_m=1.92, height_m=1.73, class_id=ActorClass.CAR, subject="motor", label="car"),
    "van": Body(length_m=4.6, width_m=1.75, height_m=1.88, class_id=ActorClass.CAR, subject="motor", label="car"),
    "bus": Body(length_m=10.8, width_m=2.5, height_m=3.15, class_id=ActorClass.BUS, subject="motor", label="bus"),
    "bicycle": Body(
        length_m=1.8, width_m=0.6, height_m=1.7, class_id=ActorClass.BICYCLE, subject="nonmotor", label="bicycle"
    ),
    "ebike": Body(
        length_m=1.8, width_m=0.7, height_m=1.65, class_id=ActorClass.MOTORCYCLE, subject="nonmotor", label="ebike"
    ),
    "walker": Body(
        length_m=0.45, width_m=0.55, height_m=1.72, class_id=ActorClass.PERSON, subject="pedestrian", label="person"
    ),
    "bike_pusher": Body(
        length_m=1.8, width_m=0.9, height_m=1.72, class_id=ActorClass.PERSON, subject="pedestrian", label="person"
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Pose:
    """One actor at one instant: centre on the ground, heading from +x towards +y, speed, metres gone so far.

    ``turning`` is the side its turn light blinks on: +1 left, -1 right, 0 none.
    """

    actor_id: str
    kind: Kind
    x_m: float
    y_m: float
    heading_rad: float
    speed_mps: float
    gone_m: float = 0.0
    is_braking: bool = False
    turning: int = 0

    @property
    def body(self) -> Body:
        """Size and meaning of this kind."""
        return BODIES[self.kind]


@dataclass(frozen=True, slots=True, kw_only=True)
class Trajectory:
    """One actor over time.

    Shapes: every array (N,). Units: metres of the centre, radians, metres per second, clip seconds.
    """

    actor_id: str
    kind: Kind
    t_s: NDArray[np.float64]
    x_m: NDArray[np.float64]
    y_m: NDArray[np.float64]
    heading_rad: NDArray[np.float64]
    speed_mps: NDArray[np.float64]

    @property
    def body(self) -> Body:
        """Size and meaning of this kind."""
        return BODIES[self.kind]

    def along(self, ahead_m: float) -> NDArray[np.float64]:
        """Returns the track of a point ``ahead_m`` in front of the centre, shape (N, 2)."""
        return np.stack(
            [self.x_m + np.cos(self.heading_rad) * ahead_m, self.y_m + np.sin(self.heading_rad) * ahead_m], axis=1
        )

    @property
    def front(self) -> NDArray[np.float64]:
        """Track of the foremost point, shape (N, 2)."""
        return self.along(self.body.length_m / 2)

    @property
    def rear(self) -> NDArray[np.float64]:
        """Track of the rearmost point, shape (N, 2)."""
        return self.along(-self.body.length_m / 2)
