"""What the plate reader is shown: two rows side by side, characters at the same places when looked at again."""

import numpy as np
import pytest

from models.plate_view import NUDGES_PX, Outputs, folded, folded_x, look, stretched

SIZE_PX = (128, 40)


def dotted(x: float, y: float) -> np.ndarray:
    """A black crop of 200 x 100 px with a white dot at these shares of it."""
    crop = np.zeros((100, 200, 3), np.uint8)
    crop[round(y * 100) - 2 : round(y * 100) + 3, round(x * 200) - 2 : round(x * 200) + 3] = 255
    return crop


def middle(view: np.ndarray) -> float:
    """Where the brightness of a view is, as a share of its width."""
    columns = view.astype(float).sum((0, 2))
    return float((columns * (np.arange(len(columns)) + 0.5)).sum() / columns.sum() / len(columns))


@pytest.mark.parametrize("x", [0.25, 0.4, 0.5, 0.62, 0.75])
@pytest.mark.parametrize(("y", "is_upper"), [(0.2, True), (0.7, False)])
def test_characters_of_both_rows_go_where_training_expects_them(x: float, y: float, is_upper: bool) -> None:
    expected = folded_x(np.array([x]), is_upper=np.array([is_upper]))[0]
    assert middle(folded(dotted(x, y), *SIZE_PX)) == pytest.approx(expected, abs=0.006)


def test_the_upper_row_is_read_before_the_lower() -> None:
    places = folded_x(np.array([0.3, 0.7, 0.1, 0.9]), is_upper=np.array([True, True, False, False]))
    assert list(places) == sorted(places)


@pytest.mark.parametrize("shape", [(1, 1), (8, 24), (72, 128), (500, 900)])
def test_crops_of_any_size_fill_the_view(shape: tuple[int, int]) -> None:
    crop = np.full((*shape, 3), 77, np.uint8)
    for view in (stretched(crop, *SIZE_PX), folded(crop, *SIZE_PX)):
        assert view.shape == (40, 128, 3)
        assert (view == 77).all()


def test_only_plates_in_two_rows_are_folded() -> None:
    crops = [dotted(0.5, 0.2), dotted(0.5, 0.2)]
    shown = list[np.ndarray]()

    def run(planes: np.ndarray) -> Outputs:
        shown.append(planes)
        rows = np.array([[1.0, 0.0], [0.0, 1.0]], np.float32)[: len(planes)]
        return planes.mean((1, 2))[:, :, None], np.zeros((len(planes), 6), np.float32), rows

    characters, _, _ = look(run, crops, SIZE_PX)
    assert [len(planes) for planes in shown] == [2, 1] + [2] * len(NUDGES_PX)
    single, double = (int(row.argmax()) / 128 for row in characters[:, :, 0])
    assert single == pytest.approx(0.5, abs=0.02)
    assert double == pytest.approx(folded_x(np.array([0.5]), is_upper=np.array([True]))[0], abs=0.02)
