"""The tracker on motion whose identities are known."""

import numpy as np
import pytest

from core.observations import ActorClass, Detections
from vision.track import Tracker

CAR, BIKE, PERSON = ActorClass.CAR, ActorClass.MOTORCYCLE, ActorClass.PERSON


def frame(t_s: float, *boxes: tuple[ActorClass, float, float, float], confidence: float = 0.8) -> Detections:
    """Boxes given as (class, centre x, centre y, size)."""
    return Detections(
        pts_ns=round(t_s * 1e9),
        xyxy=np.array([[x - s / 2, y - s / 2, x + s / 2, y + s / 2] for _, x, y, s in boxes], np.float32).reshape(
            -1, 4
        ),
        confidence=np.full(len(boxes), confidence, np.float32),
        class_id=np.array([int(c) for c, *_ in boxes], np.int64),
    )


@pytest.mark.parametrize("fps", [2.0, 8.0, 30.0])
def test_two_that_cross_keep_their_ids(fps: float) -> None:
    tracker = Tracker()
    for t in np.arange(0, 6, 1 / fps):
        tracker.update(frame(t, (BIKE, 100 + 60 * t, 200, 60), (BIKE, 460 - 60 * t, 260, 60)))
    ended = tracker.finish()
    assert len(ended) == 2
    for history in ended:
        steps = np.diff(history.xyxy[:, 0])
        assert (steps > 0).all() or (steps < 0).all(), "an id that turned round changed its actor"


def test_moving_actor_survives_a_short_gap_and_not_a_long_one() -> None:
    for gap_s, expected in ((1.2, 1), (4.0, 2)):
        tracker, ended = Tracker(), []
        for t in np.arange(0, 10, 0.125):
            if not 3 < t < 3 + gap_s:
                ended += tracker.update(frame(t, (CAR, 50 + 40 * t, 300, 80)))
            else:
                ended += tracker.update(frame(t))
        assert len(ended + tracker.finish()) == expected


def test_parked_car_is_remembered_through_20_seconds_of_occlusion() -> None:
    tracker = Tracker()
    for t in np.arange(0, 60, 0.5):
        tracker.update(frame(t) if 20 < t < 40 else frame(t, (CAR, 300, 300, 90)))
    (history,) = tracker.finish()
    assert history.duration_s == pytest.approx(59.5)


def test_long_stay_keeps_few_rows_its_beginning_and_its_end() -> None:
    tracker = Tracker()
    for t in np.arange(0, 3600, 0.125):
        tracker.update(frame(t, (CAR, 300 if t < 3590 else 300 + 40 * (t - 3590), 300, 90)))
    (history,) = tracker.finish()
    assert history.t_s[0] == 0
    assert history.duration_s == pytest.approx(3600, abs=0.2)
    assert len(history) < 3000
    assert np.diff(history.t_s).max() <= 10.2
    assert np.diff(history.t_s)[-800:].max() == pytest.approx(0.125)


def test_person_never_becomes_a_car() -> None:
    tracker = Tracker()
    for t in np.arange(0, 4, 0.125):
        tracker.update(frame(t, ((PERSON if t < 2 else CAR), 300, 300, 60)))
    assert sorted(h.class_id for h in tracker.finish()) == [PERSON, CAR]


def test_weak_boxes_keep_a_track_and_never_start_one() -> None:
    tracker = Tracker()
    for t in np.arange(0, 3, 0.125):
        tracker.update(frame(t, (CAR, 300 + 10 * t, 300, 80), confidence=0.8 if t < 1 else 0.25))
    (history,) = tracker.finish()
    assert history.duration_s > 2.8
    alone = Tracker()
    for t in np.arange(0, 3, 0.125):
        alone.update(frame(t, (CAR, 300, 300, 80), confidence=0.25))
    assert alone.finish() == []


def test_second_box_on_the_same_rider_does_not_take_over() -> None:
    """A crowd gives two boxes on one rider for two frames, then one again: the first track goes on."""
    tracker = Tracker()
    for k, t in enumerate(np.arange(0, 4, 0.125)):
        rider = (BIKE, 100 + 20 * t, 300.0, 80.0)
        double = (BIKE, 104 + 20 * t, 308.0, 66.0)
        tracker.update(frame(t, rider, double) if 12 <= k <= 14 else frame(t, double if k == 15 else rider))
    (history,) = tracker.finish()
    assert len(history) == 32


def test_one_missed_in_a_crowd_takes_nobody_elses_box() -> None:
    """A row of waiting riders: the first is hidden for a frame while another stops behind the last."""
    tracker = Tracker()
    row = [(BIKE, 100.0 + 42 * k, 300.0, 60.0) for k in range(8)]
    for k, t in enumerate(np.arange(0, 3, 0.125)):
        seen = row[1:] if k == 12 else row
        tracker.update(frame(t, *seen, *([(BIKE, 100.0 + 42 * 8, 300.0, 60.0)] if k >= 12 else [])))
    ended = tracker.finish()
    assert len(ended) == 9
    assert all(np.ptp(history.xyxy[:, 0]) == 0 for history in ended), "a rider who stood went over to another's box"


def test_same_frames_give_same_ids() -> None:
    def run() -> list[tuple[int, int]]:
        rng, tracker = np.random.default_rng(3), Tracker()
        for t in np.arange(0, 5, 0.125):
            tracker.update(frame(t, *[(BIKE, x + 20 * t + rng.normal(0, 2), 200, 50) for x in range(50, 900, 70)]))
        return [(h.track_id, len(h)) for h in tracker.finish()]

    assert run() == run()
