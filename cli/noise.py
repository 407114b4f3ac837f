"""What goes wrong between the road and the rules: seeded disturbances of perfect detections, alone and together."""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import numpy as np

from cli.scoring import Result, detections, observations_of, score_observations, start_of
from core.observations import Detections, SignalState, TrackHistory
from core.time import NS_PER_S
from pipeline.judge import Judge
from pipeline.observation import Observation
from sim.trajectories import Case, Film, film
from vision.track import Tracker

GRID_FPS = 8.0
"""The grid runs at the rate footage is analysed at (LUKOU_DETECT_HZ)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Disturbance:
    """One setting of the grid. Shares 0-1; ``switch_every_s`` is the mean time between id switches, 0 for none."""

    name: str
    jitter: float = 0.0
    """Standard deviation of a box's place and size, share of its size, every frame anew."""
    missed: float = 0.0
    switch_every_s: float = 0.0
    lamp_unreadable: float = 0.0


GRID = (
    Disturbance(name="clean detections"),
    Disturbance(name="jitter 2 %", jitter=0.02),
    Disturbance(name="jitter 4 %", jitter=0.04),
    Disturbance(name="jitter 8 %", jitter=0.08),
    Disturbance(name="missed 10 %", missed=0.1),
    Disturbance(name="missed 20 %", missed=0.2),
    Disturbance(name="missed 30 %", missed=0.3),
    Disturbance(name="id switch every 60 s", switch_every_s=60),
    Disturbance(name="id switch every 20 s", switch_every_s=20),
    Disturbance(name="lamp unreadable 10 %", lamp_unreadable=0.1),
    Disturbance(name="lamp unreadable 30 %", lamp_unreadable=0.3),
    Disturbance(name="lamp unreadable 50 %", lamp_unreadable=0.5),
    Disturbance(name="middle: 4 %, 20 %, lamp 30 %", jitter=0.04, missed=0.2, lamp_unreadable=0.3),
)


class SwitchingTracker(Tracker):
    """A tracker that loses every identity at given moments."""

    def __init__(self, switches_ns: list[int]) -> None:
        super().__init__()
        self._switches_ns = list(switches_ns)

    def update(self, detections: Detections) -> list[TrackHistory]:
        """Takes one frame; returns the tracks that ended with it."""
        ended: list[TrackHistory] = []
        while self._switches_ns and detections.pts_ns >= self._switches_ns[0]:
            self._switches_ns.pop(0)
            ended += self.finish()
        return ended + super().update(detections)


def score_disturbed(case: Case, setting: Disturbance, *, fps: float = GRID_FPS, seed: int = 0) -> Result:
    """Returns what tracker, lamp reader and rules say to a scene seen badly. The same seed disturbs alike."""
    random = np.random.default_rng([seed, zlib.crc32(case.case_id.encode()), zlib.crc32(setting.name.encode())])
    seen = film(case.scene, fps)
    observations = [_disturbed(o, setting, random, seen) for o in observations_of(seen)]
    tracker = SwitchingTracker(_switches(setting, case.scene.until_s, random))
    return score_observations(case, seen, observations, Judge(seen.site, start_of(case), tracker=tracker))


def _disturbed(observation: Observation, setting: Disturbance, random: np.random.Generator, seen: Film) -> Observation:
    found = observation.detections
    kept = random.random(len(found)) >= setting.missed
    boxes = np.asarray(found.xyxy[kept], np.float64)
    size = np.tile(boxes[:, 2:] - boxes[:, :2], 2)
    shake = random.normal(0.0, 1.0, boxes.shape)
    middle, half = (boxes[:, :2] + boxes[:, 2:]) / 2, size[:, :2] / 2
    middle = middle + setting.jitter * size[:, :2] * shake[:, :2]
    half = half * np.maximum(1 + setting.jitter * shake[:, 2:], 0.2)
    width, height = seen.site.camera.picture_size_px
    boxes = np.clip(np.c_[middle - half, middle + half], 0, [width, height, width, height])
    boxes[:, 2:] = np.maximum(boxes[:, 2:], boxes[:, :2] + 1)
    rows = [
        (*box, confidence, class_id)
        for box, confidence, class_id in zip(
            boxes.tolist(), found.confidence[kept].tolist(), found.class_id[kept].tolist(), strict=True
        )
    ]
    lamps = {
        name: SignalState.UNKNOWN if random.random() < setting.lamp_unreadable else state
        for name, state in observation.lamps.items()
    }
    return Observation(
        detections=detections(observation.pts_ns, rows), lamps=lamps, is_after_gap=observation.is_after_gap
    )


def _switches(setting: Disturbance, until_s: float, random: np.random.Generator) -> list[int]:
    if not setting.switch_every_s:
        return []
    times_s = np.cumsum(random.exponential(setting.switch_every_s, size=max(8, int(4 * until_s))))
    return [int(t * NS_PER_S) for t in times_s if t < until_s]
