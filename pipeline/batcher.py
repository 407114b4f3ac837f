"""One network for all cameras: who is looked at next, and what is given up when there is too much.

Each camera has a short queue; a picture that finds it full displaces the oldest (live: newest wins) or, while a camera
catches up, waits. Two threads take turns: while the network runs for one, the other prepares and reads its results.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field, replace

from core import log
from core.observations import Detections, Picture, SignalState
from pipeline.account import Watch
from vision.detect import Detector

BATCH = 4
WORKERS = 2
DEPTH = 12
"""Pictures that may wait per camera: a second and a half at 8 Hz."""
INBOX = 32
"""Results that may wait for judging per camera."""
WAIT_S = 0.2
PAUSE_S = 0.5
"""Pause after the network failed."""

logger = log.get(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """One picture on its way to the network, with what was read from it at full size."""

    picture: Picture
    lamps: Mapping[str, SignalState]
    is_after_gap: bool
    watch: Watch
    still_until_ns: int = 0
    """Until when, before this picture, nothing was seen to move."""
    offered_s: float = field(default_factory=time.monotonic)

    def following(self, gone: Look) -> Look:
        """Returns this look in place of one given up before it: a gap before that one is a gap before this."""
        return replace(self, is_after_gap=True) if gone.is_after_gap else self


Result = tuple[Look, "Future[Detections]"]


class Seat:
    """One camera's place at the batcher. ``results`` come in the order of their looks."""

    def __init__(self, name: str, on_late: Callable[[int], None]) -> None:
        self.name = name
        self.on_late = on_late
        self.waiting: deque[Look] = deque()
        self.results: deque[Result] = deque()
        self.has_results = threading.Event()
        self.served = 0


class Batcher:
    """Runs the network; ``start`` before, ``stop`` after."""

    def __init__(self, detector: Detector, *, workers: int = WORKERS, batch: int = BATCH, depth: int = DEPTH) -> None:
        self._detector, self._batch, self._depth = detector, batch, depth
        self._seats: list[Seat] = []
        self._turn = threading.Condition()
        self._halt = False
        self._served = 0
        self.looks = 0
        self.failures = 0
        self.busy_s = 0.0
        self._threads = [threading.Thread(target=self._work, name=f"detect-{n}", daemon=True) for n in range(workers)]

    def start(self) -> None:
        """Begins to work."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Ends after the batches in hand; looks still waiting are given back as late."""
        with self._turn:
            self._halt = True
            self._turn.notify_all()
        for thread in self._threads:
            thread.join(timeout=10)
        for seat in self._seats:
            seat.on_late(len(seat.waiting))
            seat.waiting.clear()

    def seat(self, name: str, on_late: Callable[[int], None]) -> Seat:
        """Returns a new camera's place; ``on_late`` is told how many of its looks were given up."""
        seat = Seat(name, on_late)
        with self._turn:
            self._seats.append(seat)
        return seat

    def offer(self, seat: Seat, look: Look, *, may_wait_s: float = 0.0) -> None:
        """Takes a look; when the queue is full the oldest goes, after at most ``may_wait_s``."""
        dropped = 0
        with self._turn:
            if may_wait_s > 0:
                self._turn.wait_for(lambda: len(seat.waiting) < self._depth or self._halt, timeout=may_wait_s)
            seat.waiting.append(look)
            while len(seat.waiting) > self._depth:
                gone = seat.waiting.popleft()
                seat.waiting[0] = seat.waiting[0].following(gone)
                dropped += 1
            self._turn.notify_all()
        if dropped:
            seat.on_late(dropped)

    @property
    def has_room(self) -> bool:
        """Tells whether nothing waits: more could be looked at."""
        return not any(seat.waiting for seat in self._seats)

    def clear(self, seat: Seat) -> int:
        """Gives up everything a camera has waiting; returns how much that was."""
        with self._turn:
            count = len(seat.waiting)
            seat.waiting.clear()
        return count

    def _work(self) -> None:
        while True:
            taken = self._take()
            if not taken:
                return
            began = time.monotonic()
            self._run(taken)
            self.busy_s += time.monotonic() - began

    def _take(self) -> list[tuple[Look, Future[Detections]]]:
        """Returns the next batch, one look of each camera that waited longest, then a second; empty at the end."""
        with self._turn:
            self._turn.wait_for(lambda: self._halt or any(self._is_ready(s) for s in self._seats))
            if self._halt:
                return []
            taken: list[tuple[Look, Future[Detections]]] = []
            while len(taken) < self._batch:
                ready = [s for s in self._seats if self._is_ready(s)]
                if not ready:
                    break
                for seat in sorted(ready, key=lambda s: s.served)[: self._batch - len(taken)]:
                    look, future = seat.waiting.popleft(), Future[Detections]()
                    self._served += 1
                    seat.served = self._served
                    seat.results.append((look, future))
                    seat.has_results.set()
                    taken.append((look, future))
            self._turn.notify_all()
            return taken

    @staticmethod
    def _is_ready(seat: Seat) -> bool:
        return bool(seat.waiting) and len(seat.results) < INBOX

    def _run(self, taken: list[tuple[Look, Future[Detections]]]) -> None:
        try:
            found = self._detector.detect([look.picture for look, _ in taken])
            answers = list(zip(taken, found, strict=True))
        except Exception as error:
            self.failures += 1
            logger.exception("detection_failed", looks=len(taken))
            for _, future in taken:
                future.set_exception(error)
            time.sleep(PAUSE_S)
            return
        self.looks += len(taken)
        for (_, future), detections in answers:
            future.set_result(detections)

    def took(self) -> None:
        """Told by a camera that it took results: there may be room again."""
        with self._turn:
            self._turn.notify_all()
