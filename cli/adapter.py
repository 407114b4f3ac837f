"""Scoring other projects: scenes written out as plain files, their events read back (docs/adapter.md)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from cli.scoring import NOBODY, Report, all_cases, compared
from core.errors import ConfigError
from core.observations import SignalTimeline
from core.time import NS_PER_S
from sim.trajectories import Case, Film, film

EXPORT_FPS = 12.5
"""Scenes are written out at this rate unless another is asked for."""


class Event(BaseModel):
    """What another project found: an offence by a track of the scene."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    rule: str
    track: int


EVENTS = TypeAdapter(list[Event])


def export_scenes(cases: Iterable[Case], folder: Path, fps: float = EXPORT_FPS) -> int:
    """Writes every scene into a folder of its own; returns how many.

    Raises:
        ConfigError: the folder holds something already.
    """
    if folder.exists() and any(folder.iterdir()):
        raise ConfigError(f"folder {folder} is not empty; give a new one")
    count = 0
    for count, case in enumerate(cases, 1):
        rate = fps if not case.scene.fps or fps in case.scene.fps else max(case.scene.fps)
        target = folder / f"{count:04}_{case.family}"
        target.mkdir(parents=True)
        seen = film(case.scene, rate)
        (target / "scene.json").write_text(json.dumps(_facts(case, seen), ensure_ascii=False), encoding="utf-8")
        (target / "tracks.txt").write_text("".join(_rows(seen)), encoding="ascii")
    return count


def score_events(folder: Path) -> Report:
    """Returns how the events another project wrote beside each scene compare with the law.

    Raises:
        ConfigError: no scenes there, a scene without events.json, or one that is not a list of events.
    """
    cases = {case.case_id: case for case in all_cases()}
    report = Report()
    scenes = sorted(folder.glob("*/scene.json"))
    if not scenes:
        raise ConfigError(f"no scenes in {folder}; write them with lukou conform --export {folder}")
    for path in scenes:
        told = json.loads(path.read_text(encoding="utf-8"))
        case = cases.get(told["scene"])
        if case is None:
            raise ConfigError(f"scene '{told['scene']}' is not in this version's set; export the scenes anew")
        names = dict(enumerate(case.scene.names, 1))
        said = [(event.rule, names.get(event.track, NOBODY)) for event in _events(path.with_name("events.json"))]
        report.add(compared(case, told["fps"], said))
    return report


def _events(path: Path) -> list[Event]:
    try:
        return EVENTS.validate_json(path.read_bytes())
    except OSError as error:
        raise ConfigError(f"{path} is missing; write [] for a scene in which nothing was found") from error
    except ValidationError as error:
        raise ConfigError(f'{path} is not a list of events such as [{{"rule": "V01", "track": 1}}]') from error


def _facts(case: Case, seen: Film) -> dict[str, Any]:
    return {
        "scene": case.case_id,
        "title_en": case.scene.title_en,
        "title_zh": case.scene.title_zh,
        "law": case.scene.law,
        "fps": seen.fps,
        "frames": len(seen.times_ns),
        "lamps": _states(seen.signals),
        "feed": _states(seen.feed),
        "start_utc": case.scene.start_utc,
        "site": seen.site.model_dump(mode="json"),
    }


def _states(lamps: dict[str, SignalTimeline]) -> dict[str, list[list[float | str]]]:
    return {
        name: [[since / NS_PER_S, state.value] for since, state in zip(lamp.since_ns, lamp.states, strict=True)]
        for name, lamp in lamps.items()
    }


def _rows(seen: Film) -> Iterator[str]:
    """Yields lines as in MOTChallenge: frame, track, left, top, width, height, confidence, class, -1, -1."""
    frame_of = {int(pts): number for number, pts in enumerate(seen.times_ns, 1)}
    for track in seen.tracks:
        for pts, (left, top, right, bottom) in zip(track.pts_ns.tolist(), track.xyxy.tolist(), strict=True):
            box = f"{left:.1f},{top:.1f},{right - left:.1f},{bottom - top:.1f}"
            yield f"{frame_of[pts]},{track.track_id},{box},1,{int(track.class_id)},-1,-1\n"
