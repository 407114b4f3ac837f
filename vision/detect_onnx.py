"""ONNX Runtime: the portable engine, on the CPU or, by provider, on a CUDA graphics card with or without TensorRT.

On the CPU each picture runs alone. On a graphics card pictures of one size go together where the network has a
free batch dimension; when its memory does not hold them, half as many go together from then on, and it is counted.
A provider this installation does not have is said once and replaced by the CPU.
"""

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any, cast

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from onnxruntime.capi import onnxruntime_pybind11_state as runtime

from core import log
from core.errors import ModelError
from core.observations import FloatArray

LOAD_ERRORS = (runtime.Fail, runtime.InvalidGraph, runtime.InvalidProtobuf, runtime.NotImplemented)
"""What ONNX Runtime raises for a file it cannot use; they share no base but Exception."""
CPU = "CPUExecutionProvider"
PROVIDERS = {
    "onnxruntime": (CPU,),
    "cuda": ("CUDAExecutionProvider", CPU),
    "tensorrt": ("TensorrtExecutionProvider", "CUDAExecutionProvider", CPU),
}
"""Providers of each engine, best first."""
LARGEST_BATCH = 32
RANK = 4

logger = log.get(__name__)


class OnnxNetwork:
    """One network on ONNX Runtime; ``out_of_memory`` counts how often a batch was halved."""

    def __init__(self, path: Path, *, threads: int = 2, engine: str = "onnxruntime") -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self._file = path.name
        providers = list(available_providers(engine))
        try:
            self._session: Any = onnxruntime.InferenceSession(
                path.read_bytes(), sess_options=options, providers=providers
            )
        except (OSError, *LOAD_ERRORS) as error:
            raise ModelError(f"ONNX Runtime cannot load {path.name}; reinstall lukou", file=path.name) from error
        inputs = self._session.get_inputs()
        if len(inputs) != 1 or len(inputs[0].shape) != RANK or inputs[0].type != "tensor(float)":
            raise ModelError(f"{path.name} takes no pictures (1, 3, h, w); it is no detector of ours", file=path.name)
        self._input_name = str(inputs[0].name)
        is_free = not isinstance(inputs[0].shape[0], int)
        self._batch = LARGEST_BATCH if is_free and providers != [CPU] else 1
        self.out_of_memory = 0

    def run(self, inputs: Sequence[NDArray[np.uint8]]) -> list[FloatArray]:
        """Returns the raw output (4 + C, A) for each padded picture (H, W, 3) RGB uint8.

        Raises:
            ModelError: the network does not take pictures of this size, or not one fits into the memory.
        """
        outputs: list[FloatArray | None] = [None] * len(inputs)
        for shape in {rgb.shape for rgb in inputs}:
            waiting = [index for index, rgb in enumerate(inputs) if rgb.shape == shape]
            while waiting:
                indices = waiting[: self._batch]
                found = self._run_batch(np.stack([inputs[index] for index in indices]))
                if found is None:
                    continue
                for index, output in zip(indices, found, strict=True):
                    outputs[index] = output
                waiting = waiting[len(indices) :]
        return cast("list[FloatArray]", outputs)

    def _run_batch(self, rgb: NDArray[np.uint8]) -> FloatArray | None:
        """Returns (B, 4 + C, A), None when the batch did not fit and was halved. Shapes: rgb (B, H, W, 3)."""
        planes = np.ascontiguousarray(rgb.transpose(0, 3, 1, 2), dtype=np.float32) * np.float32(1 / 255)
        try:
            return cast("FloatArray", self._session.run(None, {self._input_name: planes})[0])
        except runtime.InvalidArgument as error:
            size = f"{rgb.shape[2]}x{rgb.shape[1]}"
            raise ModelError(
                f"{self._file} does not take pictures of {size} px; export it with free sides", file=self._file
            ) from error
        except (runtime.RuntimeException, runtime.Fail) as error:
            if "memory" not in str(error).lower() and "alloc" not in str(error).lower():
                raise ModelError(f"ONNX Runtime cannot run {self._file}; try LUKOU_ENGINE=onnxruntime") from error
            if len(rgb) == 1:
                raise ModelError(
                    f"the graphics card has no memory for one picture of {self._file}; use LUKOU_ENGINE=onnxruntime"
                ) from error
        self._batch = max(1, len(rgb) // 2)
        self.out_of_memory += 1
        logger.warning("batch_halved", batch=self._batch, times=self.out_of_memory)
        return None


@cache
def available_providers(engine: str) -> tuple[str, ...]:
    """Returns the providers of an engine this installation has; says once when the wanted one is missing."""
    installed = onnxruntime.get_available_providers()
    found = tuple(name for name in PROVIDERS[engine] if name in installed)
    if found[0] != PROVIDERS[engine][0]:
        logger.warning("provider_missing", wanted=PROVIDERS[engine][0], used=found[0])
    return found
