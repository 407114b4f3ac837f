"""Whom a rule is asked about: who came near what is drawn for it, however seldom it was seen."""

import numpy as np
import pytest

from core.observations import ActorClass, TrackHistory
from core.site import Camera, Site
from rules.interest import Interest, Interests

SITE = Site.model_validate(
    {
        "site_id": "s",
        "place": "p",
        "camera": Camera(camera_id="c", picture_size_px=(1000, 1000)),
        "barriers": [{"id": "level", "points_px": [(400, 500), (600, 500)]}],
        "boxes": [{"id": "slanted", "polygon_px": [(0, 0), (100, 0), (1000, 900), (900, 900)]}],
    }
)
INTERESTS = Interests(
    SITE,
    [
        Interest(rule=lambda history, scene: [], classes=(ActorClass.PERSON,), parts=lambda site: site.barriers),
        Interest(rule=lambda history, scene: [], classes=(ActorClass.CAR,), parts=lambda site: site.boxes),
        Interest(rule=lambda history, scene: [], classes=(ActorClass.CAR,), parts=lambda site: site.stop_lines),
    ],
)


def track(kind: ActorClass, *middles: tuple[float, float], size: float = 20.0) -> TrackHistory:
    xy = np.asarray(middles, np.float32).reshape(-1, 2)
    return TrackHistory(
        track_id=1,
        class_id=kind,
        class_share=1.0,
        pts_ns=np.arange(len(xy)) * 500_000_000,
        xyxy=np.c_[xy - size / 2, xy + size / 2],
        confidence=np.ones(len(xy), np.float32),
        is_finished=True,
    )


@pytest.mark.parametrize(
    ("history", "asked"),
    [
        (track(ActorClass.PERSON, (500, 480), (500, 520)), [True, False, False]),
        (track(ActorClass.PERSON, (500, 100), (500, 900)), [True, False, False]),
        (track(ActorClass.PERSON, (500, 100), (500, 400)), [False, False, False]),
        (track(ActorClass.PERSON, (650, 100), (650, 900)), [False, False, False]),
        (track(ActorClass.CAR, (500, 450)), [False, True, False]),
        (track(ActorClass.CAR, (900, 100), (950, 100)), [False, False, False]),
        (track(ActorClass.CAR), [False, False, False]),
    ],
    ids=[
        "over it",
        "over it between two looks",
        "before it",
        "past its end",
        "inside",
        "in the empty corner",
        "unseen",
    ],
)
def test_asked_is_who_came_near(history: TrackHistory, asked: list[bool]) -> None:
    assert INTERESTS.of(history).tolist() == asked


def test_an_hour_of_rows_is_near_where_one_of_them_was() -> None:
    far = [(900.0, 100.0)] * 5000
    assert INTERESTS.of(track(ActorClass.CAR, *far, (500, 450), *far))[1]
    assert not INTERESTS.of(track(ActorClass.CAR, *far)).any()
