"""Parts for a random scene: who commits what, who looks like it and is lawful, and the traffic around them.

Each maker returns one actor on a given junction at a time drawn by chance; whether it fits among the others,
and whether it really does what its part says, is checked by ``sim.generator``.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from sim.actors import BODIES, Kind
from sim.junction import Arm, GroundPoint, Junction, rotate
from sim.motion import Cruise, Motion, StopGo
from sim.scene import Actor, Look, Trap

FAR_M = 110.0
_CARS: tuple[Kind, ...] = ("hatchback", "sedan", "suv", "van")
_BIKES: tuple[Kind, ...] = ("ebike", "ebike", "bicycle")


@dataclass(frozen=True, slots=True, kw_only=True)
class Times:
    """When the lamps change, clip seconds: the watched approach, its crosswalk, the crossing road."""

    yellow_s: float
    red_s: float
    walk_s: float
    stop_walk_s: float
    cross_s: float
    cross_end_s: float
    green_s: float
    end_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """What a part is drawn for."""

    junction: Junction
    times: Times
    chance: random.Random

    def near(self, low: float, high: float) -> float:
        """Returns a number between, to the centimetre or hundredth of a second."""
        return round(self.chance.uniform(low, high), 2)


Maker = Callable[[Stage], Actor | None]


def _actor(
    stage: Stage,
    name: str,
    kind: Kind,
    path: list[GroundPoint],
    motion: Motion,
    *,
    violation: str | None = None,
    trap: Trap | None = None,
) -> Actor:
    number = stage.chance.randrange(10**6)
    path = [(round(x, 2), round(y, 2)) for x, y in path]
    return Actor(
        id=f"{name}_{number:06d}", kind=kind, path=path, motion=motion, violation=violation, trap=trap, look=Look()
    )


def _ahead(x: float) -> list[GroundPoint]:
    return [(x, -FAR_M), (x, -60.0), (x, -20.0), (x, 20.0), (x, 60.0), (x, FAR_M)]


def _turned(arm: Arm, path: list[GroundPoint]) -> list[GroundPoint]:
    return [rotate(arm, x, y) for x, y in path]


def _motor(stage: Stage) -> Kind:
    return "bus" if stage.chance.random() < 0.08 else stage.chance.choice(_CARS)


def _lane(stage: Stage) -> float:
    return stage.chance.choice(stage.junction.lane_centres_m)


def red_light_car(stage: Stage) -> Actor:
    """V01: straight on, seconds into red; every fourth one stands at the line first."""
    x, times, kind = _lane(stage), stage.times, _motor(stage)
    line = (x, -stage.junction.stop_line_m)
    last = min(times.red_s + 10.0, times.end_s - 5.0)
    if stage.chance.random() < 0.25:
        motion: Motion = StopGo(
            type="stop_go", speed_mps=stage.near(7, 9), brake_mps2=2.2, at=(x, line[1] - 1.2),
            stop_s=stage.near(times.red_s - 0.5, times.red_s + 2), go_s=stage.near(times.red_s + 4.5, last),
        )  # fmt: skip
    else:
        motion = Cruise(type="cruise", speed_mps=stage.near(7, 12), at=line, at_s=stage.near(times.red_s + 1.5, last))
    return _actor(stage, "runs_red", kind, _ahead(x), motion, violation="V01")


def overrun_car(stage: Stage) -> Actor:
    """V02: stops with its whole body past the line and waits there for green."""
    x, times, kind = _lane(stage), stage.times, stage.chance.choice(_CARS)
    stop = -stage.junction.stop_line_m + BODIES[kind].length_m + stage.near(0.9, 3.5)
    motion = StopGo(
        type="stop_go", speed_mps=stage.near(6, 7.5), brake_mps2=2.4, at=(x, round(stop, 2)),
        stop_s=stage.near(times.red_s + 3.7, times.red_s + 5.0), go_s=times.green_s + 0.9,
    )  # fmt: skip
    return _actor(stage, "overruns", kind, _ahead(x), motion, violation="V02")


def red_light_rider(stage: Stage) -> Actor:
    """V03: rides through red in its own lane."""
    x, times = round(stage.junction.kerb_m + stage.near(-0.5, 0.4), 2), stage.times
    motion = Cruise(
        type="cruise", speed_mps=stage.near(4, 6.3), at=(x, -stage.junction.stop_line_m),
        at_s=stage.near(times.red_s + 1.8, min(times.red_s + 11.0, times.end_s - 5.0)),
    )  # fmt: skip
    return _actor(stage, "rides_red", stage.chance.choice(_BIKES), _ahead(x), motion, violation="V03")


def red_walker(stage: Stage) -> Actor:
    """V04: steps onto the crosswalk on red."""
    times = stage.times
    start = stage.chance.choice((stage.near(0.8, 1.6), stage.near(times.stop_walk_s + 1.4, times.stop_walk_s + 3.0)))
    return _walker(stage, "walks_red", start, violation="V04")


def green_walker(stage: Stage) -> Actor:
    """Walks over on green."""
    kind: Kind = "bike_pusher" if stage.chance.random() < 0.25 else "walker"
    start = stage.near(stage.times.walk_s + 0.4, stage.times.walk_s + 2.0)
    trap: Trap = "pushed_bike" if kind == "bike_pusher" else "walked_on_green"
    return _walker(stage, "walks_green", start, kind=kind, trap=trap)


def late_walker(stage: Stage) -> Actor:
    """Steps on by green and finishes on red."""
    start = stage.near(stage.times.stop_walk_s - 2.2, stage.times.stop_walk_s - 0.6)
    return _walker(stage, "finishes_on_red", start, trap="finished_on_red")


def _walker(
    stage: Stage,
    name: str,
    start_s: float,
    *,
    kind: Kind = "walker",
    violation: str | None = None,
    trap: Trap | None = None,
) -> Actor:
    half, (near, far) = stage.junction.crosswalk_half_m, stage.junction.crosswalk_m
    y, side = -stage.near(near + 0.7, far - 0.7), stage.chance.choice((1, -1))
    shore = half + 3.2
    points = [(shore + 0.6, y - 14), (shore, y - 4), (half + 0.9, y), (half - 3, y), (0.0, y), (3 - half, y)]
    points += [(-half - 0.9, y), (-shore, y - 4), (-shore - 0.6, y - 14)]
    path = [(side * px, py) for px, py in points]
    motion = Cruise(type="cruise", speed_mps=stage.near(1.25, 1.7), at=(side * half, y), at_s=start_s)
    return _actor(stage, name, kind, path, motion, violation=violation, trap=trap)


def wrong_way_rider(stage: Stage) -> Actor | None:
    """V05: rides against the direction of a cycle lane, either way."""
    built = stage.junction
    if not built.cycle_lane_m:
        return None
    k, line = built.kerb_m, built.stop_line_m
    if stage.chance.random() < 0.6:
        path = [(-k, -75.0), (-k, -60.0), (-k, -45.0), (-k, -30.0), (-k, -line - 3), (-k - 1.0, -line + 2)]
        path += [(-k - 3.5, -line + 5.5), (-k - 8, -line + 7.5), (-k - 20, -line + 8)]
    else:
        path = [(k + 18, -line + 8.0), (k + 8, -line + 7), (k + 3.2, -line + 4), (k + 0.7, -line - 1)]
        path += [(k, -line - 6), (k, -line - 14), (k, -60.0), (k, -90.0)]
    at = (path[3][0] if path[0][1] < -50 else k, round(-line - 8.0, 2))
    motion = Cruise(type="cruise", speed_mps=stage.near(2.8, 4.6), at=at, at_s=stage.near(3.5, stage.times.end_s - 5.5))
    return _actor(stage, "rides_wrong_way", stage.chance.choice(_BIKES), path, motion, violation="V05")


def wrong_way_car(stage: Stage) -> Actor:
    """V06: turns out of the crossing road into the lanes of the other direction."""
    built, times = stage.junction, stage.times
    x, side = built.lane_centres_m[0], -1 if "W" in built.arms else 1
    lane = side * built.lane_centres_m[0]
    path = [(side * FAR_M, lane), (side * 60.0, lane), (side * 30.0, lane), (side * 13.0, lane)]
    path += [(side * 4.0 + x, lane - 3.0), (x + 0.1 * side, -10.5), (x, -built.stop_line_m + 2)]
    path += [(x, -built.stop_line_m - 10), (x, -built.stop_line_m - 25), (x, -FAR_M)]
    motion = Cruise(
        type="cruise", speed_mps=stage.near(4.2, 5.8), at=(x, round(-built.stop_line_m, 2)),
        at_s=stage.near(times.cross_s + 4.5, min(times.cross_end_s + 5.0, times.end_s - 5.5)),
    )  # fmt: skip
    return _actor(stage, "drives_wrong_way", stage.chance.choice(_CARS), path, motion, violation="V06")


def parked_car(stage: Stage) -> Actor:
    """V08: stands at the kerb where stopping is forbidden, longer than allowed."""
    return _stander(stage, "parks", stage.near(-4.0, 4.5), None)


def brief_car(stage: Stage) -> Actor:
    """Stops there only for a moment."""
    stop = stage.near(-2.0, 6.0)
    return _stander(stage, "stops_briefly", stop, stop + stage.near(5.0, 8.0))


def _stander(stage: Stage, name: str, stop_s: float, go_s: float | None) -> Actor:
    built = stage.junction
    k, out, line = built.kerb_m, built.lane_centres_m[-1], built.stop_line_m
    at = round(-line - stage.near(7.5, 11.0), 2)
    if stage.chance.random() < 0.6:
        k, out = -k, -out
        path = [(out, 90.0), (out, 60.0), (out, 20.0), (out, 0.0), (out, -line + 8), ((out + k) / 2, -line + 1)]
        path += [(k, -line - 4), (k, -line - 9), (k, -line - 15), (k, -line - 22), ((out + k) / 2, -line - 28)]
        path += [(out, -line - 34), (out, -FAR_M)]
    else:
        path = [(out, -FAR_M), (out, -70.0), (out, -line - 30), ((out + k) / 2, -line - 22), (k, -line - 16)]
        path += [
            (k, -line - 11),
            (k, -line - 7),
            ((out + k) / 2, -line - 2),
            (out, -line + 5),
            (out, 20.0),
            (out, 90.0),
        ]
        at -= 0.5
    motion = StopGo(type="stop_go", speed_mps=6.5, brake_mps2=1.8, at=(k, at), stop_s=stop_s, go_s=go_s, leave_mps=6.0)
    is_offence = go_s is None
    return _actor(
        stage, name, stage.chance.choice(_CARS), path, motion,
        violation="V08" if is_offence else None, trap=None if is_offence else "stopped_briefly",
    )  # fmt: skip


def bay_car(stage: Stage) -> Actor | None:
    """Stands in a marked bay, which is what it is for."""
    built = stage.junction
    if not built.has_bays:
        return None
    x = -built.road_half_m - 1.12
    y = round(-built.stop_line_m - 5.0 - 3.0 - 6.0 * stage.chance.randrange(2), 2)
    path = [(x, y + 10.0), (x, y), (x, y - 8.0)]
    motion = StopGo(type="stop_go", speed_mps=3.0, at=(x, y - 2.2), stop_s=-20.0)
    return _actor(stage, "uses_bay", stage.chance.choice(_CARS), path, motion)


def yellow_car(stage: Stage) -> Actor:
    """Enters on yellow."""
    x, times = _lane(stage), stage.times
    motion = Cruise(
        type="cruise", speed_mps=stage.near(8, 12), at=(x, -stage.junction.stop_line_m),
        at_s=stage.near(times.yellow_s + 0.4, times.red_s - 0.5),
    )  # fmt: skip
    return _actor(stage, "enters_on_yellow", _motor(stage), _ahead(x), motion, trap="entered_on_yellow")


def late_left_car(stage: Stage) -> Actor | None:
    """Entered on green, waits in the junction, clears it on red."""
    built, times = stage.junction, stage.times
    if "W" not in built.arms:
        return None
    x = built.lane_centres_m[0]
    path = [(x, -FAR_M), (x, -60.0), (x, -30.0), (x, -13.0), (x - 0.5, -8.0), (x - 3.9, -1.2), (-8.0, x - 0.1)]
    path += [(-20.0, x), (-60.0, x), (-FAR_M, x)]
    motion = StopGo(
        type="stop_go", speed_mps=8.0, brake_mps2=2.0, at=(x - 0.4, -9.0), stop_s=stage.near(2.6, 3.4),
        go_s=stage.near(times.red_s - 1.0, times.red_s + 0.6), accelerate_mps2=2.0, leave_mps=8.5,
    )  # fmt: skip
    return _actor(stage, "clears_late", stage.chance.choice(_CARS), path, motion, trap="cleared_on_red")


def right_turner(stage: Stage) -> Actor | None:
    """Turns right on red, which is allowed."""
    built, times = stage.junction, stage.times
    if "E" not in built.arms:
        return None
    x, line = built.lane_centres_m[-1], built.stop_line_m
    path = [(x, -FAR_M), (x, -60.0), (x, -line - 12), (x, -line + 2), (x + 0.5, -x - 6.5), (x + 3.4, -x - 2.2)]
    path += [(x + 9, -x), (x + 18, -x), (60.0, -x), (FAR_M, -x)]
    motion = Cruise(
        type="cruise", speed_mps=stage.near(4.0, 5.5), at=(x, -line),
        at_s=stage.near(times.red_s + 1.0, times.end_s - 4.5),
    )  # fmt: skip
    return _actor(stage, "turns_right", stage.chance.choice(_CARS), path, motion, trap="right_turn_on_red")


def queue_car(stage: Stage) -> Actor:
    """Waits behind the line, or behind the one who waits there."""
    x, times = _lane(stage), stage.times
    place = stage.chance.randrange(3)
    at = round(-stage.junction.stop_line_m - 0.7 - 7.0 * place - stage.near(0, 0.8), 2)
    motion = StopGo(
        type="stop_go", speed_mps=stage.near(7, 10), brake_mps2=2.2, at=(x, at),
        stop_s=stage.near(times.red_s + 0.5 + 2 * place, times.red_s + 7.0 + place),
        go_s=round(times.green_s + 1.0 + 1.3 * place, 2),
    )  # fmt: skip
    return _actor(stage, "queues", _motor(stage), _ahead(x), motion)


def waiting_rider(stage: Stage) -> Actor:
    """Waits behind the line in the cycle lane."""
    x = round(stage.junction.kerb_m + stage.near(-0.7, 0.7), 2)
    at = (x, round(-stage.junction.stop_line_m - stage.near(0.5, 3.5), 2))
    motion = StopGo(
        type="stop_go", speed_mps=stage.near(4, 6), brake_mps2=1.6, at=at,
        stop_s=stage.near(stage.times.red_s - 2, stage.times.red_s + 8), go_s=stage.times.green_s + 0.7,
        accelerate_mps2=1.2, leave_mps=5.0,
    )  # fmt: skip
    return _actor(stage, "waits", stage.chance.choice(_BIKES), _ahead(x), motion)


def passing(stage: Stage) -> Actor | None:
    """Drives or rides straight through on its own green: along the crossing road, or out of the north."""
    built, times = stage.junction, stage.times
    crossing: list[Arm] = ["E", "W", "E", "W"] if "E" in built.arms and "W" in built.arms else []
    arm: Arm = stage.chance.choice(["N", *crossing])
    is_rider = stage.chance.random() < 0.3
    x = round(built.kerb_m + stage.near(-0.5, 0.5), 2) if is_rider else _lane(stage)
    kind = stage.chance.choice(_BIKES) if is_rider else _motor(stage)
    speed = stage.near(4, 6) if is_rider else stage.near(7, 11)
    line = built.stop_line_m
    if arm == "N":
        at_s = stage.near(-2.0, times.yellow_s - 0.3)
    else:
        at_s = stage.near(times.cross_s + 0.4, times.cross_end_s - 0.5)
    path = _turned(arm, _ahead(x))
    if arm == "N" or stage.chance.random() < 0.6:
        motion: Motion = Cruise(type="cruise", speed_mps=speed, at=rotate(arm, x, -line), at_s=at_s)
    else:
        place = stage.chance.randrange(2)
        at = rotate(arm, x, round(-line - 0.8 - 7.0 * place, 2))
        motion = StopGo(
            type="stop_go", speed_mps=speed, at=at, stop_s=stage.near(-6.0, times.cross_s - 2.0),
            go_s=round(times.cross_s + 0.8 + 1.3 * place, 2), leave_mps=speed,
        )  # fmt: skip
    return _actor(stage, "passes", kind, path, motion)


def held_up(stage: Stage) -> Actor:
    """Waits at the north arm's line for green, facing the camera."""
    built, times = stage.junction, stage.times
    x, place = _lane(stage), stage.chance.randrange(3)
    at = rotate("N", x, round(-built.stop_line_m - 0.8 - 7.0 * place, 2))
    motion = StopGo(
        type="stop_go", speed_mps=stage.near(6, 10), at=at, stop_s=stage.near(times.red_s + 1, times.red_s + 9),
        go_s=times.green_s + 1.2,
    )  # fmt: skip
    return _actor(stage, "held_up", _motor(stage), _turned("N", _ahead(x)), motion)


def stroller(stage: Stage) -> Actor:
    """Walks along a pavement."""
    side: Literal[1, -1] = stage.chance.choice((1, -1))
    x = side * (stage.junction.road_half_m + stage.near(1.9, 5.0))
    ends = [(x, -70.0), (x + 0.3, -50.0), (x, -stage.junction.stop_line_m - 3.0)]
    path = ends if stage.chance.random() < 0.5 else ends[::-1]
    motion = Cruise(type="cruise", speed_mps=stage.near(1.0, 1.6), at=(x, -40.0), at_s=stage.near(-2.0, 20.0))
    return _actor(stage, "strolls", "walker", path, motion)


OFFENCES: dict[str, Maker] = {
    "V01": red_light_car,
    "V02": overrun_car,
    "V03": red_light_rider,
    "V04": red_walker,
    "V05": wrong_way_rider,
    "V06": wrong_way_car,
    "V08": parked_car,
}
LOOK_ALIKES: tuple[Maker, ...] = (
    yellow_car, late_left_car, right_turner, green_walker, green_walker, late_walker, brief_car, bay_car, bay_car,
)  # fmt: skip
TRAFFIC: tuple[Maker, ...] = (queue_car, queue_car, waiting_rider, passing, passing, passing, held_up, stroller)
