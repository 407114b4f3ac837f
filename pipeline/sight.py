"""From observations to tracks and lamp timelines of one camera: what is seen, before anything is judged."""

from collections.abc import Iterable

from core.errors import SourceError
from core.observations import SignalFault, SignalTimeline, TrackHistory
from core.time import NS_PER_S
from pipeline.observation import Observation
from vision.signal_sources import SignalWatch
from vision.track import Tracker


class Sight:
    """Tracker and lamp readers of one session, fed in time order. Deterministic."""

    def __init__(self, signal_ids: Iterable[str], tracker: Tracker | None = None) -> None:
        self._tracker = tracker or Tracker()
        self._signals = {signal_id: SignalWatch(signal_id) for signal_id in signal_ids}
        self._last_ns = -1

    def add(self, observation: Observation) -> list[TrackHistory]:
        """Takes one frame; returns the tracks that ended with it. A gap in the footage ends all of them.

        Raises:
            SourceError: its time is not after the last frame's.
        """
        if observation.pts_ns <= self._last_ns:
            raise SourceError(
                f"a picture of second {observation.pts_ns / NS_PER_S:.3f} came after one of second "
                f"{self._last_ns / NS_PER_S:.3f}; sort the pictures by time, or start a new session",
                pts_ns=observation.pts_ns,
            )
        self._last_ns = observation.pts_ns
        ended: list[TrackHistory] = []
        if observation.is_after_gap:
            ended += self._tracker.finish()
        for signal_id in observation.feed:
            self._signals.setdefault(signal_id, SignalWatch(signal_id))
        for signal_id, watch in self._signals.items():
            if observation.is_after_gap:
                watch.cut(observation.pts_ns)
            watch.add(observation.pts_ns, observation.lamps.get(signal_id), observation.feed.get(signal_id))
        return ended + self._tracker.update(observation.detections.usable())

    def live(self) -> list[TrackHistory]:
        """Returns the believed tracks still in sight."""
        return self._tracker.live()

    def finish(self) -> list[TrackHistory]:
        """Ends every track and returns them."""
        return self._tracker.finish()

    def timelines(self) -> dict[str, SignalTimeline]:
        """Returns the lamps' states so far."""
        return {signal_id: watch.timeline() for signal_id, watch in self._signals.items()}

    def faults(self) -> tuple[SignalFault, ...]:
        """Returns when a lamp or its feed could not be right, so far."""
        return tuple(fault for watch in self._signals.values() for fault in watch.faults())
