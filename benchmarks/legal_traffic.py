"""Random lawful traffic: nobody in it may be convicted of a red light.

    python benchmarks/legal_traffic.py [--scenes N] [--seed S] [--fps F] [--through-tracker] [--json]

Every scene draws a camera, a lamp programme and 3 to 8 road users who all keep the law: drive through on green or
yellow, stop behind the line on red and leave on green, turn right on a round red lamp where the line allows it, clear
the junction late, cross on the other road, walk on green, wait at the kerb. ``--through-tracker`` hands detections to
tracker and rules (slower) in place of perfect tracks. V02, V13 and V20 are judged too, and nobody may be convicted
of them either. Exit 1 if anybody is convicted of V01, V03 or V04.
"""

import argparse
import json
import random
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from cli.noise import GRID, score_disturbed  # noqa: E402  # run as a script, the repository is not on the path yet
from cli.scoring import score  # noqa: E402
from sim.trajectories import Case, TrajectoryScene  # noqa: E402

RED = {"V01", "V03", "V04"}
CAMERAS = ("gantry", "left", "mast", "pole", "right")
SITE: dict[str, Any] = {
    "stop_lines": [
        {"id": "south", "points_m": [[-7, 0], [7, 0]], "towards_m": [0, 8], "signal": "lamp", "movements": ["S", "R"]}
    ],
    "exits": [{"id": "east", "movement": "R", "polygon_m": [[7.5, 4], [14, 4], [14, 16], [7.5, 16]]}],
    "crosswalks": [{"id": "south", "signal": "walk", "polygon_m": [[-7, 2], [7, 2], [7, 6], [-7, 6]]}],
    "no_u_turn_zones": [{"id": "approach", "polygon_m": [[-7, -7], [7, -7], [7, 20], [-7, 20]]}],
    "rules": {rule: {"enabled": True} for rule in ("V13", "V20")},
    "signals": [{"id": "lamp", "region_px": [10, 10, 40, 90]}, {"id": "walk", "region_px": [60, 10, 90, 90]}],
}
LENGTH_M = {"car": 4.5, "van": 5.2, "bus": 11.0, "truck": 8.0, "bicycle": 1.75, "motorcycle": 1.8}


def lawful_scene(seed: int) -> Case:
    """Returns one random scene in which everybody keeps the law."""
    dice = random.Random(seed)  # noqa: S311 - traffic, not secrets
    green_s, yellow_s = dice.uniform(8, 20), dice.uniform(3, 4)
    red_s = green_s + yellow_s
    again_s = red_s + dice.uniform(12, 25)
    until_s = again_s + 14
    actors = [_actor(dice, red_s, again_s, until_s) for _ in range(dice.randint(3, 8))]
    scene = {
        "title_en": "random lawful traffic",
        "title_zh": "随机守法交通",
        "law": "RTSL 38; Reg 38, 39",
        "camera": dice.choice(CAMERAS),
        "calibrated": dice.random() < 0.7,
        "until_s": round(until_s, 2),
        "lamps": {
            "lamp": [
                [0, "green"],
                [round(green_s, 3), "yellow"],
                [round(red_s, 3), "red"],
                [round(again_s, 3), "green"],
            ],
            "walk": [[0, "red"], [round(red_s + 1, 3), "green"], [round(again_s - 2, 3), "red"]],
        },
        "site": SITE,
        "actors": [{"name": f"{number}-{actor['kind']}", **actor} for number, actor in enumerate(actors)],
    }
    return Case(family="v01_random_lawful", values={"seed": seed}, scene=TrajectoryScene.model_validate(scene))


