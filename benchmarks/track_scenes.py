"""Scenes for ``track.py``: true boxes of simulated road users over time, and what a detector could make of them."""

import math
import random
import sys
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from core.geometry import iou  # noqa: E402  # run as a script, the repository is not on the path yet
from core.observations import Detections  # noqa: E402
from core.time import NS_PER_S  # noqa: E402
from sim.actors import Kind, Pose  # noqa: E402
from sim.camera import Camera, build_camera  # noqa: E402
from sim.generator import draw_scene  # noqa: E402
from sim.motion import Cruise, StopGo  # noqa: E402
from sim.scene import Actor, CameraSpec, Scene  # noqa: E402
from sim.world import STEP_S, build_world  # noqa: E402

Array = NDArray[np.float64]
Affine = NDArray[np.float64]
FAMILIES = ("junction", "motorbikes", "drone")
MOTORBIKES = 30
COARSE = 4
"""Occlusion is worked out on a picture this many times smaller."""
SEEN_LEAST = 0.25
"""Who is seen less than this is neither asked for nor detected."""
SIZE_LEAST_PX = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Noise:
    """How a detector errs. Shares of a box's size or of 1; lasting parts forget themselves in ``lasting_s``."""

    lasting_s: float = 0.4
    confidence: float = 0.72
    confidence_lasting: float = 0.14
    confidence_white: float = 0.05
    hidden: float = 0.55
    """Confidence lost when all of it is hidden; half of that when all but a third is, and so on."""
    small: float = 0.25
    small_px: float = 32.0
    shake_lasting: float = 0.03
    shake_white: float = 0.02
    double: float = 0.03
    """Share of boxes that have a second one on the same actor."""
    false_boxes: float = 0.5
    """Mean number a frame, confidence 0.12 to 0.5."""
    lowest: float = 0.12
    nms_iou: float = 0.6


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """One frame. Shapes: truth (N, 4), ids (N,); ``moved`` (2, 3), where known, maps the frame before onto this one."""

    found: Detections
    truth: Array
    ids: NDArray[np.int64]
    moved: Affine | None = None
    is_scored: bool = True


def looks(family: str, seed: int, fps: float, noise: Noise | None = None) -> list[Look]:
    """Returns every frame of a scene as seen ``fps`` times a second. The same arguments give the same frames."""
    scene = _SCENES[family](seed)
    world = build_world(scene)
    step = round(1 / fps / STEP_S)
    rng = np.random.default_rng([seed, FAMILIES.index(family), step])
    eyes = _Eyes(noise or Noise(), rng, step * STEP_S, scene.camera.picture_size_px)
    numbers: dict[str, int] = {}
    shown, before = [], None
    for moment in world.moments[::step]:
        camera = build_camera(_swaying(scene.camera, moment.t_s, seed) if family == "drone" else scene.camera)
        boxes, seen, poses = _truth(camera, moment.poses)
        ids = np.array([numbers.setdefault(p.actor_id, len(numbers)) for p in poses], np.int64)
        classes = np.array([int(p.body.class_id) for p in poses], np.int64)
        found = eyes.look(round(moment.t_s * NS_PER_S), boxes, seen, (ids, classes))
        asked = (seen >= SEEN_LEAST) & (_sides(boxes).min(axis=1) >= SIZE_LEAST_PX)
        moved = _moved(before or camera, camera, rng)
        shown.append(Look(found=found, truth=boxes[asked], ids=ids[asked], moved=moved))
        before = camera
    return shown


def _junction(seed: int) -> Scene:
    return draw_scene(seed, camera="gantry" if seed % 2 else "pole")


def _drone(seed: int) -> Scene:
    """Returns a random scene from above with twelve more two-wheelers at its stop line."""
    chance, scene = random.Random(f"drone {seed}"), _drawn(seed)  # noqa: S311
    waiting = [_waiting(chance, k, scene.junction.stop_line_m) for k in range(12)]
    return scene.model_copy(update={"cast": [*scene.cast, *waiting]})


