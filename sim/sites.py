"""The site file that belongs to a scene: what an operator would draw, projected exactly from the camera."""

from __future__ import annotations

from io import StringIO
from typing import Any

from ruamel.yaml import YAML
from shapely.geometry import Polygon, box

from core.site import Site
from sim import junction
from sim.camera import Camera, build_camera
from sim.junction import GroundPoint, LampHousing
from sim.scene import Scene
from sim.truth import WATCHED

MOTOR_LAMP, CROSSWALK_LAMP = "S-near", "S-ped-left"
_INNER, _KERB = junction.MOTOR_LANES_M
_SURVEYED_M: tuple[GroundPoint, ...] = (
    (0.1, -19.2), (9.3, -19.2), (-9.1, -18.2), (9.1, -18.2), (-9.1, -13.6), (9.1, -13.6),
    (-6.8, -33.0), (0.0, -35.0), (6.8, -33.0), (-6.8, -20.0),
)  # fmt: skip


def build_site(scene: Scene) -> Site:
    """Returns the site of a scene's camera; every point lies where the camera matrix puts it."""
    camera = build_camera(scene.camera)
    return Site.model_validate(
        {
            "site_id": scene.place.site_id,
            "place": scene.place.place,
            "direction": scene.place.direction,
            "camera": {
                "camera_id": scene.place.camera_id,
                "device_code": scene.place.device_code,
                "picture_size_px": scene.camera.picture_size_px,
            },
            "clock": {"source": "operator", "uncertainty_s": 0.1},
            "calibration": _calibration(camera),
            "stop_lines": _stop_lines(camera),
            "lanes": _lanes(camera),
            "exits": _exits(camera),
            "crosswalks": [
                {"id": "south", "polygon_px": _area(camera, junction.crosswalk(WATCHED)), "signal": CROSSWALK_LAMP}
            ],
            "no_stop_zones": [
                {
                    "id": zone.id,
                    "polygon_px": _area(camera, [(x, y) for x, y in zone.polygon_m]),
                    "kind": "no_stopping_zone",
                    "confirm_s": zone.confirm_s,
                }
                for zone in scene.no_stop_zones
            ],
            "direction_zones": _direction_zones(camera),
            "signals": [_signal(camera, MOTOR_LAMP, "motor"), _signal(camera, CROSSWALK_LAMP, "crosswalk")],
        }
    )


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
    return [_spot(camera, start), _spot(camera, end)]


def _area(camera: Camera, corners: list[GroundPoint]) -> list[tuple[float, float]]:
    """Returns the part of a ground polygon that lies in the picture."""
    seen = Polygon(camera.project_ground(corners)).intersection(box(0, 0, camera.width_px, camera.height_px))
    return [(round(x, 1), round(y, 1)) for x, y in list(seen.exterior.coords)[:-1]]


def _calibration(camera: Camera) -> dict[str, Any]:
    return {"points": [{"image_px": _exact(camera, p), "ground_m": p} for p in _SURVEYED_M]}


def _exact(camera: Camera, point: GroundPoint) -> tuple[float, float]:
    x, y = camera.project_ground([point])[0]
    return round(x, 2), round(y, 2)


def _stop_lines(camera: Camera) -> list[dict[str, Any]]:
    y = -junction.STOP_LINE_M
    return [
        {
            "id": "motor",
            "points_px": _arrow(camera, (0.1, y), (junction.DIVIDER_M, y)),
            "towards_px": _spot(camera, (3.4, -8.0)),
            "applies_to": ["motor"],
            "signal": MOTOR_LAMP,
            "movements": ["L", "S", "R"],
        },
        {
            "id": "cycle",
            "points_px": _arrow(camera, (junction.DIVIDER_M, y), (junction.CYCLE_LANE_M[1], y)),
            "towards_px": _spot(camera, (8.1, -8.0)),
            "applies_to": ["nonmotor"],
            "signal": MOTOR_LAMP,
            "movements": ["S", "R"],
        },
    ]


def _lanes(camera: Camera) -> list[dict[str, Any]]:
    along = (junction.STOP_LINE_M, junction.WATCHED_M)
    rows = (
        ("inner", _INNER, "motor", ["L", "S"]),
        ("kerb", _KERB, "motor", ["S", "R"]),
        ("cycle", junction.CYCLE_LANE_M, "nonmotor", ["S", "R"]),
    )
    return [
        {
            "id": name,
            "polygon_px": _area(camera, junction.strip(WATCHED, across, along)),
            "kind": kind,
            "heading_px": _arrow(camera, (sum(across) / 2, -30.0), (sum(across) / 2, -20.0)),
            "movements": movements,
        }
        for name, across, kind, movements in rows
    ]


def _exits(camera: Camera) -> list[dict[str, Any]]:
    half = junction.ROAD_HALF_M
    rows = (
        ("north", "S", [(0, 19.5), (half, 19.5), (half, 40), (0, 40)]),
        ("east", "R", [(11, -half), (20, -half), (20, 0), (11, 0)]),
        ("west", "L", [(-20, 0), (-11, 0), (-11, half), (-20, half)]),
    )
    return [{"id": n, "polygon_px": _area(camera, list(c)), "movement": m, "stop_line": "motor"} for n, m, c in rows]


def _direction_zones(camera: Camera) -> list[dict[str, Any]]:
    along = (junction.STOP_LINE_M + 0.4, junction.WATCHED_M)
    near, far = junction.CYCLE_LANE_M
    rows = (
        ("cycle-in", (near, far), ["nonmotor"], 1),
        ("cycle-out", (-far, -near), ["nonmotor"], -1),
        ("motor-in", (_INNER[0], _KERB[1]), ["motor", "nonmotor"], 1),
        ("motor-out", (-_KERB[1], -_INNER[0]), ["motor", "nonmotor"], -1),
    )
    return [
        {
            "id": name,
            "polygon_px": _area(camera, junction.strip(WATCHED, across, along)),
            "heading_px": _arrow(camera, *_heading(sum(across) / 2, sign)),
            "applies_to": subjects,
        }
        for name, across, subjects, sign in rows
    ]


def _heading(x: float, sign: int) -> tuple[GroundPoint, GroundPoint]:
    south, north = (x, -30.0), (x, -21.0)
    return (south, north) if sign > 0 else (north, south)


def _signal(camera: Camera, housing_id: str, kind: str) -> dict[str, Any]:
    return {
        "id": housing_id,
        "kind": kind,
        "region_px": lamp_region(camera, junction.housing(housing_id)),
        "layout": "crosswalk" if kind == "crosswalk" else "vertical",
    }


def lamp_region(camera: Camera, housing: LampHousing) -> tuple[float, float, float, float]:
    """Returns the picture region of a lamp housing's front."""
    pixels = camera.project(housing.corners())
    (x1, y1), (x2, y2) = pixels.min(0), pixels.max(0)
    return round(float(x1), 1), round(float(y1), 1), round(float(x2), 1), round(float(y2), 1)
