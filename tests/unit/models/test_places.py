from pathlib import Path

import cv2
import numpy as np
import pytest

from models.peers import SIDE_PX, _grid, _one_score_each, coco_reader, letterbox, load_peers
from models.train.sets import places

HEADER = "image,source,camera,split,licence\n"
ROWS = [
    ("a1", "camA", "train"),
    ("a2", "camA", "val"),
    ("e1", "camE", "val"),
    ("f1", "camF", "train"),
    ("f2", "camF", "val"),
]


@pytest.fixture
def shared(tmp_path: Path) -> Path:
    """A corpus of black pictures with a motorcycle in each, and a place D of one."""
    folder = tmp_path / "corpus"
    lines = [HEADER]
    for name, camera, split in ROWS:
        for path in (folder / f"images/{split}/{name}.png", folder / f"labels/{split}/{name}.txt"):
            path.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(folder / f"images/{split}/{name}.png"), np.zeros((40, 60, 3), np.uint8))
        (folder / f"labels/{split}/{name}.txt").write_text("2 0.5 0.5 0.2 0.4\n")
        lines.append(f"images/{split}/{name}.png,drawn,{camera},{split},MIT\n")
    (folder / "manifest.csv").write_text("".join(lines))
    for kind in ("images", "labels"):
        (tmp_path / "place_d" / kind).mkdir(parents=True)
    cv2.imwrite(str(tmp_path / "place_d/images/d1.png"), np.zeros((40, 60, 3), np.uint8))
    (tmp_path / "place_d/labels/d1.txt").write_text("0 0.5 0.5 0.2 0.4\n1 0.1 0.1 0.1 0.1\n")
    return tmp_path


def names(shared: Path, trained_on: set[str]) -> dict[str, list[str]]:
    return {place.name: [picture.name for picture, _ in place.items] for place in places(shared, trained_on)}


def test_of_a_place_trained_on_only_held_apart_pictures_count(shared: Path) -> None:
    found = names(shared, {"A+E", "F"})
    assert found == {"A+E": ["a2", "e1"], "F": ["f2"], "D": ["d1"], "A+E, audited": ["a2", "e1"], "F, audited": ["f2"]}


def test_a_place_left_out_counts_whole(shared: Path) -> None:
    assert names(shared, {"F"})["A+E"] == ["a1", "a2", "e1"]
    assert [p.unseen for p in places(shared, {"F"})][:3] == [True, False, True]


def test_lamps_and_lines_of_place_d_are_no_actors(shared: Path) -> None:
    picture = next(iter(places(shared, set())[2].items))[0]
    assert picture.class_id.tolist() == [3]


def test_peers_that_are_not_there_are_named_with_the_reason(tmp_path: Path) -> None:
    found, missing = load_peers(tmp_path, 0.25)
    assert found == {}
    assert set(missing) == {"yolo11n-int8", "yolo26n-int8", "yolox-nano"}
    assert all("\n" not in reason for reason in missing.values())


def test_a_peer_sees_the_whole_picture_in_the_corner_of_a_square() -> None:
    square, scale = letterbox(np.full((540, 960, 3), 9, np.uint8), 640)
    assert (square.shape, scale) == ((640, 640, 3), pytest.approx(2 / 3))
    assert square[359, 639].tolist() == [9, 9, 9]
    assert square[360, 0].tolist() == [114, 114, 114]


def test_finished_boxes_are_read_like_raw_ones() -> None:
    rows = np.array([[0.25, 0.5, 0.5, 0.75, 0.8, 2], [0, 0, 0.1, 0.1, 0.9, 9]], dtype=np.float32)
    boxes = coco_reader(0.25).read(_one_score_each(rows))
    np.testing.assert_allclose(boxes.xyxy, [[0.25 * SIDE_PX, 0.5 * SIDE_PX, 0.5 * SIDE_PX, 0.75 * SIDE_PX]])
    assert (boxes.class_id.tolist(), boxes.confidence.tolist()) == ([3], pytest.approx([0.8]))


def test_the_grid_counts_cells_row_by_row() -> None:
    cells, sizes = _grid(64)
    assert len(cells) == len(sizes) == 64 + 16 + 4
    assert (cells[1] * sizes[1]).tolist() == [8, 0]
    assert (cells[64 + 5] * sizes[64 + 5]).tolist() == [16, 16]
