"""The site file that belongs to a scene: what an operator would draw, projected exactly from the camera."""

from __future__ import annotations

from io import StringIO
from typing import Any

import numpy as np
from ruamel.yaml import YAML
from shapely.geometry import LineString, Polygon, box

from core.catalogue import catalogue
from core.errors import ConfigError
from core.site import Site
from sim import junction
from sim.camera import Camera, build_camera
from sim.junction import GroundPoint, Junction, LampHousing
from sim.scene import Scene
from sim.truth import WATCHED

MOTOR_LAMP, CROSSWALK_LAMP = "S-near", "S-ped-left"
_FACING = 0.2
_MIN_LAMP_PX = 6.0
JUDGED = frozenset({"V01", "V02", "V03", "V04", "V05", "V06", "V08"})
"""Offences the ground truth of a random scene knows; its site file enables no others."""


def build_site(scene: Scene) -> Site:
    """Returns the site of a scene's camera; every point lies where the camera matrix puts it."""
    camera, built = build_camera(scene.camera), scene.junction
    site = Site.model_validate(
        {
            **_extras(camera, scene),
            "site_id": scene.place.site_id,
            "place": scene.place.place,
            "direction": scene.place.direction,
            "camera": {
                "camera_id": scene.place.camera_id,
                "device_code": scene.place.device_code,
                "picture_size_px": scene.camera.picture_size_px,
            },
            "clock": {"source": "operator", "uncertainty_s": 0.1},
            "calibration": _calibration(camera, built),
            "stop_lines": _stop_lines(camera, built),
            "lanes": _lanes(camera, built),
            "exits": _exits(camera, built),
            "crosswalks": [_crosswalk(camera, built)],
            "no_stop_zones": [
                {
                    "id": zone.id,
                    "polygon_px": _area(camera, [(x, y) for x, y in zone.polygon_m]),
                    "kind": "no_stopping_zone",
                    "confirm_s": zone.confirm_s,
                }
                for zone in scene.no_stop_zones
            ],
            "direction_zones": _direction_zones(camera, built),
            "signals": [
                _signal(camera, built, MOTOR_LAMP, "motor"),
                _signal(camera, built, CROSSWALK_LAMP, "crosswalk"),
            ],
        }
    )
    return site if not scene.is_random or has_lamps(scene) else _without_lamps(site)


def has_lamps(scene: Scene) -> bool:
    """Tells whether the camera shows both lamps of the watched approach whole and large enough to be read."""
    camera = build_camera(scene.camera)
    for name in (MOTOR_LAMP, CROSSWALK_LAMP):
        housing = scene.junction.housing(name)
        x1, y1, x2, y2 = lamp_region(camera, housing)
        towards = camera.eye - np.array(housing.centre)
        is_turned = towards @ np.array([*housing.facing, 0.0]) > _FACING * np.linalg.norm(towards)
        is_inside = x1 >= 0 and y1 >= 0 and x2 <= camera.width_px and y2 <= camera.height_px
        if not (is_turned and is_inside and min(x2 - x1, y2 - y1) >= _MIN_LAMP_PX):
            return False
    return True


def _without_lamps(site: Site) -> Site:
    lines = [line.model_copy(update={"signal": None}) for line in site.stop_lines]
    crosswalks = [crosswalk.model_copy(update={"signal": None}) for crosswalk in site.crosswalks]
    return site.model_copy(update={"signals": [], "stop_lines": lines, "crosswalks": crosswalks})


