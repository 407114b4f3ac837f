"""Who says what a lamp shows: the picture, the controller's feed, or both with the picture confirming the feed.

Where both know and differ for longer than ``DISAGREE_S``, nothing is known and the span is a fault
(Order 157 art. 22(5)); shorter differences are the edges of a change, and there the picture decides,
because it is what proves the fact.
"""

from __future__ import annotations

from core.observations import SignalFault, SignalState, SignalTimeline
from core.time import NS_PER_S
from vision.signal import SignalReader

DISAGREE_S = 0.5
"""Source: domain law, two sources disagree > 0.5 s."""
DISAGREE = "sources_disagree"


class SignalWatch:
    """One signal as its sources tell it, fed frame by frame. A source exists from its first reading on."""

    def __init__(self, signal_id: str) -> None:
        self._signal_id = signal_id
        self._video: SignalReader | None = None
        self._feed: SignalReader | None = None

    def add(self, pts_ns: int, seen: SignalState | None, told: SignalState | None) -> None:
        """Takes what the picture and the feed say at one frame; None where there is no such source."""
        if seen is not None or told is None:
            self._video = self._video or SignalReader(self._signal_id)
            self._video.add(pts_ns, seen or SignalState.UNKNOWN)
        if told is not None:
            self._feed = self._feed or SignalReader(self._signal_id)
            self._feed.add(pts_ns, told)

    def cut(self, pts_ns: int) -> None:
        """Forgets the state after a hole in the footage."""
        for reader in (self._video, self._feed):
            if reader is not None:
                reader.cut(pts_ns)

    def timeline(self) -> SignalTimeline:
        """Returns the states so far."""
        return self._told()[0]

    def faults(self) -> tuple[SignalFault, ...]:
        """Returns all faults so far, in order of time."""
        readers = [r for r in (self._video, self._feed) if r is not None]
        found = {*self._told()[1], *(fault for reader in readers for fault in reader.faults())}
        return tuple(sorted(found, key=lambda f: (f.start_ns, f.kind)))

    def _told(self) -> tuple[SignalTimeline, tuple[SignalFault, ...]]:
        if self._feed is None:
            return (self._video or SignalReader(self._signal_id)).timeline(), ()
        feed = self._feed.timeline()
        if self._video is None:
            return _of(feed, list(feed.since_ns), list(feed.states), "controller"), ()
        return agreed(self._video.timeline(), feed)


def agreed(video: SignalTimeline, feed: SignalTimeline) -> tuple[SignalTimeline, tuple[SignalFault, ...]]:
    """Returns what picture and feed say together, and the spans in which they contradict each other."""
    until_ns = min(video.until_ns, feed.until_ns)
    edges = sorted({t for t in (*video.since_ns, *feed.since_ns) if t <= until_ns})
    pairs = [(video.state_at(t), feed.state_at(t)) for t in edges]
    runs: list[tuple[int, int]] = []
    for start_ns, end_ns, pair in zip(edges, [*edges[1:], until_ns], pairs, strict=True):
        if _is_conflict(*pair):
            first_ns = runs.pop()[0] if runs and runs[-1][1] == start_ns else start_ns
            runs.append((first_ns, end_ns))
    bad = [(a, b) for a, b in runs if b - a > DISAGREE_S * NS_PER_S]
    since_ns: list[int] = []
    states: list[SignalState] = []
    for start_ns, pair in zip(edges, pairs, strict=True):
        state = SignalState.FAULT if any(a <= start_ns < b for a, b in bad) else _together(*pair)
        if not states or states[-1] is not state:
            since_ns.append(start_ns)
            states.append(state)
    faults = [SignalFault(signal_id=video.signal_id, kind=DISAGREE, start_ns=a, end_ns=b) for a, b in bad]
    return _of(video, since_ns, states, "both", until_ns), tuple(faults)


def _is_conflict(seen: SignalState, told: SignalState) -> bool:
    return seen is not told and not {seen, told} & {SignalState.UNKNOWN, SignalState.FAULT}


def _together(seen: SignalState, told: SignalState) -> SignalState:
    if SignalState.FAULT in (seen, told):
        return SignalState.FAULT
    return told if seen is SignalState.UNKNOWN else seen


def _of(
    like: SignalTimeline, since_ns: list[int], states: list[SignalState], source: str, until_ns: int | None = None
) -> SignalTimeline:
    return SignalTimeline(
        signal_id=like.signal_id,
        since_ns=tuple(since_ns),
        states=tuple(states),
        until_ns=like.until_ns if until_ns is None else until_ns,
        source=source,
    )
