"""Ambient traffic from SUMO, which sees the scripted cast and gives way to it.

SUMO comes with the optional extra ``sim``; it is imported here only, when a scene asks for traffic.
"""

from __future__ import annotations

import importlib
import math
import os
import random
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

from core.errors import ConfigError
from sim.actors import BODIES, Kind, Pose
from sim.scene import Flow, Scene

STEP_S = 0.04
NET_OFFSET_M = 150.0
NET_FILE = Path(__file__).parent / "net" / "junction.net.xml"

_VEHICLE_TYPES = """<routes>
<vType id="hatchback" vClass="passenger" jmStoplineGap="2" length="4.05" width="1.76" accel="2.2" speedFactor="0.8"/>
<vType id="sedan" vClass="passenger" jmStoplineGap="2" length="4.65" width="1.82" speedFactor="0.8"/>
<vType id="suv" vClass="passenger" jmStoplineGap="2" length="4.7" width="1.92" speedFactor="0.8"/>
<vType id="van" vClass="passenger" jmStoplineGap="2" length="4.6" width="1.75" speedFactor="0.75"/>
<vType id="bus" vClass="bus" jmStoplineGap="2" length="10.8" width="2.5" speedFactor="0.6"/>
<vTypeDistribution id="motor" vTypes="hatchback suv sedan van" probabilities="0.42 0.25 0.28 0.05"/>
<vType id="bicycle" vClass="bicycle" jmStoplineGap="1.6" length="1.8" width="0.6" maxSpeed="4.8" speedDev="0.15"
 minGap="0.8" latAlignment="arbitrary" lcSublane="2"/>
<vType id="ebike" vClass="moped" jmStoplineGap="1.6" length="1.8" width="0.7" maxSpeed="6.6" minGap="0.8"
 speedDev="0.12" latAlignment="arbitrary"/>
<vType id="walker" vClass="pedestrian" speedDev="0.15" maxSpeed="1.5"/>
"""
_RIGHT_OF = {"N": "W", "S": "E", "E": "N", "W": "S"}


class Ambient:
    """A running SUMO simulation; advance it one step at a time."""

    def __init__(self, scene: Scene, engine: Any) -> None:
        self._scene = scene
        self._engine = engine
        self._placed: set[str] = set()
        self.warmup_s = scene.warmup_cycles * scene.signals.cycle_s + scene.signals.offset_s

    def step(self, cast_poses: list[Pose]) -> list[Pose]:
        """Advances by STEP_S with the cast at the given poses and returns the ambient actors."""
        self._place(cast_poses)
        self._engine.simulationStep()
        return [*self._vehicles(), *self._walkers()]

    def _place(self, poses: list[Pose]) -> None:
        vehicles = self._engine.vehicle
        present = {p.actor_id for p in poses}
        for gone in sorted(self._placed - present):
            if gone in vehicles.getIDList():
                vehicles.remove(gone)
            self._placed.discard(gone)
        for pose in poses:
            if pose.actor_id not in self._placed:
                self._add(pose)
            ahead = pose.body.length_m / 2
            x = pose.x_m + math.cos(pose.heading_rad) * ahead + NET_OFFSET_M
            y = pose.y_m + math.sin(pose.heading_rad) * ahead + NET_OFFSET_M
            angle = 90.0 - math.degrees(pose.heading_rad)
            vehicles.moveToXY(pose.actor_id, "", -1, x, y, angle=angle, keepRoute=2, matchThreshold=50)

    def _add(self, pose: Pose) -> None:
        route = f"r_{pose.actor_id}"
        if route not in self._engine.route.getIDList():
            self._engine.route.add(route, ["SC", "CN"] if pose.y_m < 0 else ["NC", "CS"])
        lane = "1" if pose.kind in ("bicycle", "ebike") else "2"
        self._engine.vehicle.add(
            pose.actor_id, route, typeID=pose.kind, departLane=lane, departPos="20", departSpeed="0"
        )
        self._placed.add(pose.actor_id)

    def _vehicles(self) -> Iterator[Pose]:
        vehicles = self._engine.vehicle
        for name in sorted(vehicles.getIDList()):
            if name in self._placed:
                continue
            x, y = vehicles.getPosition(name)
            heading = math.radians(90.0 - vehicles.getAngle(name))
            kind = cast(Kind, vehicles.getTypeID(name))
            back = BODIES[kind].length_m / 2
            yield Pose(
                actor_id=name,
                kind=kind,
                x_m=x - NET_OFFSET_M - math.cos(heading) * back,
                y_m=y - NET_OFFSET_M - math.sin(heading) * back,
                heading_rad=heading,
                speed_mps=vehicles.getSpeed(name),
            )

    def _walkers(self) -> Iterator[Pose]:
        persons = self._engine.person
        for name in sorted(persons.getIDList()):
            x, y = persons.getPosition(name)
            yield Pose(
                actor_id=name,
                kind="walker",
                x_m=x - NET_OFFSET_M,
                y_m=y - NET_OFFSET_M,
                heading_rad=math.radians(90.0 - persons.getAngle(name)),
                speed_mps=persons.getSpeed(name),
            )


