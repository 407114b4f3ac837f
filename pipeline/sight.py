"""From observations to tracks and lamp timelines of one camera: what is seen, before anything is judged."""

from collections.abc import Iterable

from core.observations import SignalState, SignalTimeline, TrackHistory
from pipeline.observation import Observation
from vision.signal import SignalReader
from vision.track import Tracker


class Sight:
    """Tracker and lamp readers of one session, fed in time order. Deterministic."""

    def __init__(self, signal_ids: Iterable[str], tracker: Tracker | None = None) -> None:
        self._tracker = tracker or Tracker()
        self._readers = {signal_id: SignalReader(signal_id) for signal_id in signal_ids}

    def add(self, observation: Observation) -> list[TrackHistory]:
        """Takes one frame; returns the tracks that ended with it. A gap in the footage ends all of them."""
        ended: list[TrackHistory] = []
        if observation.is_after_gap:
            ended += self._tracker.finish()
        for signal_id, reader in self._readers.items():
            if observation.is_after_gap:
                reader.cut(observation.pts_ns)
            reader.add(observation.pts_ns, observation.lamps.get(signal_id, SignalState.UNKNOWN))
        return ended + self._tracker.update(observation.detections)

    def live(self) -> list[TrackHistory]:
        """Returns the believed tracks still in sight."""
        return self._tracker.live()

    def finish(self) -> list[TrackHistory]:
        """Ends every track and returns them."""
        return self._tracker.finish()

    def timelines(self) -> dict[str, SignalTimeline]:
        """Returns the lamps' states so far."""
        return {signal_id: reader.timeline() for signal_id, reader in self._readers.items()}
