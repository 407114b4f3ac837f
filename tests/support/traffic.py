"""Random traffic that heeds nothing: who drives, rides, walks and stands about on a junction with everything drawn."""

from __future__ import annotations

import random
from typing import Any

from benchmarks.rules import lane
from sim.trajectories import TrajectoryScene

KINDS = ("car", "car", "van", "bus", "truck", "bicycle", "motorcycle", "person")
RULES = (1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 13, 14, 15, 16, 19, 20, 21, 22, 23, 24, 25)


def _area(name: str, low: tuple[float, float], high: tuple[float, float], **more: Any) -> dict[str, Any]:
    (x1, y1), (x2, y2) = low, high
    return {"id": name, "polygon_m": [[x1, y1], [x2, y1], [x2, y2], [x1, y2]], **more}


SITE: dict[str, Any] = {
    "stop_lines": [
        {"id": "south", "points_m": [[-7, 0], [7, 0]], "towards_m": [0, 8], "signal": "lamp", "movements": ["S", "R"]}
    ],
    "lanes": [
        lane("left", "motor", (-3.5, -9), (0, 0), movements=["L"]),
        lane("right", "motor", (0, -9), (3.5, 0), movements=["S"]),
        lane("bikes", "nonmotor", (3.5, -9), (6, 0)),
        lane("onward", "motor", (0, 8), (3.5, 40)),
        lane("beside", "motor", (-3.5, 8), (0, 40)),
        lane("bikes-on", "nonmotor", (3.5, 8), (6, 40)),
        lane("shoulder", "emergency", (-6, 8), (-3.5, 40)),
    ],
    "exits": [
        _area("ahead", (-4, 24), (5, 32), movement="S"),
        _area("east", (7.5, 4), (12, 16), movement="R"),
    ],
    "crosswalks": [_area("south", (-7, 2), (7, 6), signal="walk")],
    "no_stop_zones": [_area("kerb", (6, 10), (8, 40), kind="general", confirm_s=12)],
    "direction_zones": [
        _area("bikes", (3.5, 8), (6, 40), applies_to=["nonmotor"], heading_m=[[4.7, 39], [4.7, 9]]),
        _area("cars", (-3.5, 8), (0, 40), applies_to=["motor"], heading_m=[[-1.7, 39], [-1.7, 9]]),
    ],
    "boxes": [_area("box", (-4, 8), (4, 18))],
    "solid_lines": [{"id": "middle", "points_m": [[0, -9], [0, 0]]}, {"id": "onward", "points_m": [[0, 8], [0, 40]]}],
    "no_u_turn_zones": [_area("junction", (-6, 6), (6, 22))],
    "barriers": [{"id": "rail", "points_m": [[-6.3, 8], [-6.3, 40]]}],
    "nonmotor_zones": [_area("pavement", (8, 8), (11, 40), confirm_s=15)],
    "signals": [{"id": "lamp", "region_px": [10, 10, 40, 90]}, {"id": "walk", "region_px": [60, 10, 90, 90]}],
    "rules": {f"V{number:02d}": {"enabled": True} for number in RULES},
}


def lawless_scene(seed: int, *, actors: int = 8, until_s: float = 36.0) -> TrajectoryScene:
    """Returns a scene of random road users under lamps that change."""
    dice = random.Random(seed)
    return TrajectoryScene.model_validate(
        {
            "title_en": "random traffic",
            "title_zh": "随机交通",
            "law": "none",
            "camera": dice.choice(("gantry", "left", "mast", "pole", "right")),
            "calibrated": dice.random() < 0.8,
            "until_s": until_s,
            "lamps": {
                "lamp": [[0, "red"], [dice.uniform(14, 20), "green"], [dice.uniform(24, 30), "red"]],
                "walk": [[0, "green"], [dice.uniform(2, 8), "red"], [dice.uniform(20, 26), "green"]],
            },
            "site": SITE,
            "actors": [{"name": f"actor {number}", **_actor(dice)} for number in range(actors)],
        }
    )


def _actor(dice: random.Random) -> dict[str, Any]:
    kind, x_m = dice.choice(KINDS), dice.uniform(-7, 10)
    if kind == "person":
        side = dice.choice((-1, 1))
        walk = {"at_m": [side * 7.0, dice.uniform(2, 30)], "towards": [-side, 0], "at_s": dice.uniform(2, 12)}
        return {"kind": kind, "walk": walk}
    side = dice.choice("SSSRLU")
    place = {"at_m": [x_m, dice.uniform(-3, 20)], "side": "S" if side == "U" else side, "speed_mps": 5.0}
    if side == "U" and dice.random() < 0.5:
        return {"kind": kind, "wait": {"at_m": [dice.choice((7.0, 9.5)), dice.uniform(12, 34)]}}
    if dice.random() < 0.5:
        stop_s = dice.uniform(4, 12)
        return {"kind": kind, "stop_and_go": {**place, "stop_s": stop_s, "go_s": stop_s + dice.uniform(5, 18)}}
    slow = kind in {"bicycle", "motorcycle"}
    speed_mps = dice.uniform(2, 5) if slow else dice.uniform(3, 12)
    drive = {"at_m": [x_m, 0], "side": place["side"], "speed_mps": speed_mps, "at_s": dice.uniform(2, 20)}
    return {"kind": kind, "drive": drive}
