"""Random scenes: everything a scene file says, drawn from one seed and kept only if it shows what it promises."""

from __future__ import annotations

import math
import random
from datetime import datetime
from io import StringIO
from typing import Literal

from ruamel.yaml import YAML
from shapely.geometry import Polygon

from core.errors import ConfigError
from sim.actors import Trajectory
from sim.camera import build_camera
from sim.junction import Arm, Junction
from sim.roles import LOOK_ALIKES, OFFENCES, TRAFFIC, Maker, Stage, Times
from sim.scene import Actor, CameraSpec, Place, Scene, Zone
from sim.signals import Phase, SignalProgram
from sim.sites import build_site, has_lamps
from sim.truth import check_truth, find_truth, footprint
from sim.weather import WeatherName
from sim.world import STEP_S, Script, World, build_world

CameraKind = Literal["pole", "gantry", "drone"]
SIZE_PX = (1280, 720)
FPS = 25 / 3
DURATION_S = 20.0
_ATTEMPTS = 40
_TRIES_PER_OFFENCE, _LOOK_ALIKE_TRIES, _TRAFFIC_TRIES = 12, 12, 30
_ROOM = 1.18
"""Bodies keep this much of their size as room between them."""
_CHECK_S = 0.2
"""Between two looks for room."""
_CONFIRM_S = 12.0
_NEEDS_LAMP = frozenset({"V01", "V02", "V03", "V04"})
_MARGIN_PX = 12.0


def draw_scene(seed: int, *, camera: CameraKind = "pole", weather: WeatherName = "day") -> Scene:
    """Returns the random scene of a seed: three to five offences among lawful look-alikes and traffic.

    Raises:
        ConfigError: no usable scene came out of this seed.
    """
    for attempt in range(_ATTEMPTS):
        chance = random.Random(f"scene {seed} {camera} {attempt}")
        scene = _stage(chance, seed, camera, weather)
        if not _is_drawable(scene) or (camera != "drone" and not has_lamps(scene)):
            continue
        scene = _cast(chance, scene, has_lamps=camera != "drone")
        world = build_world(scene)
        truth = find_truth(world)
        try:
            check_truth(world, truth)
        except ConfigError:
            continue
        if len(truth.violations) >= 3:
            return scene
    raise ConfigError(f"no usable scene came out of seed {seed}; take another seed")


def dump_scene(scene: Scene) -> str:
    """Returns the YAML text of a scene file."""
    yaml = YAML()
    yaml.default_flow_style = None
    yaml.width = 120
    out = StringIO()
    yaml.dump(scene.model_dump(mode="json", exclude_defaults=True), out)
    return f"# Random scene of seed {scene.seed}. Written by lukou sim; every value may be changed.\n{out.getvalue()}"


def _is_drawable(scene: Scene) -> bool:
    """Tells whether the camera shows all that the site file draws."""
    try:
        build_site(scene)
    except ConfigError:
        return False
    return True


def _stage(chance: random.Random, seed: int, camera: CameraKind, weather: WeatherName) -> Scene:
    """Returns a scene without actors."""
    built = _junction(chance)
    k, line = built.kerb_m, built.stop_line_m
    inner, outer = built.cycle_edges_m if built.cycle_lane_m else (k - 1.3, built.road_half_m)
    edges = (line + 1.3, line + 16.0)
    zones = [
        Zone(
            id=name,
            polygon_m=[
                (sign * x, -y) for x, y in ((inner, edges[1]), (outer, edges[1]), (outer, edges[0]), (inner, edges[0]))
            ],
            confirm_s=_CONFIRM_S,
        )
        for name, sign in (("west-kerb", -1), ("east-kerb", 1))
    ]
    hour = {"night": 21, "dusk": 18}.get(weather, 10)
    return Scene(
        scene_id=f"random-{seed}-{camera}-{weather}",
        seed=seed,
        is_random=True,
        duration_s=DURATION_S,
        fps=round(FPS, 6),
        start_local=datetime(2026, 6, 13, hour, chance.randrange(60)),  # noqa: DTZ001 - the clock in the picture
        place=Place(site_id=f"random-{seed}", place="随机路口", direction="由南向北", camera_id=f"sim-{camera}-{seed}"),
        junction=built,
        camera=_CAMERAS[camera](chance, built),
        sun=tuple(
            round(v, 2) for v in (chance.uniform(-0.7, 0.7), chance.uniform(-0.7, 0.5), chance.uniform(0.4, 0.9))
        ),
        weather=weather,
        lens_dirt=round(chance.uniform(0.2, 0.8), 2) if chance.random() < 0.25 else 0.0,
        signals=_signals(chance),
        warmup_cycles=0,
        no_stop_zones=zones,
    )


