"""How a run goes on: a bar with remaining time and real-time factor on a terminal, a few lines elsewhere."""

import time
from types import TracebackType
from typing import Self

from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from cli.console import count_text, err, offset_text, say
from core.observations import Candidate

REDRAW_S = 0.2
LINES = 4
"""Lines a run writes where there is no terminal: one per quarter."""


class ProgressListener:
    """Listens to a run; use as a context manager around it."""

    def __init__(self, label: str) -> None:
        console = err()
        self._is_live = console.is_terminal
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TaskProgressColumn(),
            TextColumn("{task.fields[pace]}"),
            TextColumn("left"),
            TimeRemainingColumn(compact=True),
            TextColumn("{task.fields[cases]}"),
            console=console,
            disable=not self._is_live,
            transient=True,
        )
        self._task = self._bar.add_task(label, total=None, pace="", cases="")
        self._began = time.perf_counter()
        self._first_s: float | None = None
        self._drawn = 0.0
        self._quarter = 0
        self._cases = 0

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    def progressed(self, footage_s: float, total_s: float | None) -> None:
        """Draws how far the run is, at most a few times a second."""
        now = time.perf_counter()
        if self._first_s is None:
            self._first_s, self._began = footage_s, now
        if now - self._drawn < REDRAW_S:
            return
        self._drawn = now
        pace = self.pace(footage_s, now)
        cases = count_text(self._cases, "case")
        if self._is_live:
            self._bar.update(self._task, total=total_s, completed=footage_s, pace=pace, cases=cases)
        elif total_s and int(footage_s / total_s * LINES) > self._quarter:
            self._quarter = int(footage_s / total_s * LINES)
            say(f"processed {offset_text(footage_s)} of {offset_text(total_s)} {pace}".rstrip())

    def found(self, case_id: str, candidate: Candidate, *, is_new: bool) -> None:
        """Counts a case."""
        del case_id, candidate, is_new
        self._cases += 1

    def pace(self, footage_s: float, now: float) -> str:
        """Returns the real-time factor so far: seconds of footage per second of work."""
        spent = now - self._began
        return "" if self._first_s is None or spent < 1 else f"{(footage_s - self._first_s) / spent:.1f}x real time"
