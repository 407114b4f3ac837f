"""Saved replays: what a changed site file would make of the past, one JSON file each, shown on the console.

Written by ``lukou replay --save NAME``, read by the console's /replays pages. A replay is a report, no
evidence: it may be written again under the same name and deleted.
"""

from __future__ import annotations

import os
import re
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from core.errors import CaseNotFound, ConfigError, StoreError

Change = Literal["appears", "disappears", "changes", "stays"]
CHANGES: tuple[Change, ...] = ("appears", "disappears", "changes", "stays")
NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")


class Value(BaseModel):
    """Unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class ReplayedMoment(Value):
    """One of the law's moments as the changed site gives it."""

    role: str
    pts_ns: int
    signal: str | None = None


class ReplayedEvent(Value):
    """One event on both sides: the case as it was filed, the case as it would be. ``None``: not on that side."""

    change: Change
    violation_id: str
    session_id: str
    onset_ns: int
    subject: str | None = None
    case_id: str | None = None
    before: dict[str, Any] | None = None
    after: dict[str, Any] | None = None
    moments: tuple[ReplayedMoment, ...] = ()
    cues: tuple[str, ...] = ()


class Replay(Value):
    """One replay, whole."""

    name: str
    made_utc: datetime
    site_id: str
    camera_id: str
    site_sha256: str
    sessions: tuple[str, ...]
    footage_s: float
    wall_s: float
    events: tuple[ReplayedEvent, ...]

    def count(self, change: Change) -> int:
        """Returns how many events changed in this way."""
        return sum(event.change == change for event in self.events)


def save_replay(folder: Path, replay: Replay) -> Path:
    """Writes a replay; returns its file.

    Raises:
        ConfigError: a name that is no file name.
        StoreError: the disk refuses.
    """
    path = folder / f"{checked_name(replay.name)}.json"
    part = path.with_suffix(f".{os.getpid()}.part")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        part.write_text(replay.model_dump_json(indent=1) + "\n", encoding="utf-8")
        part.replace(path)
    except OSError as error:
        raise StoreError(
            f"the replay cannot be kept in {folder} ({error.strerror}); free space", path=str(path)
        ) from error
    return path


def load_replay(folder: Path, name: str) -> Replay:
    """Returns a saved replay.

    Raises:
        CaseNotFound: there is none of this name.
        StoreError: the file is damaged.
    """
    path = folder / f"{name}.json"
    if not NAME.fullmatch(name) or not path.is_file():
        raise CaseNotFound(f"no replay '{name}' is kept; make it with lukou replay --save {name}")
    try:
        return Replay.model_validate_json(path.read_text(encoding="utf-8"))
    except (OSError, ValidationError) as error:
        raise StoreError(f"replay '{name}' is damaged; make it again with lukou replay --save {name}") from error


def list_replays(folder: Path) -> list[Replay]:
    """Returns the saved replays, newest first; a damaged one is left out."""
    found = []
    for path in sorted(folder.glob("*.json")):
        try:
            found.append(load_replay(folder, path.stem))
        except (CaseNotFound, StoreError):
            continue
    return sorted(found, key=lambda replay: replay.made_utc, reverse=True)


def checked_name(name: str) -> str:
    """Returns a name that may be a file name.

    Raises:
        ConfigError: it may not.
    """
    if not NAME.fullmatch(name):
        raise ConfigError(f"'{name}' is no name of a replay; use small letters, digits and -, 40 at most")
    return name
