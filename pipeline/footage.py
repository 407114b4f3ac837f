"""What evidence is made from: a session of files, or an excerpt of live pictures."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Protocol

from ingest.clip import Cut
from ingest.footage import FootageFile
from ingest.frame import Still


class Footage(Protocol):
    """Pictures of one camera on one time axis, to be had again."""

    @property
    def session_id(self) -> str:
        """Which session it is."""
        ...

    @property
    def start_utc(self) -> datetime | None:
        """World time of session time 0."""
        ...

    @property
    def files(self) -> tuple[FootageFile, ...]:
        """The files it comes from; none for live pictures."""
        ...

    @property
    def width_px(self) -> int:
        """Width of every picture."""
        ...

    @property
    def height_px(self) -> int:
        """Height of every picture."""
        ...

    @property
    def end_ns(self) -> int:
        """Session time at which it ends."""
        ...

    def still(self, pts_ns: int) -> Still:
        """Returns the picture on show at a session time, whole."""
        ...

    def cut(self, start_ns: int, end_ns: int, target: Path) -> Cut:
        """Writes the clip that shows a span."""
        ...
