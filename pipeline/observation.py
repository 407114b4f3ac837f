"""What one analysed frame said: boxes and lamp readings. All that judging needs, and all that is kept of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from core.observations import Detections, SignalState


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """One frame's boxes, the opinion on each lamp and the controller's word on it, rounded as the journal keeps them.

    Judging rounded values makes a replay from the journal equal to the first run.
    """

    detections: Detections
    lamps: Mapping[str, SignalState]
    is_after_gap: bool
    feed: Mapping[str, SignalState] = field(default_factory=dict)

    @property
    def pts_ns(self) -> int:
        """Session time of the frame."""
        return self.detections.pts_ns

    def as_row(self) -> dict[str, Any]:
        """Returns the journal's form of this observation."""
        found = self.detections
        boxes = [
            [int(c), round(float(p), 3), *(round(float(v), 1) for v in box)]
            for c, p, box in zip(found.class_id, found.confidence, found.xyxy, strict=True)
        ]
        row: dict[str, Any] = {"t": self.pts_ns, "d": boxes, "l": {k: v.value for k, v in self.lamps.items()}}
        if self.feed:
            row["f"] = {k: v.value for k, v in self.feed.items()}
        if self.is_after_gap:
            row["g"] = 1
        return row

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> Observation:
        """Returns the observation a journal row holds."""
        boxes = np.asarray(row["d"], dtype=np.float64).reshape(-1, 6)
        return cls(
            detections=Detections(
                pts_ns=int(row["t"]),
                xyxy=boxes[:, 2:].astype(np.float32),
                confidence=boxes[:, 1].astype(np.float32),
                class_id=boxes[:, 0].astype(np.int64),
            ),
            lamps={k: SignalState(v) for k, v in row["l"].items()},
            is_after_gap=bool(row.get("g")),
            feed={k: SignalState(v) for k, v in row.get("f", {}).items()},
        )
