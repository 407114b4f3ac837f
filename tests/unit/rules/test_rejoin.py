"""A vehicle that stood still under two ids is one stay; anything that moved, or stood elsewhere, is not."""

from dataclasses import replace

import numpy as np
import pytest

from core.observations import ActorClass, Candidate, TrackHistory
from core.site import Camera, Site
from core.time import NS_PER_S
from rules.engine import RuleBook
from rules.rejoin import Rejoiner
from rules.scene import Scene, SiteView
from sim.trajectories import TrajectoryScene, film

CAR, PERSON = ActorClass.CAR, ActorClass.PERSON
SPOT = (800.0, 500.0, 1000.0, 640.0)
VIEW = SiteView.of(Site(site_id="s", place="p", camera=Camera(camera_id="c", picture_size_px=(1920, 1080))))


def track(
    name: int,
    start_s: float,
    end_s: float,
    *,
    shift_px: float = 0.0,
    step_px: float = 0.0,
    class_id: ActorClass = CAR,
    is_finished: bool = True,
) -> TrackHistory:
    """Boxes at 8 fps on the spot, ``shift_px`` aside of it, moving ``step_px`` a frame."""
    t_s = np.arange(start_s, end_s, 1 / 8)
    boxes = np.tile(np.asarray(SPOT, np.float32), (len(t_s), 1))
    boxes[:, [0, 2]] += (shift_px + step_px * np.arange(len(t_s)))[:, None]
    return TrackHistory(
        track_id=name,
        class_id=class_id,
        class_share=1.0,
        pts_ns=(t_s * NS_PER_S).astype(np.int64),
        xyxy=boxes,
        confidence=np.full(len(t_s), 0.9, np.float32),
        is_finished=is_finished,
    )


def carried_on(*tracks: TrackHistory, now_s: float = 200.0) -> dict[int, set[int]]:
    """Returns the ids every present id carries on."""
    scene = Scene(view=VIEW, tracks=list(tracks), signals={}, now_ns=int(now_s * NS_PER_S))
    return {name: set(known.earlier_ids) for name, known in Rejoiner().whole(scene).items()}


def test_a_chain_of_ids_on_one_spot_is_one_stay() -> None:
    chain = [track(1, 0, 30), track(2, 30, 60), track(3, 70, 100, is_finished=False)]
    scene = Scene(view=VIEW, tracks=chain, signals={}, now_ns=100 * NS_PER_S)
    known = Rejoiner().whole(scene)[3]
    assert known.earlier_ids == {1, 2}
    assert known.history.t_s[0] == 0
    assert known.history.track_id == 3
    assert not known.history.is_finished
    assert np.all(np.diff(known.history.pts_ns) > 0)


@pytest.mark.parametrize(
    ("later", "reason"),
    [
        (track(2, 51, 90), "unseen for longer than parking bears"),
        (track(2, 30, 60, shift_px=70), "the next place"),
        (track(2, 30, 60, step_px=4), "drives through"),
        (track(2, 30, 60, class_id=ActorClass.MOTORCYCLE), "another kind of vehicle"),
        (track(2, 20, 60), "both in sight at once"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_not_the_same_vehicle(later: TrackHistory, reason: str) -> None:
    assert carried_on(track(1, 0, 30), later) == {}, reason


def test_what_moved_when_it_was_lost_is_not_found_again() -> None:
    assert carried_on(track(1, 0, 30, shift_px=-960, step_px=4), track(2, 30, 60)) == {}


def test_people_are_not_joined() -> None:
    assert carried_on(track(1, 0, 30, class_id=PERSON), track(2, 30, 60, class_id=PERSON)) == {}


def test_one_stay_goes_on_in_one_id_only() -> None:
    assert carried_on(track(1, 0, 30), track(2, 31, 60), track(3, 32, 60, shift_px=10)) == {2: {1}}


def test_memory_ends() -> None:
    rejoiner = Rejoiner()
    early = Scene(view=VIEW, tracks=[track(1, 0, 30)], signals={}, now_ns=30 * NS_PER_S)
    assert rejoiner.whole(early) == {}
    assert rejoiner.whole(Scene(view=VIEW, tracks=[], signals={}, now_ns=150 * NS_PER_S)) == {}
    later = Scene(view=VIEW, tracks=[track(2, 40, 60)], signals={}, now_ns=150 * NS_PER_S)
    assert rejoiner.whole(later) == {}


def test_a_stay_is_found_again_however_late_it_is_asked_for() -> None:
    """Nothing calls for a look while a car stands: the next may come when its later id ends, minutes on."""
    rejoiner = Rejoiner()
    first, second = track(1, 0, 30), track(2, 31, 190)
    assert rejoiner.whole(Scene(view=VIEW, tracks=[first], signals={}, now_ns=31 * NS_PER_S)) == {}
    later = rejoiner.whole(Scene(view=VIEW, tracks=[second], signals={}, now_ns=190 * NS_PER_S))
    assert later[2].earlier_ids == {1}


RAN_AND_STANDS = TrajectoryScene.model_validate(
    {
        "title_en": "runs the red light, then stands far on",
        "title_zh": "闯红灯后停车",
        "law": "RTSL 38",
        "until_s": 40,
        "lamps": {"lamp": [[0, "red"]]},
        "site": {
            "stop_lines": [{"id": "south", "points_m": [[-7, 0], [7, 0]], "towards_m": [0, 6], "signal": "lamp"}],
            "signals": [{"id": "lamp", "region_px": [10, 10, 40, 90]}],
        },
        "actors": [{"kind": "car", "stop_and_go": {"at_m": [1.5, 25], "stop_s": 14}}],
    }
)


def test_a_run_is_told_at_once_though_the_car_then_stands_under_another_id() -> None:
    """The later id stands and is not asked about red lamps before it goes; the run is said all the same, and once."""
    seen = film(RAN_AND_STANDS, 8)
    (car,) = seen.tracks
    parts = [
        replace(car, track_id=n, pts_ns=car.pts_ns[rows], xyxy=car.xyxy[rows], confidence=car.confidence[rows])
        for n, rows in ((1, car.t_s < 25), (2, car.t_s >= 25))
    ]
    book = RuleBook()
    view = SiteView.of(seen.site)
    said = []
    for ended, tracks in (([parts[0]], [parts[0], replace(parts[1], is_finished=False)]), ([parts[1]], parts)):
        scene = Scene(view=view, tracks=tracks, signals=seen.signals, now_ns=40 * NS_PER_S)
        said.append([(o.violation_id, o.track_id) for o in book.evaluate(ended, scene) if isinstance(o, Candidate)])
    assert said == [[("V01", 1)], []]
