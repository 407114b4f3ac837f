"""The rule most projects use, as an adapter: a box's lower edge crosses the line while the lamp is red.

    python naive_rule.py DIR

Reads the scenes of ``lukou conform --export DIR`` and writes events.json beside each.
"""

import json
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

RULE_OF_CLASS = {1: "V03", 2: "V03", 3: "V01", 4: "V01", 5: "V01"}


def events(scene: dict[str, Any], tracks: dict[int, list[list[float]]]) -> Iterator[dict[str, Any]]:
    """Yields one event a track."""
    for track, rows in tracks.items():
        rule = RULE_OF_CLASS.get(int(rows[0][7]))
        if rule and any(runs(rows, line, scene) for line in scene["site"]["stop_lines"]):
            yield {"rule": rule, "track": track}


def runs(rows: list[list[float]], line: dict[str, Any], scene: dict[str, Any]) -> bool:
    """Tells whether the middle of the lower edge passes the line in red."""
    (x1, y1), (x2, y2) = line["points_px"][0], line["points_px"][-1]

    def side(x: float, y: float) -> float:
        return float((x2 - x1) * (y - y1) - (y2 - y1) * (x - x1))

    beyond = side(*line["towards_px"])
    earlier = None
    for frame, _, left, top, width, height, *_ in rows:
        x, y = left + width / 2, top + height
        now = side(x, y) * beyond
        is_on_it = min(x1, x2) <= x <= max(x1, x2)
        is_red = state(scene["lamps"].get(line["signal"], []), (frame - 1) / scene["fps"]) == "red"
        if earlier is not None and earlier < 0 <= now and is_on_it and is_red:
            return True
        earlier = now
    return False


def state(lamp: list[list[Any]], t_s: float) -> str:
    """Returns what a lamp shows."""
    shown = [name for since, name in lamp if since <= t_s]
    return shown[-1] if shown else "unknown"


def main(folder: Path) -> None:
    """Answers every scene in the folder."""
    for path in folder.glob("*/scene.json"):
        tracks: dict[int, list[list[float]]] = defaultdict(list)
        for row in path.with_name("tracks.txt").read_text().splitlines():
            values = [float(value) for value in row.split(",")]
            tracks[int(values[1])].append(values)
        found = list(events(json.loads(path.read_text(encoding="utf-8")), tracks))
        path.with_name("events.json").write_text(json.dumps(found))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
