"""What stands around the junction: buildings, trees, lamp posts, signal masts."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from sim import junction
from sim.junction import Junction, LampHousing
from sim.mesh import Colour, Mesh, box, place, surface, tube

_STEEL: Colour = (0.33, 0.34, 0.35, 0.3)
_BLACK: Colour = (0.03, 0.03, 0.03, 0.15)
_BARK: Colour = (0.17, 0.13, 0.10, 0.0)
_STOREY_M = 3.2
LAMP_M = 8.88
"""Height of the street lamps."""
_FLOORS = (5, 7, 4, 6, 9, 5)
_PLOTS = (
    (26, 26, 18, 18), (50, 25, 22, 16), (25, 50, 16, 24), (80, 26, 28, 18), (26, 84, 18, 30), (52, 52, 24, 24),
    (120, 30, 34, 24), (30, 128, 24, 40), (85, 80, 40, 40), (60, 170, 60, 40), (150, 90, 40, 60),
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Solid:
    """A mesh with how it is shaded: mode 0 plain, 1 sRGB texture, 2 linear texture with gloss, 3 cut-out leaves."""

    mesh: Mesh
    mode: int = 0
    texture: Any = None


def build_town(built: Junction, seed: int = 4) -> list[Solid]:
    """Returns everything that never moves, apart from the ground texture itself."""
    random = np.random.RandomState(seed)
    return [_outskirts(built), *_buildings(random, built), *_trees(random, built), _furniture(built)]


def _outskirts(built: Junction) -> Solid:
    kerb = built.road_half_m
    mesh, far, half = Mesh(), 500.0, junction.GROUND_HALF_M
    up = (0.0, 0.0, 1.0)
    mesh.quad(
        [(-far, -far, -0.06), (far, -far, -0.06), (far, far, -0.06), (-far, far, -0.06)],
        up,
        colour=(0.27, 0.27, 0.25, 0),
    )
    for arm in built.arms:
        corners = [junction.rotate(arm, x, y) for x, y in ((-kerb, -400), (kerb, -400), (kerb, -half), (-kerb, -half))]
        mesh.quad([(x, y, -0.02) for x, y in corners], up, colour=(0.12, 0.12, 0.12, 0))
    return Solid(mesh=mesh)


def _buildings(random: Any, built: Junction) -> list[Solid]:
    walls = [Mesh() for _ in _FLOORS]
    roofs = Mesh()
    for side, sign in (("E", 1), ("W", -1)):
        if side not in built.arms:
            _building(walls[1], roofs, (sign * (built.road_half_m + 17.0), 0.0, 18.0, 26.0), _FLOORS[1] * _STOREY_M)
    for sx in (-1, 1):
        for sy in (-1, 1):
            for x, y, wide, deep in _PLOTS:
                style = random.randint(len(_FLOORS))
                stretch = 1 if max(x, y) < 60 else random.uniform(1, 2.6)
                _building(walls[style], roofs, (sx * x, sy * y, wide, deep), _FLOORS[style] * _STOREY_M * stretch)
    found = [Solid(mesh=roofs)]
    for style, mesh in enumerate(walls):
        if len(mesh.arrays()[0]):
            found.append(Solid(mesh=mesh, mode=2, texture=_facade(style, _FLOORS[style], 8, is_glazed=style % 2 == 1)))
    return found


def _building(walls: Mesh, roofs: Mesh, plot: tuple[float, float, float, float], height: float) -> None:
    x, y, wide, deep = plot
    left, right, near, far = x - wide / 2, x + wide / 2, y - deep / 2, y + deep / 2
    sides = (
        ((left, near), (right, near), (0, -1, 0)), ((right, near), (right, far), (1, 0, 0)),
        ((right, far), (left, far), (0, 1, 0)), ((left, far), (left, near), (-1, 0, 0)),
    )  # fmt: skip
    for a, b, normal in sides:
        reach = math.dist(a, b) / 25.6
        uv = [(0, 1), (reach, 1), (reach, 0), (0, 1), (reach, 0), (0, 0)]
        walls.quad([(*a, 0), (*b, 0), (*b, height), (*a, height)], normal, uv)
    roofs.merge(box((x, y, height + 0.15), (wide, deep, 0.3), (0.33, 0.33, 0.33, 0)))
    roofs.merge(box((x + wide * 0.2, y - deep * 0.1, height + 1.2), (3, 3, 2.2), (0.42, 0.41, 0.4, 0)))
    rims = (
        (x, near + 0.1, wide, 0.2),
        (x, far - 0.1, wide, 0.2),
        (left + 0.1, y, 0.2, deep),
        (right - 0.1, y, 0.2, deep),
    )
    for cx, cy, lx, ly in rims:
        roofs.merge(box((cx, cy, height + 0.7), (lx, ly, 0.9), (0.45, 0.44, 0.42, 0)))


def _facade(seed: int, floors: int, bays: int, *, is_glazed: bool) -> Any:
    random = np.random.RandomState(seed)
    cell = 96
    image = np.zeros((floors * cell, bays * cell, 4), "f4")
    walls = [
        (0.52, 0.47, 0.41),
        (0.44, 0.42, 0.41),
        (0.58, 0.54, 0.48),
        (0.42, 0.30, 0.25),
        (0.5, 0.52, 0.53),
        (0.62, 0.60, 0.57),
    ]
    image[..., :3] = np.array(walls[seed % 6]) + random.normal(0, 0.012, image.shape[:2])[..., None]
    image[..., 3] = 0.05
    for floor in range(floors - 1):
        for bay in range(bays):
            _window(image, random, (bay * cell, floor * cell), is_glazed=is_glazed)
        image[floor * cell : floor * cell + 4, :, :3] *= 0.75
    _shops(image, random, (floors - 1) * cell, bays)
    image[..., :3] *= np.linspace(1.0, 0.88, image.shape[0])[:, None, None]
    return (np.clip(image, 0, 1) * 255).astype("u1")


def _window(image: Any, random: Any, at: tuple[int, int], *, is_glazed: bool) -> None:
    x, y = at
    if is_glazed:
        image[y + 18 : y + 82, x + 3 : x + 93] = (0.06, 0.09, 0.11, 0.95)
        return
    image[y + 20 : y + 74, x + 18 : x + 78] = (0.28, 0.28, 0.28, 0.2)
    dark = random.uniform(0.03, 0.10)
    image[y + 23 : y + 71, x + 21 : x + 75] = (dark, dark * 1.15, dark * 1.25, 0.9)
    image[y + 23 : y + 71, x + 46 : x + 50] = (0.35, 0.35, 0.35, 0.2)
    if random.rand() < 0.35:
        image[y + 23 : y + 23 + random.randint(8, 40), x + 21 : x + 46] = (0.55, 0.52, 0.45, 0.2)
    if random.rand() < 0.3:
        image[y + 76 : y + 94, x + 26 : x + 60] = (0.55, 0.56, 0.56, 0.2)


def _shops(image: Any, random: Any, y: int, bays: int) -> None:
    signs = [
        (0.55, 0.08, 0.06),
        (0.06, 0.2, 0.45),
        (0.5, 0.38, 0.08),
        (0.08, 0.32, 0.18),
        (0.6, 0.6, 0.58),
        (0.2, 0.2, 0.22),
    ]
    image[y : y + 30] = (0.25, 0.25, 0.25, 0.2)
    for bay in range(0, bays, 2):
        x, end = bay * 96, y + 92
        image[y + 4 : y + 28, x + 4 : x + 188, :3] = signs[random.randint(6)]
        for k in range(4):
            cv2.rectangle(image, (x + 30 + k * 36, y + 9), (x + 48 + k * 36, y + 23), (0.85, 0.85, 0.8, 0.1), 2)
        image[y + 34 : end, x + 6 : x + 186] = (0.05, 0.06, 0.07, 0.9)
        image[y + 34 : end, x + 90 : x + 96] = (0.4, 0.4, 0.4, 0.3)
        image[y + 60 : end, x + 10 : x + 80, :3] += random.uniform(0, 0.18, 3)


def _trees(random: Any, built: Junction) -> list[Solid]:
    kinds = [_tree(k, 6.5 + k * 0.5) for k in range(4)]
    trunks, leaves = Mesh(), Mesh()
    for arm in built.arms:
        for side in (-1, 1):
            for along in np.arange(27, 140, 10.5):
                x, y = junction.rotate(arm, side * (built.road_half_m + 4.0), -along - random.uniform(-1, 1))
                kind, turn = random.randint(4), random.uniform(0, 6.28)
                if arm == "S" and 30 < along < 75:
                    continue
                trunk, crown = kinds[kind]
                trunks.merge(trunk, place(x, y, turn_rad=turn))
                leaves.merge(crown, place(x, y, turn_rad=turn))
    return [Solid(mesh=trunks), Solid(mesh=leaves, mode=3, texture=_leaf_texture())]


def _tree(seed: int, height: float, crown_m: float = 2.4, leaves: int = 420) -> tuple[Mesh, Mesh]:
    random = np.random.RandomState(seed)
    lean = (random.uniform(-0.2, 0.2), random.uniform(-0.2, 0.2), height * 0.62)
    trunk, crown = Mesh().merge(tube((0, 0, 0), lean, (0.17, 0.09), _BARK, sides=8)), Mesh()
    clumps = [
        (
            *random.normal(0, crown_m * 0.38, 2),
            height * 0.62 + random.uniform(-0.1, 1) * crown_m * 0.8,
            crown_m * random.uniform(0.45, 0.75),
        )
        for _ in range(8)
    ]
    for x, y, z, _ in clumps:
        trunk.merge(tube((0, 0, height * 0.4), (x, y, z), (0.06, 0.03), _BARK, sides=5))
    for _ in range(leaves):
        x, y, z, radius = clumps[random.randint(len(clumps))]
        out = random.normal(size=3)
        out /= np.linalg.norm(out)
        reach = radius * random.uniform(0.55, 1.05)
        at = np.array([x, y, z]) + out * reach * np.array([1, 1, 0.8])
        a = np.cross(out, random.normal(size=3))
        a /= np.linalg.norm(a)
        b, size = np.cross(out, a) * random.uniform(0.6, 1), random.uniform(0.45, 0.8)
        normal = out * 0.7 + np.array([0, 0, 0.6])
        normal /= np.linalg.norm(normal)
        shade = float(np.clip(0.55 + 0.45 * (reach / radius) * (0.6 + 0.4 * out[2]), 0.35, 1.15))
        a, b = a * size, b * size
        crown.quad(
            [at - a - b, at + a - b, at + a + b, at - a + b],
            (normal[0], normal[1], normal[2]),
            colour=(shade, shade, shade, 0),
        )
    return trunk, crown


def _leaf_texture(size: int = 256) -> Any:
    random = np.random.RandomState(0)
    image = np.zeros((size, size, 4), "f4")
    for _ in range(110):
        x, y = random.normal(size / 2, size * 0.19, 2)
        turn, length, green = random.uniform(0, 180), random.uniform(10, 20), random.uniform(0.35, 1)
        colour = (0.16 * green + 0.03, 0.27 * green + 0.04, 0.07 * green + 0.01, 1)
        cv2.ellipse(image, (int(x), int(y)), (int(length), int(length * 0.45)), turn, 0, 360, colour, -1, cv2.LINE_AA)
    return (np.clip(image, 0, 1) * 255).astype("u1")


def _furniture(built: Junction) -> Solid:
    mesh = Mesh()
    for arm in built.arms:
        turn = {"S": 0.0, "E": math.pi / 2, "N": math.pi, "W": -math.pi / 2}[arm]
        mesh.merge(_arm_poles(built, is_watched=arm == "S"), place(turn_rad=turn))
    for housing in built.lamp_housings():
        mesh.merge(_housing(housing))
    return Solid(mesh=mesh)


def _arm_poles(built: Junction, *, is_watched: bool) -> Mesh:
    mesh = Mesh()
    kerb, line, middle = built.road_half_m, built.stop_line_m, sum(built.crosswalk_m) / 2
    mast, near = (kerb + 1.6, line + 1.3), (kerb + 1.2, -line + 0.6)
    mesh.merge(tube((*mast, 0), (*mast, 6.6), (0.13, 0.10), _STEEL))
    mesh.merge(tube((*mast, 6.3), (built.lane_centres_m[0] - 0.7, mast[1], 6.6), (0.09, 0.06), _STEEL))
    mesh.merge(tube((*near, 0), (*near, 4.4), (0.08, 0.08), _STEEL))
    for side in (-1, 1):
        x, y = side * (kerb + 0.9), -middle + 0.15
        mesh.merge(tube((x, y, 0), (x, y, 3.1), (0.06, 0.06), _STEEL))
    for x, y in street_lamps(built):
        mesh.merge(tube((x, y, 0), (x, y, 8.5), (0.1, 0.07), _STEEL))
        mesh.merge(tube((x, y, 8.5), (x - 3.2, y, 8.9), (0.05, 0.05), _STEEL))
        mesh.merge(box((x - 3.2, y, LAMP_M), (0.7, 0.25, 0.1), (0.5, 0.5, 0.5, 0.3)))
    if not is_watched:
        for along in (line + 1.8 + 1.6 * k for k in range(31)):
            x = kerb + 0.6
            mesh.merge(tube((x, -along, 0), (x, -along, 0.75), (0.045, 0.045), (0.42, 0.42, 0.40, 0.2), sides=6))
    return mesh


def street_lamps(built: Junction) -> list[tuple[float, float]]:
    """Returns where the street lamps of an arm stand, in the arm's own frame."""
    return [(built.road_half_m + 2.8, y) for y in (built.stop_line_m + 1.0, -44.0, -70.0)]


def _housing(housing: LampHousing) -> Mesh:
    """Returns the black case of a lamp group, with a visor over each lamp."""
    wide, high = housing.size_m
    case = box((0.0, 0.02, 0.0), (wide, 0.22, high), _BLACK)
    for offset in housing.lamp_offsets_m:
        # An arc over the upper half of the lens, open below.
        turn = np.linspace(math.radians(20), math.radians(160), 9)
        radius = housing.radius_m * 1.08
        grid = [[(radius * math.cos(a), y, offset + radius * math.sin(a)) for a in turn] for y in (-0.09, -0.30)]
        case.merge(surface(np.array(grid), colour=_BLACK))
    turn_rad = math.atan2(housing.facing[1], housing.facing[0]) + math.pi / 2
    return Mesh().merge(case, place(*housing.centre, turn_rad=turn_rad))