def dump_site(site: Site, header: str) -> str:
    """Returns the YAML text of a site file."""
    yaml = YAML()
    yaml.default_flow_style = None
    yaml.width = 120
    out = StringIO()
    yaml.dump(_plain(site.model_dump(mode="json", exclude_defaults=True)), out)
    return f"# {header}\nschema_version: 1\n{out.getvalue()}"


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _plain(v) for k, v in value.items()}
    if isinstance(value, list):
        return [_plain(v) for v in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _spot(camera: Camera, point: GroundPoint) -> tuple[float, float]:
    x, y = camera.project_ground([point])[0]
    return round(x, 1), round(y, 1)


def _arrow(camera: Camera, start: GroundPoint, end: GroundPoint) -> list[tuple[float, float]]:
    """Returns the part of a line on the ground that lies in the picture.

    Raises:
        ConfigError: none of it does.
    """
    seen = LineString(camera.project_ground([start, end])).intersection(_frame(camera))
    if seen.is_empty:
        raise ConfigError(f"the camera does not show the line from {start} to {end}; turn it towards the junction")
    return [(round(x, 1), round(y, 1)) for x, y in seen.coords]


def _area(camera: Camera, corners: list[GroundPoint]) -> list[tuple[float, float]]:
    """Returns the part of a ground polygon that lies in the picture.

    Raises:
        ConfigError: none of it does.
    """
    seen = Polygon(camera.project_ground(corners)).intersection(_frame(camera))
    if seen.is_empty:
        raise ConfigError(f"the camera does not show the area at {corners[0]}; turn it towards the junction")
    return [(round(x, 1), round(y, 1)) for x, y in list(seen.exterior.coords)[:-1]]


def _is_shown(camera: Camera, corners: list[GroundPoint]) -> bool:
    return bool(Polygon(camera.project_ground(corners)).intersects(_frame(camera)))


def _frame(camera: Camera) -> Polygon:
    return box(0, 0, camera.width_px, camera.height_px)


def _extras(camera: Camera, scene: Scene) -> dict[str, Any]:
    """Returns what only some junctions have, and the rules switched off where the truth knows nothing of them."""
    built, found = scene.junction, dict[str, Any]()
    if built.has_waiting_area:
        found["waiting_areas"] = [{"id": "left-turn", "polygon_px": _area(camera, built.waiting_area())}]
    if built.has_bays:
        found["parking_bays"] = [{"id": "west", "polygon_px": _area(camera, built.bay_strip())}]
    if scene.is_random:
        found["rules"] = {entry.id: {"enabled": False} for entry in catalogue().violations if entry.id not in JUDGED}
    return found


def _crosswalk(camera: Camera, built: Junction) -> dict[str, Any]:
    found = {"id": "south", "polygon_px": _area(camera, built.crosswalk(WATCHED)), "signal": CROSSWALK_LAMP}
    return {**found, "refuge_islands_px": [_area(camera, built.island(WATCHED))]} if built.has_island else found


def _calibration(camera: Camera, built: Junction) -> dict[str, Any]:
    line, half, outer = -built.stop_line_m, built.crosswalk_half_m, built.motor_lanes_m[-1][1]
    near, far = built.crosswalk_m
    surveyed = (
        (built.line_start_m, line), (built.cycle_edges_m[1], line), (-half, -far), (half, -far), (-half, -near),
        (half, -near), (-outer, line - 13.8), (0.0, line - 15.8), (outer, line - 13.8), (-outer, line - 0.8),
    )  # fmt: skip
    points = [(_exact(camera, p), (round(p[0], 3), round(p[1], 3))) for p in surveyed]
    return {"points": [{"image_px": spot, "ground_m": p} for spot, p in points if _is_seen(camera, spot)]}


def _is_seen(camera: Camera, spot: tuple[float, float]) -> bool:
    return 0 <= spot[0] < camera.width_px and 0 <= spot[1] < camera.height_px


def _exact(camera: Camera, point: GroundPoint) -> tuple[float, float]:
    x, y = camera.project_ground([point])[0]
    return round(x, 2), round(y, 2)


def _stop_lines(camera: Camera, built: Junction) -> list[dict[str, Any]]:
    y, start = -built.stop_line_m, built.line_start_m
    near, far = built.cycle_edges_m
    aim = built.motor_lanes_m[-1][1] / 2
    right = ["R"] if "E" in built.arms else []
    motor = {
        "id": "motor",
        "points_px": _arrow(camera, (start, y), (built.divider_m, y)),
        "towards_px": _spot(camera, (aim, -8.0)),
        "applies_to": ["motor"] if built.cycle_lane_m else ["motor", "nonmotor"],
        "signal": MOTOR_LAMP,
        "movements": [*(["L"] if "W" in built.arms else []), "S", *right],
    }
    cycle = {
        "id": "cycle",
        "points_px": _arrow(camera, (built.divider_m, y), (far, y)),
        "towards_px": _spot(camera, (round((near + far) / 2 - 0.025, 1), -8.0)),
        "applies_to": ["nonmotor"],
        "signal": MOTOR_LAMP,
        "movements": ["S", *right],
    }
    return [motor, cycle] if built.cycle_lane_m else [motor]


def _lanes(camera: Camera, built: Junction) -> list[dict[str, Any]]:
    along = (built.stop_line_m, built.watched_m)
    names = {1: ("inner",), 2: ("inner", "kerb"), 3: ("inner", "middle", "kerb")}[built.lanes]
    rows = [(name, across, "motor") for name, across in zip(names, built.motor_lanes_m, strict=True)]
    if built.cycle_lane_m:
        rows.append(("cycle", built.cycle_edges_m, "nonmotor"))
    return [
        {
            "id": name,
            "polygon_px": _area(camera, junction.strip(WATCHED, across, along)),
            "kind": kind,
            "heading_px": _arrow(camera, *_heading(built, sum(across) / 2, 1, short_m=0.8)),
            "movements": _movements(built, name),
        }
        for name, across, kind in rows
    ]


def _movements(built: Junction, lane: str) -> list[str]:
    left = lane == "inner" and "W" in built.arms
    right = (lane in ("kerb", "cycle") or built.lanes == 1) and "E" in built.arms
    return [*(["L"] if left else []), "S", *(["R"] if right else [])]


def _exits(camera: Camera, built: Junction) -> list[dict[str, Any]]:
    half, out = built.road_half_m, built.stop_line_m
    rows = {
        "N": ("north", "S", [(0, out + 0.3), (half, out + 0.3), (half, out + 20.8), (0, out + 20.8)]),
        "E": ("east", "R", [(half + 1.6, -half), (out + 0.8, -half), (out + 0.8, 0), (half + 1.6, 0)]),
        "W": ("west", "L", [(-out - 0.8, 0), (-half - 1.6, 0), (-half - 1.6, half), (-out - 0.8, half)]),
    }
    return [
        {"id": name, "polygon_px": _area(camera, list(corners)), "movement": movement, "stop_line": "motor"}
        for arm, (name, movement, corners) in rows.items()
        if arm in built.arms and _is_shown(camera, list(corners))
    ]


def _direction_zones(camera: Camera, built: Junction) -> list[dict[str, Any]]:
    along = (built.stop_line_m + 0.4, built.watched_m)
    near, far = built.cycle_edges_m
    inner, outer = built.motor_lanes_m[0][0], built.motor_lanes_m[-1][1]
    rows = (
        ("cycle-in", (near, far), ["nonmotor"], 1),
        ("cycle-out", (-far, -near), ["nonmotor"], -1),
        ("motor-in", (inner, outer), ["motor", "nonmotor"], 1),
        ("motor-out", (-outer, -inner), ["motor", "nonmotor"], -1),
    )
    return [
        {
            "id": name,
            "polygon_px": _area(camera, junction.strip(WATCHED, across, along)),
            "heading_px": _arrow(camera, *_heading(built, sum(across) / 2, sign)),
            "applies_to": subjects,
        }
        for name, across, subjects, sign in rows
        if built.cycle_lane_m or not name.startswith("cycle")
    ]


def _heading(built: Junction, x: float, sign: int, *, short_m: float = 1.8) -> tuple[GroundPoint, GroundPoint]:
    """Returns an arrow along the watched arm that ends ``short_m`` before the stop line."""
    south, north = (x, -built.stop_line_m - 10.8), (x, -built.stop_line_m - short_m)
    return (south, north) if sign > 0 else (north, south)


def _signal(camera: Camera, built: Junction, housing_id: str, kind: str) -> dict[str, Any]:
    return {
        "id": housing_id,
        "kind": kind,
        "region_px": lamp_region(camera, built.housing(housing_id)),
        "layout": "crosswalk" if kind == "crosswalk" else "vertical",
    }


def lamp_region(camera: Camera, housing: LampHousing) -> tuple[float, float, float, float]:
    """Returns the picture region of a lamp housing's front."""
    pixels = camera.project(housing.corners())
    (x1, y1), (x2, y2) = pixels.min(0), pixels.max(0)
    return round(float(x1), 1), round(float(y1), 1), round(float(x2), 1), round(float(y2), 1)
