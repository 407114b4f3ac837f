"""The thread that works off citizens' reports and clears up behind them while the server runs."""

import threading
from collections.abc import Callable

from core import log

ROUND_S = 20.0
"""A report whose inspection was postponed (disk full, database busy) is tried again this often."""
_log = log.get(__name__)


class DeskThread:
    """Does its jobs one after the other whenever it is woken, and every ``ROUND_S``."""

    def __init__(self, *jobs: Callable[[], int]) -> None:
        self._jobs = jobs
        self._woken = threading.Event()
        self._is_ended = False
        self._thread = threading.Thread(target=self._run, name="report-desk", daemon=True)

    def start(self) -> None:
        """Begins to work."""
        self._thread.start()

    def wake(self) -> None:
        """Tells that there may be work."""
        self._woken.set()

    def stop(self) -> None:
        """Ends after the report in hand."""
        self._is_ended = True
        self._woken.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        while not self._is_ended:
            for job in self._jobs:
                try:
                    job()
                except Exception:  # noqa: BLE001 - the thread outlives any single report; the next round tries again
                    _log.exception("report_desk_failed")
            self._woken.wait(ROUND_S)
            self._woken.clear()
