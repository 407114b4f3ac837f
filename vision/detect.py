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
from models.registry import HOME, Manifest, NetworkInput, check_licence, load_manifest, weights

ENGINES = ("openvino", "onnxruntime", "cuda", "tensorrt")


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
            ModelError: a picture is not (h, w, 3) uint8, or the network's answer is not the manifest's.
        """
        inputs = [pad(check_picture(picture), self._input.stride) for picture in pictures]
        outputs = self._network.run(inputs)
        return [
            to_source(self._reader.read(self._check_output(output)), picture)
            for output, picture in zip(outputs, pictures, strict=True)
        ]

    def _check_output(self, output: FloatArray) -> FloatArray:
        rows = 4 + len(self._manifest.classes)
        if output.ndim != 2 or len(output) != rows:
            raise ModelError(
                f"the network of model '{self._manifest.name}' answers {output.shape} where its manifest says "
                f"({rows}, boxes); pull or export it again"
            )
        if not np.isfinite(output).all():
            raise ModelError(
                f"the network of model '{self._manifest.name}' answers NaN on this machine; try LUKOU_PRECISION=fp32"
            )
        return output


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
    precision: str = "auto",
    confidence: float | None = None,
    long_side_px: int | None = None,
    keep_riders: bool = False,
    licences: Sequence[str] = (),
    home: Path = HOME,
) -> NetworkDetector:
    """Returns a detector that ships with Lukou, or one that was pulled or exported.

    Args:
        name: Network, one of ``models.registry.list_manifests()``.
        engine: openvino, onnxruntime, cuda, tensorrt, or auto: OpenVINO where it is installed.
        precision: Arithmetic of OpenVINO, fp32 or bf16; auto is the manifest's, else the CPU's fastest.
        confidence: Lowest confidence for every class instead of the manifest's.
        long_side_px: Longest side of the network's input instead of the manifest's; more finds smaller actors.
        keep_riders: Leave a rider as a person box of its own beside the two-wheeler's.
        licences: Licences the installation allows; empty allows every licence.
        home: Folder with ``manifests/`` and ``weights/``.

    Raises:
        ModelError: no such network or engine, its licence is not allowed, or it cannot be loaded.
        ManifestMismatch: the weights are not the manifest's.
    """
    manifest = load_manifest(name, home)
    check_licence(manifest, licences)
    path = weights(name, home)
    if path.suffix != ".onnx":
        raise ModelError(f"model '{name}' is {path.name}, which no engine runs; lukou models export {name} makes ONNX")
    size = manifest.input
    if long_side_px is not None:
        size = size.model_copy(update={"width": long_side_px, "height": long_side_px})
    reader = build_reader(manifest, confidence=confidence, keep_riders=keep_riders)
    arithmetic = manifest.precision or "auto" if precision == "auto" else precision
    return NetworkDetector(manifest, load_network(path, choose_engine(engine), arithmetic), reader, size)


def choose_engine(engine: str) -> str:
    """Returns the engine to use: OpenVINO where it is installed, if ``engine`` is auto.

    Raises:
        ModelError: no such engine.
    """
    if engine == "auto":
        return "openvino" if find_spec("openvino") else "onnxruntime"
    if engine not in ENGINES:
        raise ModelError(f"no engine '{engine}'; use auto, {', '.join(ENGINES)}", engine=engine)
    return engine


def load_network(path: Path, engine: str, precision: str = "auto") -> Network:
    """Returns a network in an engine, imported only when it is used: either may be absent.

    Raises:
        ModelError: the engine is not installed, or it cannot load the file.
    """
    try:
        if engine == "openvino":
            from vision.detect_openvino import OpenVinoNetwork

            return OpenVinoNetwork(path, precision=precision)
        from vision.detect_onnx import OnnxNetwork

        return OnnxNetwork(path, engine=engine)
    except ImportError as error:
        raise ModelError(f"engine {engine} is not installed; pip install {engine}", engine=engine) from error
