"""Heads and plates of actors: where they are, in full-resolution pixels.

Each actor is cut out with a margin, brought to one size and looked at alone, so a result never depends on what else
was asked for. Long actors near the camera are looked at in several overlapping windows, so that a bus's plate is
not shrunk away. Which machine made the boxes does not matter: broken ones are passed over.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from core.errors import ModelError
from core.observations import Detections, FloatArray
from models.boxes import corners, overlap
from models.picture import PAD_VALUE
from models.registry import HOME, Manifest, load_manifest, weights
from vision.detect import Network, choose_engine, load_network

MARGIN = 1.25
"""Side of a window against the longer side of its actor, as in training."""

MOST_SHRUNK = 1.5
"""An actor that would be shrunk more than this is looked at in several windows."""

WINDOW_OVERLAP = 0.3
"""Share of a window that its neighbour sees too."""

NEAR = 0.1
"""A part's centre may lie this far outside its actor's box, in box sides."""

SAME = 0.45
"""Two boxes of one kind that overlap more show the same part."""

BATCH = 64
"""Windows held in memory at once."""


class PartKind(StrEnum):
    """What is found. The network's classes carry these names."""

    HEAD = "head"
    PLATE = "plate"


EXPECTED = {PartKind.HEAD: (0.5, 0.12), PartKind.PLATE: (0.5, 0.75)}
"""Where a part mostly sits in its actor's box, from the upper left, in box sides."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A head or a plate. ``xyxy`` in source pixels; ``actor_index`` is the row of its actor, -1 for none."""

    kind: PartKind
    xyxy: tuple[float, float, float, float]
    confidence: float
    actor_index: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """A square of the picture to look at, which may reach over its edges. Units: source pixels."""

    left: float
    top: float
    side: float
    actor_index: int


class PartFinder:
    """Finds the heads and plates of actors."""

    def __init__(self, manifest: Manifest, network: Network, *, confidence: float | None = None) -> None:
        """Prepares a network.

        Args:
            manifest: Of a detector of heads and plates.
            network: The same network in an engine.
            confidence: Lowest confidence of a part instead of the manifest's.

        Raises:
            ModelError: the network finds something else.
        """
        if manifest.task != "detect" or manifest.thresholds is None or set(manifest.classes) != set(PartKind):
            raise ModelError(f"model '{manifest.name}' finds no heads and plates; choose parts", name=manifest.name)
        self._manifest = manifest
        self._network = network
        self._kinds = [PartKind(name) for name in manifest.classes]
        limits = manifest.thresholds
        self._least = [limits.of(kind) if confidence is None else confidence for kind in self._kinds]

    @property
    def model(self) -> Manifest:
        """The manifest of the network in use."""
        return self._manifest

    def find(self, rgb: NDArray[np.uint8], actors: Detections | ArrayLike) -> list[Part]:
        """Returns the parts of each actor, by actor, best first; a part two actors share goes to the likelier one.

        Boxes that hold a value that is no number, have no area or lie outside the picture have no parts.
        Shapes: rgb (h, w, 3), actors (N, 4) xyxy in the picture's pixels.

        Raises:
            ModelError: the picture is not (h, w, 3) uint8.
        """
        check_rgb(rgb)
        boxes = actors.xyxy if isinstance(actors, Detections) else np.asarray(actors, dtype=np.float32).reshape(-1, 4)
        windows = [w for index, box in enumerate(boxes.tolist()) for w in windows_of(box, index, rgb, self.size_px)]
        found = [part for part in self.look(rgb, windows) if _belongs(part, boxes[part.actor_index])]
        kept = _distinct(found, boxes)
        return sorted(kept, key=lambda part: (part.actor_index, -part.confidence, part.xyxy))

    @property
    def size_px(self) -> int:
        """Side of the network's input."""
        return self._manifest.input.width

    def look(self, rgb: NDArray[np.uint8], windows: Sequence[Window]) -> list[Part]:
        """Returns what is seen in each window, once a window; neighbours may see the same part."""
        found: list[Part] = []
        for start in range(0, len(windows), BATCH):
            chosen = windows[start : start + BATCH]
            outputs = self._network.run([cut(rgb, window, self.size_px) for window in chosen])
            for window, output in zip(chosen, outputs, strict=True):
                found += self._read(output, window, (rgb.shape[1], rgb.shape[0]))
        return found

    def _read(self, output: FloatArray, window: Window, size_px: tuple[int, int]) -> Iterator[Part]:
        """Yields the parts of one window. Shapes: output (4 + 2, A).

        Raises:
            ModelError: the network answers something else, or no numbers.
        """
        if output.ndim != 2 or len(output) != 4 + len(self._kinds) or not np.isfinite(output).all():
            raise ModelError(f"the network of model '{self._manifest.name}' answers no boxes; reinstall lukou")
        scale = window.side / self.size_px
        limit = np.array([*size_px, *size_px], dtype=np.float32)
        for channel, kind in enumerate(self._kinds):
            score = output[4 + channel]
            rows = np.flatnonzero(score >= self._least[channel])
            if not len(rows):
                continue
            xyxy = corners(output[:4, rows].T)
            xywh = np.concatenate([xyxy[:, :2], xyxy[:, 2:] - xyxy[:, :2]], axis=1)
            chosen = cv2.dnn.NMSBoxes(xywh.tolist(), score[rows].tolist(), 0.0, SAME)
            for row in np.asarray(chosen, dtype=np.int64).reshape(-1).tolist():
                place = xyxy[row] * scale + np.array([window.left, window.top] * 2, dtype=np.float32)
                x1, y1, x2, y2 = np.clip(place, 0, limit).tolist()
                if x2 > x1 and y2 > y1:
                    yield Part(
                        kind=kind,
                        xyxy=(x1, y1, x2, y2),
                        confidence=float(score[rows[row]]),
                        actor_index=window.actor_index,
                    )


