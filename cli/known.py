"""The known answer that ships beside rendered footage: what was committed, and what only looks like it."""

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from cli.truth import Expected, Group, Sighting
from core.errors import ConfigError
from core.time import parse_utc

GROUPS: dict[str, Group] = {
    "car": "vehicle",
    "bus": "vehicle",
    "truck": "vehicle",
    "ebike": "two_wheeler",
    "bicycle": "two_wheeler",
    "motorcycle": "two_wheeler",
    "person": "pedestrian",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Trap:
    """Lawful behaviour that looks like an offence."""

    kind: str
    subject: str
    group: Group
    start_s: float
    end_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """Everything a clip holds."""

    start_utc: datetime | None
    expected: tuple[Expected, ...]
    traps: tuple[Trap, ...]


def load_answer(path: Path) -> Answer:
    """Returns the known answer of a clip.

    Raises:
        ConfigError: the file is missing or not what the simulator writes.
    """
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        return Answer(
            start_utc=parse_utc(data["start_utc"]) if data.get("start_utc") else None,
            expected=tuple(_expected(row) for row in data["violations"]),
            traps=tuple(_trap(row) for row in data["traps"]),
        )
    except OSError as error:
        raise ConfigError(f"known answer {path} cannot be read ({error.strerror}); check the path") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ConfigError(f"known answer {path} is damaged ({error!r}); restore it") from error


def _expected(row: dict[str, Any]) -> Expected:
    return Expected(
        event_id=f"{row['violation_id']}-{row['track']}",
        violation_id=row["violation_id"],
        start_s=float(row["t_start_s"]),
        end_s=float(row["t_end_s"]),
        group=GROUPS[row["subject"]],
        sightings=tuple(_sighting(box) for box in row.get("boxes", ())),
        note=row["subject"],
    )


def _sighting(box: dict[str, Any]) -> Sighting:
    x1, y1, x2, y2 = box["xyxy"]
    return Sighting(t_s=float(box["t_s"]), xyxy=(x1, y1, x2, y2))


def _trap(row: dict[str, Any]) -> Trap:
    return Trap(
        kind=row["kind"],
        subject=row["subject"],
        group=GROUPS[row["subject"]],
        start_s=float(row["t_start_s"]),
        end_s=float(row["t_end_s"]),
    )
