"""OpenVINO: the fast engine. Its own choice of precision is bf16 where the CPU has AMX or AVX512-BF16, else fp32.

The picture goes in as it is (uint8, RGB, rows first): conversion happens inside the compiled graph,
where it costs nothing. The network is compiled once for each input shape it meets (0.3 s), which runs
faster than one dynamic graph. Two requests run at once, one a stream: on two cores that is all there is to gain.

Importing OpenVINO starts its maker's usage telemetry where that package is installed; it is shut out here,
because a police system reports nothing to anyone.
"""

import sys
from collections.abc import Sequence
from pathlib import Path
from threading import Lock
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from core.errors import ModelError
from core.observations import FloatArray

sys.modules.setdefault("openvino_telemetry", cast("Any", None))  # OpenVINO's own stub takes over
import openvino  # noqa: E402

STREAMS = 2
RANK = 4


class OpenVinoNetwork:
    """One network on OpenVINO's CPU plug-in."""

    def __init__(self, path: Path, *, streams: int = STREAMS, precision: str = "auto") -> None:
        self._core: Any = openvino.Core()
        self._streams = streams
        self._precision = {"auto": None, "bf16": "bf16", "fp32": "f32"}[precision]
        self._path = path
        self._queues: dict[tuple[int, int], Any] = {}
        self._lock = Lock()
        self._read()

    def run(self, inputs: Sequence[NDArray[np.uint8]]) -> list[FloatArray]:
        """Returns the raw output (4 + C, A) for each padded picture (H, W, 3) RGB uint8."""
        outputs: list[FloatArray | None] = [None] * len(inputs)
        with self._lock:
            used = {rgb.shape[:2] for rgb in inputs}
            for index, rgb in enumerate(inputs):
                self._queue(rgb.shape[:2]).start_async(rgb[None], (outputs, index))
            for shape in used:
                self._queue(shape).wait_all()
        return cast("list[FloatArray]", outputs)

    def _read(self) -> Any:
        try:
            model = self._core.read_model(self._path)
        except RuntimeError as error:
            raise ModelError(
                f"OpenVINO cannot load {self._path.name}; reinstall lukou", file=self._path.name
            ) from error
        if len(model.inputs) != 1 or model.inputs[0].partial_shape.rank != openvino.Dimension(RANK):
            raise ModelError(f"{self._path.name} takes no pictures (1, 3, h, w); it is no detector of ours")
        return model

    def _queue(self, shape: tuple[int, ...]) -> Any:
        key = (shape[0], shape[1])
        if key not in self._queues:
            queue = openvino.AsyncInferQueue(self._compile(*key), self._streams)
            queue.set_callback(_keep)
            self._queues[key] = queue
        return self._queues[key]

    def _compile(self, height_px: int, width_px: int) -> Any:
        model = self._read()
        try:
            model.reshape([1, 3, height_px, width_px])
        except RuntimeError as error:
            raise ModelError(
                f"{self._path.name} does not take pictures of {width_px}x{height_px} px; export it with free sides",
                file=self._path.name,
            ) from error
        steps = openvino.preprocess.PrePostProcessor(model)
        tensor = steps.input().tensor()
        tensor.set_element_type(openvino.Type.u8)
        tensor.set_layout(openvino.Layout("NHWC"))
        steps.input().model().set_layout(openvino.Layout("NCHW"))
        steps.input().preprocess().convert_element_type(openvino.Type.f32).scale(255.0)
        hints: dict[str, Any] = {
            "PERFORMANCE_HINT": "THROUGHPUT",
            "NUM_STREAMS": self._streams,
            "INFERENCE_NUM_THREADS": self._streams,
        }
        if self._precision is not None:
            hints["INFERENCE_PRECISION_HINT"] = self._precision
        return self._core.compile_model(steps.build(), "CPU", hints)


def _keep(request: Any, place: tuple[list[FloatArray | None], int]) -> None:
    """Copies a finished request's output before the request is used again."""
    outputs, index = place
    outputs[index] = request.get_output_tensor(0).data[0].copy()
