"""A detector that looks at a picture once: tests that watch the same footage twice need not pay the network twice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from hashlib import blake2b
from typing import Any

from core.observations import Detections, Picture
from models.registry import Manifest
from vision.detect import Detector, load_detector

Seen = dict[tuple[object, ...], Detections]
SEEN: Seen = {}
"""What was found so far, by network and picture."""


class Remembering:
    """Gives what the detector gave for the same picture, whatever its time."""

    def __init__(self, detector: Detector, name: object, seen: Seen) -> None:
        self._detector, self._name, self._seen = detector, name, seen

    @property
    def model(self) -> Manifest:
        return self._detector.model

    def picture_size(self, width_px: int, height_px: int) -> tuple[int, int]:
        return self._detector.picture_size(width_px, height_px)

    def detect(self, pictures: Sequence[Picture]) -> list[Detections]:
        return [self._one(picture) for picture in pictures]

    def _one(self, picture: Picture) -> Detections:
        shown = blake2b(picture.rgb.tobytes(), digest_size=16).digest()
        key = (self._name, picture.source_size_px, picture.rgb.shape, shown)
        found = self._seen.get(key)
        if found is None:
            found = self._seen[key] = self._detector.detect([picture])[0]
        return replace(found, pts_ns=picture.pts_ns)


def load_remembering(name: str, **options: Any) -> Remembering:
    """Stands in for ``vision.detect.load_detector``."""
    key = (name, *(str(value) for value in options.values()))
    return Remembering(load_detector(name, **options), key, SEEN)
