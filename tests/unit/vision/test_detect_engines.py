"""Every engine against one reference, and what each says to files, sizes and machines that cannot be."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import onnxruntime
import pytest
from numpy.typing import NDArray
from onnxruntime.capi import onnxruntime_pybind11_state as runtime

from core.errors import ModelError
from core.observations import Detections, FloatArray, Picture
from models.boxes import overlap
from models.registry import HOME, NetworkInput, load_manifest, weights
from vision import detect_onnx
from vision.detect import NetworkDetector, build_reader, load_detector
from vision.detect_onnx import OnnxNetwork, available_providers

DEMO = Path(__file__).parents[3] / "sim/demo/junction.mp4"
ENGINES = [
    pytest.param("onnxruntime", "auto", 0.001, 0.1, id="onnxruntime"),
    pytest.param("openvino", "fp32", 0.005, 0.3, id="openvino-fp32"),
    pytest.param("openvino", "bf16", 0.08, 6.0, id="openvino-bf16"),
    pytest.param("cuda", "auto", 0.02, 1.0, id="cuda", marks=pytest.mark.gpu),
    pytest.param("tensorrt", "auto", 0.03, 1.5, id="tensorrt", marks=pytest.mark.gpu),
]
"""Engine, precision, how far a confidence and (px of 1920) a box side may be from ONNX Runtime fp32 on the CPU."""


@pytest.fixture(scope="module")
def frames() -> list[NDArray[np.uint8]]:
    """Five demo frames seconds apart: as they are, by night, in fog, noisy and from a smaller camera."""
    with av.open(str(DEMO)) as container:
        rgb = [
            f.to_ndarray(format="rgb24")
            for i, f in enumerate(container.decode(video=0))
            if i in (60, 160, 260, 360, 460)
        ]
    noise = np.random.default_rng(3).normal(0, 12, rgb[3].shape)
    changed = [rgb[0], rgb[1] * 0.3, rgb[2] * 0.5 + 110, rgb[3] + noise, cv2.resize(rgb[4], (704, 396))]
    return [np.clip(picture, 0, 255).astype(np.uint8) for picture in changed]


def pictures(frames: Sequence[NDArray[np.uint8]], detector: NetworkDetector) -> list[Picture]:
    made = []
    for index, rgb in enumerate(frames):
        height, width = rgb.shape[:2]
        scaled = cv2.resize(rgb, detector.picture_size(width, height), interpolation=cv2.INTER_AREA)
        made.append(Picture(pts_ns=index, rgb=np.asarray(scaled, dtype=np.uint8), source_size_px=(1920, 1080)))
    return made


@pytest.fixture(scope="module")
def reference(frames: list[NDArray[np.uint8]]) -> list[Detections]:
    detector = load_detector(engine="onnxruntime")
    return [detector.detect([picture])[0] for picture in pictures(frames, detector)]


@pytest.mark.parametrize(("engine", "precision", "confidence", "side_px"), ENGINES)
def test_every_engine_and_batch_size_sees_the_same(
    engine: str,
    precision: str,
    confidence: float,
    side_px: float,
    frames: list[NDArray[np.uint8]],
    reference: list[Detections],
) -> None:
    if engine == "openvino":
        pytest.importorskip("openvino")
    if engine in ("cuda", "tensorrt") and detect_onnx.PROVIDERS[engine][0] not in onnxruntime.get_available_providers():
        pytest.skip(f"needs ONNX Runtime with {detect_onnx.PROVIDERS[engine][0]}")
    detector = load_detector(engine=engine, precision=precision)
    shown = pictures(frames, detector)
    for batch in (1, 2, 5):
        found = [d for start in range(0, 5, batch) for d in detector.detect(shown[start : start + batch])]
        assert sum(len(d) for d in found) > 40
        for expected, got in zip(reference, found, strict=True):
            assert_alike(expected, got, confidence, side_px)
            assert_alike(got, expected, confidence, side_px)


def assert_alike(first: Detections, second: Detections, confidence: float, side_px: float) -> None:
    """Every box of one that is clear of the threshold is a box of the other, as sure and in the same place.

    Of two anchors that score alike NMS may keep the other one: one box in twenty may lie elsewhere.
    """
    clear = first.confidence > 0.25 + 2 * confidence
    if not clear.any():
        return
    table = overlap(first.xyxy[clear], second.xyxy)
    best = table.argmax(axis=1)
    assert table.max(axis=1).min() > 0.7
    assert np.abs(first.confidence[clear] - second.confidence[best]).max() <= confidence
    moved = np.abs(first.xyxy[clear] - second.xyxy[best]).max(axis=1)
    assert (moved > side_px).sum() <= max(1, 0.05 * len(moved))


@pytest.mark.parametrize("engine", ["onnxruntime", "openvino"])
@pytest.mark.parametrize("shade", [0, 255])
def test_black_and_white_pictures_show_nobody(engine: str, shade: int) -> None:
    pytest.importorskip(engine)
    rgb = np.full((540, 960, 3), shade, dtype=np.uint8)
    found = load_detector(engine=engine).detect([Picture(pts_ns=0, rgb=rgb, source_size_px=(1920, 1080))])[0]
    assert len(found) == 0


class Scripted:
    """A network that answers what it is told to."""

    def __init__(self, output: FloatArray) -> None:
        self._output = output

    def run(self, inputs: Sequence[NDArray[np.uint8]]) -> list[FloatArray]:
        return [self._output for _ in inputs]


def scripted(output: FloatArray) -> NetworkDetector:
    manifest = load_manifest("pole")
    size = NetworkInput(width=64, height=64, stride=32)
    return NetworkDetector(manifest, Scripted(output), build_reader(manifest), size)


PICTURE = Picture(pts_ns=0, rgb=np.zeros((64, 64, 3), dtype=np.uint8), source_size_px=(64, 64))


def test_nan_is_an_error_and_not_an_empty_road() -> None:
    with pytest.raises(ModelError, match="NaN") as error:
        scripted(np.full((10, 5), np.nan, dtype=np.float32)).detect([PICTURE])
    assert "\n" not in error.value.message


@pytest.mark.parametrize("shape", [(84, 5), (10,), (4, 5)])
def test_an_answer_the_manifest_does_not_describe_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ModelError, match="manifest says"):
        scripted(np.zeros(shape, dtype=np.float32)).detect([PICTURE])


def foreign(tmp_path: Path, content: bytes) -> Path:
    """Installs bytes as the pole detector, with a manifest that names them."""
    import hashlib

    data = json.loads((HOME / "manifests/pole.json").read_text(encoding="utf-8"))
    data["weights"] |= {"sha256": hashlib.sha256(content).hexdigest(), "size": len(content)}
    for folder, name, made in (
        ("manifests", "pole.json", json.dumps(data).encode()),
        ("weights", "pole.onnx", content),
    ):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / name).write_bytes(made)
    return tmp_path


@pytest.mark.parametrize("engine", ["onnxruntime", "openvino"])
@pytest.mark.parametrize("kind", ["text", "cut", "empty"])
def test_a_corrupted_file_is_one_line(tmp_path: Path, engine: str, kind: str) -> None:
    pytest.importorskip(engine)
    whole = weights("pole").read_bytes()
    content = {"text": b"this is no network", "cut": whole[: len(whole) // 2], "empty": b"\x00"}[kind]
    with pytest.raises(ModelError, match=r"cannot load|no detector") as error:
        load_detector(engine=engine, home=foreign(tmp_path, content))
    assert "\n" not in error.value.message


@pytest.mark.parametrize("engine", ["onnxruntime", "openvino"])
def test_a_network_of_another_task_is_refused(tmp_path: Path, engine: str) -> None:
    """The lamp classifier takes (n, 3, 64, 32): as a detector it must fail when loaded or at the first picture."""
    pytest.importorskip(engine)
    if not (HOME / "weights/lamp.onnx").exists():
        pytest.skip("no other network ships")
    home = foreign(tmp_path, (HOME / "weights/lamp.onnx").read_bytes())
    rgb = np.zeros((540, 960, 3), dtype=np.uint8)
    with pytest.raises(ModelError) as error:
        load_detector(engine=engine, home=home).detect([Picture(pts_ns=0, rgb=rgb, source_size_px=(1920, 1080))])
    assert "\n" not in error.value.message


def test_a_missing_provider_falls_back_and_is_said_once(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    available_providers.cache_clear()
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: [detect_onnx.CPU])
    first, second = (load_detector(engine="tensorrt") for _ in range(2))
    streams = capsys.readouterr()
    available_providers.cache_clear()
    assert (streams.out + streams.err).count("provider_missing") == 1
    found = [
        d.detect([Picture(pts_ns=0, rgb=np.zeros((64, 64, 3), np.uint8), source_size_px=(64, 64))])
        for d in (first, second)
    ]
    assert [len(d[0]) for d in found] == [0, 0]


class SmallCard:
    """A session that holds at most ``room`` pictures at once."""

    def __init__(self, room: int) -> None:
        self.room, self.batches = room, list[int]()

    def run(self, _names: object, feed: dict[str, Any]) -> list[FloatArray]:
        count = len(feed["images"])
        if count > self.room:
            raise runtime.RuntimeException("BFCArena: Failed to allocate memory for requested buffer")
        self.batches.append(count)
        return [feed["images"].mean(axis=(2, 3))]


@pytest.fixture
def card() -> OnnxNetwork:
    network = OnnxNetwork(weights("pole"))
    network._batch = 32
    return network


def test_out_of_memory_halves_the_batch_and_counts(card: OnnxNetwork) -> None:
    session = SmallCard(room=3)
    card._session = session
    shades = [np.full((32, 32, 3), shade, dtype=np.uint8) for shade in range(10)]
    outputs = card.run(shades)
    assert card.out_of_memory == 2
    assert session.batches == [2, 2, 2, 2, 2]
    np.testing.assert_allclose([o[0] * 255 for o in outputs], range(10), atol=1e-3)


def test_a_card_too_small_for_one_picture_says_so(card: OnnxNetwork) -> None:
    card._session = SmallCard(room=0)
    with pytest.raises(ModelError, match="no memory for one picture"):
        card.run([np.zeros((32, 32, 3), dtype=np.uint8)])


def test_a_licence_the_installation_does_not_allow_is_refused() -> None:
    with pytest.raises(ModelError, match=r"allows only MIT, Apache-2\.0") as error:
        load_detector(licences=["MIT", "Apache-2.0"])
    assert "\n" not in error.value.message
    assert load_detector(licences=["MIT", "AGPL-3.0-or-later"]).model.name == "pole"
