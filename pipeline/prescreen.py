"""A look at a citizen's photos before a person's: what they contradict becomes a reason to look, never a rejection.

Only the stills our own inspector wrote are opened here. What a network does not see or read says nothing about a plate;
that no road user of the reported kind is found in any photo is worth a question.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from cases.report import NewReport
from core.catalogue import catalogue
from core.observations import ActorClass, Detections, Picture, Role
from evidence.draft import StillImage
from pipeline.plates import PLATED, PlateSight, load_plate_sight
from vision.detect import Detector, load_detector

NOTHING_SEEN, OTHER_PLATE = "report_nothing_seen", "report_plate_differs"
KINDS = {
    "motor": PLATED,
    "nonmotor": frozenset({ActorClass.BICYCLE, ActorClass.MOTORCYCLE}),
    "pedestrian": frozenset({ActorClass.PERSON}),
}
"""Who can be the subject of a catalogue entry; an e-bike looks like a motorcycle."""
VEHICLES_MOST = 8
"""So many vehicles of a photo are looked at for plates, the largest first: the reported one is rarely small."""


class Prescreen:
    """Compares photos with what is claimed about them."""

    def __init__(self, detector: Detector, plates: PlateSight) -> None:
        self._detector = detector
        self._plates = plates

    def __call__(self, stills: Sequence[Path], claim: NewReport) -> frozenset[str]:
        """Returns cues for the reviewer: no road user of that kind in any photo, another plate read than claimed."""
        pictures = [_read(path) for path in stills]
        found = [self._detect(picture) for picture in pictures]
        cues = set()
        wanted = KINDS[catalogue().get(claim.violation_id).subject]
        if not any(ActorClass(kind) in wanted for one in found for kind in one.class_id.tolist()):
            cues.add(NOTHING_SEEN)
        plates = {text for pair in zip(pictures, found, strict=True) for text in self._read_plates(*pair)}
        if claim.plate and plates and claim.plate not in plates:
            cues.add(OTHER_PLATE)
        return frozenset(cues)

    def _detect(self, rgb: NDArray[np.uint8]) -> Detections:
        height, width = rgb.shape[:2]
        size = self._detector.picture_size(width, height)
        method = cv2.INTER_AREA if size[0] < width else cv2.INTER_LINEAR
        small = np.asarray(cv2.resize(rgb, size, interpolation=method), np.uint8)
        [found] = self._detector.detect([Picture(pts_ns=0, rgb=small, source_size_px=(width, height))])
        return found.usable()

    def _read_plates(self, rgb: NDArray[np.uint8], found: Detections) -> Iterator[str]:
        areas = (found.xyxy[:, 2] - found.xyxy[:, 0]) * (found.xyxy[:, 3] - found.xyxy[:, 1])
        for index in np.argsort(-areas)[:VEHICLES_MOST].tolist():
            x1, y1, x2, y2 = (float(side) for side in found.xyxy[index])
            still = StillImage(role=Role.P2_DURING, pts_ns=0, rgb=rgb, xyxy=(x1, y1, x2, y2))
            seen = self._plates.look(ActorClass(int(found.class_id[index])), [still])
            if seen is not None and seen.read.is_readable:
                yield seen.read.text


def load_prescreen() -> Prescreen:
    """Returns the prescreen with the networks that ship with Lukou.

    Raises:
        ModelError, ManifestMismatch: a network is missing or damaged.
    """
    return Prescreen(load_detector(), load_plate_sight())


def _read(path: Path) -> NDArray[np.uint8]:
    with Image.open(path) as picture:
        return np.asarray(picture.convert("RGB"), np.uint8)
