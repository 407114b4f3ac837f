"""A procedural city bus: a box with a painted skin."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np

from sim.cars import CarModel, wheel
from sim.mesh import Mesh, Triple, place

_GLASS, _TRIM = 0.95, 0.3


def build_bus(paint: Triple = (0.75, 0.78, 0.8), stripe: Triple = (0.1, 0.35, 0.25)) -> CarModel:
    """Returns a city bus."""
    length, width, height, floor = 10.8, 2.5, 3.15, 0.3
    body = Mesh()
    x0, x1, y0, y1 = -length / 2, length / 2, -width / 2, width / 2

    def face(corners: list[Triple], normal: Triple, cell: tuple[float, float]) -> None:
        u, v = cell
        uv = [(u, v + 0.5), (u + 0.5, v + 0.5), (u + 0.5, v), (u, v + 0.5), (u + 0.5, v), (u, v)]
        body.quad(corners, normal, uv)

    face([(x0, y0, floor), (x1, y0, floor), (x1, y0, height), (x0, y0, height)], (0, -1, 0), (0, 0))
    face([(x1, y1, floor), (x0, y1, floor), (x0, y1, height), (x1, y1, height)], (0, 1, 0), (0, 0))
    face([(x1, y0, floor), (x1, y1, floor), (x1, y1, height), (x1, y0, height)], (1, 0, 0), (0.5, 0))
    face([(x0, y1, floor), (x0, y0, floor), (x0, y0, height), (x0, y1, height)], (-1, 0, 0), (0, 0.5))
    face([(x0, y0, height), (x1, y0, height), (x1, y1, height), (x0, y1, height)], (0, 0, 1), (0.5, 0.5))
    trim = Mesh()
    for axle in (-3.4, 3.0):
        for side in (-1, 1):
            trim.merge(wheel(0.48, 0.3), place(axle, side * (width / 2 - 0.14), 0.48))
    return CarModel(body=body, texture=_bus_atlas(paint, stripe), trim=trim)


def _bus_atlas(paint: Triple, stripe: Triple) -> Any:
    wide, high = 1024, 512
    rows = [int(high * k / 100) for k in range(101)]

    def panel(gloss: float = 0.45) -> Any:
        return np.broadcast_to(np.array([*paint, gloss], "f4"), (high, wide, 4)).copy()

    side = panel()
    side[rows[62] : rows[86], :, :3] = stripe
    side[rows[22] : rows[56], 30:-30] = (0.03, 0.035, 0.04, _GLASS)
    for k in range(1, 7):
        side[rows[22] : rows[56], 30 + k * 137 : 36 + k * 137] = (0.02, 0.02, 0.02, _TRIM)
    side[rows[94] :] = (0.03, 0.03, 0.03, 0.1)
    for x in (190, 800):
        cv2.circle(side, (x, rows[95]), 62, (0.012, 0.012, 0.012, 0.05), -1)
    front = panel()
    front[rows[20] : rows[62], 60:-60] = (0.03, 0.04, 0.045, _GLASS)
    front[rows[6] : rows[16], 200:-200] = (0.01, 0.01, 0.01, 0.5)
    front[rows[7] : rows[15], 260:-260:14, :3] = (0.9, 0.45, 0.05)
    for span in (slice(50, 190), slice(-190, -50)):
        front[rows[74] : rows[82], span] = (0.8, 0.82, 0.8, 0.9)
    front[rows[90] :] = (0.04, 0.04, 0.04, 0.1)
    back = panel()
    back[rows[20] : rows[45], 120:-120] = (0.03, 0.03, 0.035, _GLASS)
    back[rows[60] : rows[90], 160:-160, :3] = stripe
    for span in (slice(40, 120), slice(-120, -40)):
        back[rows[66] : rows[80], span] = (0.45, 0.02, 0.02, 0.7)
    roof = panel(0.3)
    roof[..., :3] *= 0.95
    roof[100:-100, 150:420, :3] *= 0.85
    roof[100:-100, 600:820, :3] *= 0.88
    atlas = np.concatenate([np.concatenate([side, front], 1), np.concatenate([back, roof], 1)], 0)
    return (np.clip(atlas, 0, 1) * 255).astype("u1")
