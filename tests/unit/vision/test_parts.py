"""Heads and plates: windows, reading, who owns a part, bad input; then the network that ships."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from core.errors import ModelError
from core.observations import Detections, FloatArray
from models.registry import Manifest, load_manifest
from vision.parts import Part, PartFinder, PartKind, Window, cut, windows_of

SIZE = 256
PICTURE = np.full((1080, 1920, 3), 120, dtype=np.uint8)


@dataclass
class Bright:
    """A network that sees a plate where the window is white, with confidence ``sure``, and a head where it is black."""

    sure: float = 0.9
    batches: list[int] = field(default_factory=list)

    def run(self, inputs: Sequence[NDArray[np.uint8]]) -> list[FloatArray]:
        self.batches.append(len(inputs))
        return [self._see(rgb) for rgb in inputs]

    def _see(self, rgb: NDArray[np.uint8]) -> FloatArray:
        rows = [self._box(rgb.min(axis=2) > 235, 1), self._box(rgb.max(axis=2) < 20, 0)]
        found = [row for row in rows if row is not None]
        return np.array(found, dtype=np.float32).reshape(-1, 6).T

    def _box(self, where: NDArray[np.bool_], channel: int) -> list[float] | None:
        y, x = np.nonzero(where)
        if not len(x):
            return None
        x1, y1, x2, y2 = x.min(), y.min(), x.max() + 1, y.max() + 1
        score = [0.0, 0.0]
        score[channel] = self.sure
        return [(x1 + x2) / 2, (y1 + y2) / 2, x2 - x1, y2 - y1, *score]


def manifest() -> Manifest:
    return load_manifest("pole").model_copy(
        update={
            "classes": ["head", "plate"],
            "input": load_manifest("pole").input.model_copy(update={"width": SIZE, "height": SIZE}),
        }
    )


def finder(network: Bright | None = None) -> PartFinder:
    return PartFinder(manifest(), network or Bright(), confidence=0.1)


def street(*plates: tuple[int, int, int, int], shade: int = 255) -> NDArray[np.uint8]:
    rgb = PICTURE.copy()
    for x1, y1, x2, y2 in plates:
        rgb[y1:y2, x1:x2] = shade
    return rgb


def test_a_plate_is_found_where_it_is_in_source_pixels() -> None:
    rgb = street((640, 560, 700, 580))
    (part,) = finder().find(rgb, np.array([[600, 400, 760, 600]], dtype=np.float32))
    assert part.kind is PartKind.PLATE
    assert part.actor_index == 0
    assert part.confidence == pytest.approx(0.9)
    assert np.abs(np.array(part.xyxy) - (640, 560, 700, 580)).max() <= 2


def test_detections_are_taken_as_they_are() -> None:
    rgb = street((640, 560, 700, 580))
    boxes = np.array([[100, 100, 200, 200], [600, 400, 760, 600]], dtype=np.float32)
    actors = Detections(
        pts_ns=0, xyxy=boxes, confidence=np.ones(2, dtype=np.float32), class_id=np.full(2, 3, dtype=np.int64)
    )
    assert finder().find(rgb, actors) == finder().find(rgb, boxes)
    assert [part.actor_index for part in finder().find(rgb, actors)] == [1]


def test_a_part_that_two_actors_share_goes_to_the_one_it_fits() -> None:
    """A motorcycle stands before a car: its plate lies inside both boxes, low in the middle of its own."""
    rgb = street((690, 560, 720, 580))
    car, motorcycle = [500, 300, 760, 600], [670, 420, 740, 610]
    for boxes, owner in (([car, motorcycle], 1), ([motorcycle, car], 0)):
        parts = finder().find(rgb, np.array(boxes, dtype=np.float32))
        assert [part.actor_index for part in parts] == [owner]


def test_what_belongs_to_a_neighbour_is_not_reported() -> None:
    rgb = street((770, 560, 800, 580))
    assert finder().find(rgb, np.array([[600, 400, 760, 600]], dtype=np.float32)) == []


def test_many_actors_give_what_each_gives_alone() -> None:
    rgb = street(*[(60 + 140 * i, 560, 100 + 140 * i, 575) for i in range(12)])
    boxes = np.array([[20 + 140 * i, 420, 140 + 140 * i, 600] for i in range(12)] * 7, dtype=np.float32)[:12]
    network = Bright()
    together = finder(network).find(rgb, boxes)
    alone = [part for box in boxes for part in finder().find(rgb, box)]
    assert [part.xyxy for part in together] == [part.xyxy for part in alone]
    assert [part.actor_index for part in together] == list(range(12))


def test_a_long_actor_is_looked_at_in_overlapping_windows_that_do_not_shrink_it() -> None:
    box = [100.0, 300.0, 1700.0, 800.0]
    windows = list(windows_of(box, 0, PICTURE, SIZE))
    assert len(windows) > 1
    edges = sorted((window.left, window.left + window.side) for window in windows)
    assert edges[0][0] <= box[0]
    assert edges[-1][1] >= box[2]
    assert all(later[0] < earlier[1] for earlier, later in pairwise(edges))
    assert max(window.side for window in windows) <= 1.25 * 500
    assert len(list(windows_of([100.0, 300.0, 250.0, 400.0], 0, PICTURE, SIZE))) == 1


@pytest.mark.parametrize(
    "box",
    [
        [np.nan, 10, 50, 50],
        [10, 10, np.inf, 50],
        [10, 10, 10, 50],
        [50, 50, 10, 10],
        [2000, 10, 2100, 90],
        [-90, 10, -5, 90],
    ],
)
def test_broken_boxes_have_no_parts_and_do_no_harm(box: list[float]) -> None:
    rgb = street((640, 560, 700, 580))
    good = [600, 400, 760, 600]
    assert [p.actor_index for p in finder().find(rgb, np.array([box, good], dtype=np.float32))] == [1]
    assert finder().find(rgb, np.array([box], dtype=np.float32)) == []


def test_no_actor_no_part() -> None:
    assert finder().find(PICTURE, np.zeros((0, 4), dtype=np.float32)) == []


def test_a_box_over_the_edge_is_looked_at_inside_the_picture() -> None:
    rgb = street((1880, 1040, 1915, 1055))
    (part,) = finder().find(rgb, np.array([[1820, 900, 2100, 1200]], dtype=np.float32))
    assert np.abs(np.array(part.xyxy) - (1880, 1040, 1915, 1055)).max() <= 2


@given(st.floats(-300, 2000), st.floats(-300, 1200), st.floats(0.1, 900), st.floats(-5, 5))
@settings(max_examples=60, deadline=None)
def test_a_window_has_the_networks_size_wherever_it_lies(left: float, top: float, side: float, shift: float) -> None:
    seen = cut(PICTURE, Window(left=left + shift, top=top, side=side, actor_index=0), SIZE)
    assert seen.shape == (SIZE, SIZE, 3)
    assert set(np.unique(seen)) <= set(range(113, 121))


@pytest.mark.parametrize(
    "rgb",
    [
        np.zeros((10, 10), dtype=np.uint8),
        np.zeros((10, 10, 4), dtype=np.uint8),
        np.zeros((10, 10, 3), dtype=np.float32),
        np.zeros((0, 10, 3), dtype=np.uint8),
    ],
)
def test_what_is_no_picture_is_refused_in_one_line(rgb: NDArray[np.uint8]) -> None:
    with pytest.raises(ModelError, match="uint8 RGB") as error:
        finder().find(rgb, np.array([[0, 0, 5, 5]], dtype=np.float32))
    assert "\n" not in error.value.message


def test_a_network_for_something_else_is_refused() -> None:
    with pytest.raises(ModelError, match="choose parts"):
        PartFinder(load_manifest("pole"), Bright())


@pytest.mark.parametrize("answer", [np.full((6, 4), np.nan), np.zeros((10, 4)), np.zeros(6)])
def test_a_network_that_answers_nonsense_is_no_empty_street(answer: NDArray[np.float64]) -> None:
    class Broken:
        def run(self, inputs: Sequence[NDArray[np.uint8]]) -> list[FloatArray]:
            return [answer.astype(np.float32) for _ in inputs]

    with pytest.raises(ModelError, match="answers no boxes"):
        PartFinder(manifest(), Broken()).find(PICTURE, np.array([[0, 0, 50, 50]], dtype=np.float32))


def test_parts_say_what_they_are() -> None:
    part = Part(kind=PartKind.HEAD, xyxy=(1.0, 2.0, 3.0, 4.0), confidence=0.5, actor_index=3)
    assert (part.kind, part.actor_index) == ("head", 3)
