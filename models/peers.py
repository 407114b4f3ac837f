"""Public detectors measured beside ours: the same pictures, the same matching, each at its own input and threshold.

Their files are not Lukou's; a folder with them is given to ``lukou models evaluate``.
"""

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from core.errors import ModelError
from core.observations import ActorClass, FloatArray
from models import coco
from models.boxes import NEVER, Boxes, Reader

SIDE_PX, NANO_SIDE_PX = 640, 416
GREY = 114
CONFIDENCE = 0.25
"""Where these detectors are usually cut."""

Find = Callable[[NDArray[np.uint8]], Boxes]
_ACTORS = {actor.name.lower(): actor for actor in ActorClass}


def coco_reader(least: float) -> Reader:
    """Returns a reader of networks that answer the eighty COCO classes."""
    return Reader(
        class_of=np.array([_ACTORS.get(name, 0) for name in coco.CLASSES], dtype=np.int64),
        least=np.array([least if name in _ACTORS else NEVER for name in coco.CLASSES], dtype=np.float32),
        nms_iou=0.6,
        rider_share=0.75,
    )


def load_peers(folder: Path, least: float) -> tuple[dict[str, Find], dict[str, str]]:
    """Returns (detectors by name, reasons why others did not run)."""
    loaders = {"yolo11n-int8": _yolo11n, "yolo26n-int8": _yolo26n, "yolox-nano": _yolox}
    found: dict[str, Find] = {}
    missing: dict[str, str] = {}
    for name, load in loaders.items():
        try:
            found[name] = load(folder, least)
        except (ImportError, ModelError) as error:
            missing[name] = str(error)
    return found, missing


def letterbox(rgb: NDArray[np.uint8], side_px: int) -> tuple[NDArray[np.uint8], float]:
    """Returns the picture in the upper left of a grey square, and the scale."""
    height, width = rgb.shape[:2]
    scale = side_px / max(height, width)
    small = cv2.resize(rgb, (round(width * scale), round(height * scale)), interpolation=cv2.INTER_LINEAR)
    square = np.full((side_px, side_px, 3), GREY, dtype=np.uint8)
    square[: small.shape[0], : small.shape[1]] = small
    return square, scale


def _finder(run: Callable[[NDArray[np.uint8]], FloatArray], reader: Reader, side_px: int) -> Find:
    def find(rgb: NDArray[np.uint8]) -> Boxes:
        square, scale = letterbox(rgb, side_px)
        boxes = reader.read(run(square))
        return Boxes(xyxy=boxes.xyxy / np.float32(scale), confidence=boxes.confidence, class_id=boxes.class_id)

    return find


def _file(path: Path) -> Path:
    if not path.exists():
        raise ModelError(f"{path.name} is not in {path.parent}")
    return path


def _planes(rgb: NDArray[np.uint8]) -> FloatArray:
    return np.ascontiguousarray(rgb.transpose(2, 0, 1)[None], dtype=np.float32)


def _yolo11n(folder: Path, least: float) -> Find:
    openvino: Any = import_module("openvino")
    path = _file(folder / "yolo11n_int8_openvino_model" / "yolo11n.xml")
    network = openvino.Core().compile_model(path, "CPU", {"INFERENCE_NUM_THREADS": 1})

    def run(rgb: NDArray[np.uint8]) -> FloatArray:
        return np.asarray(network(_planes(rgb) / np.float32(255))[0][0], dtype=np.float32)

    return _finder(run, coco_reader(least), SIDE_PX)


def _yolo26n(folder: Path, least: float) -> Find:
    """TensorFlow Lite, by the package ``ai-edge-litert``: no dependency of Lukou, used where somebody installed it."""
    path = _file(folder / "yolo26n_int8.tflite")
    litert: Any = import_module("ai_edge_litert.interpreter")
    network = litert.Interpreter(model_path=str(path), num_threads=1)
    network.allocate_tensors()
    into, out = network.get_input_details()[0], network.get_output_details()[0]

    def run(rgb: NDArray[np.uint8]) -> FloatArray:
        network.set_tensor(into["index"], rgb[None].astype(np.float32) / 255)
        network.invoke()
        return _one_score_each(np.asarray(network.get_tensor(out["index"])[0], dtype=np.float32))

    return _finder(run, coco_reader(least), SIDE_PX)


def _one_score_each(rows: FloatArray) -> FloatArray:
    """Returns finished boxes (N, 6) of corners as shares, confidence and class as raw rows (4 + 80, N)."""
    xyxy = rows[:, :4] * SIDE_PX
    output = np.zeros((4 + len(coco.CLASSES), len(rows)), dtype=np.float32)
    output[:2], output[2:4] = (xyxy[:, :2] + xyxy[:, 2:]).T / 2, (xyxy[:, 2:] - xyxy[:, :2]).T
    output[4 + rows[:, 5].astype(np.int64), np.arange(len(rows))] = rows[:, 4]
    return output


def _yolox(folder: Path, least: float) -> Find:
    onnxruntime: Any = import_module("onnxruntime")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(_file(folder / "yolox_nano.onnx")), options)
    name, (grid, stride) = session.get_inputs()[0].name, _grid(NANO_SIDE_PX)

    def run(rgb: NDArray[np.uint8]) -> FloatArray:
        rows = session.run(None, {name: _planes(np.ascontiguousarray(rgb[:, :, ::-1]))})[0][0]
        centre, size = (rows[:, :2] + grid) * stride, np.exp(rows[:, 2:4]) * stride
        return np.concatenate([centre, size, rows[:, 5:] * rows[:, 4:5]], axis=1).T.astype(np.float32)

    return _finder(run, coco_reader(least), NANO_SIDE_PX)


def _grid(side_px: int) -> tuple[FloatArray, FloatArray]:
    """Returns YOLOX's cell corners (A, 2) and cell sizes (A, 1)."""
    cells, sizes = [], []
    for stride in (8, 16, 32):
        count = side_px // stride
        y, x = np.mgrid[:count, :count]
        cells.append(np.stack([x, y], axis=2).reshape(-1, 2))
        sizes.append(np.full((count * count, 1), stride))
    return np.concatenate(cells).astype(np.float32), np.concatenate(sizes).astype(np.float32)
