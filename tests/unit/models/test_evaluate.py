import numpy as np
import pytest
from numpy.typing import NDArray

from core.observations import ActorClass
from models.boxes import Boxes
from models.train.dataset import Labelled
from models.train.evaluate import EvaluationSet, average_precision, match, measure

PERSON, BICYCLE, MOTORCYCLE, CAR, BUS, TRUCK = ActorClass
BLACK = np.zeros((100, 100, 3), dtype=np.uint8)


def boxes(*found: tuple[ActorClass, float, tuple[int, int, int, int]]) -> Boxes:
    return Boxes(
        xyxy=np.array([f[2] for f in found], dtype=np.float32).reshape(-1, 4),
        confidence=np.array([f[1] for f in found], dtype=np.float32),
        class_id=np.array([f[0] for f in found], dtype=np.int64),
    )


def labelled(*true: tuple[ActorClass, tuple[int, int, int, int]]) -> Labelled:
    return Labelled(
        name="drawn",
        rgb=BLACK,
        xyxy=np.array([t[1] for t in true], dtype=np.float32).reshape(-1, 4),
        class_id=np.array([t[0] for t in true], dtype=np.int64),
    )


def evaluation(picture: Labelled, counts: list[bool]) -> EvaluationSet:
    return EvaluationSet(
        name="drawn", unseen=True, labels="exact", groups=("four_wheelers",), items=[(picture, np.array(counts))]
    )


def test_a_bus_called_truck_is_no_miss_and_a_car_called_person_is() -> None:
    picture = labelled((BUS, (0, 0, 40, 40)), (CAR, (50, 50, 90, 90)))

    def find(_: NDArray[np.uint8]) -> Boxes:
        return boxes((TRUCK, 0.9, (0, 0, 40, 40)), (PERSON, 0.8, (50, 50, 90, 90)))

    row = measure(find, evaluation(picture, [True, True]), levels=(0.5,))[0]
    assert (row.n, row.recall, row.precision, row.ap50) == (2, 0.5, 1.0, 0.5)


def test_a_second_box_on_one_actor_is_a_false_alarm() -> None:
    def find(_: NDArray[np.uint8]) -> Boxes:
        return boxes((CAR, 0.9, (0, 0, 40, 40)), (CAR, 0.8, (1, 0, 41, 40)))

    row = measure(find, evaluation(labelled((CAR, (0, 0, 40, 40))), [True]), levels=(0.25,))[0]
    assert (row.recall, row.precision) == (1.0, 0.5)


def test_actors_too_small_to_judge_are_neither_hit_nor_false() -> None:
    picture = labelled((CAR, (0, 0, 4, 4)), (CAR, (50, 50, 90, 90)))

    def find(_: NDArray[np.uint8]) -> Boxes:
        return boxes((CAR, 0.9, (0, 0, 4, 4)), (CAR, 0.8, (50, 50, 90, 90)))

    row = measure(find, evaluation(picture, [False, True]), levels=(0.25,))[0]
    assert (row.n, row.recall, row.precision) == (1, 1.0, 1.0)


def test_confidence_levels_cut_recall() -> None:
    def find(_: NDArray[np.uint8]) -> Boxes:
        return boxes((CAR, 0.3, (0, 0, 40, 40)))

    rows = measure(find, evaluation(labelled((CAR, (0, 0, 40, 40))), [True]), levels=(0.25, 0.35))
    assert [(r.conf, r.recall, r.precision) for r in rows] == [(0.25, 1.0, 1.0), (0.35, 0.0, None)]


def test_the_better_box_takes_the_actor() -> None:
    found = np.array([[0, 0, 40, 40], [0, 0, 40, 38]], dtype=np.float32)
    hit, ignored = match(found, found[:1], np.array([True]))
    assert (hit.tolist(), ignored.tolist()) == ([True, False], [False, False])


@pytest.mark.parametrize(
    ("score", "hit", "count", "expected"),
    [
        ([0.9, 0.8], [True, True], 2, 1.0),
        ([0.9, 0.8], [True, False], 2, 0.5),
        ([0.8, 0.9], [True, False], 1, 0.5),
        ([], [], 3, 0.0),
        ([0.9], [False], 0, None),
    ],
)
def test_average_precision_by_hand(score: list[float], hit: list[bool], count: int, expected: float | None) -> None:
    assert average_precision(np.array(score, dtype=np.float32), np.array(hit, dtype=bool), count) == expected
