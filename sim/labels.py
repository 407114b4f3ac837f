"""Where each actor is in the picture: boxes from the meshes' true corners, and how much of each is seen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, cast

import cv2
import numpy as np

from core.observations import ActorClass
from sim.actors import Pose
from sim.camera import Camera
from sim.mesh import Matrix
from sim.plates import plate_of

_BODY_FILL = {"motor": 0.86, "nonmotor": 0.62, "pedestrian": 0.62}
"""Share of its convex outline that a body's own pixels fill when nothing stands before it."""
_MIN_SIDE_PX = 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Detail:
    """A head or a plate of an actor; ``visibility`` is the seen share of its outline, ``text`` a plate's.

    Units: xyxy in source pixels.
    """

    kind: Literal["head", "plate"]
    xyxy: tuple[float, float, float, float]
    visibility: float
    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """One actor in one frame.

    Units: xyxy in source pixels, clipped to the picture. A two-wheeler's box is machine and rider together;
    who pushes a bicycle is a person, and the bicycle has a label of its own.
    """

    pose: Pose
    class_id: ActorClass
    xyxy: tuple[float, float, float, float]
    visibility: float
    is_truncated: bool
    details: tuple[Detail, ...] = ()


def build_label(
    pose: Pose, class_id: ActorClass, hull: Matrix, camera: Camera, *, seen_px: float | None
) -> Label | None:
    """Returns a label, None for what is behind the camera or outside the picture.

    Shapes: hull (N, 3) in world metres. Units: ``seen_px`` counts visible pixels, None if not measured.
    """
    pixels = camera.project(hull)
    if np.isnan(pixels).any():
        return None
    whole = np.array([*pixels.min(0), *pixels.max(0)])
    limit = np.array([camera.width_px, camera.height_px] * 2, float)
    clipped = np.clip(whole, 0, limit)
    if clipped[2] - clipped[0] < _MIN_SIDE_PX or clipped[3] - clipped[1] < _MIN_SIDE_PX:
        return None
    outline: Any = cv2.convexHull(pixels.astype("f4"))
    area = max(float(cv2.contourArea(outline)), 1.0)
    fill = _BODY_FILL[pose.body.subject]
    visibility = 1.0 if seen_px is None else min(1.0, seen_px / area / fill)
    x1, y1, x2, y2 = (round(float(v), 1) for v in clipped)
    return Label(
        pose=pose,
        class_id=class_id,
        xyxy=(x1, y1, x2, y2),
        visibility=round(visibility, 2),
        is_truncated=bool((np.abs(clipped - whole) > 1).any()),
    )


def build_details(
    pose: Pose, marks: list[tuple[str, Matrix]], camera: Camera, is_own: Any | None
) -> tuple[Detail, ...]:
    """Returns the heads and plates of an actor that lie in the picture and are turned to the camera.

    Shapes: marks' corners (N, 3) in world metres; ``is_own`` (H / 2, W / 2) bool, where the actor is what is
    seen, None if not measured.
    """
    found = []
    for name, corners in marks:
        pixels = camera.project(corners)
        if np.isnan(pixels).any():
            continue
        # The corners of a plate run counter-clockwise, which in pixels (y down) is a negative area.
        if name == "plate" and cv2.contourArea(pixels.astype("f4"), oriented=True) > 0:
            continue
        (x1, y1), (x2, y2) = pixels.min(0), pixels.max(0)
        if x1 < 0 or y1 < 0 or x2 > camera.width_px or y2 > camera.height_px:
            continue
        plate = plate_of(pose.actor_id, pose.kind)
        found.append(
            Detail(
                kind=cast(Literal["head", "plate"], name),
                xyxy=(round(float(x1), 1), round(float(y1), 1), round(float(x2), 1), round(float(y2), 1)),
                visibility=1.0 if is_own is None else _seen_share(pixels, is_own),
                text=plate.text if plate is not None and name == "plate" else "",
            )
        )
    return tuple(found)


def _seen_share(pixels: Matrix, is_own: Any) -> float:
    outline: Any = cv2.convexHull((pixels / 2).astype("f4")).astype(np.int32)
    mask = np.zeros(is_own.shape, np.uint8)
    cv2.fillConvexPoly(mask, outline, 1)
    return round(float(is_own[mask > 0].mean()), 2) if mask.any() else 0.0
