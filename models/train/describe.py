"""The manifest of a trained network: what it was made from and what was measured."""

import hashlib
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from core.observations import ActorClass
from models.registry import Manifest, Metric, NetworkInput, Thresholds, TrainingSource, WeightsFile, save

__all__ = ["corpus_sources", "describe", "save"]

INITIAL_WEIGHTS = "YOLO11n, COCO (Ultralytics, AGPL-3.0), batch-norm statistics re-estimated"
LICENCE = "AGPL-3.0-or-later"


def describe(
    weights: Path,
    *,
    name: str,
    version: str,
    thresholds: Thresholds,
    sources: Sequence[TrainingSource],
    metrics: Sequence[Metric],
    recipe: dict[str, Any],
    created: datetime,
    long_side_px: int,
) -> Manifest:
    """Returns the manifest of a weights file."""
    content = weights.read_bytes()
    return Manifest(
        name=name,
        version=version,
        task="detect",
        classes=[actor.name.lower() for actor in ActorClass],
        input=NetworkInput(width=long_side_px, height=long_side_px, stride=32),
        thresholds=thresholds,
        licence=LICENCE,
        initial_weights=INITIAL_WEIGHTS,
        training_data=list(sources),
        metrics=list(metrics),
        weights=WeightsFile(file=f"{name}.onnx", sha256=hashlib.sha256(content).hexdigest(), size=len(content)),
        created=created,
        recipe=recipe,
    )


def corpus_sources(counts: dict[tuple[str, str], int], note: str = "") -> list[TrainingSource]:
    """Returns corpus pictures by source and licence as manifest entries."""
    return [
        TrainingSource(source=s, licence=licence, images=n, note=note) for (s, licence), n in sorted(counts.items())
    ]
