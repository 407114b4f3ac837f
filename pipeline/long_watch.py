"""What a session adds to the memory of what stands for days, and what is found by it (V11)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from core import log
from core.errors import StoreError
from core.observations import Candidate, Outcome, TrackHistory, Undecided
from core.site import Site
from core.time import NS_PER_S
from pipeline.footage import Footage
from pipeline.judge import Finding
from pipeline.memory import Memory
from pipeline.portraits import CameraWitness
from rules.scene import SiteView
from rules.vigil import Vigil

if TYPE_CHECKING:
    from pipeline.process import Workbench

LOOK_NS = 30 * NS_PER_S
SAVE_NS = 60 * NS_PER_S
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
DAMAGED = "what was remembered of it was damaged on disk"
PICTURE_GONE = "a picture kept of it is damaged or gone"

logger = log.get(__name__)


class LongWatch:
    """The vehicles left standing before one camera, over one session with a known clock."""

    def __init__(self, site: Site, start_utc: datetime, footage_at: Callable[[int], Footage], bench: Workbench) -> None:
        self._memory = Memory(bench.settings.home / "memory", site.camera.camera_id, site.camera.picture_size_px)
        self._start_ns = (start_utc - EPOCH) // timedelta(microseconds=1) * 1000
        witness = CameraWitness(footage_at, self._memory, bench.plates)
        self._vigil = Vigil(SiteView.of(site), witness, self._memory.stays, start_ns=self._start_ns)
        self._next_ns = self._saved_ns = self._now_ns = 0
        self._lost = self._memory.lost

    def look(self, tracks: Sequence[TrackHistory], now_ns: int) -> list[Finding | Undecided]:
        """Takes what is in sight, and the tracks that ended lately; what was looked at before is left out."""
        if now_ns < self._next_ns or self._start_ns + now_ns <= self._memory.newest_ns:
            return []
        self._next_ns, self._now_ns = now_ns + LOOK_NS, now_ns
        outcomes: list[Outcome] = [_open(DAMAGED, 0, now_ns) for _ in range(self._lost)]
        self._lost = 0
        outcomes += self._vigil.look(tracks, now_ns)
        found = [self._found(o, tracks) if isinstance(o, Candidate) else o for o in outcomes]
        if now_ns - self._saved_ns >= SAVE_NS:
            self.save()
        return found

    def save(self) -> None:
        """Writes the memory; where the disk refuses, it is tried again later."""
        if not self._now_ns:
            return
        try:
            self._memory.save(self._vigil.stays.values(), self._start_ns + self._now_ns)
            self._saved_ns = self._now_ns
        except StoreError as error:
            logger.warning("memory_not_kept", reason=error.message)

    def _found(self, candidate: Candidate, tracks: Sequence[TrackHistory]) -> Finding | Undecided:
        stay = self._vigil.stays[str(candidate.stay_id)]
        kept = {s.utc_ns - self._start_ns: self._memory.picture(stay.stay_id, s.role) for s in stay.shots}
        pictures = {pts: rgb for pts, rgb in kept.items() if rgb is not None}
        if len(pictures) < len(kept):
            return _open(PICTURE_GONE, candidate.track_id, self._now_ns)
        history = next(t for t in tracks if t.track_id == candidate.track_id)
        return Finding(candidate=candidate, history=history, signals={}, kept=pictures)


def _open(reason: str, track_id: int, pts_ns: int) -> Undecided:
    return Undecided(violation_id="V11", track_id=track_id, pts_ns=pts_ns, reason=reason)


def watch_days(
    site: Site, start_utc: datetime | None, footage_at: Callable[[int], Footage], bench: Workbench
) -> LongWatch | None:
    """Returns the watch a site asks for; None where V11 is off, the clock unknown, or the memory cannot be read."""
    if not site.is_enabled("V11"):
        return None
    if start_utc is None:
        logger.warning(
            "no_memory", camera_id=site.camera.camera_id, reason="V11 needs the time of the footage: --start"
        )
        return None
    try:
        return LongWatch(site, start_utc, footage_at, bench)
    except StoreError as error:
        logger.error("no_memory", camera_id=site.camera.camera_id, reason=error.message)  # noqa: TRY400 - one line
        return None