def _junction(chance: random.Random) -> Junction:
    arms: tuple[Arm, ...] = chance.choice((("S", "E", "N", "W"),) * 3 + (("S", "E", "N"), ("S", "N", "W")))
    lanes, median = chance.choice((1, 2, 2, 3)), chance.choice((0.0, 0.0, 2.0))
    return Junction(
        arms=arms,
        lanes=lanes,
        cycle_lane_m=0.0 if chance.random() < 0.15 else round(chance.uniform(2.2, 3.0), 2),
        median_m=median,
        has_island=median > 0 and chance.random() < 0.6,
        has_waiting_area=lanes > 1 and "W" in arms and chance.random() < 0.3,
        has_bays=chance.random() < 0.4,
    )


def _signals(chance: random.Random) -> SignalProgram:
    """Returns a program whose red on the watched approach begins early in the clip and holds to its end."""
    green = round(chance.uniform(7.3, 8.3), 1)
    return SignalProgram(
        offset_s=7.0,
        phases=[
            Phase(duration_s=green, ns="green"),
            Phase(duration_s=3, ns="yellow"),
            Phase(duration_s=2),
            Phase(duration_s=round(chance.uniform(6.0, 7.0), 1), ew="green", ped_ns="green"),
            Phase(duration_s=4, ew="green"),
            Phase(duration_s=3, ew="yellow"),
            Phase(duration_s=30),
        ],
    )


def times_of(signals: SignalProgram, end_s: float) -> Times:
    """Returns when the lamps change within the clip."""
    ends = []
    t = -signals.offset_s
    for phase in signals.phases:
        t += phase.duration_s
        ends.append(round(t, 2))
    return Times(
        yellow_s=ends[0], red_s=ends[1], walk_s=ends[2], stop_walk_s=ends[3], cross_s=ends[2], cross_end_s=ends[4],
        green_s=ends[6], end_s=end_s,
    )  # fmt: skip


def _pole(chance: random.Random, built: Junction) -> CameraSpec:
    side, line = chance.choice((-1, 1)), built.stop_line_m
    eye = (
        side * chance.uniform(0.5, built.road_half_m * 0.8),
        -line - chance.uniform(29, 37),
        chance.uniform(7.5, 10.5),
    )
    target = (chance.uniform(0.0, 2.5), -line + chance.uniform(9, 13), 0.0)
    return _camera(eye, target, chance.uniform(50, 60))


def _gantry(chance: random.Random, built: Junction) -> CameraSpec:
    line, half = built.stop_line_m, built.motor_lanes_m[-1][1]
    eye = (chance.uniform(0.3, 0.8) * half, -line - chance.uniform(23, 28), chance.uniform(6.3, 7.3))
    return _camera(eye, (half * 0.35, -line + chance.uniform(7, 11), 0.0), chance.uniform(60, 70))


def _drone(chance: random.Random, built: Junction) -> CameraSpec:
    height, line = chance.uniform(45, 80), built.stop_line_m
    back = height * math.tan(math.radians(chance.choice((0.5, chance.uniform(5, 45)))))
    at = (chance.uniform(-3, 3), -line - chance.uniform(2, 6))
    return _camera((at[0], at[1] - back, height), (*at, 0.0), chance.uniform(44, 58))


_CAMERAS = {"pole": _pole, "gantry": _gantry, "drone": _drone}


