"""What became of every picture of a live camera, and every second nobody looked at: honest when overloaded too."""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from cases.records import RunRecord, Unseen
from core.site import Site
from core.time import NS_PER_S
from ingest.live_session import LiveSession, Tally
from pipeline.lamps import Lamps

UNSEEN_NS = 3 * NS_PER_S // 2
"""Pictures looked at further apart than this leave a hole that is recorded; still scenes are looked at every second."""
MOST_HOLES = 1000
"""Holes listed per session; further ones lengthen the last."""
NO_PICTURE, OVERLOAD = "no picture", "overload"
WEAK = frozenset({NO_PICTURE, OVERLOAD})
"""Reasons another explains: pictures pile up because the network failed."""


@dataclass(slots=True)
class Account:
    """Counters of one camera since the start. Every picture handed over ends in exactly one of them.

    handed = skipped + gated + late + shed + failed + detected + waiting.
    """

    handed: int = 0
    skipped: int = 0
    """Not needed at the wanted rate."""
    gated: int = 0
    """Nothing moved."""
    late: int = 0
    """Displaced by newer ones before a network was free."""
    shed: int = 0
    """Left out by rule: the machine is overloaded and this camera has the lowest priority."""
    failed: int = 0
    """The network failed on them."""
    detected: int = 0
    cases: int = 0
    faults: int = 0
    """Times judging broke off and began anew."""
    unseen_s: float = 0.0
    _moments: deque[tuple[float, int, int, int]] = field(default_factory=lambda: deque(maxlen=60))

    @property
    def waiting(self) -> int:
        """Pictures handed over whose end is not known yet."""
        return self.handed - self.skipped - self.gated - self.late - self.shed - self.failed - self.detected

    def note(self, at_s: float) -> None:
        """Remembers the counters of this second."""
        self._moments.append((at_s, self.late, self.late + self.detected + self.failed, self.failed))

    def late_share(self, over_s: float) -> float:
        """Returns the share of wanted pictures that came too late, over the last seconds."""
        now, then = self._span(over_s)
        wanted = now[2] - then[2]
        return (now[1] - then[1]) / wanted if wanted else 0.0

    def has_failed(self, over_s: float) -> bool:
        """Tells whether the network failed on a picture, over the last seconds."""
        now, then = self._span(over_s)
        return now[3] > then[3]

    def _span(self, over_s: float) -> tuple[tuple[float, int, int, int], tuple[float, int, int, int]]:
        """Returns the counters now and that long ago."""
        if not self._moments:
            return (0.0, 0, 0, 0), (0.0, 0, 0, 0)
        now = self._moments[-1]
        return now, next(m for m in self._moments if now[0] - m[0] <= over_s)

    def as_dict(self) -> dict[str, int]:
        """Returns the counters of pictures by name."""
        names = ("handed", "skipped", "gated", "late", "shed", "failed", "detected")
        return {name: int(getattr(self, name)) for name in names}


class Watch:
    """One session of one camera being watched: what was not seen, what stayed undecided, what was counted."""

    def __init__(self, session: LiveSession, site: Site, lamps: Lamps, account: Account, tally: Tally) -> None:
        self.session, self.site, self.lamps = session, site, lamps
        self.undecided: dict[str, Counter[str]] = defaultdict(Counter)
        self.holes: list[Unseen] = []
        self._account, self._tally = account, tally
        self._before = {**account.as_dict(), "decoded": tally.decoded, "damaged": tally.damaged, "lost": tally.lost}
        self._seen_ns = 0
        self._reason = NO_PICTURE

    def blame(self, reason: str) -> None:
        """Names why the hole that follows is there; the first reason counts, overload only where there is no other."""
        if self._reason in WEAK:
            self._reason = reason

    def seen(self, t_ns: int, *, still_until_ns: int = 0) -> None:
        """A picture was looked at, and what came just before it was seen to be still; a hole before is recorded."""
        if t_ns - max(self._seen_ns, still_until_ns) > UNSEEN_NS:
            self._add(Unseen(from_ns=self._seen_ns, to_ns=t_ns, reason=self._reason))
        self._seen_ns = max(self._seen_ns, t_ns)
        self._reason = NO_PICTURE

    def close(self, *, is_lost: bool) -> None:
        """The session is over; a camera that was lost at its end is a hole up to now."""
        until_ns = self.session.now_ns() if is_lost else self.session.end_ns
        if until_ns - self._seen_ns > UNSEEN_NS:
            self._add(Unseen(from_ns=self._seen_ns, to_ns=until_ns, reason=self._reason))
        self._seen_ns = max(self._seen_ns, until_ns)

    def age_s(self) -> float:
        """Returns the age of the newest picture looked at."""
        return max(0.0, (self.session.now_ns() - self._seen_ns) / NS_PER_S)

    def record(self, *, files: tuple[str, ...], finished_utc: datetime | None) -> RunRecord:
        """Returns what the console is told."""
        counts = self._counts()
        return RunRecord(
            session_id=self.session.session_id,
            camera_id=self.site.camera.camera_id,
            site_id=self.site.site_id,
            files=files,
            started_utc=self.session.start_utc,
            finished_utc=finished_utc,
            footage_s=self.session.end_ns / NS_PER_S,
            decoded=counts["decoded"],
            analysed=counts["detected"],
            skipped=sum(counts[name] for name in ("skipped", "gated", "late", "shed", "failed")),
            damaged=counts["damaged"],
            lost=counts["lost"],
            undecided={rule: dict(reasons) for rule, reasons in self.undecided.items()},
            unseen=tuple(self.holes),
        )

    def _counts(self) -> Mapping[str, int]:
        tally = self._tally
        now = {**self._account.as_dict(), "decoded": tally.decoded, "damaged": tally.damaged, "lost": tally.lost}
        return {name: value - self._before[name] for name, value in now.items()}

    def _add(self, hole: Unseen) -> None:
        self._account.unseen_s += hole.length_s
        if len(self.holes) < MOST_HOLES:
            self.holes.append(hole)
        else:
            last = self.holes[-1]
            self.holes[-1] = Unseen(from_ns=last.from_ns, to_ns=hole.to_ns, reason="several reasons")
