"""The plate reader that ships: rendered plates at several degradations, and what is no plate.

Plates are drawn by the generator, with numbers no training used; the truth is what was drawn. Floors are below the
figures measured by benchmarks/plates.py, so that a broken export, preparation or decoder fails and chance does not.
"""

from functools import cache

import cv2
import numpy as np
import pytest
from PIL import Image

from core.errors import ModelError
from core.plate import UNREADABLE, Colour, Layout, layout_of
from models.registry import load_manifest
from models.train.plates_drawing import Sheet, draw_plate
from models.train.plates_renders import render
from tests.support.footage import data_file
from vision.plates import Calibration, PlateRead, PlateReader, load_plate_reader

REAL_FLOOR, RENDERED_FLOOR, SERIALS_FLOOR = 0.84, 0.75, 4
"""Measured: 0.868 and 0.82 exact; letters and digits of 8 drawn plates."""


@cache
def reader() -> PlateReader:
    return load_plate_reader()


def read(*crops: np.ndarray) -> list[PlateRead]:
    return reader().read(crops)


def drawn(
    text: str, layout: Layout, colour: Colour, *, height_px: int = 40, rows: int = 1, seed: int = 5
) -> np.ndarray:
    """A clean plate seen straight on, this many pixels high."""
    sheet = Sheet(text=text, layout=layout, colour=colour, is_double=rows == 2)
    picture = draw_plate(sheet, np.random.default_rng((9, seed))).clip(0, 255).astype(np.uint8)
    width = round(picture.shape[1] * height_px / picture.shape[0])
    return np.asarray(cv2.resize(picture, (width, height_px), interpolation=cv2.INTER_AREA), np.uint8)


PLATES = [
    ("皖A12345", Layout.STANDARD, Colour.BLUE, 1),
    ("苏C8K9M2", Layout.STANDARD, Colour.BLUE, 1),
    ("粤BD67890", Layout.NEW_ENERGY_SMALL, Colour.GREEN, 1),
    ("京A24680F", Layout.NEW_ENERGY_LARGE, Colour.YELLOW_GREEN, 1),
    ("鲁Q7531挂", Layout.TRAILER, Colour.YELLOW, 2),
    ("浙G60718", Layout.STANDARD, Colour.YELLOW, 2),
    ("川A0357警", Layout.POLICE, Colour.WHITE, 1),
    ("粤Z4Y82港", Layout.BORDER, Colour.BLACK, 1),
]


@pytest.mark.parametrize(("text", "layout", "colour", "rows"), PLATES)
def test_clean_plates_of_every_look(text: str, layout: Layout, colour: Colour, rows: int) -> None:
    # The province is the reader's weak place (docs/models/plate_reader.md): what follows it is asked for here.
    found = read(drawn(text, layout, colour, rows=rows))[0]
    assert found.readings[0].text[1:] == text[1:]
    assert layout_of(found.readings[0].text) is layout
    assert found.is_double == (rows == 2)
    assert found.text in {text, UNREADABLE}
    assert found.colour in {colour, None}
    assert not found.contradicts_colour


def degraded(crop: np.ndarray, how: str) -> np.ndarray:
    noise = np.random.default_rng(3).normal(0, 8, crop.shape)
    slanted = np.float32([[1, 0.12, 0], [0.06, 1, 0]])
    return {
        "as it is": lambda: crop,
        "dark": lambda: (crop * 0.3).astype(np.uint8),
        "blurred": lambda: cv2.GaussianBlur(crop, (0, 0), 1.0),
        "noisy": lambda: np.clip(crop + noise, 0, 255).astype(np.uint8),
        "slanted": lambda: cv2.warpAffine(crop, slanted, (crop.shape[1] + 8, crop.shape[0] + 8)),
        "infra-red": lambda: np.repeat(crop.mean(-1, keepdims=True), 3, -1).astype(np.uint8),
    }[how]()


@pytest.mark.parametrize("how", ["as it is", "dark", "blurred", "noisy", "slanted", "infra-red"])
@pytest.mark.parametrize("height_px", [20, 40, 120])
def test_bad_light_bad_pictures_any_size(how: str, height_px: int) -> None:
    texts = ["皖A12345", "苏C8K9M2", "浙G60718", "闽D2468F", "豫N9E137", "津H57002", "沪B3X946", "赣E81T50"]
    looks = [drawn(t, Layout.STANDARD, Colour.BLUE, seed=i, height_px=height_px) for i, t in enumerate(texts)]
    found = read(*[degraded(look, how) for look in looks])
    serials = [r.readings[0].text[2:] == t[2:] if r.readings else False for r, t in zip(found, texts, strict=True)]
    assert sum(serials) >= SERIALS_FLOOR, serials
    assert sum(r.is_readable and r.text != t for r, t in zip(found, texts, strict=True)) == 0


