"""A detector that knows the script: boxes come from actors moving on a known path, not from pixels."""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from cases.store import CaseStore
from core.observations import ActorClass, Candidate, Detections, Picture
from core.settings import Settings
from core.site import Site
from evidence.seal import Vault
from models.registry import Manifest
from pipeline.process import Workbench
from tests.support.junction import SIZE_M, Place, PoleCamera

MODEL = Manifest.model_validate(
    {
        "name": "scripted",
        "version": "1",
        "task": "detect",
        "classes": ["person", "bicycle", "motorcycle", "car", "bus", "truck"],
        "input": {"width": 640, "height": 640, "stride": 32},
        "thresholds": {"confidence": 0.25, "nms_iou": 0.6},
        "licence": "none needed",
        "initial_weights": "none",
        "training_data": [],
        "metrics": [],
        "weights": {"file": "scripted.onnx", "sha256": "0" * 64, "size": 1},
        "created": "2026-11-22T00:00:00Z",
        "recipe": {},
    }
)


class ScriptedDetector:
    """Implements vision.detect.Detector; ``kill_at_s`` ends the process there, as a power cut would."""

    model = MODEL

    def __init__(
        self, actors: Sequence[tuple[ActorClass, Place]], camera: PoleCamera, *, kill_at_s: float | None = None
    ) -> None:
        self._actors, self._camera, self._kill_at_s = actors, camera, kill_at_s

    def picture_size(self, width_px: int, height_px: int) -> tuple[int, int]:
        return width_px // 2, height_px // 2

    def detect(self, pictures: Sequence[Picture]) -> list[Detections]:
        return [self._one(picture.pts_ns) for picture in pictures]

    def _one(self, pts_ns: int) -> Detections:
        t = pts_ns / 1e9
        if self._kill_at_s is not None and t >= self._kill_at_s:
            os.kill(os.getpid(), signal.SIGKILL)
        width, height = self._camera.size_px
        boxes, classes = [], []
        for who, place in self._actors:
            length, wide, tall = SIZE_M[who]
            x, y = place(t)
            corners = [(x + a * wide / 2, y + b * length / 2, z) for a in (-1, 1) for b in (-1, 1) for z in (0.0, tall)]
            xy = self._camera.project(corners)
            box = np.clip(np.r_[xy.min(axis=0), xy.max(axis=0)], 0, [width, height, width, height])
            if box[2] - box[0] > 3 and box[3] - box[1] > 3:
                boxes.append(box)
                classes.append(int(who))
        return Detections(
            pts_ns=pts_ns,
            xyxy=np.asarray(boxes, np.float32).reshape(-1, 4),
            confidence=np.full(len(boxes), 0.9, np.float32),
            class_id=np.asarray(classes, np.int64),
        )


class Silent:
    """A listener that keeps what it was told."""

    def __init__(self) -> None:
        self.cases: list[tuple[str, bool]] = []

    def progressed(self, footage_s: float, total_s: float | None) -> None:
        pass

    def found(self, case_id: str, candidate: Candidate, *, is_new: bool) -> None:
        self.cases.append((case_id, is_new))


def wrong_way_site(camera: PoleCamera) -> Site:
    """A lane signed towards the camera: rules that need no lamp, so plain footage will do."""
    pad = camera.ground
    return Site.model_validate(
        {
            "site_id": "lane",
            "place": "test road",
            "camera": {"camera_id": "cam-1", "picture_size_px": camera.size_px},
            "calibration": {
                "points": [
                    {"image_px": p, "ground_m": g}
                    for g in ((-6.0, -6.0), (6.0, -6.0), (6.0, 12.0), (-6.0, 12.0))
                    for p in pad(g)
                ]
            },
            "direction_zones": [
                {
                    "id": "lane",
                    "polygon_px": pad((-6.5, -6), (-3, -6), (-3, 12), (-6.5, 12)),
                    "heading_px": pad((-5, 10), (-5, -5)),
                    "applies_to": ["nonmotor"],
                }
            ],
        }
    )


def open_workbench(home: Path, detector: Any) -> Workbench:
    """Returns a workbench over one folder."""
    settings = Settings(home=home)
    home.mkdir(parents=True, exist_ok=True)
    return Workbench(
        settings=settings,
        detector=detector,
        vault=Vault(settings.evidence_dir, settings.keys_dir),
        cases=CaseStore.open(settings.database),
    )
