"""Lamp states over time: from one frame's opinions to a timeline that can be relied on.

A change is believed when it lasts (LED flicker and misreadings do not), is dated to the middle between
the two frames it happened between, and short gaps are bridged (a bus passes; a flashing green is still
green). What a lamp cannot do by GB 14886 is marked as a fault (``vision.signal_health``).
All in seconds: the same lamp gives the same timeline from 2 to 60 frames per second.
"""

from __future__ import annotations

from dataclasses import dataclass

from core.observations import SignalFault, SignalState, SignalTimeline
from core.time import NS_PER_S
from vision.signal_health import Health, HealthLimits, Span

DARK = frozenset({SignalState.UNKNOWN, SignalState.OFF})
"""Readings that name no colour."""
LIMITS = HealthLimits()


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalConfig:
    """Temporal model, seconds."""

    settle_s: float = 0.3
    """A new state must last this long to be believed; shorter is flicker. Yellow lasts >= 3 s (GB 14886 practice)."""
    bridge_s: float = 1.5
    """A gap between two equal states up to this long keeps the state (a bus passes, a green flashes)."""
    hole_s: float = 1.0
    """A longer gap between two different states stays unknown: when the lamp changed was not seen."""
    blink_s: float = 1.0
    """A lamp dark for at most this long and then lit again has blinked. Flashing lamps: half a second on and off."""
    limits: HealthLimits = LIMITS


@dataclass(slots=True)
class _Change:
    """A state that may be taking over: ``yes`` readings named it, ``no`` readings another colour."""

    state: SignalState
    since_ns: int
    known_until_ns: int
    """The state before it was seen until here."""
    last_ns: int
    yes: int = 1
    no: int = 0


@dataclass(slots=True)
class _Dark:
    """Readings in a row that named no colour."""

    since_ns: int
    off: int = 0
    all: int = 0

    @property
    def state(self) -> SignalState:
        """What most of them said."""
        return SignalState.OFF if 2 * self.off > self.all else SignalState.UNKNOWN


class SignalReader:
    """Turns one signal's readings into its timeline."""

    def __init__(self, signal_id: str, config: SignalConfig | None = None) -> None:
        self._signal_id = signal_id
        self._config = config or SignalConfig()
        self._health = Health(signal_id, self._config.limits)
        self._span = Span(SignalState.UNKNOWN, -1)
        self._change: _Change | None = None
        self._dark: _Dark | None = None
        self._last_ns = 0

    def add(self, pts_ns: int, reading: SignalState) -> None:
        """Takes the reading of one frame."""
        if self._span.since_ns < 0:
            self._span.since_ns = self._last_ns = pts_ns
        middle_ns, self._last_ns = (self._last_ns + pts_ns) // 2, pts_ns
        if self._change is not None and self._is_longer(self._change.last_ns, pts_ns, self._config.bridge_s):
            self._change = None
        if reading in DARK:
            self._add_dark(pts_ns, reading, middle_ns)
            return
        if reading is self._span.state:
            self._add_same(pts_ns)
        else:
            self._add_other(pts_ns, reading, middle_ns)
        self._dark = None

    def cut(self, pts_ns: int) -> None:
        """Forgets the state: after a hole in the footage nothing is known."""
        self._last_ns = pts_ns
        self._change = self._dark = None
        if self._span.state is not SignalState.UNKNOWN:
            self._begin(SignalState.UNKNOWN, pts_ns)

    def timeline(self) -> SignalTimeline:
        """Returns the states so far. A change not yet believed ends the known span before it."""
        until_ns = self._until_ns()
        spans = [] if self._span.since_ns < 0 else self._health.spans(self._span, until_ns)
        return SignalTimeline(
            signal_id=self._signal_id,
            since_ns=tuple(s.since_ns for s in spans),
            states=tuple(s.state for s in spans),
            until_ns=until_ns,
        )

    def faults(self) -> tuple[SignalFault, ...]:
        """Returns when the lamp did what it cannot do, so far."""
        return self._health.faults(self._span, self._until_ns())

    def _add_dark(self, pts_ns: int, reading: SignalState, middle_ns: int) -> None:
        """Nothing is lit or can be read: believed once it outlasts what is bridged."""
        if reading is self._span.state:
            self._dark = None
            return
        if self._dark is None:
            self._dark = _Dark(middle_ns)
        self._dark.all += 1
        self._dark.off += reading is SignalState.OFF
        is_lasting = (pts_ns - self._dark.since_ns) / NS_PER_S >= self._config.bridge_s
        if is_lasting and self._change is None and self._dark.state is not self._span.state:
            self._begin(self._dark.state, self._dark.since_ns)
            self._dark = None

    def _add_same(self, pts_ns: int) -> None:
        """The state goes on; another colour seen in between loses a vote."""
        if self._dark is not None and self._dark.state is SignalState.OFF:
            self._span.blinks += not self._is_longer(self._dark.since_ns, pts_ns, self._config.blink_s)
        self._vote_against()

    def _add_other(self, pts_ns: int, reading: SignalState, middle_ns: int) -> None:
        """Another colour is lit: believed once it lasts."""
        change = self._change
        if change is not None and change.state is reading:
            change.yes, change.last_ns = change.yes + 1, pts_ns
            if (pts_ns - change.since_ns) / NS_PER_S >= self._config.settle_s:
                self._take(change)
            return
        self._vote_against()
        if self._change is None:
            known_ns = middle_ns if self._dark is None else self._dark.since_ns
            self._change = _Change(reading, middle_ns, known_ns, pts_ns)

    def _vote_against(self) -> None:
        if self._change is not None:
            self._change.no += 1
            if self._change.no >= self._change.yes:
                self._change = None

    def _take(self, change: _Change) -> None:
        is_hole = self._is_longer(change.known_until_ns, change.since_ns, self._config.hole_s)
        if is_hole and self._span.state not in DARK:
            self._begin(SignalState.UNKNOWN, change.known_until_ns)
        self._begin(change.state, change.since_ns)
        self._change = None

    def _begin(self, state: SignalState, since_ns: int) -> None:
        if since_ns <= self._span.since_ns and self._health.is_empty:
            self._span = Span(state, self._span.since_ns)  # lit from the first frame on
            return
        since_ns = max(since_ns, self._span.since_ns + 1)
        self._health.close(self._span, since_ns, state)
        self._span = Span(state, since_ns)

    def _until_ns(self) -> int:
        if self._change is not None:
            return max(self._change.known_until_ns - 1, self._span.since_ns)
        if self._dark is not None and self._span.state not in DARK:
            return max(self._dark.since_ns - 1, self._span.since_ns)
        return self._last_ns

    @staticmethod
    def _is_longer(start_ns: int, end_ns: int, limit_s: float) -> bool:
        return (end_ns - start_ns) / NS_PER_S > limit_s
