"""How much the masker covers where the truth is exact: rendered street views not trained on, and the film that ships.

Figures on real pictures are in docs/models/parts.md (measured, those pictures may not ship).
"""

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from core.observations import ActorClass, FloatArray
from models.train.dataset import Labelled, film_frames
from models.train.parts_windows import HEAD, PLATE, read_yolo
from vision.mask import PictureMasker
from vision.parts import PartKind, load_parts

STREET = Path(__file__).with_name("street")
"""Three pictures of the scene generator, with actors (``.txt``), heads and plates (``.parts.txt``) as YOLO text."""

FILM = Path(__file__).parents[3] / "sim" / "demo" / "junction.mp4"
HEAD_SHARE = {ActorClass.PERSON: 1 / 7.5, ActorClass.BICYCLE: 1 / 6, ActorClass.MOTORCYCLE: 1 / 6}
"""Head in heights of the box, from the top (adult 1/7.5 of standing height; rider 1/6 of rider and machine)."""

LEGIBLE_PX = {HEAD: (9, 9), PLATE: (26, 12.4)}
"""A head shows features from 9 px on, a plate's 90 mm characters of 140 mm are 8 px high at 12.4 px."""

EVERY = 40
"""Labelled frames between two looked at: five of the film's two hundred."""

Mask = NDArray[np.bool_]


def street() -> Iterator[tuple[NDArray[np.uint8], FloatArray, FloatArray, NDArray[np.int64]]]:
    """Yields (rgb, actors, parts, kind) with parts of legible size."""
    for path in sorted(STREET.glob("*.jpg")):
        bgr = cv2.imread(str(path), cv2.IMREAD_COLOR)
        assert bgr is not None
        rgb = np.ascontiguousarray(bgr[:, :, ::-1], dtype=np.uint8)
        size = (rgb.shape[1], rgb.shape[0])
        actors, _ = read_yolo(path.with_suffix(".txt"), *size)
        parts, kind = read_yolo(path.with_suffix(".parts.txt"), *size)
        least = np.array([LEGIBLE_PX[k] for k in kind.tolist()])
        legible = ((parts[:, 2:] - parts[:, :2]) >= least).all(axis=1)
        yield rgb, actors, parts[legible], kind[legible]


def covered_by(masker: PictureMasker, rgb: NDArray[np.uint8]) -> Mask:
    masked = np.zeros(rgb.shape[:2], dtype=bool)
    for region in masker.regions(rgb):
        x1, y1, x2, y2 = region.xyxy
        masked[y1:y2, x1:x2] = True
    return masked


def is_hidden(masked: Mask, box: list[float]) -> bool:
    x1, y1, x2, y2 = box
    return bool(masked[int(y1) : int(np.ceil(y2)), int(x1) : int(np.ceil(x2))].mean() >= 0.95)


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_heads_and_plates_of_a_street_are_covered_and_cars_can_still_be_seen() -> None:
    masker, hidden, cars = PictureMasker(), {HEAD: [], PLATE: []}, []
    for rgb, _, parts, kind in street():
        masked = covered_by(masker, rgb)
        for box, number in zip(parts.tolist(), kind.tolist(), strict=True):
            hidden[number].append(is_hidden(masked, box))
        cars.append(masked.mean())
    assert len(hidden[HEAD]) >= 15
    assert len(hidden[PLATE]) >= 8
    assert all(hidden[HEAD])
    assert all(hidden[PLATE])
    assert np.mean(cars) < 0.45, "nearly everything is covered: the picture says nothing any more"


def test_the_network_finds_heads_and_plates_on_their_actors() -> None:
    finder, found, total = load_parts("onnxruntime"), 0, 0
    for rgb, actors, parts, kind in street():
        answers = finder.find(rgb, actors)
        for box, number in zip(parts.tolist(), kind.tolist(), strict=True):
            wanted = PartKind.HEAD if number == HEAD else PartKind.PLATE
            middle = ((box[0] + box[2]) / 2, (box[1] + box[3]) / 2)
            total += 1
            found += any(
                part.kind is wanted
                and part.xyxy[0] < middle[0] < part.xyxy[2]
                and part.xyxy[1] < middle[1] < part.xyxy[3]
                for part in answers
            )
    assert found / total >= 0.9, (found, total)


def test_engines_agree() -> None:
    """OpenVINO may compute in bf16: boxes within a few pixels, confidence within 0.1, for what is sure."""
    pytest.importorskip("openvino")
    rgb, actors, _, _ = next(street())
    first, second = load_parts("openvino").find(rgb, actors), load_parts("onnxruntime").find(rgb, actors)
    sure = [part for part in first if part.confidence >= 0.5]
    assert len(sure) >= 5
    for part in sure:
        twin = min(
            (other for other in second if other.kind is part.kind),
            key=lambda other: float(np.abs(np.subtract(other.xyxy, part.xyxy)).max()),
        )
        size = max(part.xyxy[2] - part.xyxy[0], part.xyxy[3] - part.xyxy[1])
        assert np.abs(np.subtract(twin.xyxy, part.xyxy)).max() <= max(2.0, 0.12 * size)
        assert abs(twin.confidence - part.confidence) <= 0.1


@pytest.mark.parametrize("value", [0, 255])
def test_black_and_white_frames_have_no_sure_parts(value: int) -> None:
    rgb = np.full((540, 960, 3), value, dtype=np.uint8)
    boxes = np.array([[100, 100, 300, 250], [400, 100, 460, 300]], dtype=np.float32)
    assert load_parts("onnxruntime", confidence=0.5).find(rgb, boxes) == []


def heads_of(picture: Labelled) -> Iterator[list[float]]:
    for (x1, y1, x2, y2), class_id in zip(picture.xyxy.tolist(), picture.class_id.tolist(), strict=True):
        share = HEAD_SHARE.get(ActorClass(class_id))
        if share is not None:
            half = min((x2 - x1) / 2, share * (y2 - y1) * 0.6)
            yield [(x1 + x2) / 2 - half, y1, (x1 + x2) / 2 + half, y1 + share * (y2 - y1)]


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.skipif(not FILM.exists(), reason="needs the demo film, which is not here")
def test_heads_of_the_demo_film_are_covered() -> None:
    masker, hidden, shares = PictureMasker(), [], []
    for picture, is_clear in film_frames(FILM, step=EVERY):
        masked = covered_by(masker, picture.rgb)
        clear = Labelled(
            name=picture.name, rgb=picture.rgb, xyxy=picture.xyxy[is_clear], class_id=picture.class_id[is_clear]
        )
        hidden += [is_hidden(masked, box) for box in heads_of(clear)]
        shares.append(masked.mean())
    assert len(hidden) > 50
    assert np.mean(hidden) >= 0.95, np.mean(hidden)
    assert np.mean(shares) < 0.2, "nearly everything is covered: the picture says nothing any more"
