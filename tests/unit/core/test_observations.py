"""Values that cannot be wrong, and timelines that never guess."""

import numpy as np
import pytest

from core.observations import ActorClass, Detections, SignalState, SignalTimeline, TrackHistory

R, G, U = SignalState.RED, SignalState.GREEN, SignalState.UNKNOWN


def test_detections_of_wrong_shape_are_refused() -> None:
    with pytest.raises(ValueError, match=r"expected xyxy \(2, 4\)"):
        Detections(
            pts_ns=0,
            xyxy=np.zeros((1, 4), np.float32),
            confidence=np.zeros(2, np.float32),
            class_id=np.zeros(2, np.int64),
        )


def test_track_times_must_increase() -> None:
    with pytest.raises(ValueError, match="increase strictly"):
        TrackHistory(
            track_id=1,
            class_id=ActorClass.CAR,
            class_share=1.0,
            pts_ns=np.array([5, 5], np.int64),
            xyxy=np.zeros((2, 4), np.float32),
            confidence=np.zeros(2, np.float32),
            is_finished=True,
        )


def test_timeline_is_unknown_outside_what_was_seen() -> None:
    timeline = SignalTimeline(signal_id="s", since_ns=(10, 20), states=(G, R), until_ns=30)
    assert [timeline.state_at(t) for t in (9, 10, 19, 20, 30, 31)] == [U, G, G, R, R, U]
    assert timeline.since_at(25) == 20
    assert timeline.is_onset_seen(25)
    assert not timeline.is_onset_seen(15)
    assert timeline.states_between(15, 25) == {G, R}
    assert SignalTimeline(signal_id="s", since_ns=(), states=(), until_ns=0).state_at(0) is U
