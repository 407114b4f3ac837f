"""Actors in a picture. Engines (``detect_onnx``, ``detect_openvino``) run a network, everything else is here.

A picture is scaled to fit the network's largest input with its own aspect and padded to a multiple
of the stride, so a 16:9 source costs 640x384 and not 640x640. Sources smaller than that are scaled
up: small riders gain from it. Each picture runs alone, so a result never depends on its batch.
"""

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from core.errors import ModelError
from core.observations import Detections, FloatArray, Picture
from models.boxes import Boxes, Reader, build_reader
from models.picture import fit, pad
from models.registry import HOME, Manifest, NetworkInput, load_manifest, weights


class Detector(Protocol):
    """Finds actors; implementations give the same boxes for any batch size."""

    @property
    def model(self) -> Manifest:
        """The manifest of the network in use."""
        ...

    def picture_size(self, width_px: int, height_px: int) -> tuple[int, int]:
        """Returns (width, height) to scale a source frame of this size to."""
        ...

    def detect(self, pictures: Sequence[Picture]) -> list[Detections]:
        """Returns the boxes of each picture in source pixels, best first."""
        ...


class Network(Protocol):
    """Runs the network alone: what an engine has to offer."""

    def run(self, inputs: Sequence[NDArray[np.uint8]]) -> list[FloatArray]:
        """Returns the raw output (4 + C, A) for each padded picture (H, W, 3) RGB uint8."""
        ...


class NetworkDetector:
    """The detector over any engine."""

    def __init__(self, manifest: Manifest, network: Network, reader: Reader, network_input: NetworkInput) -> None:
        self._manifest = manifest
        self._network = network
        self._reader = reader
        self._input = network_input

    @property
    def model(self) -> Manifest:
        """The manifest of the network in use."""
        return self._manifest

    def picture_size(self, width_px: int, height_px: int) -> tuple[int, int]:
        """Returns (width, height) to scale a source frame of this size to."""
        return fit(width_px, height_px, self._input.width, self._input.height)

    def detect(self, pictures: Sequence[Picture]) -> list[Detections]:
        """Returns the boxes of each picture in source pixels, best first.

        Raises:
            ModelError: a picture is not (h, w, 3) uint8.
        """
        inputs = [pad(check_picture(picture), self._input.stride) for picture in pictures]
        outputs = self._network.run(inputs)
        return [
            to_source(self._reader.read(output), picture) for output, picture in zip(outputs, pictures, strict=True)
        ]


def check_picture(picture: Picture) -> NDArray[np.uint8]:
    """Returns the pixels of a picture.

    Raises:
        ModelError: they are not (h, w, 3) uint8, or empty.
    """
    rgb = picture.rgb
    if rgb.ndim != 3 or rgb.shape[2] != 3 or rgb.dtype != np.uint8 or rgb.size == 0:
        raise ModelError(f"a picture must be (h, w, 3) uint8 RGB, got {rgb.shape} {rgb.dtype}", pts_ns=picture.pts_ns)
    return rgb


def to_source(boxes: Boxes, picture: Picture) -> Detections:
    """Returns boxes in full-resolution source pixels, clipped to the frame."""
    width, height = picture.source_size_px
    scale = np.array([width / picture.rgb.shape[1], height / picture.rgb.shape[0]] * 2, dtype=np.float32)
    xyxy = np.clip(boxes.xyxy * scale, 0, np.array([width, height] * 2, dtype=np.float32))
    has_area = ((xyxy[:, 2:] - xyxy[:, :2]) > 0).all(axis=1)
    return Detections(
        pts_ns=picture.pts_ns,
        xyxy=xyxy[has_area],
        confidence=boxes.confidence[has_area],
        class_id=boxes.class_id[has_area],
    )


def load_detector(
    name: str = "pole",
    *,
    engine: str = "auto",
    confidence: float | None = None,
    long_side_px: int | None = None,
    keep_riders: bool = False,
    home: Path = HOME,
) -> NetworkDetector:
    """Returns a detector that ships with Lukou.

    Args:
        name: Network, one of ``models.registry.list_manifests()``.
        engine: openvino, onnxruntime, or auto: OpenVINO where it is installed.
        confidence: Lowest confidence for every class instead of the manifest's.
        long_side_px: Longest side of the network's input instead of the manifest's; more finds smaller actors.
        keep_riders: Leave a rider as a person box of its own beside the two-wheeler's.
        home: Folder with ``manifests/`` and ``weights/``.

    Raises:
        ModelError: no such network or engine, or the network cannot be loaded.
        ManifestMismatch: the weights are not the manifest's.
    """
    manifest = load_manifest(name, home)
    path = weights(name, home)
    size = manifest.input
    if long_side_px is not None:
        size = size.model_copy(update={"width": long_side_px, "height": long_side_px})
    reader = build_reader(manifest, confidence=confidence, keep_riders=keep_riders)
    return NetworkDetector(manifest, _load_network(path, _choose_engine(engine)), reader, size)


def _choose_engine(engine: str) -> str:
    if engine == "auto":
        return "openvino" if find_spec("openvino") else "onnxruntime"
    if engine not in ("openvino", "onnxruntime"):
        raise ModelError(f"no engine '{engine}'; use auto, openvino or onnxruntime", engine=engine)
    return engine


def _load_network(path: Path, engine: str) -> Network:
    """Imports the engine only when it is used: either may be absent."""
    try:
        if engine == "openvino":
            from vision.detect_openvino import OpenVinoNetwork

            return OpenVinoNetwork(path)
        from vision.detect_onnx import OnnxNetwork

        return OnnxNetwork(path)
    except ImportError as error:
        raise ModelError(f"engine {engine} is not installed; pip install {engine}", engine=engine) from error