def _actor(dice: random.Random, red_s: float, again_s: float, until_s: float) -> dict[str, Any]:
    kind = dice.choice(["car", "car", "car", "van", "bus", "truck", "bicycle", "motorcycle"])
    speed = dice.uniform(3, 6) if kind in {"bicycle", "motorcycle"} else dice.uniform(3, 16)
    x_m = dice.uniform(-5.5, 5.5)
    waits_s = dice.uniform(3, again_s - 2)
    makes: list[dict[str, Any]] = [
        {"kind": kind, "drive": {"at_m": [x_m, 0], "speed_mps": speed, "at_s": dice.uniform(0, red_s - 0.1)}},
        {"kind": kind, "drive": {"at_m": [x_m, 0], "speed_mps": speed, "at_s": dice.uniform(again_s, until_s)}},
        {
            "kind": kind,
            "stop_and_go": {
                "at_m": [x_m, dice.uniform(-6, -0.5)],
                "speed_mps": speed,
                "stop_s": max(waits_s, speed / 2),
                "go_s": again_s + dice.uniform(0.5, 4),
            },
        },
        {  # entered on green, held up beyond the line, clears late
            "kind": kind,
            "stop_and_go": {
                "at_m": [x_m, dice.uniform(1.5, 9) if kind in {"bicycle", "motorcycle"} else dice.uniform(2, 9)],
                "speed_mps": max(speed, 5.0),
                "brake_mps2": 4.0,
                "stop_s": dice.uniform(max(speed, 5.0) / 4, red_s - 4),
                "go_s": dice.uniform(red_s, again_s),
            },
        },
        {
            "kind": dice.choice(["car", "van", "motorcycle"]),
            "drive": {
                "at_m": [dice.uniform(3, 5), 0],
                "side": "R",
                "straight_m": 3,
                "speed_mps": dice.uniform(2.5, 6),
                "at_s": dice.uniform(2, until_s - 10),
            },
        },
        {
            "kind": kind,
            "drive": {
                "at_m": [0, dice.uniform(9, 18)],
                "towards": [dice.choice([-1, 1]), 0],
                "speed_mps": speed,
                "at_s": dice.uniform(red_s, again_s),
            },
        },
        {
            "kind": kind,
            "drive": {"at_m": [x_m, 0], "towards": [0, -1], "speed_mps": speed, "at_s": dice.uniform(0, until_s)},
        },
        {  # walks on green
            "kind": "person",
            "from_s": red_s - 3,
            "walk": {
                "at_m": [-7, dice.uniform(3, 5)],
                "towards": [1, 0],
                "speed_mps": dice.uniform(0.8, 2),
                "at_s": dice.uniform(red_s + 1.2, again_s - 2.2),
            },
        },
        {  # waits at the kerb, goes on green
            "kind": "person",
            "walk": {
                "at_m": [-7.6, dice.uniform(3, 5)],
                "towards": [1, 0],
                "at_s": (begins_s := dice.uniform(1, red_s - 4)),
                "stop_after_m": (edge_m := dice.uniform(0, 1.0)),
                "pause_s": red_s + dice.uniform(1.5, 4) - begins_s - edge_m / 1.3,
            },
        },
    ]
    return dice.choice(makes)


def main() -> int:
    """Runs the scenes and prints the sum."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scenes", type=int, default=300)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--fps", type=float, default=8.0)
    parser.add_argument("--through-tracker", action="store_true")
    parser.add_argument("--json", action="store_true")
    wanted = parser.parse_args()
    false, others, road_users = [], [], 0
    began = time.perf_counter()
    for seed in range(wanted.seed, wanted.seed + wanted.scenes):
        case = lawful_scene(seed)
        road_users += len(case.scene.actors)
        result = score_disturbed(case, GRID[0], fps=wanted.fps) if wanted.through_tracker else score(case, wanted.fps)
        false += [(seed, rule, who) for rule, who in result.false if rule in RED]
        others += [(seed, rule, who) for rule, who in result.false if rule not in RED]
    wall_s = time.perf_counter() - began
    told = {
        "scenes": wanted.scenes,
        "road_users": road_users,
        "fps": wanted.fps,
        "through_tracker": wanted.through_tracker,
        "false_red_light": false,
        "other_rules": others,
        "wall_s": round(wall_s, 1),
    }
    if wanted.json:
        print(json.dumps(told, indent=2))
    else:
        print(f"{wanted.scenes} lawful scenes, {road_users} road users at {wanted.fps:g} fps, {wall_s:.0f} s")
        print(f"false red-light convictions: {len(false)}")
        for seed, rule, who in false[:50]:
            print(f"  seed {seed}: {rule} {who}")
        if others:
            print(f"other rules convicted: {dict(Counter(rule for _, rule, _ in others))}")
            for seed, rule, who in others[:50]:
                print(f"  seed {seed}: {rule} {who}")
    return 1 if false else 0


if __name__ == "__main__":
    sys.exit(main())
