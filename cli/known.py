"""The known answer that ships beside rendered footage: what was committed, and what only looks like it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from cli.truth import Expected, Group, Sighting
from core.errors import ConfigError

GROUPS: dict[str, Group] = {
    "car": "vehicle",
    "bus": "vehicle",
    "truck": "vehicle",
    "ebike": "two_wheeler",
    "bicycle": "two_wheeler",
    "motorcycle": "two_wheeler",
    "person": "pedestrian",
}
AROUND_S = 3.0
"""Boxes of an actor are kept this long before and after its event."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trap:
    """Lawful behaviour that looks like an offence."""

    kind: str
    subject: str
    group: Group
    start_s: float
    end_s: float
    sightings: tuple[Sighting, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """Everything a clip holds."""

    start_utc: datetime
    expected: tuple[Expected, ...]
    traps: tuple[Trap, ...]


def load_answer(path: Path, time_zone: str) -> Answer:
    """Returns the known answer of a clip; its clock shows the local time of ``time_zone``.

    Raises:
        ConfigError: the file is missing or not what the simulator writes.
    """
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        boxes = _boxes_by_track(data)
        events = [(row, True) for row in data["events"]] + [(row, False) for row in data.get("other_events", ())]
        return Answer(
            start_utc=_start_utc(data["start_local"], time_zone),
            expected=tuple(_expected(row, boxes, is_required=required) for row, required in events),
            traps=tuple(_trap(row, boxes) for row in data["traps"]),
        )
    except OSError as error:
        raise ConfigError(f"known answer {path} cannot be read ({error.strerror}); check the path") from error
    except (ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
        raise ConfigError(f"known answer {path} is damaged ({error!r}); restore it") from error


def _start_utc(text: str, time_zone: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=ZoneInfo(time_zone))).astimezone(UTC)


def _boxes_by_track(data: Mapping[str, Any]) -> dict[str, list[Sighting]]:
    names = [track["id"] for track in data["tracks"]]
    found: dict[str, list[Sighting]] = {name: [] for name in names}
    for t_s, rows in data["boxes"]:
        for track, x1, y1, x2, y2, _ in rows:
            found[names[track]].append(Sighting(t_s=float(t_s), xyxy=(x1, y1, x2, y2)))
    return found


def _seen(row: Mapping[str, Any], boxes: Mapping[str, list[Sighting]]) -> tuple[Sighting, ...]:
    first_s, last_s = row["t_start_s"] - AROUND_S, row["t_end_s"] + AROUND_S
    return tuple(s for s in boxes.get(row["track"], ()) if first_s <= s.t_s <= last_s)


def _expected(row: Mapping[str, Any], boxes: Mapping[str, list[Sighting]], *, is_required: bool) -> Expected:
    return Expected(
        event_id=row["id"],
        violation_id=row["violation_id"],
        start_s=float(row["t_start_s"]),
        end_s=float(row["t_end_s"]),
        group=GROUPS[row["subject"]],
        sightings=_seen(row, boxes),
        is_required=is_required,
        note=row["subject"],
    )


def _trap(row: Mapping[str, Any], boxes: Mapping[str, list[Sighting]]) -> Trap:
    return Trap(
        kind=row["kind"],
        subject=row["subject"],
        group=GROUPS[row["subject"]],
        start_s=float(row["t_start_s"]),
        end_s=float(row["t_end_s"]),
        sightings=_seen(row, boxes),
    )