def check_rgb(rgb: NDArray[np.uint8]) -> None:
    """Checks a picture.

    Raises:
        ModelError: it is not (h, w, 3) uint8, or empty.
    """
    if rgb.ndim != 3 or rgb.shape[2] != 3 or rgb.dtype != np.uint8 or rgb.size == 0:
        raise ModelError(f"a picture must be (h, w, 3) uint8 RGB, got {rgb.shape} {rgb.dtype}")


def windows_of(box: Sequence[float], index: int, rgb: NDArray[np.uint8], size_px: int) -> Iterator[Window]:
    """Yields the windows to look at one actor through: one, or several along it."""
    if not np.isfinite(box).all():
        return
    height, width = rgb.shape[:2]
    x1, y1, x2, y2 = max(box[0], 0.0), max(box[1], 0.0), min(box[2], width), min(box[3], height)
    wide, high = x2 - x1, y2 - y1
    if wide < 1 or high < 1:
        return
    long, short = max(wide, high), min(wide, high)
    side = MARGIN * long
    if side > MOST_SHRUNK * size_px:
        side = max(MOST_SHRUNK * size_px, MARGIN * short)
    spare = MARGIN * long - side
    count = 1 + int(np.ceil(spare / (side * (1 - WINDOW_OVERLAP))))
    for number in range(count):
        shift = 0.0 if count == 1 else (number / (count - 1) - 0.5) * spare
        x = (x1 + x2) / 2 + (shift if wide >= high else 0.0)
        y = (y1 + y2) / 2 + (shift if wide < high else 0.0)
        yield Window(left=x - side / 2, top=y - side / 2, side=side, actor_index=index)


def cut(rgb: NDArray[np.uint8], window: Window, size_px: int) -> NDArray[np.uint8]:
    """Returns a window's pixels at the network's size, grey where it reaches over the picture's edge."""
    height, width = rgb.shape[:2]
    x1, y1 = round(window.left), round(window.top)
    side = max(1, round(window.side))
    inside = rgb[max(0, y1) : max(0, min(height, y1 + side)), max(0, x1) : max(0, min(width, x1 + side))]
    square = np.full((side, side, 3), PAD_VALUE, dtype=np.uint8)
    top, left = max(0, -y1), max(0, -x1)
    square[top : top + inside.shape[0], left : left + inside.shape[1]] = inside
    method = cv2.INTER_AREA if side > size_px else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(square, (size_px, size_px), interpolation=method), dtype=np.uint8)


def _belongs(part: Part, box: FloatArray) -> bool:
    x, y = (part.xyxy[0] + part.xyxy[2]) / 2, (part.xyxy[1] + part.xyxy[3]) / 2
    dx, dy = NEAR * (box[2] - box[0]), NEAR * (box[3] - box[1])
    return bool(box[0] - dx <= x <= box[2] + dx and box[1] - dy <= y <= box[3] + dy)


def _distance(part: Part, box: FloatArray) -> float:
    """Returns how far a part is from where its actor wears it, in box sides."""
    x, y = (part.xyxy[0] + part.xyxy[2]) / 2, (part.xyxy[1] + part.xyxy[3]) / 2
    at = EXPECTED[part.kind]
    wide, high = max(float(box[2] - box[0]), 1e-6), max(float(box[3] - box[1]), 1e-6)
    return float(np.hypot((x - box[0]) / wide - at[0], (y - box[1]) / high - at[1]))


def _distinct(found: list[Part], boxes: FloatArray) -> list[Part]:
    """Returns each part once: of several boxes of it, the one whose actor it fits best, then the surest."""
    kept: list[Part] = []
    for kind in PartKind:
        ranked = sorted(
            (part for part in found if part.kind is kind),
            key=lambda part: (round(_distance(part, boxes[part.actor_index]), 1), -part.confidence, part.xyxy),
        )
        places = np.array([part.xyxy for part in ranked], dtype=np.float32).reshape(-1, 4)
        shared = overlap(places, places) > SAME
        taken: list[int] = []
        for row, part in enumerate(ranked):
            if not shared[row, taken].any():
                taken.append(row)
                kept.append(part)
    return kept


def load_parts(engine: str = "auto", *, confidence: float | None = None, home: Path = HOME) -> PartFinder:
    """Returns the finder of heads and plates that ships with Lukou.

    Args:
        engine: openvino, onnxruntime, or auto: OpenVINO where it is installed.
        confidence: Lowest confidence of a part instead of the manifest's.
        home: Folder with ``manifests/`` and ``weights/``.

    Raises:
        ModelError: no such engine, or the network cannot be loaded.
        ManifestMismatch: the weights are not the manifest's.
    """
    path = weights("parts", home)
    return PartFinder(load_manifest("parts", home), load_network(path, choose_engine(engine)), confidence=confidence)
