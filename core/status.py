"""The running cameras' state as one small file, for whoever wants to look: `lukou top`, the metrics page."""

import json
import os
from datetime import datetime
from pathlib import Path
from typing import Any

from core.time import Clock

NAME = "live.json"
STALE_S = 5.0
"""A state older than this is of cameras that do not run any more."""


def write_status(home: Path, status: dict[str, Any], clock: Clock) -> None:
    """Writes the state; readers see the old one or the new one, whole.

    Raises:
        OSError: the disk refuses.
    """
    text = json.dumps({"at_utc": clock.now_utc().isoformat(), "pid": os.getpid(), **status}, ensure_ascii=False)
    part = home / f".{NAME}.{os.getpid()}"
    part.write_text(text, encoding="utf-8")
    part.replace(home / NAME)


def read_status(home: Path, clock: Clock) -> dict[str, Any] | None:
    """Returns the state, with ``is_running``; None where no camera ever ran."""
    try:
        state: dict[str, Any] = json.loads((home / NAME).read_text(encoding="utf-8"))
        age_s = (clock.now_utc() - datetime.fromisoformat(state["at_utc"])).total_seconds()
    except (OSError, ValueError, KeyError):
        return None
    return {**state, "is_running": age_s < STALE_S}