@contextmanager
def running(scene: Scene) -> Iterator[Ambient]:
    """Starts SUMO for a scene and ends it afterwards.

    Raises:
        ConfigError: SUMO is not installed.
    """
    engine = _load_engine()
    warmup = scene.warmup_cycles * scene.signals.cycle_s + scene.signals.offset_s
    with tempfile.TemporaryDirectory() as folder:
        routes = Path(folder) / "traffic.rou.xml"
        routes.write_text(_routes(scene, warmup), encoding="utf-8")
        engine.start(_command(scene, routes))
        try:
            lights = engine.trafficlight
            phases = [lights.Phase(p.duration_s, p.sumo_state()) for p in scene.signals.phases]
            lights.setProgramLogic("C", lights.Logic("scene", 0, 0, phases))
            lights.setPhase("C", 0)
            yield Ambient(scene, engine)
        finally:
            engine.close()


def _command(scene: Scene, routes: Path) -> list[str]:
    options = {
        "-n": NET_FILE,
        "-r": routes,
        "--step-length": STEP_S,
        "--lateral-resolution": 0.85,
        "--seed": abs(scene.seed),
        "--collision.action": "none",
        "--time-to-teleport": -1,
    }
    pairs = [text for name, value in options.items() for text in (name, str(value))]
    return ["sumo", *pairs, "--no-step-log", "--no-warnings"]


def _load_engine() -> Any:
    try:
        sumo: Any = importlib.import_module("sumo")
        os.environ.setdefault("SUMO_HOME", str(sumo.SUMO_HOME))
        return importlib.import_module("libsumo")
    except ImportError as error:
        raise ConfigError(
            "ambient traffic needs SUMO, which is not installed: pip install 'lukou[sim]', "
            "or remove 'ambient' from the scene"
        ) from error


def _routes(scene: Scene, warmup_s: float) -> str:
    chance = random.Random(scene.seed)
    departures: list[tuple[float, str]] = []
    for index, flow in enumerate(scene.ambient):
        t = chance.uniform(0, 6)
        while t < warmup_s + scene.duration_s:
            is_quiet = any(start <= t - warmup_s <= end for start, end in flow.quiet_s)
            line = _departure(flow, f"{flow.kind[0]}{index}_{len(departures)}", t, chance)
            if not is_quiet:
                departures.append((t, line))
            t += chance.expovariate(1 / flow.mean_gap_s) + 1.2
    departures.sort()
    return _VEHICLE_TYPES + "\n".join(line for _, line in departures) + "\n</routes>\n"


def _departure(flow: Flow, name: str, depart_s: float, chance: random.Random) -> str:
    start, end = flow.arrive_from + "C", "C" + chance.choice(flow.leave_to)
    when = f'depart="{depart_s:.2f}"'
    if flow.kind == "walker":
        at = chance.uniform(105, 128)
        walk = f'<walk from="{start}" to="{end}" arrivalPos="60"/>'
        return f'<person id="{name}" type="walker" {when} departPos="{at:.1f}">{walk}</person>'
    route = f'<route edges="{start} {end}"/></vehicle>'
    if flow.kind == "two_wheeler":
        kind = chance.choice(["ebike", "ebike", "bicycle"])
        place = 'departLane="1" departPos="60" departPosLat="random"'
        return f'<vehicle id="{name}" type="{kind}" {when} {place}>{route}'
    turns_right = end[1] == _RIGHT_OF[flow.arrive_from]
    kind = "bus" if chance.random() < 0.05 and not turns_right and 2 in flow.lanes else "motor"
    lane = 2 if kind == "bus" or turns_right else chance.choice(flow.lanes)
    return f'<vehicle id="{name}" type="{kind}" {when} departLane="{lane}" departSpeed="max" departPos="20">{route}'
