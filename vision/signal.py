"""Lamp states: the configured region of each signal, read by colour and place in the housing, then over time.

A reading is one frame's opinion. The timeline believes a change only when it lasts (LED flicker and
passing buses do not), dates it to the middle between the two frames it happened between, bridges short
gaps and otherwise says UNKNOWN.
Arrangement: vertical, red on top (GB 14887); horizontal, red left (right where traffic keeps left);
crosswalk, red over green.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from core.observations import SignalState, SignalTimeline
from core.site import Signal
from core.time import NS_PER_S

HUE_RANGES = {
    SignalState.RED: ((0, 8), (164, 180)),
    SignalState.YELLOW: ((9, 35),),
    SignalState.GREEN: ((40, 105),),
}
"""OpenCV hue (0-180). Overexposed signal amber reads 10-30, LED signal green up to cyan."""
ZONES = {
    "vertical": {SignalState.RED: (0.0, 0.42), SignalState.YELLOW: (0.25, 0.75), SignalState.GREEN: (0.58, 1.0)},
    "horizontal": {SignalState.RED: (0.0, 0.42), SignalState.YELLOW: (0.25, 0.75), SignalState.GREEN: (0.58, 1.0)},
    "horizontal_red_right": {
        SignalState.RED: (0.58, 1.0),
        SignalState.YELLOW: (0.25, 0.75),
        SignalState.GREEN: (0.0, 0.42),
    },
    "crosswalk": {SignalState.RED: (0.0, 0.55), SignalState.GREEN: (0.45, 1.0)},
    "single": dict.fromkeys((SignalState.RED, SignalState.YELLOW, SignalState.GREEN), (0.0, 1.0)),
}
"""Where along the housing each lamp sits, as shares of its length."""
MIN_SATURATION = 90
MIN_VALUE = 120
MIN_SCORE = 0.035
"""Least lit share of the region: a lamp of a third of the housing's width still gives 0.04."""
MIN_RATIO = 2.0
"""The best colour must outweigh the next this many times."""


def read_lamp(signal: Signal, crop_rgb: NDArray[np.uint8]) -> SignalState:
    """Returns one frame's opinion of a lamp.

    Shapes: crop_rgb (h, w, 3), the signal's region at full resolution.
    """
    if crop_rgb.size == 0:
        return SignalState.UNKNOWN
    hsv = cv2.cvtColor(crop_rgb, cv2.COLOR_RGB2HSV)
    hue, saturation, value = hsv[..., 0], hsv[..., 1], hsv[..., 2]
    glow = np.where((saturation > MIN_SATURATION) & (value > MIN_VALUE), saturation * (value / 255.0**2), 0.0)
    scores: dict[SignalState, float] = {}
    for state, (start, end) in ZONES[signal.layout].items():
        window = _window(hue.shape, signal.layout, start, end)
        mask = np.zeros(hue.shape, dtype=bool)
        for low, high in HUE_RANGES[state]:
            mask |= (hue >= low) & (hue <= high)
        scores[state] = float(glow[window][mask[window]].sum()) / glow.size
    ranked = sorted(scores, key=lambda s: scores[s], reverse=True)
    best, second = ranked[0], ranked[1]
    if scores[best] < MIN_SCORE or scores[best] < MIN_RATIO * scores[second]:
        return SignalState.UNKNOWN
    return best


def _window(shape: tuple[int, ...], layout: str, start: float, end: float) -> tuple[slice, slice]:
    axis = 1 if layout.startswith("horizontal") else 0
    span = slice(int(start * shape[axis]), max(int(np.ceil(end * shape[axis])), 1))
    return (slice(None), span) if axis else (span, slice(None))


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalConfig:
    """Temporal model, seconds."""

    settle_s: float = 0.3
    """A new state must last this long to be believed; shorter is flicker. Yellow lasts >= 3 s (GB 14886 practice)."""
    bridge_s: float = 1.5
    """An unreadable gap between two equal states up to this long keeps the state (a bus passes the lamp)."""


class SignalReader:
    """Turns one signal's readings into its timeline."""

    def __init__(self, signal_id: str, config: SignalConfig | None = None) -> None:
        self._signal_id = signal_id
        self._config = config or SignalConfig()
        self._since: list[int] = []
        self._states: list[SignalState] = []
        self._pending: tuple[SignalState, int] | None = None
        self._last_ns = 0

    def add(self, pts_ns: int, reading: SignalState) -> None:
        """Takes the reading of one frame."""
        earlier_ns, self._last_ns = self._last_ns, pts_ns
        if not self._states:
            self._append(pts_ns, SignalState.UNKNOWN)
        if reading is self._states[-1]:
            self._pending = None
            return
        if self._pending is None or self._pending[0] is not reading:
            self._pending = (reading, (earlier_ns + pts_ns) // 2)
        since = self._pending[1]
        needed_s = self._config.bridge_s if reading is SignalState.UNKNOWN else self._config.settle_s
        if (pts_ns - since) / NS_PER_S >= needed_s:
            self._append(since, reading)
            self._pending = None

    def cut(self, pts_ns: int) -> None:
        """Forgets the state: after a hole in the footage nothing is known."""
        self._last_ns = pts_ns
        self._pending = None
        if self._states and self._states[-1] is not SignalState.UNKNOWN:
            self._append(pts_ns, SignalState.UNKNOWN)

    def timeline(self) -> SignalTimeline:
        """Returns the states so far. A change not yet believed ends the known span before it."""
        until = self._last_ns if self._pending is None else max(self._pending[1] - 1, self._since[-1])
        return SignalTimeline(
            signal_id=self._signal_id,
            since_ns=tuple(self._since),
            states=tuple(self._states),
            until_ns=until,
        )

    def _append(self, pts_ns: int, state: SignalState) -> None:
        if self._since and self._since[-1] == pts_ns:
            self._states[-1] = state
            return
        if len(self._states) > 1 and self._states[-1] is SignalState.UNKNOWN and self._states[-2] is state:
            gap_s = (pts_ns - self._since[-1]) / NS_PER_S
            if gap_s <= self._config.bridge_s:
                self._since.pop()
                self._states.pop()
                return
        self._since.append(pts_ns)
        self._states.append(state)
