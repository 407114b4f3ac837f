"""A signal controller's feed as it is written: new lines of a file, read as they come (docs/signals.md).

A live picture is judged moments after it was taken. What the controller says about that moment counts only once the
clocks' uncertainty has passed since, so that a change just then is not missed.
"""

from __future__ import annotations

import json
import os
import threading
from abc import ABC, abstractmethod
from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path

from core import log
from core.errors import ConfigError
from core.observations import SignalState
from core.time import Clock, SystemClock
from ingest.controller import Message, SignalFeed, parse_message

POLL_S = 0.1
EARLIER_BYTES = 64 << 10
"""Of what was written before the start this much is read: the present states are in it."""
MOST_KEPT = 4096
"""Messages kept about one signal: over an hour of a state repeated every second."""

logger = log.get(__name__)


class FollowedFeed(SignalFeed, ABC):
    """What a controller has said so far, taken line by line in one thread and asked in others."""

    def __init__(self, known: Iterable[str], clock: Clock | None = None) -> None:
        super().__init__()
        self._known, self._clock = frozenset(known), clock or SystemClock()
        self._guard = threading.Lock()

    @abstractmethod
    def start(self) -> None:
        """Begins to follow."""

    @abstractmethod
    def stop(self) -> None:
        """Ends within a moment."""

    def add(self, message: Message) -> None:
        """Takes a message, and forgets those of hours ago."""
        with self._guard:
            super().add(message)
            kept = self._messages[message.signal]
            if len(kept) > MOST_KEPT:
                del kept[: MOST_KEPT // 2]

    def state_at(self, signal: str, utc: datetime, uncertainty_s: float) -> SignalState:
        """Returns the state of a signal; UNKNOWN also while a change at that moment could still be told."""
        if self._clock.now_utc() < utc + timedelta(seconds=uncertainty_s):
            return SignalState.UNKNOWN
        with self._guard:
            return super().state_at(signal, utc, uncertainty_s)

    def take(self, line: bytes) -> None:
        """Takes one line; what cannot be used is counted."""
        if not line.strip():
            return
        try:
            message = parse_message(json.loads(line))
        except (ValueError, ConfigError):
            self.counts["bad_lines"] += 1
            return
        if message.signal in self._known:
            self.add(message)
        else:
            self.counts["unknown_signal"] += 1


class LiveFeed(FollowedFeed):
    """A file that is written to, which may be begun anew or not be there yet."""

    def __init__(self, path: Path, known: Iterable[str], clock: Clock | None = None) -> None:
        super().__init__(known, clock)
        self._path, self._halt = path, threading.Event()
        self._thread = threading.Thread(target=self._follow, name="signal-feed", daemon=True)

    def start(self) -> None:
        """Begins to follow."""
        self._thread.start()

    def stop(self) -> None:
        """Ends within a moment."""
        self._halt.set()
        if self._thread.is_alive():
            self._thread.join(timeout=5)

    def _follow(self) -> None:
        is_first = True
        while not self._halt.is_set():
            try:
                self._read(is_first=is_first)
            except OSError as error:
                if is_first:
                    logger.warning("signal_feed_waits", path=str(self._path), reason=error.strerror)
            is_first = False
            self._halt.wait(POLL_S)

    def _read(self, *, is_first: bool) -> None:
        """Reads lines until the file is another, shorter one, or this is stopped."""
        with self._path.open("rb") as file:
            if is_first and file.seek(0, os.SEEK_END) > EARLIER_BYTES:
                file.seek(-EARLIER_BYTES, os.SEEK_END)
                file.readline()
            elif is_first:
                file.seek(0)
            begun = b""
            while not self._halt.is_set():
                line = begun + file.readline()
                if line.endswith(b"\n"):
                    self.take(line)
                    begun = b""
                    continue
                begun = line
                if self._is_another(file.fileno(), file.tell()):
                    return
                self._halt.wait(POLL_S)

    def _is_another(self, handle: int, position: int) -> bool:
        here, there = os.fstat(handle), self._path.stat()
        return here.st_ino != there.st_ino or there.st_size < position
