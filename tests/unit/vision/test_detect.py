"""The contract of every engine, on drawn pictures and (where ../shared is there) on real ones."""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from core.errors import ManifestMismatch, ModelError
from core.observations import ActorClass, Detections, Picture
from models.boxes import overlap
from models.registry import HOME
from vision.detect import NetworkDetector, load_detector

ENGINES = ("onnxruntime", "openvino")
SHARED = Path(__file__).parents[4] / "shared"
CONFIDENCE_TOLERANCE = 0.08
"""bf16 against fp32: measured 0.05 on the worst anchor."""


@pytest.fixture(scope="module", params=ENGINES)
def detector(request: pytest.FixtureRequest) -> NetworkDetector:
    if request.param == "openvino":
        pytest.importorskip("openvino")
    return load_detector(engine=request.param)


def picture(rgb: NDArray[np.uint8], detector: NetworkDetector, pts_ns: int = 0) -> Picture:
    height, width = rgb.shape[:2]
    scaled = cv2.resize(rgb, detector.picture_size(width, height), interpolation=cv2.INTER_AREA)
    return Picture(pts_ns=pts_ns, rgb=np.asarray(scaled, dtype=np.uint8), source_size_px=(width, height))


def noise(width: int, height: int, seed: int) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 255, (height, width, 3), dtype=np.uint8)


def real_pictures() -> list[NDArray[np.uint8]]:
    folder = SHARED / "train/corpus/images"
    if not folder.exists():
        pytest.skip("needs ../shared/train, which is not here")
    paths = [path for name in ("rlv_camA*", "vid_uvhnael*", "vid_roxa*") for path in sorted(folder.rglob(name))[:2]]
    return [np.ascontiguousarray(cv2.imread(str(path))[:, :, ::-1], dtype=np.uint8) for path in paths]


def same(first: Detections, second: Detections) -> bool:
    return (
        np.array_equal(first.xyxy, second.xyxy)
        and np.array_equal(first.confidence, second.confidence)
        and np.array_equal(first.class_id, second.class_id)
    )


@pytest.mark.parametrize(
    ("source", "size"), [((1920, 1080), (960, 540)), ((640, 480), (960, 720)), ((352, 288), (704, 576))]
)
def test_the_source_keeps_its_aspect(detector: NetworkDetector, source: tuple[int, int], size: tuple[int, int]) -> None:
    assert detector.picture_size(*source) == size


def test_an_empty_picture_gives_empty_arrays(detector: NetworkDetector) -> None:
    grey = np.full((360, 640, 3), 128, dtype=np.uint8)
    found = detector.detect([Picture(pts_ns=7, rgb=grey, source_size_px=(1920, 1080))])[0]
    assert (found.pts_ns, len(found), found.xyxy.shape) == (7, 0, (0, 4))


def test_no_pictures_give_no_detections(detector: NetworkDetector) -> None:
    assert detector.detect([]) == []


def test_results_do_not_depend_on_the_batch(detector: NetworkDetector) -> None:
    rgbs = [noise(640, 360, 1), noise(352, 288, 2), noise(640, 360, 3)]
    low = load_detector(engine="onnxruntime", confidence=0.001)
    pictures = [picture(rgb, low, pts_ns=i) for i, rgb in enumerate(rgbs)]
    alone = [low.detect([p])[0] for p in pictures]
    together = low.detect(pictures)
    turned = low.detect(pictures[::-1])[::-1]
    assert [d.pts_ns for d in together] == [0, 1, 2]
    assert all(same(a, b) and same(a, c) for a, b, c in zip(alone, together, turned, strict=True))


@pytest.mark.data
def test_boxes_are_in_source_pixels_and_inside(detector: NetworkDetector) -> None:
    for rgb in real_pictures():
        found = detector.detect([picture(rgb, detector)])[0]
        height, width = rgb.shape[:2]
        assert len(found) > 0
        assert found.xyxy.min() >= 0
        assert (found.xyxy[:, [0, 2]] <= width).all()
        assert (found.xyxy[:, [1, 3]] <= height).all()
        assert (found.xyxy[:, 2:] > found.xyxy[:, :2]).all()
        assert (np.diff(found.confidence) <= 0).all()
        least = [detector.model.thresholds.of(ActorClass(c).name.lower()) for c in found.class_id]
        assert (found.confidence >= np.array(least, dtype=np.float32)).all()


@pytest.mark.data
def test_the_source_size_scales_the_boxes(detector: NetworkDetector) -> None:
    small = picture(real_pictures()[0], detector)
    width, height = small.source_size_px
    large = Picture(pts_ns=0, rgb=small.rgb, source_size_px=(width * 3, height * 3))
    first, second = (detector.detect([p])[0] for p in (small, large))
    np.testing.assert_allclose(second.xyxy, first.xyxy * 3, rtol=1e-5, atol=1e-2)


@pytest.mark.data
def test_both_engines_see_the_same() -> None:
    pytest.importorskip("openvino")
    onnx, fast = (load_detector(engine=engine) for engine in ENGINES)
    for rgb in real_pictures():
        assert_alike(onnx.detect([picture(rgb, onnx)])[0], fast.detect([picture(rgb, fast)])[0])


def assert_alike(first: Detections, second: Detections) -> None:
    """Every clear box of one is a box of the other: confidence within tolerance, overlap above 0.95 on average.

    A single box may overlap less: of two anchors that score alike, NMS may keep the other one.
    """
    clear = first.confidence > first.confidence.min(initial=1) + 2 * CONFIDENCE_TOLERANCE
    table = overlap(first.xyxy[clear], second.xyxy)
    best = table.argmax(axis=1)
    assert table.max(axis=1).min(initial=1) > 0.75
    assert table.max(axis=1).mean() > 0.95
    assert np.abs(first.confidence[clear] - second.confidence[best]).max(initial=0) < CONFIDENCE_TOLERANCE
    assert np.mean(first.class_id[clear] == second.class_id[best]) > 0.9


@pytest.mark.parametrize(
    "rgb",
    [
        np.zeros((360, 640), dtype=np.uint8),
        np.zeros((360, 640, 4), dtype=np.uint8),
        np.zeros((360, 640, 3), dtype=np.float32),
        np.zeros((0, 640, 3), dtype=np.uint8),
    ],
)
def test_a_wrong_picture_is_refused_in_one_line(detector: NetworkDetector, rgb: NDArray[np.uint8]) -> None:
    with pytest.raises(ModelError, match="uint8 RGB") as error:
        detector.detect([Picture(pts_ns=0, rgb=rgb, source_size_px=(640, 360))])
    assert "\n" not in error.value.message


def test_an_unknown_engine_is_refused() -> None:
    with pytest.raises(ModelError, match="auto, openvino, onnxruntime"):
        load_detector(engine="tpu")


@pytest.fixture
def copied(tmp_path: Path) -> Callable[[bytes], Path]:
    def copy(content: bytes) -> Path:
        (tmp_path / "manifests").mkdir()
        (tmp_path / "weights").mkdir()
        (tmp_path / "manifests/pole.json").write_bytes((HOME / "manifests/pole.json").read_bytes())
        (tmp_path / "weights/pole.onnx").write_bytes(content)
        return tmp_path

    return copy


@pytest.mark.parametrize("engine", ENGINES)
def test_exchanged_weights_are_refused(copied: Callable[[bytes], Path], engine: str) -> None:
    content = bytearray((HOME / "weights/pole.onnx").read_bytes())
    content[len(content) // 2] ^= 1
    with pytest.raises(ManifestMismatch, match="pole"):
        load_detector(engine=engine, home=copied(bytes(content)))
