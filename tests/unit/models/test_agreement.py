import random

import numpy as np
import pytest

from core.observations import ActorClass
from models.boxes import Boxes
from models.train.agreement import Opinions, complete
from models.train.closer import WIDTH_PX, views
from models.train.dataset import Labelled

RIDER = (100.0, 100.0, 140.0, 190.0)
MACHINE = (104.0, 140.0, 138.0, 190.0)
ELSEWHERE = (400.0, 100.0, 440.0, 190.0)


def boxes(*found: tuple[tuple[float, ...], float, ActorClass]) -> Boxes:
    return Boxes(
        xyxy=np.array([f[0] for f in found], dtype=np.float32).reshape(-1, 4),
        confidence=np.array([f[1] for f in found], dtype=np.float32),
        class_id=np.array([f[2] for f in found], dtype=np.int64),
    )


def picture(*labels: tuple[tuple[float, ...], ActorClass]) -> Labelled:
    return Labelled(
        name="row",
        rgb=np.zeros((640, 640, 3), dtype=np.uint8),
        xyxy=np.array([label[0] for label in labels], dtype=np.float32).reshape(-1, 4),
        class_id=np.array([label[1] for label in labels], dtype=np.int64),
    )


def completed(row: Labelled, first: Boxes, second: Boxes, walkers: Boxes | None = None) -> list[tuple[float, ...]]:
    done = complete(row, Opinions(first=first, second=second, walkers=walkers or boxes()))
    assert len(done.xyxy) == len(done.class_id)
    return [tuple(box) for box in done.xyxy.tolist()]


@pytest.mark.parametrize(
    ("first", "second", "believed"), [(0.3, 0.3, True), (0.3, None, False), (None, 0.6, True), (0.6, None, True)]
)
def test_rider_is_added_when_two_see_it_or_one_is_sure(
    first: float | None, second: float | None, believed: bool
) -> None:
    seen = [boxes((RIDER, c, ActorClass.MOTORCYCLE)) if c else boxes() for c in (first, second)]
    assert completed(picture(), *seen) == ([RIDER] if believed else [])


def test_machine_boxed_without_its_rider_becomes_the_whole() -> None:
    seen = boxes((RIDER, 0.4, ActorClass.MOTORCYCLE))
    row = picture((MACHINE, ActorClass.MOTORCYCLE), (ELSEWHERE, ActorClass.MOTORCYCLE))
    assert completed(row, seen, seen) == [RIDER, ELSEWHERE]
    assert completed(row, boxes(), boxes((RIDER, 0.9, ActorClass.MOTORCYCLE))) == [MACHINE, ELSEWHERE]


def test_two_labels_in_one_box_stay_two() -> None:
    left, right = (100.0, 100.0, 119.0, 190.0), (121.0, 100.0, 140.0, 190.0)
    seen = boxes((RIDER, 0.9, ActorClass.MOTORCYCLE))
    row = picture((left, ActorClass.MOTORCYCLE), (right, ActorClass.MOTORCYCLE))
    assert completed(row, seen, seen) == [left, right]


def test_who_sits_on_a_machine_is_no_walker() -> None:
    person = boxes((RIDER, 0.9, ActorClass.PERSON), (ELSEWHERE, 0.9, ActorClass.PERSON))
    assert completed(picture((RIDER, ActorClass.MOTORCYCLE)), boxes(), boxes(), person) == [RIDER, ELSEWHERE]


def test_views_hold_their_actors_where_they_are() -> None:
    """A white actor on black: in every view the label encloses what is white, to the pixel or two of resampling."""
    rgb = np.zeros((640, 640, 3), dtype=np.uint8)
    rgb[300:390, 200:240] = 255
    row = Labelled(name="row", rgb=rgb, xyxy=np.array([[200, 300, 240, 390]], dtype=np.float32), class_id=np.array([2]))
    made = [view for seed in range(20) for view in views(row, random.Random(seed))]
    whole = [view for view in made if len(view.xyxy)]
    assert len(whole) > 30
    for view in made:
        assert view.rgb.shape[1] == WIDTH_PX
        ys, xs = np.nonzero(view.rgb[:, :, 0] > 127)
        if len(view.xyxy):
            assert view.xyxy[0] == pytest.approx([xs.min(), ys.min(), xs.max() + 1, ys.max() + 1], abs=2.5)
    wide = made[0]
    assert wide.rgb.shape[0] / wide.rgb.shape[1] == pytest.approx(9 / 16, abs=0.01)
