"""The journal of a session: one line per analysed frame, so that a stopped run goes on where it was.

A resumed run replays the journal through tracker and rules (milliseconds) and then reads on from the
last line. A line cut short by a crash is dropped. The header names what the lines depend on: another
site, network or rate starts a new journal.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, TextIO

from core.errors import StoreError
from pipeline.observation import Observation

SYNC_EVERY = 80
"""Lines between two forced writes: ten seconds of footage at 8 Hz are seen again after a power cut."""


class Journal:
    """Append-only file of one session."""

    def __init__(self, path: Path, header: Mapping[str, Any]) -> None:
        self._path = path
        self._header = dict(header)
        self.observations: list[Observation] = []
        self.counts: dict[str, int] = {}
        self.is_complete = False
        self._load()
        self._unsynced = 0
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file: TextIO = path.open("a", encoding="utf-8")
        except OSError as error:
            raise _refused(path, error) from error
        if not self.observations and not self.is_complete and path.stat().st_size == 0:
            self._write(self._header)

    @property
    def last_ns(self) -> int | None:
        """Session time of the last frame kept, None at the beginning."""
        return self.observations[-1].pts_ns if self.observations else None

    def append(self, observation: Observation, counts: Mapping[str, int]) -> None:
        """Keeps one frame."""
        self._write({**observation.as_row(), "c": list(counts.values())})
        self._unsynced += 1
        if self._unsynced >= SYNC_EVERY:
            self.sync()

    def complete(self, counts: Mapping[str, int]) -> None:
        """Notes that the session was read to its end."""
        self._write({"end": True, "counts": dict(counts)})
        self.sync()

    def sync(self) -> None:
        """Forces what was written to the disk."""
        try:
            self._file.flush()
            os.fsync(self._file.fileno())
        except OSError as error:
            raise _refused(self._path, error) from error
        self._unsynced = 0

    def close(self) -> None:
        """Writes out and closes."""
        try:
            self._file.close()
        except OSError as error:
            raise _refused(self._path, error) from error

    def _write(self, row: Mapping[str, Any]) -> None:
        try:
            self._file.write(json.dumps(row, separators=(",", ":")) + "\n")
        except OSError as error:
            raise _refused(self._path, error) from error

    def _load(self) -> None:
        if not self._path.exists():
            return
        good_bytes = 0
        with suppress(ValueError):  # what follows a damaged line is looked at again
            for row, end in journal_rows(self._path):
                if not good_bytes and row != self._header:
                    break
                if good_bytes:
                    self._take(row)
                good_bytes = end
        with self._path.open("rb+") as file:
            file.truncate(good_bytes)

    def _take(self, row: Mapping[str, Any]) -> None:
        if row.get("end"):
            self.is_complete, self.counts = True, dict(row["counts"])
        else:
            self.observations.append(Observation.from_row(row))
            self.counts = dict(zip(self._header.get("counts", []), row["c"], strict=True))


def journal_rows(path: Path) -> Iterator[tuple[dict[str, Any], int]]:
    """Yields each whole line and the byte position after it; a last line cut short by a crash is left out.

    Raises:
        ValueError: a whole line is damaged.
    """
    position = 0
    with path.open("rb") as file:
        for line in file:
            if not line.endswith(b"\n"):
                return
            position += len(line)
            yield json.loads(line), position


def _refused(path: Path, error: OSError) -> StoreError:
    return StoreError(
        f"progress cannot be written to {path.parent} ({error.strerror}); free space or choose --out on another disk",
        path=str(path),
    )
