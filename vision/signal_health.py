"""What a lamp cannot do: sequences and durations GB 14886 does not know, and lamps that hang.

A motor lamp goes red - green - yellow - red, an arrow also red - off - yellow - red, a crosswalk lamp
red - green - red. So a lamp that has ever shown yellow shows it before every red, yellow never follows red,
and nothing lit returns to what it was within a few seconds. Such spans are FAULT: no rule convicts on them
(Order 157 art. 22(5)). Judged as soon as the next state is known, so long sessions cost nothing.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from itertools import pairwise
from statistics import median

from core.observations import SignalFault, SignalState
from core.time import NS_PER_S

LIT = frozenset({SignalState.RED, SignalState.YELLOW, SignalState.GREEN})
SEQUENCE, STUCK, RED_LONG, YELLOW_LONG = "impossible_sequence", "stuck", "red_too_long", "yellow_too_long"
FLASHING, DARK_LONG = "flashing_yellow", "dark"


@dataclass(slots=True)
class Span:
    """One state from ``since_ns`` on; ``blinks`` counts how often it went dark for a moment."""

    state: SignalState
    since_ns: int
    blinks: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthLimits:
    """From when on a lamp is believed to be at fault."""

    red_max_s: float = 180.0
    """Source: domain law, all red > 180 s."""
    yellow_max_s: float = 6.0
    """Source: yellow lasts 3-5 s (GB 14886 practice), 2-6 s with reading errors."""
    dark_max_s: float = 180.0
    """An arrow may stay dark for a whole red phase; longer is a fault."""
    cycles: float = 2.0
    """A state lasting this many cycles hangs. Source: domain law, stuck lamp > 2 cycles."""
    lit_min_s: float = 5.0
    """Shortest red or green. Source: domain law, minimum durations."""
    blinks: int = 3
    """So many blinks make a long yellow a flashing one."""


@dataclass(slots=True)
class Health:
    """Judges the spans of one lamp, each once."""

    signal_id: str
    limits: HealthLimits
    _done: list[Span] = field(default_factory=list)
    _faults: list[SignalFault] = field(default_factory=list)
    _before: SignalState = SignalState.UNKNOWN
    """The last state not taken back as a misreading."""
    _has_yellow: bool = False
    _red_onsets_ns: deque[int] = field(default_factory=lambda: deque(maxlen=6))

    @property
    def is_empty(self) -> bool:
        """Tells whether no span has ended yet."""
        return not self._done

    def close(self, span: Span, end_ns: int, after: SignalState) -> None:
        """Takes a span whose successor is known."""
        pieces, faults = self._judged(span, end_ns, after)
        self._done += pieces
        self._faults += faults
        if pieces[0].state is SignalState.FAULT and after is self._before:
            return  # taken back: what was before it goes on
        if span.state is SignalState.RED and self._before in LIT:
            self._red_onsets_ns.append(span.since_ns)
        self._has_yellow |= pieces[0].state is SignalState.YELLOW
        self._before = span.state

    def spans(self, span: Span, until_ns: int) -> list[Span]:
        """Returns all spans with the one still open."""
        return [*self._done, *self._judged(span, until_ns, None)[0]]

    def faults(self, span: Span, until_ns: int) -> tuple[SignalFault, ...]:
        """Returns all faults with those of the span still open."""
        return (*self._faults, *self._judged(span, until_ns, None)[1])

    def _judged(self, span: Span, end_ns: int, after: SignalState | None) -> tuple[list[Span], list[SignalFault]]:
        """Returns a span as the rules shall see it, cut in two where it becomes a fault."""
        length_s = (end_ns - span.since_ns) / NS_PER_S
        if self._is_impossible(span.state, length_s, after):
            return self._cut(span, end_ns, 0.0, SEQUENCE)
        limits = self.limits
        if span.state is SignalState.YELLOW and length_s > limits.yellow_max_s:
            if span.blinks >= limits.blinks:
                flashing = Span(SignalState.FLASHING_YELLOW, span.since_ns)
                return [flashing], [self._fault(FLASHING, span.since_ns, end_ns)]
            return self._cut(span, end_ns, limits.yellow_max_s, YELLOW_LONG)
        if span.state is SignalState.OFF and length_s > limits.dark_max_s:
            return [span], [self._fault(DARK_LONG, span.since_ns, end_ns)]
        if span.state in (SignalState.RED, SignalState.GREEN):
            most_s, kind = self._longest(span.state)
            if length_s > most_s:
                return self._cut(span, end_ns, most_s, kind)
        return [span], []

    def _is_impossible(self, state: SignalState, length_s: float, after: SignalState | None) -> bool:
        before = self._before
        if state not in LIT or before not in LIT:
            return False
        if state is SignalState.YELLOW and (before is SignalState.RED or before is after):
            return True
        if before is after and length_s < self.limits.lit_min_s and state is not before:
            return True
        return state is SignalState.RED and before is SignalState.GREEN and self._has_yellow

    def _longest(self, state: SignalState) -> tuple[float, str]:
        onsets = list(self._red_onsets_ns)
        cycles_s = [(b - a) / NS_PER_S for a, b in pairwise(onsets)]
        stuck_s = self.limits.cycles * median(cycles_s) if len(cycles_s) >= 2 else float("inf")
        if state is SignalState.RED and self.limits.red_max_s <= stuck_s:
            return self.limits.red_max_s, RED_LONG
        return stuck_s, STUCK

    def _cut(self, span: Span, end_ns: int, good_s: float, kind: str) -> tuple[list[Span], list[SignalFault]]:
        since_ns = span.since_ns + int(good_s * NS_PER_S)
        bad = Span(SignalState.FAULT, since_ns)
        pieces = [bad] if good_s == 0 else [span, bad]
        return pieces, [self._fault(kind, since_ns, end_ns)]

    def _fault(self, kind: str, start_ns: int, end_ns: int) -> SignalFault:
        return SignalFault(signal_id=self.signal_id, kind=kind, start_ns=start_ns, end_ns=end_ns)
