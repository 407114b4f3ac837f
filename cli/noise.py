"""What goes wrong between the road and the rules: seeded disturbances of perfect detections, alone and together."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, replace

import numpy as np

from cli.scoring import Result, detections, observations_of, score_observations, start_of
from core.observations import ActorClass, Detections, SignalState, TrackHistory
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
    flipped: float = 0.0
    """Share of boxes that carry a neighbouring class: car for bus or truck, bicycle for motorcycle."""
    clock_s: float = 0.0
    """Standard deviation of a frame's time."""
    hidden_every_s: float = 0.0
    """Mean time between vehicles that pass before the camera and hide a third of the picture, 0 for none."""
    fps: float = GRID_FPS


HIDDEN_S = 1.5
"""A bus of 11 m passes before the camera this long at 26 km/h."""
FLIPS = {
    ActorClass.CAR: ActorClass.TRUCK,
    ActorClass.TRUCK: ActorClass.CAR,
    ActorClass.BUS: ActorClass.TRUCK,
    ActorClass.BICYCLE: ActorClass.MOTORCYCLE,
    ActorClass.MOTORCYCLE: ActorClass.BICYCLE,
    ActorClass.PERSON: ActorClass.PERSON,
}
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
    Disturbance(name="class flips 10 %", flipped=0.1),
    Disturbance(name="clock jitter 20 ms", clock_s=0.02),
    Disturbance(name="hidden by a bus every 15 s", hidden_every_s=15),
    Disturbance(name="2 fps", fps=2),
    Disturbance(name="12.5 fps", fps=12.5),
    Disturbance(name="25 fps", fps=25),
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


def score_disturbed(case: Case, setting: Disturbance, *, fps: float | None = None, seed: int = 0) -> Result:
    """Returns what tracker, lamp reader and rules say to a scene seen badly. The same seed disturbs alike."""
    random = np.random.default_rng([seed, zlib.crc32(case.case_id.encode()), zlib.crc32(setting.name.encode())])
    seen = film(case.scene, fps or setting.fps)
    observations = [_disturbed(o, setting, random, seen) for o in observations_of(seen)]
    observations = _at_other_times(_hidden(observations, setting, random, seen), setting, random)
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
        (*box, confidence, FLIPS[ActorClass(class_id)] if random.random() < setting.flipped else class_id)
        for box, confidence, class_id in zip(
            boxes.tolist(), found.confidence[kept].tolist(), found.class_id[kept].tolist(), strict=True
        )
    ]
    lamps = {
        name: SignalState.UNKNOWN if random.random() < setting.lamp_unreadable else state
        for name, state in observation.lamps.items()
    }
    return Observation(
        detections=detections(observation.pts_ns, rows),
        lamps=lamps,
        is_after_gap=observation.is_after_gap,
        feed=observation.feed,
    )


def _hidden(
    observations: list[Observation], setting: Disturbance, random: np.random.Generator, seen: Film
) -> list[Observation]:
    """Returns the observations without what something before the camera hid."""
    if not setting.hidden_every_s:
        return observations
    width = seen.site.camera.picture_size_px[0]
    spans, start_s = [], float(random.exponential(setting.hidden_every_s))
    while start_s < seen.scene.until_s:
        spans.append((start_s, start_s + HIDDEN_S, random.uniform(0, 2 / 3) * width))
        start_s += HIDDEN_S + float(random.exponential(setting.hidden_every_s))
    return [
        _without(o, [left for a, b, left in spans if a <= o.pts_ns / NS_PER_S < b], width / 3) for o in observations
    ]


def _without(observation: Observation, lefts_px: list[float], wide_px: float) -> Observation:
    found = observation.detections
    middle = (found.xyxy[:, 0] + found.xyxy[:, 2]) / 2
    kept = np.ones(len(found), np.bool_)
    for left in lefts_px:
        kept &= (middle < left) | (middle > left + wide_px)
    return replace(
        observation,
        detections=replace(
            found, xyxy=found.xyxy[kept], confidence=found.confidence[kept], class_id=found.class_id[kept]
        ),
    )


def _at_other_times(
    observations: list[Observation], setting: Disturbance, random: np.random.Generator
) -> list[Observation]:
    """Returns the observations with times that shake, in order still."""
    if not setting.clock_s:
        return observations
    asked = np.array([o.pts_ns for o in observations], np.int64)
    shaken = asked + np.round(random.normal(0, setting.clock_s, len(asked)) * NS_PER_S).astype(np.int64)
    times = np.maximum.accumulate(np.maximum(shaken, 0) - np.arange(len(asked))) + np.arange(len(asked))
    return [
        replace(o, detections=replace(o.detections, pts_ns=int(t)))
        for o, t in zip(observations, times.tolist(), strict=True)
    ]


def _switches(setting: Disturbance, until_s: float, random: np.random.Generator) -> list[int]:
    if not setting.switch_every_s:
        return []
    times_s = np.cumsum(random.exponential(setting.switch_every_s, size=max(8, int(4 * until_s))))
    return [int(t * NS_PER_S) for t in times_s if t < until_s]