def _motorbikes(seed: int) -> Scene:
    """Returns 30 two-wheelers at a red lamp, who leave from 11 s on, and buses that cross before them."""
    chance = random.Random(f"motorbikes {seed}")  # noqa: S311
    scene = draw_scene(101 + seed % 2 * 2, camera="pole")
    line = scene.junction.stop_line_m
    cast = [_waiting(chance, k, line) for k in range(MOTORBIKES)]
    for k in range(4):
        sign, at_s = (1, -1)[k % 2], 3.0 + 3.2 * k + chance.uniform(0, 1)
        side = -sign * chance.uniform(4, 7)
        path = [(sign * x, side) for x in (-100.0, -50.0, 0.0, 50.0, 100.0)]
        drive = Cruise(type="cruise", speed_mps=chance.uniform(7, 10), at=(0.0, side), at_s=at_s)
        cast.append(Actor(id=f"bus_{k}", kind="bus", path=path, motion=drive))
    for k in range(2):  # they pass between the camera and who waits
        x, at_s = -chance.uniform(1.5, 3.5), 5.0 + 7.0 * k + chance.uniform(0, 2)
        path = [(x, y) for y in (100.0, 50.0, 0.0, -50.0, -100.0)]
        drive = Cruise(type="cruise", speed_mps=chance.uniform(6, 9), at=(x, -line), at_s=at_s)
        cast.append(Actor(id=f"passing_bus_{k}", kind="bus", path=path, motion=drive))
    eye = (-5.5, -line - 30.0, chance.uniform(6.5, 8.5))
    camera = scene.camera.model_copy(update={"eye_m": eye, "target_m": (1.0, -line + 4.0, 0.0)})
    return scene.model_copy(update={"cast": cast, "camera": camera, "duration_s": 20.0})


def _waiting(chance: random.Random, number: int, line: float) -> Actor:
    row, column = divmod(number, 6)
    x = 0.9 + 1.25 * column + chance.uniform(-0.15, 0.15)
    y = -line - 0.4 - 2.3 * row + chance.uniform(-0.25, 0.25)
    drift = chance.uniform(-2.5, 2.5)
    path = [(x, -100.0), (x, -60.0), (x, y - 8.0), (x, y), (x + drift / 3, 0.0), (x + drift, 60.0), (x + drift, 100.0)]
    kind: Kind = "ebike" if chance.random() < 0.8 else "bicycle"
    stop_s = -2.0 if number < 18 else 1.0 + 1.2 * row + chance.uniform(0, 2)
    motion = StopGo(
        type="stop_go", speed_mps=chance.uniform(4, 6), at=(round(x, 2), round(y, 2)), stop_s=stop_s,
        go_s=11.0 + 0.7 * row + chance.uniform(0, 0.8), leave_mps=chance.uniform(4.5, 7),
    )  # fmt: skip
    return Actor(id=f"rider_{number}", kind=kind, path=path, motion=motion)


def _drawn(seed: int) -> Scene:
    """Returns the drone scene of a seed; where it gives none that fits its picture, of the seed 1000 on."""
    try:
        return draw_scene(seed, camera="drone")
    except ValueError:
        return _drawn(seed + 1000)


_SCENES = {"junction": _junction, "motorbikes": _motorbikes, "drone": _drone}


def _swaying(spec: CameraSpec, t_s: float, seed: int) -> CameraSpec:
    """Returns a hovering drone's camera in gusts: it drifts by a metre or two, and jolts turn it by a degree."""
    phase = seed * 1.7
    drift = (1.5 * math.sin(0.5 * t_s + phase), 1.2 * math.sin(0.37 * t_s + 2 * phase))
    jolt = 1.0 * max(0.0, math.sin(1.3 * t_s + phase)) ** 8  # metres on the ground that the gaze goes and comes back
    eye, target = spec.eye_m, spec.target_m
    return spec.model_copy(
        update={
            "eye_m": (eye[0] + drift[0], eye[1] + drift[1], eye[2] + 0.6 * math.sin(0.3 * t_s + phase)),
            "target_m": (target[0] + drift[0] + jolt, target[1] + drift[1] + jolt, 0.0),
        }
    )


