"""ONNX Runtime: the portable engine."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from onnxruntime.capi import onnxruntime_pybind11_state as runtime

from core.errors import ModelError
from core.observations import FloatArray

LOAD_ERRORS = (runtime.Fail, runtime.InvalidGraph, runtime.InvalidProtobuf, runtime.NotImplemented)
"""What ONNX Runtime raises for a file it cannot use; they share no base but Exception."""


class OnnxNetwork:
    """One network on ONNX Runtime's CPU provider."""

    def __init__(self, path: Path, *, threads: int = 2) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        try:
            self._session: Any = onnxruntime.InferenceSession(
                path.read_bytes(), sess_options=options, providers=["CPUExecutionProvider"]
            )
        except (OSError, *LOAD_ERRORS) as error:
            raise ModelError(f"ONNX Runtime cannot load {path.name}; reinstall lukou", file=path.name) from error
        self._input_name = str(self._session.get_inputs()[0].name)

    def run(self, inputs: Sequence[NDArray[np.uint8]]) -> list[FloatArray]:
        """Returns the raw output (4 + C, A) for each padded picture (H, W, 3) RGB uint8."""
        return [self._run_one(rgb) for rgb in inputs]

    def _run_one(self, rgb: NDArray[np.uint8]) -> FloatArray:
        planes = np.ascontiguousarray(rgb.transpose(2, 0, 1)[None], dtype=np.float32) * np.float32(1 / 255)
        return cast("FloatArray", self._session.run(None, {self._input_name: planes})[0][0])