def _camera(eye: tuple[float, float, float], target: tuple[float, float, float], field_deg: float) -> CameraSpec:
    def rounded(point: tuple[float, float, float]) -> tuple[float, float, float]:
        return round(point[0], 2), round(point[1], 2), round(point[2], 2)

    return CameraSpec(
        eye_m=rounded(eye), target_m=rounded(target), field_deg=round(field_deg, 1), picture_size_px=SIZE_PX
    )


def _cast(chance: random.Random, scene: Scene, *, has_lamps: bool) -> Scene:
    """Returns the scene with its cast: offences first, then look-alikes, then traffic, each only where it fits."""
    stage = Stage(junction=scene.junction, times=times_of(scene.signals, scene.duration_s), chance=chance)
    company = _Company(scene)
    wanted = [maker for name, maker in OFFENCES.items() if has_lamps or name not in _NEEDS_LAMP]
    for maker in chance.sample(wanted, min(len(wanted), chance.choice((3, 4, 4, 5)))):
        for _ in range(_TRIES_PER_OFFENCE):
            if company.takes(maker(stage)):
                break
    for makers, tries in ((LOOK_ALIKES, _LOOK_ALIKE_TRIES), (TRAFFIC, _TRAFFIC_TRIES)):
        for _ in range(tries):
            pick: Maker = chance.choice(makers)
            company.takes(pick(stage))
    return scene.model_copy(update={"cast": company.cast})


class _Company:
    """Actors that fit together so far."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._camera = build_camera(scene.camera)
        self._shapes: dict[int, list[tuple[Polygon, bool]]] = {}
        self.cast: list[Actor] = []

    def takes(self, actor: Actor | None) -> bool:
        """Takes an actor in if it does what its part says and stands in nobody's way."""
        if actor is None:
            return False
        shapes = _shapes(actor)
        if not shapes or any(self._is_taken(step, shape) for step, shape in shapes.items()):
            return False
        world = build_world(self._scene.model_copy(update={"cast": [actor]}))
        if not self._keeps_its_promise(actor, world):
            return False
        for step, shape in shapes.items():
            self._shapes.setdefault(step, []).append(shape)
        self.cast.append(actor)
        return True

    def _is_taken(self, step: int, shape: tuple[Polygon, bool]) -> bool:
        outline, is_walker = shape
        return any(
            outline.intersects(other) for other, is_other in self._shapes.get(step, ()) if not (is_walker and is_other)
        )

    def _keeps_its_promise(self, actor: Actor, world: World) -> bool:
        truth = find_truth(world)
        if [e.violation_id for e in truth.violations] != ([actor.violation] if actor.violation else []):
            return False
        if actor.trap is not None and actor.trap not in {e.kind for e in truth.traps}:
            return False
        track = world.trajectories()[actor.id]
        return all(
            self._is_seen(track, t) for e in truth.violations for t in (e.t_start_s, min(e.t_start_s + 1.0, e.t_end_s))
        )

    def _is_seen(self, track: Trajectory, t_s: float) -> bool:
        row = min(round((t_s - float(track.t_s[0])) / STEP_S), len(track.t_s) - 1)
        x, y = self._camera.project_ground([(float(track.x_m[row]), float(track.y_m[row]))])[0]
        wide, high = SIZE_PX
        return _MARGIN_PX < x < wide - _MARGIN_PX and _MARGIN_PX < y < high - _MARGIN_PX


def _shapes(actor: Actor) -> dict[int, tuple[Polygon, bool]]:
    """Returns an actor's outline at every _CHECK_S, by number, and whether it walks."""
    script, found = Script(actor), {}
    for number in range(round(DURATION_S / _CHECK_S)):
        pose = script.pose(number * _CHECK_S)
        if pose is not None:
            size = (pose.body.length_m, pose.body.width_m)
            outline = footprint(pose.x_m, pose.y_m, pose.heading_rad, size, _ROOM)
            found[number] = (outline, pose.body.subject == "pedestrian")
    return found
