import csv
import json
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from core.observations import ActorClass
from models.boxes import Boxes
from models.train.dataset import (
    Labelled,
    complete,
    film_frames,
    read_labels,
    rendered_frames,
    rendered_pictures,
    write_corpus,
    write_labels,
    write_renders,
)

PERSON, BICYCLE, MOTORCYCLE, CAR, BUS, TRUCK = ActorClass


def corpus(folder: Path, rows: list[tuple[str, str, str, str]]) -> Path:
    """Returns a corpus of (camera, split, licence, labels) rows with one grey 100 x 100 picture each."""
    columns = ("image", "source", "camera", "split", "licence")
    with (folder / "manifest.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        for number, (camera, split, licence, labels) in enumerate(rows):
            image = Path("images", split, f"{camera}_{number}.jpg")
            (folder / image).parent.mkdir(parents=True, exist_ok=True)
            (folder / "labels" / split).mkdir(parents=True, exist_ok=True)
            cv2.imwrite(str(folder / image), np.full((100, 100, 3), 128, dtype=np.uint8))
            (folder / "labels" / split / f"{camera}_{number}.txt").write_text(labels, encoding="utf-8")
            writer.writerow((image.as_posix(), "somebody", camera, split, licence))
    return folder


def names(folder: Path) -> list[str]:
    return sorted(path.stem for path in folder.glob("*"))


def test_only_rows_whose_licence_allows_shipping_are_taken(tmp_path: Path) -> None:
    car = f"{int(CAR)} 0.5 0.5 0.2 0.2"
    rows = [
        ("a", "train", "CC BY 4.0", car),
        ("b", "train", "none stated", car),
        ("c", "train", "GPL-3.0", car),
        ("d", "train", "MIT", car),
        ("e", "train", "", car),
        ("f", "val", "CC BY 4.0", car),
        ("photos", "train", "CC BY 4.0", "6 0.5 0.5 0.1 0.1"),
    ]
    (tmp_path / "corpus").mkdir()
    counts = write_corpus(corpus(tmp_path / "corpus", rows), tmp_path / "data")
    assert names(tmp_path / "data/images/train") == names(tmp_path / "data/labels/train") == ["a_0", "d_3"]
    assert names(tmp_path / "data/images/val") == ["f_5"]
    assert counts == {("somebody", "CC BY 4.0"): 1, ("somebody", "MIT"): 1}


def test_labels_survive_the_round_trip_and_lamps_are_left_out(tmp_path: Path) -> None:
    picture = Labelled(
        name="x",
        rgb=np.zeros((200, 400, 3), dtype=np.uint8),
        xyxy=np.array([[40, 20, 80, 60], [300, 100, 400, 200]], dtype=np.float32),
        class_id=np.array([MOTORCYCLE, BUS]),
    )
    path = tmp_path / "x.txt"
    write_labels(path, picture)
    path.write_text(path.read_text(encoding="utf-8") + "\n7 0.5 0.5 0.1 0.1\n", encoding="utf-8")
    xyxy, class_id = read_labels(path, 400, 200)
    np.testing.assert_allclose(xyxy, picture.xyxy, atol=0.01)
    assert class_id.tolist() == [MOTORCYCLE, BUS]


def seen(*found: tuple[ActorClass, float, tuple[int, int, int, int]]) -> Boxes:
    return Boxes(
        xyxy=np.array([f[2] for f in found], dtype=np.float32).reshape(-1, 4),
        confidence=np.array([f[1] for f in found], dtype=np.float32),
        class_id=np.array([f[0] for f in found], dtype=np.int64),
    )


def drawn(*true: tuple[ActorClass, tuple[int, int, int, int]]) -> Labelled:
    return Labelled(
        name="x",
        rgb=np.zeros((100, 100, 3), dtype=np.uint8),
        xyxy=np.array([t[1] for t in true], dtype=np.float32).reshape(-1, 4),
        class_id=np.array([t[0] for t in true], dtype=np.int64),
    )


def test_a_teacher_adds_what_was_left_out_and_nothing_twice() -> None:
    done = complete(
        drawn((CAR, (0, 0, 20, 20))),
        seen((TRUCK, 0.9, (1, 0, 21, 20)), (MOTORCYCLE, 0.8, (50, 50, 60, 70)), (PERSON, 0.3, (80, 80, 85, 95))),
    )
    assert done.class_id.tolist() == [CAR, MOTORCYCLE]


@pytest.mark.parametrize(("confirmed", "left"), [(False, []), (True, [TRUCK])])
def test_a_wild_box_stays_only_if_the_teacher_sees_it(confirmed: bool, left: list[ActorClass]) -> None:
    found = seen((TRUCK, 0.35, (0, 0, 90, 90))) if confirmed else seen()
    assert complete(drawn((TRUCK, (0, 0, 90, 90))), found).class_id.tolist() == left


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    """Returns a 4-frame 320 x 180 clip: one e-bike, one hidden car, one tiny person, one person pushing a bicycle."""
    path = tmp_path / "clip.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=10)
        stream.width, stream.height, stream.pix_fmt = 320, 180, "yuv420p"
        for level in range(4):
            pixels: NDArray[np.uint8] = np.full((180, 320, 3), 40 * level, dtype=np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        container.mux(stream.encode())
    objects = [
        {"cls": "ebike", "bbox": [10, 100, 30, 140], "visibility": 1.0},
        {"cls": "car", "bbox": [100, 100, 150, 140], "visibility": 0.1},
        {"cls": "person", "bbox": [200, 50, 201, 52], "visibility": 1.0},
        {
            "cls": "person+bicycle",
            "bbox": [240, 100, 290, 150],
            "visibility": 0.9,
            "rider_bbox": [255, 100, 270, 150],
            "vehicle_bbox": [240, 120, 290, 148],
        },
    ]
    path.with_suffix(".gt.json").write_text(json.dumps({"frames": [{"objects": objects}] * 4}), encoding="utf-8")
    return path


def test_rendered_frames_carry_their_truth(clip: Path) -> None:
    frames = list(rendered_frames(clip, step=2))
    assert [picture.name for picture, _ in frames] == ["clip_0000", "clip_0002"]
    picture, is_clear = frames[0]
    assert picture.class_id.tolist() == [MOTORCYCLE, CAR, PERSON, PERSON, BICYCLE]
    assert is_clear.tolist() == [True, False, False, True, True]


def test_pictures_of_the_generator_carry_their_labels(tmp_path: Path) -> None:
    for name in ("sim_0001_00_00", "sim_0002_00_00"):
        cv2.imwrite(str(tmp_path / f"{name}.jpg"), np.zeros((1080, 1920, 3), dtype=np.uint8))
        (tmp_path / f"{name}.txt").write_text("2 0.5 0.5 0.1 0.1\n0 0.1 0.1 0.005 0.01\n", encoding="utf-8")
    pictures = list(rendered_pictures(tmp_path, prefixes=("sim_0002",)))
    assert [picture.name for picture, _ in pictures] == ["sim_0002_00_00"]
    picture, is_clear = pictures[0]
    np.testing.assert_allclose(picture.xyxy[0], [864, 486, 1056, 594], atol=0.01)
    assert (picture.class_id.tolist(), is_clear.tolist()) == ([MOTORCYCLE, PERSON], [True, False])


def test_rendered_rows_are_halved_and_labelled_where_they_can_be_seen(clip: Path, tmp_path: Path) -> None:
    count = write_renders(rendered_frames(clip), tmp_path / "data")
    assert count == len(names(tmp_path / "data/images/train")) == 6
    xyxy, class_id = read_labels(tmp_path / "data/labels/train/render_clip_0000_0.txt", 160, 90)
    assert class_id.tolist() == [MOTORCYCLE, PERSON, BICYCLE]
    np.testing.assert_allclose(xyxy[0], [5, 50, 15, 70], atol=0.01)


def test_a_film_is_matched_with_its_truth_by_time(clip: Path) -> None:
    truth = {
        "fps": 10,
        "tracks": [{"class": "bus"}, {"class": "ebike"}],
        "boxes": [[0.0, [[0, 10, 20, 60, 80, 1.0]]], [0.3, [[1, 5, 20, 15, 50, 0.9], [0, 1, 2, 9, 9, 0.1]]]],
    }
    clip.with_suffix(".truth.json").write_text(json.dumps(truth), encoding="utf-8")
    frames = list(film_frames(clip))
    assert [picture.name for picture, _ in frames] == ["clip_0000", "clip_0003"]
    assert frames[1][0].class_id.tolist() == [MOTORCYCLE, BUS]
    assert frames[1][0].xyxy.tolist()[0] == [5, 20, 15, 50]
    assert frames[1][1].tolist() == [True, False]
    assert frames[1][0].rgb.mean() == pytest.approx(120, abs=6)
