"""Triangle meshes and the few shapes everything is built from.

A vertex has position, normal, texture coordinate and colour; the colour's fourth number is gloss
(0 matt, above 0.8 glass). Shapes: positions and normals (N, 3), uv (N, 2), colour (N, 4), N a multiple of 3.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

FloatArray = NDArray[np.float32]
Matrix = NDArray[np.float64]
Colour = tuple[float, float, float, float]
Triple = tuple[float, float, float]

GREY: Colour = (0.5, 0.5, 0.5, 0.0)
WHITE: Colour = (1.0, 1.0, 1.0, 0.0)
QUAD_UV = [(0, 1), (1, 1), (1, 0), (0, 1), (1, 0), (0, 0)]
IDENTITY: Matrix = np.eye(4)


class Mesh:
    """A growing soup of triangles.

    ``marks`` names spots on it that get boxes of their own (a head, a plate): (name, corners (N, 3)).
    """

    def __init__(self) -> None:
        self._parts: list[tuple[FloatArray, FloatArray, FloatArray, FloatArray]] = []
        self.marks: list[tuple[str, Matrix]] = []

    def add(
        self, points: ArrayLike, normals: ArrayLike, uv: ArrayLike | None = None, colour: ArrayLike = WHITE
    ) -> Mesh:
        """Adds triangles, three points each."""
        p = np.asarray(points, np.float32).reshape(-1, 3)
        n = np.asarray(normals, np.float32).reshape(-1, 3)
        t = np.zeros((len(p), 2), np.float32) if uv is None else np.asarray(uv, np.float32).reshape(-1, 2)
        c = np.broadcast_to(np.asarray(colour, np.float32), (len(p), 4)).astype(np.float32)
        self._parts.append((p, n, t, c))
        return self

    def merge(self, other: Mesh, matrix: Matrix | None = None) -> Mesh:
        """Adds another mesh, moved by ``matrix``."""
        p, n, t, c = other.arrays()
        if matrix is not None:
            p = (p @ matrix[:3, :3].T + matrix[:3, 3]).astype(np.float32)
            turned = n @ matrix[:3, :3].T
            n = (turned / np.maximum(np.linalg.norm(turned, axis=1, keepdims=True), 1e-6)).astype(np.float32)
        self._parts.append((p, n, t, c))
        for name, spot in other.marks:
            self.mark(name, spot if matrix is None else spot @ matrix[:3, :3].T + matrix[:3, 3])
        return self

    def mark(self, name: str, corners: ArrayLike) -> Mesh:
        """Names a spot by its corners, shape (N, 3)."""
        self.marks.append((name, np.asarray(corners, np.float64).reshape(-1, 3)))
        return self

    def quad(
        self, corners: Sequence[Sequence[float]], normal: Triple, uv: ArrayLike = QUAD_UV, colour: ArrayLike = WHITE
    ) -> Mesh:
        """Adds a four-cornered face: corners counter-clockwise from its lower left."""
        a, b, c, d = corners
        return self.add([a, b, c, a, c, d], [normal] * 6, uv, colour)

    def scale(self, factor: float) -> Mesh:
        """Scales about the origin."""
        self._parts = [((p * factor).astype(np.float32), n, t, c) for p, n, t, c in self._parts]
        self.marks = [(name, spot * factor) for name, spot in self.marks]
        return self

    def arrays(self) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
        """Returns positions, normals, uv and colours of all triangles."""
        if not self._parts:
            return tuple(np.zeros((0, k), np.float32) for k in (3, 3, 2, 4))  # type: ignore[return-value]
        columns = [np.concatenate(column).astype(np.float32) for column in zip(*self._parts, strict=True)]
        return columns[0], columns[1], columns[2], columns[3]


def place(x: float = 0.0, y: float = 0.0, z: float = 0.0, *, turn_rad: float = 0.0) -> Matrix:
    """Returns the matrix that turns about the vertical, then moves."""
    cos, sin = math.cos(turn_rad), math.sin(turn_rad)
    matrix = np.eye(4)
    matrix[:2, :2] = [[cos, -sin], [sin, cos]]
    matrix[:3, 3] = (x, y, z)
    return matrix


def surface(points: Any, uv: Any = None, colour: Any = WHITE, *, is_flipped: bool = False) -> Mesh:
    """Returns a smooth surface over a grid of points (A, B, 3); ``colour`` may be a grid (A, B, 4)."""
    rows, columns, _ = points.shape
    normals = np.cross(np.gradient(points, axis=0), np.gradient(points, axis=1))
    normals /= np.maximum(np.linalg.norm(normals, axis=2, keepdims=True), 1e-9)
    if is_flipped:
        normals = -normals
    if uv is None:
        u, v = np.meshgrid(np.linspace(0, 1, rows), np.linspace(0, 1, columns), indexing="ij")
        uv = np.stack([u, v], -1)
    i, j = (a.ravel() for a in np.meshgrid(np.arange(rows - 1), np.arange(columns - 1), indexing="ij"))

    def cells(grid: Any) -> Any:
        corners = [grid[i, j], grid[i + 1, j], grid[i + 1, j + 1], grid[i, j], grid[i + 1, j + 1], grid[i, j + 1]]
        return np.stack(corners, 1).reshape(-1, grid.shape[-1])

    tint = np.asarray(colour, np.float32)
    return Mesh().add(cells(points), cells(normals), cells(uv), cells(tint) if tint.ndim == 3 else tint)


def box(centre: Triple, size: Triple, colour: Colour = GREY) -> Mesh:
    """Returns a cuboid."""
    mesh, half, middle = Mesh(), np.array(size) / 2, np.array(centre)
    for axis in range(3):
        for side in (-1, 1):
            normal, u, v = np.zeros(3), np.zeros(3), np.zeros(3)
            normal[axis], u[(axis + 1) % 3], v[(axis + 2) % 3] = side, 1, 1
            face = middle + normal * half
            corners = [face + (a * u + b * v) * half for a, b in ((-1, -1), (1, -1), (1, 1), (-1, 1))]
            mesh.quad([tuple(c) for c in corners], (normal[0], normal[1], normal[2]), colour=colour)
    return mesh


def tube(
    start: ArrayLike,
    end: ArrayLike,
    radii_m: tuple[float, float],
    colour: Colour = GREY,
    *,
    sides: int = 10,
    is_capped: bool = True,
) -> Mesh:
    """Returns a round bar with its radius at both ends."""
    p0, p1 = np.asarray(start, float), np.asarray(end, float)
    axis = p1 - p0
    length = float(np.linalg.norm(axis))
    axis = axis / max(length, 1e-9)
    across = np.cross(axis, [0, 0, 1.0] if abs(axis[2]) < 0.9 else [1.0, 0, 0])
    across /= np.linalg.norm(across)
    other = np.cross(axis, across)
    turn = np.linspace(0, 2 * np.pi, sides + 1)
    ring = np.cos(turn)[:, None] * across + np.sin(turn)[:, None] * other
    r0, r1 = radii_m
    profile = [(0.0, r0), (length, r1)]
    if is_capped:
        start_cap = [(-r0 * math.cos(q), r0 * math.sin(q)) for q in np.linspace(0, np.pi / 2, 4)]
        profile = start_cap + [(length + r1 * math.cos(q), r1 * math.sin(q)) for q in np.linspace(np.pi / 2, 0, 4)]
    grid = np.array([[p0 + axis * along + spoke * max(r, 1e-4) for spoke in ring] for along, r in profile])
    return surface(grid, colour=colour, is_flipped=True)


def ellipsoid(centre: ArrayLike, radii_m: Triple, colour: Colour = GREY, *, sides: int = 12) -> Mesh:
    """Returns an ellipsoid."""
    u, v = np.meshgrid(np.linspace(0, np.pi, sides), np.linspace(0, 2 * np.pi, 2 * sides), indexing="ij")
    ball = np.stack([np.sin(u) * np.cos(v), np.sin(u) * np.sin(v), np.cos(u)], -1)
    return surface(ball * np.array(radii_m) + np.asarray(centre, float), colour=colour)


def torus(centre: Triple, radii_m: tuple[float, float], colour: Colour, *, sides: int = 28) -> Mesh:
    """Returns a ring standing upright along x: ``radii_m`` of the ring and of its bar."""
    a, b = np.meshgrid(np.linspace(0, 2 * np.pi, sides + 1), np.linspace(0, 2 * np.pi, 9), indexing="ij")
    ring, bar = radii_m
    x = centre[0] + (ring + bar * np.cos(b)) * np.cos(a)
    z = centre[2] + (ring + bar * np.cos(b)) * np.sin(a)
    return surface(np.stack([x, centre[1] + bar * np.sin(b), z], -1), colour=colour)
