"""A checkpoint or a network of ours in another precision: ONNX with its own manifest, or OpenVINO's own files.

fp32 and bf16 are the same bytes with another arithmetic, which the manifest names; int8 is quantised after training
(NNCF) on pictures it is shown, and stays OpenVINO's. What it costs is measured by the caller and written down.
"""

import hashlib
import shutil
import tempfile
from collections.abc import Iterable
from datetime import datetime
from importlib import import_module
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from core.errors import ModelError
from models.picture import pad
from models.registry import Manifest, WeightsFile

Precision = Literal["fp32", "bf16", "int8"]
PRECISIONS: tuple[Precision, ...] = ("fp32", "bf16", "int8")
HEAD_PATTERNS = (".*/model.23/.*(Add|Sub|Mul|Div|Concat|Softmax|Sigmoid|dfl).*",)
"""Arithmetic of boxes and scores after the last convolutions: a step of 1/256 there would be pixels."""


def need(package: str) -> Any:
    """Returns an optional package.

    Raises:
        ModelError: it is not installed; says how to install it.
    """
    try:
        return import_module(package)
    except ImportError as error:
        raise ModelError(f"this needs {package}; pip install 'lukou[train]'", package=package) from error


def to_onnx(checkpoint: Path, target: Path) -> Path:
    """Saves a ``.pt`` checkpoint, of ours or an official one, as ONNX and returns the file.

    Raises:
        ModelError: torch or ultralytics are not installed, or the file is no checkpoint.
    """
    from models.train.recipe import load_libraries

    need("torch")
    load_libraries()
    ultralytics = need("ultralytics")
    from models.train.export import OPSET, slim

    with tempfile.TemporaryDirectory() as folder:
        copied = shutil.copyfile(checkpoint, Path(folder) / "given.pt")
        try:
            made = ultralytics.YOLO(str(copied)).export(
                format="onnx", dynamic=True, simplify=False, opset=OPSET, device="cpu", imgsz=640, nms=False
            )
        except Exception as error:  # ultralytics raises whatever its pickles raise
            raise ModelError(f"{checkpoint.name} is no Ultralytics checkpoint; give a .pt of theirs") from error
        slim(Path(made), target)
    return target


def quantise(source: Path, target: Path, pictures: Iterable[NDArray[np.uint8]], stride: int) -> Path:
    """Saves an int8 version of an ONNX network as OpenVINO's own pair of files and returns the XML.

    OpenVINO's model is quantised, not the ONNX file: OpenVINO 2026.4 reads quantised ONNX of these networks wrongly
    (no box is left), while ONNX Runtime reads it rightly.

    Args:
        source: ONNX file.
        target: XML to write.
        pictures: RGB pictures of one size, as large as the network sees them; some dozens of the place it will look at.
        stride: Sides of the network's input are multiples of this.

    Raises:
        ModelError: NNCF or OpenVINO are not installed.
    """
    nncf, openvino = need("nncf"), need("openvino")
    samples = [
        np.ascontiguousarray(pad(rgb, stride).transpose(2, 0, 1)[None], dtype=np.float32) / np.float32(255)
        for rgb in pictures
    ]
    small = nncf.quantize(
        openvino.Core().read_model(source),
        nncf.Dataset(samples),
        subset_size=len(samples),
        preset=nncf.QuantizationPreset.MIXED,
        ignored_scope=nncf.IgnoredScope(patterns=list(HEAD_PATTERNS), validate=False),
    )
    target.parent.mkdir(parents=True, exist_ok=True)
    openvino.save_model(small, target, compress_to_fp16=False)
    return target


def to_openvino(source: Path, target: Path) -> Path:
    """Saves an ONNX network as OpenVINO's own pair of files, weights as precise as they were; returns the XML.

    Raises:
        ModelError: OpenVINO is not installed, or it cannot read the file.
    """
    openvino = need("openvino")
    try:
        model = openvino.Core().read_model(source)
    except RuntimeError as error:
        raise ModelError(f"OpenVINO cannot read {source.name}; give an ONNX detector", file=source.name) from error
    target.parent.mkdir(parents=True, exist_ok=True)
    openvino.save_model(model, target, compress_to_fp16=False)
    return target


def describe(manifest: Manifest, precision: Precision, path: Path, now: datetime) -> Manifest:
    """Returns the manifest of an exported network; figures of the source are left out, they are not its own."""
    content, name = path.read_bytes(), f"{manifest.name}-{precision}"
    return manifest.model_copy(
        update={
            "name": name,
            "version": f"{now:%Y.%m.%d}",
            "precision": None if precision == "int8" else precision,
            "metrics": [],
            "created": now,
            "weights": WeightsFile(
                file=f"{name}{path.suffix}", sha256=hashlib.sha256(content).hexdigest(), size=len(content)
            ),
            "recipe": {"exported_from": manifest.name, "source_sha256": manifest.sha256, "precision": precision},
        }
    )
