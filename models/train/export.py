"""A checkpoint to the ONNX file that ships: any height and width, weights stored as fp16, nothing else inside.

Engines turn the fp16 weights back into their own precision when they load, so the file is half as large
and the arithmetic stays what it was.
"""

import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from models.train.recipe import load_libraries, load_model

OPSET = 17
LEAST_VALUES = 64
"""Smaller tensors stay fp32: they hold strides, axes and the like."""


def export(checkpoint: Path, target: Path) -> Path:
    """Saves a checkpoint's averaged weights as ONNX and returns the file."""
    torch = load_libraries()
    from ultralytics import YOLO

    with tempfile.TemporaryDirectory() as folder:
        plain = Path(folder) / "plain.pt"
        torch.save({"model": load_model(checkpoint), "ema": None, "train_args": {}}, plain)
        made = YOLO(str(plain)).export(
            format="onnx", dynamic=True, simplify=False, opset=OPSET, device="cpu", imgsz=640
        )
        slim(Path(made), target)
    return target


def slim(source: Path, target: Path) -> None:
    """Saves an ONNX file with fp16 weights and without metadata (it names the maker's folders)."""
    import onnx

    model = onnx.load(str(source))
    del model.metadata_props[:]
    model.doc_string = model.graph.doc_string = model.producer_name = model.producer_version = ""
    casts = [_halve(onnx, tensor) for tensor in model.graph.initializer if _is_large(onnx, tensor)]
    for node in model.graph.node:
        node.doc_string = ""
        del node.metadata_props[:]
    nodes = [*casts, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    onnx.checker.check_model(model)
    target.parent.mkdir(parents=True, exist_ok=True)
    onnx.save(model, str(target))


def _is_large(onnx: Any, tensor: Any) -> bool:
    return tensor.data_type == onnx.TensorProto.FLOAT and int(np.prod(tensor.dims)) >= LEAST_VALUES


def _halve(onnx: Any, tensor: Any) -> Any:
    """Turns a weight tensor into fp16 under another name and returns the node that gives it back its name."""
    name = tensor.name
    values = onnx.numpy_helper.to_array(tensor).astype(np.float16)
    tensor.CopyFrom(onnx.numpy_helper.from_array(values, f"{name}.fp16"))
    return onnx.helper.make_node("Cast", [f"{name}.fp16"], [name], name=f"{name}.cast", to=onnx.TensorProto.FLOAT)
