"""One frame's opinion of a lamp: colour and place in the housing, and a small network of ours, together.

What both say holds. Where they name two colours nothing is known, unless the network is very sure or only
guesses. Where the network sees no light, or the picture has none of that colour, nothing is lit.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnxruntime
from numpy.typing import NDArray

from core.errors import ModelError
from core.observations import SignalState
from core.site import Signal
from models.lamp import CLASSES, lamp_view, shows_light
from models.registry import HOME, Manifest, load_manifest, weights
from vision.detect_onnx import LOAD_ERRORS
from vision.lamp_colour import read_colour

LIT = (SignalState.RED, SignalState.YELLOW, SignalState.GREEN)
LEAST_LIT = 0.5
"""Share of the three colours together below which the network sees no light. Source: chosen on place D."""
ALONE = {SignalState.RED: 0.5, SignalState.YELLOW: 0.9, SignalState.GREEN: 0.5}
"""Share of the light the network needs where colour alone says nothing. Source: chosen on place D.

Yellow needs most: an overexposed red has a yellow core.
"""
AGAINST = 0.97
"""Share of the light it needs to outweigh another colour. Source: chosen on place D."""
WAVERS = 0.7
"""Share of the light below which the network only guesses a colour: then the colour reader's word holds."""
SURE_OFF = 0.9
"""Share from which a lamp is dark and not merely unreadable; no rule makes a difference."""
MOST_PX = 96
"""Longer regions are reduced to this: a lamp is no more readable for being larger."""


class LampReader:
    """Reads lamps, all signals of a frame at once. Deterministic, whatever else is in the batch."""

    def __init__(self, name: str = "lamp", home: Path = HOME) -> None:
        self._manifest = load_manifest(name, home)
        if tuple(self._manifest.classes) != CLASSES:
            raise ModelError(f"model '{name}' does not tell {', '.join(CLASSES)}; reinstall lukou", name=name)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3
        try:
            self._session: Any = onnxruntime.InferenceSession(
                weights(name, home).read_bytes(), sess_options=options, providers=["CPUExecutionProvider"]
            )
        except LOAD_ERRORS as error:
            raise ModelError(f"ONNX Runtime cannot load model '{name}'; reinstall lukou", name=name) from error
        self._input = str(self._session.get_inputs()[0].name)

    @property
    def model(self) -> Manifest:
        """The manifest of the network in use."""
        return self._manifest

    def read(self, signals: Sequence[Signal], crops_rgb: Sequence[NDArray[np.uint8]]) -> list[SignalState]:
        """Returns the state of each signal.

        Shapes: each crop (h, w, 3) uint8, the signal's region at full resolution; an empty one is UNKNOWN.
        """
        small = [_reduced(crop) for crop in crops_rgb]
        rows = [i for i, crop in enumerate(small) if crop.size]
        found = [SignalState.UNKNOWN] * len(small)
        if rows:
            views = [lamp_view(small[i], signals[i].layout) for i in rows]
            for i, view, shares in zip(rows, views, self.shares(views), strict=True):
                found[i] = fused(read_colour(small[i], signals[i].layout), shares, view)
        return found

    def shares(self, views: Sequence[NDArray[np.uint8]]) -> NDArray[np.float32]:
        """Returns what the network makes of each view and of its mirror image, the mean, (N, 5).

        Shapes: each view (64, 32, 3); the answers are in the order of ``models.lamp.CLASSES``.
        """
        planes = np.stack(views).transpose(0, 3, 1, 2).astype(np.float32) * np.float32(1 / 255)
        both = np.concatenate([planes, planes[..., ::-1]])
        found = np.asarray(self._session.run(None, {self._input: both})[0], dtype=np.float32)
        return np.asarray((found[: len(views)] + found[len(views) :]) / 2, dtype=np.float32)


def fused(colour: SignalState, shares: NDArray[np.float32], view: NDArray[np.uint8]) -> SignalState:
    """Returns what colour reader and network say together.

    Shapes: shares (5,), the network's; view (64, 32, 3), what it saw.
    """
    light = float(shares[: len(LIT)].sum())
    best = int(shares[: len(LIT)].argmax())
    answer, share = LIT[best], float(shares[best]) / max(light, 1e-9)
    if light < LEAST_LIT or not shows_light(view, answer.value):
        is_off = colour is SignalState.UNKNOWN and shares[CLASSES.index("off")] >= SURE_OFF
        return SignalState.OFF if is_off else SignalState.UNKNOWN
    if answer is colour:
        return answer
    if colour is SignalState.UNKNOWN:
        return answer if share >= ALONE[answer] else SignalState.UNKNOWN
    if share >= AGAINST:
        return answer
    return colour if share < WAVERS else SignalState.UNKNOWN


def _reduced(crop_rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
    height, width = crop_rgb.shape[:2]
    scale = MOST_PX / max(height, width, 1)
    if scale >= 1:
        return crop_rgb
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.asarray(cv2.resize(crop_rgb, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
