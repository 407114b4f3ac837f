"""Portraits of standing vehicles: plate and coarse colours of the vehicle's picture, and nothing of persons."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from core import log
from core.errors import ConfigError, SourceUndecodable, StoreError
from core.observations import ActorClass, Role
from core.plate import UNREADABLE
from evidence.draft import StillImage
from pipeline.footage import Footage
from pipeline.memory import Memory
from pipeline.plates import PlateSight
from rules.long_stay import Box, Portrait

PARTS = 3
"""The vehicle's picture is cut into so many parts each way."""
RING = 0.25
"""The ground beside it is taken this far around, in sizes of the box."""
DARK, GLARE = 25.0, 235.0
"""Mean brightness (of 255) beyond which a picture shows nothing. Source: a tenth of the range at both ends."""

logger = log.get(__name__)


class CameraWitness:
    """Gets the pictures a vigil asks for out of a session's footage."""

    def __init__(self, footage_at: Callable[[int], Footage], memory: Memory, plates: PlateSight | None) -> None:
        self._footage_at, self._memory, self._plates = footage_at, memory, plates

    def look(self, box: Box, pts_ns: int, subject: ActorClass, keep: tuple[str, Role] | None = None) -> Portrait | None:
        """Returns the portrait of what is in a box; None where the picture shows nothing, or cannot be had or kept."""
        try:
            still = self._footage_at(pts_ns).still(pts_ns)
            portrait = portrait_of(still.rgb, box)
            if portrait is None:
                return None
            if keep is not None:
                self._memory.keep_picture(*keep, still.rgb)
        except (SourceUndecodable, ConfigError, StoreError) as error:
            logger.warning("no_portrait", reason=error.message)
            return None
        image = StillImage(role=Role.T0_OVERVIEW, pts_ns=pts_ns, rgb=still.rgb, xyxy=box)
        found = self._plates.look(subject, [image]) if self._plates else None
        text = found.read.text if found else UNREADABLE
        return replace(portrait, plate="" if text == UNREADABLE else text)


def portrait_of(rgb: NDArray[np.uint8], box: Box) -> Portrait | None:
    """Returns the colours of a vehicle's parts beside the colour of the ground around it; None in dark and glare.

    Light that falls on both alike cancels out: each number is a logarithm of red or blue to green, less the ground's.
    Shapes: rgb (H, W, 3).
    """
    x1, y1, x2, y2 = box
    aside, above = RING * (x2 - x1), RING * (y2 - y1)
    inner, outer = _cut(rgb, box), _cut(rgb, (x1 - aside, y1 - above, x2 + aside, y2 + above))
    if min(inner.shape[:2]) < PARTS:
        return None
    brightness = float(outer.mean())
    if not DARK <= brightness <= GLARE:
        return None
    around = outer.sum(axis=(0, 1)) - inner.sum(axis=(0, 1))
    parts = [part.mean(axis=(0, 1)) for row in np.array_split(inner, PARTS) for part in np.array_split(row, PARTS, 1)]
    beside = _hues(around / max(outer.size // 3 - inner.size // 3, 1))
    return Portrait(colours=tuple(round(float(v), 3) for part in parts for v in _hues(part) - beside))


def _cut(rgb: NDArray[np.uint8], box: Box) -> NDArray[np.float64]:
    height, width = rgb.shape[:2]
    x1, x2 = (int(np.clip(round(v), 0, width)) for v in (box[0], box[2]))
    y1, y2 = (int(np.clip(round(v), 0, height)) for v in (box[1], box[3]))
    return rgb[y1:y2, x1:x2].astype(np.float64)


def _hues(colour: NDArray[np.float64]) -> NDArray[np.float64]:
    """Returns logarithms (2,) of red and of blue to green."""
    red, green, blue = np.log(colour + 1)
    return np.array([red - green, blue - green])
