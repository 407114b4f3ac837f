"""Procedural cars: a lofted body, a painted texture, wheels, and where its number plates are."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from sim.mesh import Mesh, Triple, box, ellipsoid, place, surface

TEXTURE_PX = 1024
_GLASS, _TRIM, _MATT = 0.95, 0.3, 0.15


@dataclass(frozen=True, slots=True, kw_only=True)
class BodyPlan:
    """Side view of a car in metres, x forward from the middle: ``roof`` runs from the tail to the nose."""

    length: float
    width: float
    height: float
    roof: tuple[tuple[float, float], ...]
    belt: float
    cowl: float
    screen_top: float
    rear_top: float
    deck: float
    axles: tuple[float, float]
    pillars: tuple[float, ...]
    is_notchback: bool = False


PLANS: dict[str, BodyPlan] = {
    "sedan": BodyPlan(
        length=4.65,
        width=1.82,
        height=1.46,
        belt=0.92,
        cowl=1.05,
        screen_top=0.38,
        rear_top=-0.72,
        deck=-1.55,
        axles=(-1.35, 1.38),
        pillars=(-0.08,),
        is_notchback=True,
        roof=(
            (-2.32, 0.62),
            (-2.28, 0.86),
            (-2.05, 0.97),
            (-1.55, 1.03),
            (-0.75, 1.40),
            (-0.2, 1.46),
            (0.35, 1.44),
            (1.02, 1.02),
            (1.12, 0.985),
            (1.9, 0.86),
            (2.2, 0.76),
            (2.32, 0.55),
        ),
    ),
    "hatchback": BodyPlan(
        length=4.05,
        width=1.76,
        height=1.50,
        belt=0.93,
        cowl=1.0,
        screen_top=0.28,
        rear_top=-1.5,
        deck=-1.95,
        axles=(-1.22, 1.25),
        pillars=(-0.15,),
        roof=(
            (-2.02, 0.6),
            (-1.99, 0.95),
            (-1.9, 1.12),
            (-1.55, 1.42),
            (-0.9, 1.50),
            (-0.2, 1.51),
            (0.25, 1.47),
            (0.95, 1.06),
            (1.05, 1.0),
            (1.7, 0.88),
            (1.95, 0.76),
            (2.02, 0.55),
        ),
    ),
    "suv": BodyPlan(
        length=4.7,
        width=1.92,
        height=1.72,
        belt=1.08,
        cowl=1.0,
        screen_top=0.22,
        rear_top=-1.9,
        deck=-2.3,
        axles=(-1.4, 1.42),
        pillars=(-0.2, -1.25),
        roof=(
            (-2.35, 0.7),
            (-2.32, 1.1),
            (-2.22, 1.28),
            (-1.95, 1.62),
            (-1.4, 1.71),
            (-0.4, 1.73),
            (0.2, 1.68),
            (0.95, 1.24),
            (1.05, 1.16),
            (1.95, 1.05),
            (2.25, 0.92),
            (2.35, 0.6),
        ),
    ),
    "van": BodyPlan(
        length=4.6,
        width=1.75,
        height=1.86,
        belt=1.08,
        cowl=1.55,
        screen_top=0.8,
        rear_top=-2.1,
        deck=-2.27,
        axles=(-1.45, 1.5),
        pillars=(-0.0, -1.1),
        roof=(
            (-2.3, 0.7),
            (-2.29, 1.25),
            (-2.25, 1.45),
            (-2.12, 1.78),
            (-1.6, 1.86),
            (0, 1.88),
            (0.75, 1.80),
            (1.5, 1.22),
            (1.6, 1.12),
            (2.05, 1.0),
            (2.25, 0.85),
            (2.3, 0.55),
        ),
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class CarModel:
    """A car ready to draw. Shapes: texture (1024, 1024, 4) uint8, linear RGB with gloss in alpha."""

    body: Mesh
    texture: Any
    trim: Mesh


def build_car(kind: str, paint: Triple) -> CarModel:
    """Returns a car of one body plan in one paint."""
    plan = PLANS[kind]
    loft = _loft(plan)
    body = surface(loft.points, _ring_uv(loft.points.shape[:2]))
    for row, side in ((0, -1), (-1, 1)):
        _cap(body, loft.points[row], side)
    trim = Mesh()
    for axle in plan.axles:
        for side in (-1, 1):
            trim.merge(wheel(), place(axle, side * (plan.width / 2 - 0.115), 0.33))
    for side in (-1, 1):
        mirror = (plan.cowl - 0.35, side * (plan.width / 2 + 0.06), plan.belt + 0.08)
        trim.merge(ellipsoid(mirror, (0.1, 0.1, 0.07), (paint[0] * 0.8, paint[1] * 0.8, paint[2] * 0.8, 0.5), sides=8))
    return CarModel(body=body, texture=_paint(plan, loft, paint), trim=trim)


def wheel(radius: float = 0.33, width: float = 0.21) -> Mesh:
    """Returns a wheel, axle along y."""
    mesh, spokes = Mesh(), 24
    turn = np.linspace(0, 2 * np.pi, spokes + 1)
    profile = [
        (-width / 2, radius * 0.62),
        (-width / 2, radius * 0.9),
        (-width / 2 + 0.03, radius),
        (width / 2 - 0.03, radius),
        (width / 2, radius * 0.9),
        (width / 2, radius * 0.62),
    ]
    rings = [[(r * math.cos(a), y, r * math.sin(a)) for a in turn] for y, r in profile]
    mesh.merge(surface(np.array(rings), colour=(0.025, 0.025, 0.028, 0.05)))
    hub = radius * 0.66
    for side in (-1, 1):
        y = side * (width / 2 - 0.01)
        for k in range(spokes):
            a, b = turn[k], turn[k + 1]
            colour = (0.55, 0.56, 0.58, 0.5) if (k // 2) % 2 == 0 else (0.06, 0.06, 0.06, 0.2)
            corners = [(0, y, 0), (hub * math.cos(a), y, hub * math.sin(a)), (hub * math.cos(b), y, hub * math.sin(b))]
            mesh.add(corners, [(0, side, 0)] * 3, None, colour)
    return mesh


def plate_spots(kind: str) -> tuple[Triple, Triple]:
    """Returns where the middle of the front and of the rear plate is."""
    half = PLANS[kind].length / 2 + 0.035
    return (half, 0.0, 0.47), (-half, 0.0, 0.65)


def plate_backing(kind: str) -> Mesh:
    """Returns the dark recess a plate sits on, so that it reads against light paint."""
    plan = PLANS[kind]
    dark = (0.03, 0.03, 0.03, 0.1)
    mesh = box((-plan.length / 2 - 0.005, 0, 0.65), (0.04, 0.56, 0.22), dark)
    return mesh.merge(box((plan.length / 2 + 0.005, 0, 0.47), (0.04, 0.56, 0.2), dark))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Loft:
    points: Any
    x: Any
    top: Any
    belt: Any
    roof_half: Any


def _loft(plan: BodyPlan) -> _Loft:
    """Returns the body as rings along x, shape (140, 72, 3)."""
    rows, columns = 140, 72
    roof_x, roof_z = np.array(plan.roof).T
    x = np.linspace(-plan.length / 2, plan.length / 2, rows)
    smooth = np.hanning(9) / np.hanning(9).sum()
    top = np.convolve(np.pad(np.interp(x, roof_x, roof_z), 4, mode="edge"), smooth, "valid")
    end = np.abs(x) / (plan.length / 2)
    half = plan.width / 2 * (1 - 0.16 * np.clip((end - 0.72) / 0.28, 0, 1) ** 2.2)
    belt = np.minimum(plan.belt - 0.06 * np.clip((x - 0.5) / (plan.length / 2), 0, 1), top - 0.02)
    sill = 0.24 + 0.10 * np.clip((end - 0.86) / 0.14, 0, 1)
    glass = np.clip((top - belt) / (plan.height - plan.belt), 0, 1)
    roof_half = half - 0.17 * glass - 0.03
    points = np.zeros((rows, columns, 3))
    for i in range(rows):
        y, z = _ring(float(half[i]), float(sill[i]), float(belt[i]), float(top[i]), roof=float(roof_half[i]))
        points[i, :, 0] = x[i]
        points[i, : columns // 2, 1], points[i, : columns // 2, 2] = -y, z
        points[i, columns // 2 :, 1], points[i, columns // 2 :, 2] = y[::-1], z[::-1]
    return _Loft(points=points, x=x, top=top, belt=belt, roof_half=roof_half)


def _ring(half: float, sill: float, belt: float, top: float, *, roof: float) -> tuple[Any, Any]:
    corners = np.array(
        [
            (0, sill - 0.02), (half * 0.8, sill - 0.02), (half * 0.965, sill + 0.02), (half, sill + 0.2),
            (half, (sill + belt) / 2 + 0.1), (half * 0.985, belt - 0.05), (half * 0.955, belt),
            (roof + (half * 0.955 - roof) * 0.12, belt + (top - belt) * 0.88), (roof - 0.06, top - 0.025),
            (roof * 0.6, top), (0, top + 0.01),
        ]
    )  # fmt: skip
    at = np.array([0, 0.18, 0.22, 0.30, 0.40, 0.50, 0.53, 0.72, 0.78, 0.88, 1.0])
    sample = np.linspace(0, 1, 36)
    return np.interp(sample, at, corners[:, 0]), np.interp(sample, at, corners[:, 1])


def _ring_uv(shape: tuple[int, int]) -> Any:
    u, v = np.meshgrid(np.linspace(0, 1, shape[0]), np.linspace(0, 1, shape[1]), indexing="ij")
    return np.stack([u, v], -1)


def _cap(body: Mesh, ring: Any, side: int) -> None:
    count = len(ring)
    grid = np.stack([np.broadcast_to(ring.mean(0), ring.shape), ring])
    edge = np.full(count, 0.002 if side < 0 else 0.998)
    uv = np.stack([np.stack([edge, np.linspace(0, 1, count)], -1)] * 2)
    points, _, coords, _ = surface(grid, uv).arrays()
    body.add(points, np.broadcast_to([side, 0.0, 0.0], points.shape), coords)


class _Canvas:
    """The unrolled body while it is painted: where each texel lies on the car."""

    def __init__(self, loft: _Loft) -> None:
        size = (TEXTURE_PX, TEXTURE_PX)
        self.x, self.y, self.z = (cv2.resize(loft.points[..., k].astype("f4").T, size) for k in range(3))
        down = np.linspace(0, 1, TEXTURE_PX)[:, None]
        self.fold = np.broadcast_to(1 - np.abs(down * 2 - 1), size)
        self.top, self.belt = np.interp(self.x, loft.x, loft.top), np.interp(self.x, loft.x, loft.belt)
        self.roof_half = np.interp(self.x, loft.x, loft.roof_half)
        self.rgba = np.ones((*size, 4), "f4")
        self.rgba[..., 3] = 0.55
        self.is_paint = np.ones(size, bool)
        self.nose_z = float(loft.top[int(len(loft.top) * 0.955)])

    def put(self, where: Any, colour: Triple, gloss: float = 0.2) -> None:
        self.rgba[where, :3] = colour
        self.rgba[where, 3] = gloss
        self.is_paint[where] = False


def _paint(plan: BodyPlan, loft: _Loft, paint: Triple) -> Any:
    canvas = _Canvas(loft)
    _paint_glass(canvas, plan)
    _paint_seams(canvas, plan)
    _paint_ends(canvas, plan)
    tint = canvas.is_paint[..., None]
    rgb = np.where(tint, np.array(paint, "f4"), canvas.rgba[..., :3])
    dirt = np.clip((0.62 - canvas.z) / 0.5, 0, 1)[..., None] * 0.35 * tint
    canvas.rgba[..., :3] = rgb * (1 - dirt) + np.array((0.22, 0.2, 0.18)) * dirt
    return (np.clip(canvas.rgba, 0, 1) * 255).astype("u1")


def _paint_glass(canvas: _Canvas, plan: BodyPlan) -> None:
    c, x = canvas, canvas.x
    side = (c.fold > 0.53) & (c.fold < 0.73)
    high = (c.z - c.belt) / np.maximum(c.top - c.belt, 0.05)
    window_rear = plan.deck + (0.28 if plan.is_notchback else 0.25)
    front = np.interp(c.z, [plan.belt, plan.height], [plan.cowl - 0.02, plan.screen_top - 0.05])
    rear = np.interp(c.z, [plan.belt, plan.height], [window_rear - 0.05, plan.rear_top + 0.02])
    deep = c.top - c.belt
    frame = side & (high > 0.03) & (high < 0.93) & (x < front - 0.05) & (x > rear + 0.10) & (deep > 0.1)
    pane = side & (high > 0.08) & (high < 0.86) & (x < front - 0.10) & (x > rear + 0.16) & (deep > 0.12)
    c.put(frame, (0.02, 0.02, 0.02), _TRIM)
    c.put(pane, (0.03, 0.035, 0.04), _GLASS)
    for pillar in plan.pillars:
        c.put(pane & (np.abs(x - pillar) < 0.045), (0.02, 0.02, 0.02), _TRIM)
    screen = (np.abs(c.y) < c.roof_half - 0.02) & (c.fold > 0.76)
    c.put(screen & (x < plan.cowl - 0.03) & (x > plan.screen_top + 0.03), (0.035, 0.045, 0.05), _GLASS)
    back = (x < plan.rear_top - 0.02) & (x > plan.deck + (0.06 if plan.is_notchback else 0.12))
    c.put(back & (np.abs(c.y) < c.roof_half - 0.05) & (c.fold > 0.76), (0.03, 0.035, 0.04), _GLASS)


def _paint_seams(canvas: _Canvas, plan: BodyPlan) -> None:
    c, x = canvas, canvas.x
    c.put(c.fold < 0.215, (0.03, 0.03, 0.03), 0.1)
    for axle in plan.axles:
        arch = np.hypot(x - axle, c.z - 0.33) < 0.40
        c.put(arch & (c.fold < 0.53) & (np.abs(c.y) > plan.width * 0.33), (0.012, 0.012, 0.012), 0.05)
    first = plan.pillars[0]
    for seam in (first - 0.02, plan.cowl - 0.25, plan.deck + (0.63 if plan.is_notchback else 0.6)):
        c.put((np.abs(x - seam) < 0.008) & (c.fold > 0.22) & (c.fold < 0.55), (0.06, 0.06, 0.06))
    for handle in (first + 0.12, first - 0.85):
        near = (np.abs(x - handle) < 0.09) & (np.abs(c.z - plan.belt + 0.12) < 0.018)
        c.put(near & (c.fold < 0.53) & (c.fold > 0.3), (0.12, 0.12, 0.12), 0.5)


def _paint_ends(canvas: _Canvas, plan: BodyPlan) -> None:
    c, x, nose, tail = canvas, canvas.x, plan.length / 2, -plan.length / 2
    wide = np.abs(c.y) > plan.width * 0.26
    lamp = (c.z > c.nose_z - 0.20) & (c.z < c.nose_z - 0.04) & (c.fold < 0.80)
    c.put((x > nose - 0.42) & wide & lamp, (0.75, 0.78, 0.8), 0.9)
    grille = (np.abs(c.y) < plan.width * 0.24) & (c.z > 0.42) & (c.z < c.nose_z - 0.08)
    c.put((x > nose - 0.10) & grille, (0.02, 0.02, 0.02), _TRIM)
    c.put((x > nose - 0.2) & (c.z < 0.40), (0.04, 0.04, 0.04), _MATT)
    tail_z = 0.78 if plan.height < 1.6 else 0.95
    c.put((x < tail + 0.30) & wide & (np.abs(c.z - tail_z - 0.01) < 0.11) & (c.fold < 0.78), (0.45, 0.02, 0.02), 0.7)
    c.put((x < tail + 0.16) & (c.z < 0.46), (0.05, 0.05, 0.05), _MATT)