def _truth(camera: Camera, poses: tuple[Pose, ...]) -> tuple[Array, Array, list[Pose]]:
    """Returns boxes (N, 4) in the picture, seen shares (N,) and whose they are, from boxes of the bodies' sizes."""
    size = (camera.width_px // COARSE, camera.height_px // COARSE)
    kept, hulls, boxes = [], [], []
    poses = tuple(sorted(poses, key=lambda p: -math.hypot(p.x_m - camera.eye[0], p.y_m - camera.eye[1])))
    limit = np.array([camera.width_px, camera.height_px] * 2, float)
    for pose in poses:
        pixels = camera.project(_corners(pose))
        if np.isnan(pixels).any():
            continue
        box = np.clip(np.r_[pixels.min(axis=0), pixels.max(axis=0)], 0, limit)
        if min(box[2] - box[0], box[3] - box[1]) < 3:
            continue
        kept.append(pose)
        boxes.append(box)
        hulls.append(cv2.convexHull((pixels / COARSE).astype(np.float32)).astype(np.int32))
    owner = np.full(size[::-1], -1, np.int32)
    whole = np.zeros(len(kept))
    for k, hull in enumerate(hulls):  # from far to near
        alone = np.zeros(size[::-1], np.uint8)
        cv2.fillConvexPoly(alone, hull, 1)
        whole[k] = alone.sum()
        owner[alone > 0] = k
    seen = np.bincount(owner[owner >= 0], minlength=len(kept)) / np.maximum(whole, 1)
    return np.array(boxes).reshape(-1, 4), seen, kept


def _corners(pose: Pose) -> Array:
    """Returns the corners (8, 3) of a body, world metres."""
    body, cos, sin = pose.body, math.cos(pose.heading_rad), math.sin(pose.heading_rad)
    return np.array(
        [
            (pose.x_m + cos * a - sin * b, pose.y_m + sin * a + cos * b, h)
            for a in (-body.length_m / 2, body.length_m / 2)
            for b in (-body.width_m / 2, body.width_m / 2)
            for h in (0.0, body.height_m)
        ]
    )


def _moved(before: Camera, camera: Camera, rng: np.random.Generator) -> Affine:
    """Returns how the road's picture moved (2, 3), from 200 points on it found again to half a pixel."""
    ground = np.c_[rng.uniform(-40, 40, (200, 2)), np.zeros(200)]
    old, new = before.project(ground), camera.project(ground)
    kept = ~np.isnan(old).any(axis=1) & ~np.isnan(new).any(axis=1)
    shaken = new[kept] + rng.normal(0, 0.5, (int(kept.sum()), 2))
    found, _ = cv2.estimateAffinePartial2D(old[kept].astype(np.float32), shaken.astype(np.float32))
    return np.asarray(found, np.float64) if found is not None else np.eye(3)[:2]


def _sides(boxes: Array) -> Array:
    sides: Array = boxes[:, 2:] - boxes[:, :2]
    return sides


class _Eyes:
    """A detector that errs: weak and missed boxes in spells, shaken and doubled ones, false ones; then NMS."""

    def __init__(self, noise: Noise, rng: np.random.Generator, step_s: float, size_px: tuple[int, int]) -> None:
        self._noise, self._rng, self._size_px = noise, rng, size_px
        self._keep = math.exp(-step_s / noise.lasting_s)
        self._states: dict[int, Array] = {}

    def look(
        self, pts_ns: int, boxes: Array, seen: Array, who: tuple[NDArray[np.int64], NDArray[np.int64]]
    ) -> Detections:
        """Returns the boxes found in one frame."""
        noise, rows = self._noise, []
        for box, share, number, class_id in zip(boxes, seen, *who, strict=True):
            state = self._state(int(number))
            size = np.tile(box[2:] - box[:2], 2)
            confidence = noise.confidence + noise.confidence_lasting * state[0]
            confidence += noise.confidence_white * self._rng.normal() - noise.hidden * (1 - share)
            confidence -= noise.small * max(0.0, 1 - float(size.min()) / noise.small_px)
            if share < SEEN_LEAST or confidence < noise.lowest:
                continue
            shake = noise.shake_lasting * state[2:] + noise.shake_white * self._rng.normal(size=4)
            rows.append((*(box + size * shake), min(confidence, 0.97), class_id))
            if state[1] > _above(noise.double):
                inner = box + size * np.array([0.15, 0.2, -0.15, 0.0]) + size * 0.05 * self._rng.normal(size=4)
                rows.append((*inner, max(confidence - 0.15, noise.lowest), class_id))
        rows += [self._false() for _ in range(self._rng.poisson(noise.false_boxes))]
        return _nms(pts_ns, np.array(rows).reshape(-1, 6), noise.nms_iou, self._size_px)

    def _state(self, number: int) -> Array:
        fresh = self._rng.normal(size=6)
        old = self._states.get(number)
        state = fresh if old is None else self._keep * old + math.sqrt(1 - self._keep**2) * fresh
        self._states[number] = state
        return state

    def _false(self) -> tuple[float, ...]:
        width, height = self._size_px
        x, y, side = self._rng.uniform(0, width), self._rng.uniform(0, height), self._rng.uniform(15, 80)
        return (x, y, x + side, y + side, self._rng.uniform(self._noise.lowest, 0.5), int(self._rng.integers(0, 6)))


def _above(share: float) -> float:
    """Returns what a standard normal number exceeds this often."""
    from statistics import NormalDist

    return NormalDist().inv_cdf(1 - share)


def _nms(pts_ns: int, rows: Array, most: float, size_px: tuple[int, int]) -> Detections:
    rows = rows[np.argsort(-rows[:, 4], kind="stable")]
    rows[:, :4] = np.clip(rows[:, :4], 0, [*size_px, *size_px])
    rows = rows[(_sides(rows[:, :4]) > 2).all(axis=1)]
    overlap, kept = iou(rows[:, :4], rows[:, :4]), []
    for k in range(len(rows)):
        if all(overlap[k, j] <= most for j in kept):
            kept.append(k)
    rows = rows[kept]
    return Detections(
        pts_ns=pts_ns, xyxy=rows[:, :4].astype(np.float32), confidence=rows[:, 4].astype(np.float32),
        class_id=rows[:, 5].astype(np.int64),
    )  # fmt: skip
