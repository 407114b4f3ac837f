"""What the network for heads and plates learns from: boxes lie on what they name, whatever is done to a picture."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from core.observations import ActorClass
from models.train import parts_windows
from models.train.parts_crops import Answer, Crop, accept, fits
from models.train.parts_windows import HEAD, PLATE, Sample, Window, draw_sample, read_yolo, view, windows_of

RED, BLUE = (255, 0, 0), (0, 0, 255)


def street(folder: Path) -> Path:
    """Writes a grey picture with one actor 200 px high that has a red head and a blue plate."""
    rgb = np.full((720, 1280, 3), 128, dtype=np.uint8)
    rgb[300:340, 620:660] = RED
    rgb[450:470, 615:665] = BLUE
    cv2.imwrite(str(folder / "a.jpg"), rgb[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, 100])

    def line(number: int, x1: float, y1: float, x2: float, y2: float) -> str:
        return f"{number} {(x1 + x2) / 2560} {(y1 + y2) / 1440} {(x2 - x1) / 1280} {(y2 - y1) / 720}"

    (folder / "a.txt").write_text(line(2, 590, 290, 690, 490))
    (folder / "a.parts.txt").write_text(
        line(0, 620, 300, 660, 340) + "\n" + line(1, 615, 450, 665, 470) + " 苏A12345\n"
    )
    return folder


def test_labels_are_read_with_a_text_behind_them(tmp_path: Path) -> None:
    xyxy, kind = read_yolo(street(tmp_path) / "a.parts.txt", 1280, 720)
    assert kind.tolist() == [HEAD, PLATE]
    assert xyxy[1] == pytest.approx([615, 450, 665, 470], abs=0.01)
    assert len(read_yolo(tmp_path / "missing.txt", 10, 10)[0]) == 0


def reds(sample: Sample) -> tuple[float, float, float, float]:
    """Returns the box of what is red."""
    value = sample.rgb.astype(int)
    y, x = np.nonzero(value[..., 0] - value[..., 2] > 120)
    return float(x.min()), float(y.min()), float(x.max() + 1), float(y.max() + 1)


def test_boxes_stay_on_their_parts_through_every_change(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts_windows, "UMBRELLAS", 0.0)  # they hide heads, and may be red
    (window,) = windows_of(street(tmp_path))
    assert isinstance(window, Window)
    pick, seen = np.random.default_rng(3), 0
    for _ in range(60):
        sample = view(window, 256, [], pick)
        heads = sample.xyxy[sample.kind == HEAD]
        if len(heads) and heads.min() > 2 and heads.max() < 254:
            x1, y1, x2, y2 = reds(sample)
            seen += 1
            assert np.abs(np.array([x1, y1, x2, y2]) - heads[0]).max() < 4
    assert seen > 20


def test_samples_are_the_same_for_the_same_seed(tmp_path: Path) -> None:
    windows = list(windows_of(street(tmp_path)))
    first, second = (draw_sample(windows, np.array([1.0]), [], np.random.default_rng(9)) for _ in range(2))
    assert np.array_equal(first.rgb, second.rgb)
    assert np.array_equal(first.xyxy, second.xyxy)


def crop(actor: ActorClass) -> Crop:
    box = np.array([28, 28, 228, 228], dtype=np.float32)
    return Crop(name="a", rgb=np.zeros((256, 256, 3), dtype=np.uint8), actor=actor, box=box)


def answer(kind: int, x: float, y: float, confidence: float = 0.5) -> Answer:
    return Answer(kind=kind, confidence=confidence, xyxy=(x - 15, y - 15, x + 15, y + 15))


@pytest.mark.parametrize(
    ("actor", "kind", "place", "expected"),
    [
        (ActorClass.MOTORCYCLE, HEAD, (128, 50), True),
        (ActorClass.MOTORCYCLE, HEAD, (128, 180), False),
        (ActorClass.MOTORCYCLE, PLATE, (128, 180), True),
        (ActorClass.MOTORCYCLE, PLATE, (128, 60), False),
        (ActorClass.CAR, PLATE, (128, 190), True),
        (ActorClass.CAR, HEAD, (128, 60), False),
        (ActorClass.PERSON, PLATE, (128, 190), False),
    ],
)
def test_answers_are_believed_only_where_the_part_is_worn(
    actor: ActorClass, kind: int, place: tuple[int, int], *, expected: bool
) -> None:
    assert fits(answer(kind, *place), crop(actor)) is expected


def test_a_crop_that_does_not_show_what_it_must_is_left_out() -> None:
    assert accept(crop(ActorClass.MOTORCYCLE), [answer(PLATE, 128, 180)], 0.2) is None
    assert accept(crop(ActorClass.CAR), [answer(HEAD, 128, 60)], 0.2) is None
    believed = accept(crop(ActorClass.MOTORCYCLE), [answer(HEAD, 128, 50), answer(PLATE, 128, 180, 0.1)], 0.2)
    assert believed is not None
    assert [a.kind for a in believed] == [HEAD]


def test_an_actor_has_one_plate_at_most() -> None:
    answers = [answer(PLATE, 100, 190, 0.6), answer(PLATE, 160, 190, 0.9)]
    assert accept(crop(ActorClass.CAR), answers, 0.2) == [answers[1]]
