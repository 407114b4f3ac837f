"""The subject's plate at sealing time: found in each still, read, and voted on.

Every overview picture is looked at. What they say together goes into the package as machine-read, for a person to
check; UNREADABLE is sealed where they say nothing. The sharpest look is kept as the package's plate close-up.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from core.observations import ActorClass, Role
from evidence.draft import Box, StillImage
from evidence.picture import crop_box
from models.registry import Manifest
from vision.parts import Part, PartKind, load_parts
from vision.plate_vote import vote
from vision.plates import PlateRead, PlateReader, load_plate_reader

PLATED = frozenset({ActorClass.MOTORCYCLE, ActorClass.CAR, ActorClass.BUS, ActorClass.TRUCK})
"""Who carries a plate of GA 36. Bicycles have none; an e-bike's local plate is no GA 36 plate and stays unread."""

MARGIN = 0.04
"""Picture kept around a plate's box on every side, in sizes of the box: the reader was taught crops like that."""

CLOSEUP_ASPECT = 2.0
MISUSE_CUE = "fake_or_misused_plate"
"""Asks the reviewer whether the plate fits the vehicle."""


class PartsFinder(Protocol):
    """Finds heads and plates; ``vision.parts`` has the real one."""

    @property
    def model(self) -> Manifest:
        """The manifest of the network in use."""
        ...

    def find(self, rgb: NDArray[np.uint8], actors: ArrayLike) -> list[Part]:
        """Returns the parts of the actors in a full-resolution picture."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """One plate found in one still, and what it says."""

    still: StillImage
    xyxy: Box
    read: PlateRead


@dataclass(frozen=True, slots=True, kw_only=True)
class SubjectPlate:
    """What is known about a subject's plate."""

    read: PlateRead
    looks: tuple[Look, ...]
    facts: dict[str, Any]

    @property
    def cues(self) -> tuple[str, ...]:
        """What a reviewer must look at: a text that is never issued in the colour seen."""
        return (MISUSE_CUE,) if self.read.contradicts_colour else ()

    @property
    def closeup(self) -> StillImage | None:
        """The look that says most, cut out at the picture's own resolution; None without a look."""
        if not self.looks:
            return None
        best = max(self.looks, key=lambda look: (look.read.confidence, _width(look.xyxy)))
        left, top, right, bottom = crop_box(best.still.size_px, best.xyxy, aspect=CLOSEUP_ASPECT)
        x1, y1, x2, y2 = best.xyxy
        return replace(
            best.still,
            role=Role.PLATE_CLOSEUP,
            rgb=np.ascontiguousarray(best.still.rgb[top:bottom, left:right]),
            xyxy=(x1 - left, y1 - top, x2 - left, y2 - top),
            signal=None,
        )


class PlateSight:
    """Reads the plates of subjects."""

    def __init__(self, parts: PartsFinder, reader: PlateReader) -> None:
        self._parts = parts
        self._reader = reader

    def look(self, subject: ActorClass, stills: Sequence[StillImage]) -> SubjectPlate | None:
        """Returns what the overview stills say about a subject's plate; None for a subject that carries none."""
        if subject not in PLATED:
            return None
        places = [(still, box) for still in stills if still.is_panorama for box in self._boxes(still)]
        reads = self._reader.read([cut_out(still.rgb, box) for still, box in places])
        looks = tuple(Look(still=s, xyxy=b, read=r) for (s, b), r in zip(places, reads, strict=True))
        read = vote(reads, self._reader.calibration)
        return SubjectPlate(read=read, looks=looks, facts=self._facts(read, looks))

    def _boxes(self, still: StillImage) -> list[Box]:
        """Returns the likeliest plate of the subject in a still; at most one."""
        found = [part for part in self._parts.find(still.rgb, [still.xyxy]) if part.kind is PartKind.PLATE]
        return [max(found, key=lambda part: part.confidence).xyxy] if found else []

    def _facts(self, read: PlateRead, looks: Sequence[Look]) -> dict[str, Any]:
        layout = read.layout
        return {
            "confidence": read.confidence if read.is_readable else None,
            "characters": list(read.characters),
            "colour": read.colour.value if read.colour else None,
            "layout": layout.value if layout else None,
            "rows": 2 if read.is_double else 1,
            "colour_agrees": not read.contradicts_colour,
            "looks": len(looks),
            "agreeing_looks": sum(read.is_readable and look.read.text == read.text for look in looks),
            "models": [_pin(self._parts.model), _pin(self._reader.model)],
        }


def cut_out(rgb: NDArray[np.uint8], xyxy: Box) -> NDArray[np.uint8]:
    """Returns a plate's crop with the margin the reader expects, clipped to the picture.

    Shapes: rgb (H, W, 3), result (h, w, 3).
    """
    height, width = rgb.shape[:2]
    aside, above = MARGIN * (xyxy[2] - xyxy[0]), MARGIN * (xyxy[3] - xyxy[1])
    x1, y1 = (max(0, min(limit - 1, round(v))) for v, limit in ((xyxy[0] - aside, width), (xyxy[1] - above, height)))
    x2, y2 = min(width, round(xyxy[2] + aside)), min(height, round(xyxy[3] + above))
    return rgb[y1 : max(y1 + 1, y2), x1 : max(x1 + 1, x2)]


def load_plate_sight() -> PlateSight:
    """Returns the finder and reader that ship with Lukou.

    Raises:
        ModelError, ManifestMismatch: a network is missing or damaged.
    """
    return PlateSight(load_parts(), load_plate_reader())


def _width(xyxy: Box) -> float:
    return xyxy[2] - xyxy[0]


def _pin(manifest: Manifest) -> dict[str, str]:
    return {"name": manifest.name, "version": manifest.version, "sha256": manifest.sha256}
