import numpy as np
import pytest

from core.observations import ActorClass, FloatArray
from models.boxes import Boxes, Reader, covered_share, fold_riders, overlap

PERSON, BICYCLE, MOTORCYCLE, CAR, BUS, TRUCK = ActorClass


def raw(*actors: tuple[ActorClass, float, tuple[float, float, float, float]]) -> FloatArray:
    """Returns a network output (10, A) holding these boxes (corners), each at one anchor."""
    output = np.zeros((10, len(actors) + 3), dtype=np.float32)
    for index, (actor, score, (x1, y1, x2, y2)) in enumerate(actors):
        output[:4, index] = (x1 + x2) / 2, (y1 + y2) / 2, x2 - x1, y2 - y1
        output[4 + actor, index] = score
    return output


def reader(least: float = 0.25, rider_share: float | None = 0.75) -> Reader:
    return Reader(
        class_of=np.arange(6),
        least=np.full(6, least, dtype=np.float32),
        nms_iou=0.55,
        rider_share=rider_share,
    )


def classes(boxes: Boxes) -> list[ActorClass]:
    return [ActorClass(c) for c in boxes.class_id]


def test_a_box_comes_back_as_corners() -> None:
    boxes = reader().read(raw((CAR, 0.9, (10, 20, 50, 60))))
    assert boxes.xyxy.tolist() == [[10, 20, 50, 60]]
    assert boxes.confidence.tolist() == pytest.approx([0.9])
    assert classes(boxes) == [CAR]
    assert (boxes.xyxy.dtype, boxes.confidence.dtype, boxes.class_id.dtype) == (np.float32, np.float32, np.int64)


def test_nothing_found_is_empty_arrays_of_the_right_shape() -> None:
    boxes = reader().read(raw())
    assert (boxes.xyxy.shape, boxes.confidence.shape, boxes.class_id.shape) == ((0, 4), (0,), (0,))


def test_each_class_has_its_own_threshold() -> None:
    one = reader()
    one.least[MOTORCYCLE] = 0.15
    found = one.read(raw((MOTORCYCLE, 0.2, (0, 0, 9, 9)), (CAR, 0.2, (50, 0, 90, 40)), (CAR, 0.25, (150, 0, 190, 40))))
    assert classes(found) == [CAR, MOTORCYCLE]


@pytest.mark.parametrize(
    ("first", "second", "left"),
    [
        (CAR, TRUCK, [CAR]),
        (BUS, CAR, [BUS]),
        (MOTORCYCLE, BICYCLE, [MOTORCYCLE]),
        (CAR, CAR, [CAR]),
        (CAR, PERSON, [CAR, PERSON]),
        (CAR, MOTORCYCLE, [CAR, MOTORCYCLE]),
    ],
)
def test_one_actor_is_one_box(first: ActorClass, second: ActorClass, left: list[ActorClass]) -> None:
    found = reader().read(raw((second, 0.6, (2, 0, 102, 80)), (first, 0.8, (0, 0, 100, 80))))
    assert classes(found) == left


def test_two_cars_side_by_side_stay_two() -> None:
    found = reader().read(raw((CAR, 0.8, (0, 0, 100, 80)), (CAR, 0.7, (60, 0, 160, 80))))
    assert len(found.class_id) == 2


def test_the_rider_belongs_to_the_machine() -> None:
    found = reader().read(raw((MOTORCYCLE, 0.6, (0, 0, 30, 80)), (PERSON, 0.9, (3, 0, 27, 60))))
    assert classes(found) == [MOTORCYCLE]
    kept = reader(rider_share=None).read(raw((MOTORCYCLE, 0.6, (0, 0, 30, 80)), (PERSON, 0.9, (3, 0, 27, 60))))
    assert classes(kept) == [PERSON, MOTORCYCLE]


def test_who_pushes_a_bicycle_stays_a_person() -> None:
    found = reader().read(raw((BICYCLE, 0.6, (0, 40, 130, 118)), (PERSON, 0.9, (48, 0, 104, 124))))
    assert classes(found) == [PERSON, BICYCLE]


def test_folding_leaves_other_boxes_and_their_order() -> None:
    boxes = Boxes(
        xyxy=np.array([[0, 0, 10, 10], [100, 0, 120, 50], [100, 0, 120, 60]], dtype=np.float32),
        confidence=np.array([0.9, 0.8, 0.7], dtype=np.float32),
        class_id=np.array([PERSON, PERSON, BICYCLE]),
    )
    assert fold_riders(boxes, 0.75).confidence.tolist() == pytest.approx([0.9, 0.7])


def test_the_best_box_comes_first() -> None:
    found = reader().read(raw((CAR, 0.3, (0, 0, 9, 9)), (PERSON, 0.9, (50, 0, 60, 9)), (BUS, 0.5, (90, 0, 99, 9))))
    assert found.confidence.tolist() == pytest.approx([0.9, 0.5, 0.3])


def test_overlap_and_covered_share_of_hand_made_boxes() -> None:
    first = np.array([[0, 0, 4, 4]], dtype=np.float32)
    second = np.array([[2, 0, 6, 4], [4, 4, 8, 8], [0, 0, 4, 4]], dtype=np.float32)
    assert overlap(first, second).tolist()[0] == pytest.approx([8 / 24, 0, 1])
    assert covered_share(first, second).tolist()[0] == pytest.approx([0.5, 0, 1])
