"""What was seen of a live session, kept for some days so that a changed site file can be tried on it (`lukou replay`).

A camera never waits for it: where the disk refuses, the journal of that session ends there, and it is said once.
"""

from __future__ import annotations

import json
import time
from contextlib import suppress
from pathlib import Path

from core import log
from core.errors import StoreError
from core.settings import Settings
from pipeline.account import Account, Watch
from pipeline.journal import Journal
from pipeline.observation import Observation

KEPT_DAYS = 3
"""A busy camera writes up to half a gigabyte a day."""
LIVE = "live"

logger = log.get(__name__)


class LiveJournal:
    """The journal of one session being watched."""

    def __init__(self, watch: Watch, account: Account, settings: Settings, model_sha256: str) -> None:
        self._account, self._session_id = account, watch.session.session_id
        self._journal: Journal | None = None
        header = {
            "session_id": self._session_id,
            "site_sha256": watch.site.sha256(),
            "model_sha256": model_sha256,
            "lamps": watch.lamps.pins,
            "detect_hz": settings.detect_hz,
            "counts": list(account.as_dict()),
            LIVE: True,
        }
        try:
            self._journal = Journal(settings.checkpoint_dir / f"{self._session_id}.jsonl", header)
        except StoreError as error:
            self._refused(error)

    def append(self, observation: Observation) -> None:
        """Keeps what one picture showed."""
        if self._journal is not None:
            try:
                self._journal.append(observation, self._account.as_dict())
            except StoreError as error:
                self._refused(error)

    def close(self) -> None:
        """Notes that the session is over."""
        if self._journal is not None:
            try:
                self._journal.complete(self._account.as_dict())
                self._journal.close()
            except StoreError as error:
                self._refused(error)
            self._journal = None

    def _refused(self, error: StoreError) -> None:
        journal, self._journal = self._journal, None
        if journal is not None:
            with suppress(StoreError):
                journal.close()
        logger.warning("journal_ended", session_id=self._session_id, reason=error.message)


def forget_old(folder: Path, *, days: float = KEPT_DAYS) -> int:
    """Removes the journals of live sessions last written to so long ago; returns how many. Files' journals stay."""
    oldest_s, gone = time.time() - days * 24 * 3600, 0
    for path in folder.glob("*.jsonl"):
        try:
            if path.stat().st_mtime < oldest_s and _is_live(path):
                path.with_suffix(".tracks.npz").unlink(missing_ok=True)
                path.unlink()
                gone += 1
        except OSError as error:
            logger.warning("journal_not_removed", path=path.name, reason=error.strerror)
    return gone


def _is_live(path: Path) -> bool:
    with path.open(encoding="utf-8") as file:
        try:
            return bool(json.loads(file.readline()).get(LIVE))
        except ValueError:
            return False
