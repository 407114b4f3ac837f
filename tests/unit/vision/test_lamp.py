"""The lamp reader on pictures drawn here, unlike the ones it learned from: day, night, size, cover, darkness."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from core.errors import ManifestMismatch, ModelError
from core.observations import SignalState
from core.site import Signal
from models.lamp import CLASSES, lamp_view
from models.registry import load_manifest
from vision.lamp import LampReader, fused

LIGHT = {"red": (255, 45, 40), "yellow": (255, 165, 30), "green": (40, 235, 180)}
PLACE = {"red": 0, "yellow": 1, "green": 2}
R, Y, G, U = (SignalState(s) for s in ("red", "yellow", "green", "unknown"))


@pytest.fixture(scope="module")
def reader() -> LampReader:
    return LampReader()


def signal(layout: str = "vertical") -> Signal:
    return Signal.model_validate({"id": "s", "region_px": (0, 0, 1, 1), "layout": layout})


def head(lit: str | None, *, height: int = 72, night: bool = False) -> np.ndarray:
    """A signal head against the sky or the dark; by night the lit lamp is white in the middle and glows."""
    width = height // 3
    scene = np.full((height + 8, width + 8, 3), (14, 15, 22) if night else (150, 170, 190), np.float32)
    scene[4:-4, 4:-4] = 12 if night else 35
    glow = np.zeros_like(scene)
    for name, place in PLACE.items():
        centre, radius = (4 + width // 2, 4 + int((place + 0.5) * height / 3)), int(width * 0.38)
        if name == lit:
            cv2.circle(glow, centre, radius, LIGHT[name], -1)
        else:
            cv2.circle(scene, centre, radius, [0.15 * v + 8 for v in LIGHT[name]], -1)
    if night:
        core = cv2.GaussianBlur(glow.max(axis=2), (0, 0), width * 0.12)[..., None]
        scene += glow + 1.2 * cv2.GaussianBlur(glow, (0, 0), width * 0.5) + 0.6 * core
    else:
        scene = np.where(glow.max(axis=2, keepdims=True) > 0, glow, scene)
    return np.clip(cv2.GaussianBlur(scene, (3, 3), 0), 0, 255).astype(np.uint8)


@pytest.mark.parametrize("night", [False, True])
@pytest.mark.parametrize("height", [24, 48, 120, 300])
@pytest.mark.parametrize("lit", ["red", "yellow", "green"])
def test_reads_the_lit_lamp_by_day_and_night(reader: LampReader, lit: str, height: int, night: bool) -> None:
    assert reader.read([signal()], [head(lit, height=height, night=night)]) == [SignalState(lit)]


@pytest.mark.parametrize(("layout", "turns"), [("horizontal", 1), ("horizontal_red_right", -1)])
@pytest.mark.parametrize("lit", ["red", "yellow", "green"])
def test_lying_housings(reader: LampReader, lit: str, layout: str, turns: int) -> None:
    picture = np.ascontiguousarray(np.rot90(head(lit), turns))
    assert reader.read([signal(layout)], [picture]) == [SignalState(lit)]


@pytest.mark.parametrize("height", [48, 120])
def test_dark_head_is_no_colour(reader: LampReader, height: int) -> None:
    assert reader.read([signal()], [head(None, height=height)])[0] not in (R, Y, G)


@pytest.mark.parametrize("body", [(40, 90, 190), (235, 235, 235), (120, 120, 125), (20, 20, 24)])
def test_bus_before_the_lamp_is_no_colour(reader: LampReader, body: tuple[int, int, int]) -> None:
    picture = np.full((60, 22, 3), body, np.uint8)
    picture[24:30] = (20, 20, 24)
    assert reader.read([signal()], [picture])[0] not in (R, Y, G)


@pytest.mark.parametrize("value", [0, 128, 255])
def test_black_grey_and_white_pictures_are_no_colour(reader: LampReader, value: int) -> None:
    assert reader.read([signal()], [np.full((60, 20, 3), value, np.uint8)])[0] not in (R, Y, G)


def test_each_signal_is_read_for_itself(reader: LampReader) -> None:
    heads = [head("red"), head("green", height=30), head("yellow", night=True), np.zeros((0, 0, 3), np.uint8)]
    together = reader.read([signal()] * 4, heads)
    assert together == [R, G, Y, U]
    assert together == [reader.read([signal()], [one])[0] for one in heads]


def shares(**given: float) -> np.ndarray:
    rest = (1 - sum(given.values())) / (len(CLASSES) - len(given))
    return np.array([given.get(name, rest) for name in CLASSES], np.float32)


@pytest.mark.parametrize(
    ("colour", "given", "state"),
    [
        (R, {"red": 0.6}, R),
        (R, {"green": 0.9}, U),
        (R, {"unreadable": 0.95}, U),
        (U, {"red": 0.2}, U),
        (U, {"red": 0.8}, R),
        (U, {"yellow": 0.7}, U),  # an overexposed red has a yellow core
        (G, {"red": 0.995}, R),
        (Y, {"red": 0.5, "yellow": 0.4}, Y),  # the network only guesses
        (U, {"off": 0.97}, SignalState.OFF),
    ],
)
def test_agreement_needs_little_and_contradiction_much(
    colour: SignalState, given: dict[str, float], state: SignalState
) -> None:
    assert fused(colour, shares(**given), lamp_view(head("red"), "vertical")) is state


def test_colour_that_is_not_in_the_picture_is_not_believed() -> None:
    assert fused(U, shares(green=0.99), lamp_view(head("red"), "vertical")) is U


@pytest.mark.parametrize("lit", ["red", "yellow", "green"])
def test_a_lamp_and_its_mirror_image_are_read_alike(reader: LampReader, lit: str) -> None:
    picture = head(lit, night=True)
    picture[:, -12:] = (90, 60, 200)  # a sign beside the housing
    view = lamp_view(picture, "vertical")
    first, second = reader.shares([view, np.ascontiguousarray(view[:, ::-1])])
    assert np.allclose(first, second, atol=1e-5)


def test_view_stands_upright_with_red_on_top() -> None:
    lying = np.zeros((20, 60, 3), np.uint8)
    lying[:, :20] = (255, 0, 0)
    assert lamp_view(lying, "horizontal")[:15, :, 0].min() == 255
    assert lamp_view(lying[:, ::-1], "horizontal_red_right")[:15, :, 0].min() == 255


def test_manifest_says_what_ships() -> None:
    manifest = load_manifest("lamp")
    assert tuple(manifest.classes) == CLASSES
    assert manifest.weights.size <= 1_000_000
    assert {s.licence for s in manifest.training_data} <= {"CC BY 4.0", "MIT", "Apache-2.0", "AGPL-3.0-or-later"}
    assert not [s for s in manifest.training_data if "place_d" in s.source], "place D chooses, it never trains"


def test_foreign_weights_are_refused(tmp_path: Path) -> None:
    (tmp_path / "manifests").mkdir()
    (tmp_path / "weights").mkdir()
    manifest = load_manifest("lamp")
    (tmp_path / "manifests" / "lamp.json").write_text(manifest.model_dump_json(by_alias=True), encoding="utf-8")
    (tmp_path / "weights" / "lamp.onnx").write_bytes(b"something else")
    with pytest.raises(ManifestMismatch):
        LampReader(home=tmp_path)


def test_network_of_another_kind_is_refused() -> None:
    with pytest.raises(ModelError, match="does not tell"):
        LampReader("pole")