@pytest.mark.parametrize(
    "crop",
    [
        np.zeros((24, 94, 3), np.uint8),
        np.full((24, 94, 3), 255, np.uint8),
        np.full((24, 94, 3), np.nan, np.float32),
        np.full((24, 94, 3), np.inf, np.float64),
        np.zeros((1, 1, 3), np.uint8),
        np.zeros((0, 0, 3), np.uint8),
        np.zeros((400, 2, 3), np.uint8),
        np.random.default_rng(0).integers(0, 256, (40, 128, 3), dtype=np.uint8),
        np.tile(np.linspace(0, 255, 128, dtype=np.uint8)[None, :, None], (40, 1, 3)),
        drawn("皖A12345", Layout.STANDARD, Colour.BLUE)[:, ::-1].copy(),  # in a mirror
        drawn("皖A12345", Layout.STANDARD, Colour.BLUE)[:, 30:].copy(),  # province cut off
    ],
    ids=["black", "white", "nan", "inf", "1 px", "empty", "2 px wide", "noise", "ramp", "mirrored", "cut"],
)
def test_what_is_no_plate_is_unreadable(crop: np.ndarray) -> None:
    found = read(crop)[0]
    assert found.text == UNREADABLE
    assert found.layout is None
    assert found.characters == ()


def test_unwhole_plates_and_clutter_are_hardly_ever_answered() -> None:
    garbage = [made.rgb for made in (render(n, 4_000_003) for n in range(1600)) if not made.text]
    assert len(garbage) > 100
    answered = sum(found.is_readable for found in read(*garbage))
    assert answered <= 0.02 * len(garbage)


def test_answers_do_not_depend_on_the_batch() -> None:
    crops = [render(n, 5_000_003).rgb for n in range(40)]
    together = read(*crops)
    alone = [read(crop)[0] for crop in crops]
    assert [r.text for r in together] == [r.text for r in alone]
    assert max(abs(a.confidence - b.confidence) for a, b in zip(together, alone, strict=True)) < 1e-3


def test_no_crops_no_reads() -> None:
    assert read() == []


@pytest.mark.parametrize("shape", [(24, 94), (24, 94, 4), (94,)])
def test_another_shape_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ModelError, match="RGB"):
        read(np.zeros(shape, np.uint8))


def test_another_network_is_no_reader() -> None:
    with pytest.raises(ModelError, match="reads no plates"):
        Calibration.of(load_manifest("pole"))


def test_confidence_grows_with_probability_and_stays_a_share() -> None:
    curve = Calibration.of(load_manifest("plate_reader"))
    values = [curve.confidence(p) for p in (0.0, 1e-6, 0.1, 0.5, 0.9, 0.999, 1.0)]
    assert values == sorted(values)
    assert 0 <= values[0] < values[-1] <= 1


def exact(found: list[PlateRead], truths: list[str]) -> int:
    return sum(bool(r.readings) and r.readings[0].text == t for r, t in zip(found, truths, strict=True))


def wrong(found: list[PlateRead], truths: list[str]) -> int:
    return sum(r.is_readable and r.text != t for r, t in zip(found, truths, strict=True))


def test_rendered_plates_of_every_weather() -> None:
    made = [m for m in (render(n, 6_000_003) for n in range(400)) if m.text]
    found, truths = read(*[m.rgb for m in made]), [m.text for m in made]
    assert exact(found, truths) >= RENDERED_FLOOR * len(made)
    expected = 0.005 * sum(r.is_readable for r in found)
    assert wrong(found, truths) <= expected + 3 * expected**0.5  # three deviations of chance at the share allowed


@pytest.mark.data
def test_real_crops() -> None:
    paths = sorted(data_file("plates").glob("*.jpg"))
    found, truths = read(*[np.asarray(Image.open(p).convert("RGB")) for p in paths]), [p.stem for p in paths]
    assert len(paths) == 500
    assert exact(found, truths) >= REAL_FLOOR * len(paths)
    assert wrong(found, truths) <= 0.005 * max(1, sum(r.is_readable for r in found))
