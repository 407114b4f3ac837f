"""Not looking where nothing happens.

Three savings, each with a switch: the motion gate (the network rests while no pixel moves and no lamp changes, but
looks once a second all the same), the rest (after ten still seconds only key frames are decoded), and the quick return
(a larger packet, a changed key frame or a changed lamp brings everything since the last key frame back, decoded).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

import cv2
import numpy as np
from numpy.typing import NDArray

from core.observations import SignalState
from core.time import NS_PER_S
from ingest.frame import Frame
from ingest.ring import LivePacket

GRID_WIDTH = 320
"""Columns of the picture motion is looked for in: a person 50 px high in 1080p is 8 cells high."""
CELL_PX = 3
"""A cell is at least this wide, so that noise is averaged out."""
CELL_CHANGE = 7
"""Grey levels a cell must differ from the background; noise of a cell's 9 to 36 pixels stays below 3."""
CELLS = 3
"""Cells that must change together."""
LEARN = 0.05
"""Share of each picture the background takes on, per look."""
HOLD_NS = 2 * NS_PER_S
"""After the last motion everything is looked at this long."""
PULSE_NS = NS_PER_S
"""While nothing moves one picture is looked at this often."""
REST_NS = 10 * NS_PER_S
"""After this long without motion only key frames are decoded."""
LONGEST_GOP_NS = 4 * NS_PER_S
"""Cameras whose key frames are further apart are never rested: standing vehicles would be lost."""
PACKET_FACTOR = 1.6
PACKET_BYTES = 400
"""A packet this much larger than the still ones before is motion."""
STILL_PACKETS = 50

Luma = NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Switches:
    """Which savings are on."""

    gate: bool = True
    rest: bool = True
    rush: bool = True
    """Look more often where it matters, while the network has nothing else to do."""


class MotionGate:
    """Compares each picture with a slow background; clocks burnt into the picture do not count."""

    def __init__(self, clocks_px: Sequence[tuple[tuple[float, float], tuple[float, float]]] = ()) -> None:
        self._clocks = clocks_px
        self._background: Luma | None = None
        self._mask: NDArray[np.bool_] | None = None

    def moved(self, frame: Frame) -> bool:
        """Tells whether something moved since the background was learnt; True for the first picture."""
        now = self._reduced(frame)
        if self._background is None or self._background.shape != now.shape:
            self._background = now
            self._mask = self._watched(frame.size_px, now.shape)
            return True
        changed = np.abs(now - self._background) > CELL_CHANGE
        if self._mask is not None:
            changed &= self._mask
        self._background += LEARN * (now - self._background)
        return int(np.count_nonzero(changed)) >= CELLS

    @staticmethod
    def _reduced(frame: Frame) -> Luma:
        width, height = frame.size_px
        columns = max(1, min(GRID_WIDTH, width // CELL_PX))
        size = (columns, max(1, columns * height // width))
        return np.asarray(cv2.resize(frame.luma(), size, interpolation=cv2.INTER_AREA), dtype=np.float32)

    def _watched(self, size_px: tuple[int, int], shape: tuple[int, ...]) -> NDArray[np.bool_] | None:
        if not self._clocks:
            return None
        mask = np.ones(shape, dtype=np.bool_)
        fx, fy = shape[1] / size_px[0], shape[0] / size_px[1]
        for (x1, y1), (x2, y2) in self._clocks:
            left, right = sorted((x1 * fx, x2 * fx))
            top, bottom = sorted((y1 * fy, y2 * fy))
            mask[int(top) : int(bottom) + 2, int(left) : int(right) + 2] = False
        return mask


class Economy:
    """Decides for one camera; all its pictures must pass here in time order."""

    def __init__(
        self, switches: Switches, clocks_px: Sequence[tuple[tuple[float, float], tuple[float, float]]] = ()
    ) -> None:
        self._switches = switches
        self._gate = MotionGate(clocks_px)
        self._moved_ns: int | None = None
        self._looked_ns: int | None = None
        self._lamps: dict[str, SignalState] = {}
        self._sizes: deque[int] = deque(maxlen=STILL_PACKETS)
        self._key_ns: int | None = None
        self._gop_ns = 0

    def wants(self, frame: Frame, lamps: Mapping[str, SignalState]) -> bool:
        """Tells whether the network should see a picture."""
        now = frame.pts_ns
        if not self._switches.gate:
            self._looked_ns = self._moved_ns = now
            return True
        if self._gate.moved(frame) | self._has_changed(lamps) | frame.is_after_gap:
            self._moved_ns = now
        moved, looked = self._moved_ns, self._looked_ns
        is_wanted = moved is None or now - moved <= HOLD_NS or looked is None or now - looked >= PULSE_NS
        if is_wanted:
            self._looked_ns = now
        return is_wanted

    def is_moving(self, now_ns: int) -> bool:
        """Tells whether something moved lately."""
        return self._moved_ns is None or now_ns - self._moved_ns <= HOLD_NS

    def may_rest(self, now_ns: int) -> bool:
        """Tells whether only key frames need decoding from here on."""
        if not (self._switches.gate and self._switches.rest) or self._moved_ns is None:
            return False
        return now_ns - self._moved_ns > REST_NS and 0 < self._gop_ns <= LONGEST_GOP_NS

    def note(self, packet: LivePacket) -> None:
        """Learns from every packet how large still ones are and how far apart key frames."""
        if packet.is_key:
            if self._key_ns is not None:
                self._gop_ns = packet.t_ns - self._key_ns
            self._key_ns = packet.t_ns
        elif not self.is_moving(packet.t_ns):
            self._sizes.append(len(packet.data))

    def is_stirred(self, packet: LivePacket) -> bool:
        """Tells whether a packet that was not decoded is too large for a still picture."""
        if packet.is_key or len(self._sizes) < STILL_PACKETS:
            return False
        return len(packet.data) > PACKET_FACTOR * median(self._sizes) + PACKET_BYTES

    def _has_changed(self, lamps: Mapping[str, SignalState]) -> bool:
        before, self._lamps = self._lamps, dict(lamps)
        return before != self._lamps
