"""Procedural people, bicycles and e-bikes; x is forward, the ground is z = 0."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from sim.mesh import Colour, Mesh, Triple, box, ellipsoid, surface, torus, tube

SKINS: tuple[Triple, ...] = ((0.62, 0.44, 0.34), (0.55, 0.38, 0.28), (0.68, 0.5, 0.4))
_BLACK: Colour = (0.03, 0.03, 0.03, 0.1)
_HAIR: Triple = (0.03, 0.025, 0.02)
_STAR = [
    (x, y, 1.15 * z)
    for x, y, z in (
        *((math.cos(a), math.sin(a), 0.0) for a in np.linspace(0, 2 * math.pi, 8, endpoint=False)),
        *((0.7 * math.cos(a), 0.7 * math.sin(a), 0.7) for a in np.linspace(0, 2 * math.pi, 8, endpoint=False)),
        *((0.7 * math.cos(a), 0.7 * math.sin(a), -0.7) for a in np.linspace(0, 2 * math.pi, 8, endpoint=False)),
        (0.0, 0.0, 1.0), (0.0, 0.0, -1.0),
    )
]  # fmt: skip
"""Directions over a ball, a little taller than wide: a head."""
_HIP_M, _SHOULDER_M, _HEIGHT_M = 0.92, 1.42, 1.72


@dataclass(frozen=True, slots=True, kw_only=True)
class Outfit:
    """What a person wears, linear RGB."""

    top: Triple
    trousers: Triple
    skin: Triple
    helmet: Triple | None = None
    bag: Literal["pack", "hand"] | None = None
    is_long_haired: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class _Skeleton:
    hip: Any
    shoulder: Any
    legs: list[tuple[Any, Any, Any]]
    arms: list[tuple[Any, Any, Any]]


def build_walker(outfit: Outfit, *, phase: float, stride: float, height_m: float = _HEIGHT_M) -> Mesh:
    """Returns a person on foot at one phase of the gait (radians); ``stride`` 0 stands."""
    mesh = _clothe(_walking(phase, stride), outfit)
    return mesh.scale(height_m / _HEIGHT_M)


def build_rider(outfit: Outfit, *, pedal: float | None = None) -> Mesh:
    """Returns a seated rider; ``pedal`` is the crank angle on a bicycle, None on an e-bike."""
    return _clothe(_sitting() if pedal is None else _pedalling(pedal), outfit)


def build_bicycle(colour: Triple) -> Mesh:
    """Returns a bicycle with a basket."""
    mesh = Mesh()
    for x in (-0.52, 0.52):
        mesh.merge(torus((x, 0, 0.34), (0.32, 0.022), _BLACK))
        mesh.merge(torus((x, 0, 0.34), (0.30, 0.012), (0.5, 0.5, 0.5, 0.5)))
        for k in range(8):
            angle = k * math.pi / 4
            rim = (x + 0.3 * math.cos(angle), 0, 0.34 + 0.3 * math.sin(angle))
            mesh.merge(tube((x, 0, 0.34), rim, (0.004, 0.004), (0.5, 0.5, 0.5, 0.3), sides=4, is_capped=False))
    head, crank, seat = (0.36, 0, 0.82), (-0.05, 0, 0.33), (-0.18, 0, 0.80)
    rear, front = (-0.52, 0, 0.34), (0.52, 0, 0.34)
    for a, b in ((head, crank), (head, seat), (seat, crank), (crank, rear), (seat, rear), (head, front)):
        mesh.merge(tube(a, b, (0.022, 0.022), (*colour, 0.5), sides=6))
    mesh.merge(tube(head, (0.33, 0, 1.0), (0.018, 0.018), _BLACK, sides=6))
    mesh.merge(tube((0.38, -0.28, 1.0), (0.38, 0.28, 1.0), (0.016, 0.016), _BLACK, sides=6))
    mesh.merge(ellipsoid((-0.2, 0, 0.86), (0.13, 0.07, 0.04), _BLACK, sides=8))
    return mesh.merge(box((0.55, 0, 0.72), (0.22, 0.3, 0.2), (0.08, 0.08, 0.08, 0.1)))


def build_ebike(colour: Triple, box_colour: Triple | None = None) -> Mesh:
    """Returns an e-bike, with a delivery box if it has a colour."""
    mesh, paint = Mesh(), (*colour, 0.55)
    for x in (-0.58, 0.60):
        mesh.merge(torus((x, 0, 0.277), (0.215, 0.062), _BLACK))
        mesh.merge(torus((x, 0, 0.277), (0.15, 0.02), (0.55, 0.55, 0.56, 0.4)))
        mesh.merge(ellipsoid((x, 0, 0.277), (0.07, 0.07, 0.07), (0.18, 0.18, 0.19, 0.3), sides=8))
        guard = x - (0.04 if x < 0 else 0)
        mesh.merge(ellipsoid((guard, 0, 0.50), (0.22, 0.075, 0.05), _BLACK if x < 0 else paint, sides=8))
    mesh.merge(box((-0.30, 0, 0.36), (0.42, 0.18, 0.16), (0.06, 0.06, 0.065, 0.3)))
    mesh.merge(tube((-0.30, 0.13, 0.34), (-0.62, 0.13, 0.28), (0.035, 0.035), (0.12, 0.12, 0.12, 0.4), sides=6))
    mesh.merge(tube((0.05, 0.13, 0.30), (-0.58, 0.13, 0.277), (0.02, 0.02), (0.3, 0.3, 0.3, 0.4), sides=6))
    mesh.merge(box((0.02, 0, 0.30), (0.55, 0.26, 0.08), (0.05, 0.05, 0.05, 0.2)))
    turn = np.linspace(0, 2 * np.pi, 13)
    shield = [(0.40, 0.28, 0.13, 0.05), (0.42, 0.55, 0.20, 0.06), (0.40, 0.82, 0.19, 0.05), (0.36, 0.98, 0.10, 0.04)]
    rings = [[(x + wx * math.cos(a), wy * math.sin(a), z) for a in turn] for x, z, wy, wx in shield]
    mesh.merge(surface(np.array(rings), colour=paint, is_flipped=True))
    mesh.merge(tube((0.60, 0, 0.3), (0.36, 0, 1.0), (0.03, 0.03), _BLACK, sides=6))
    mesh.merge(tube((0.36, -0.33, 1.02), (0.36, 0.33, 1.02), (0.018, 0.018), _BLACK, sides=6))
    mesh.merge(ellipsoid((0.46, 0, 0.93), (0.07, 0.09, 0.07), (0.85, 0.86, 0.85, 0.9), sides=8))
    for side in (-1, 1):
        mesh.merge(tube((0.38, side * 0.24, 1.02), (0.34, side * 0.27, 1.18), (0.008, 0.008), _BLACK, sides=4))
        mesh.merge(ellipsoid((0.34, side * 0.27, 1.2), (0.015, 0.06, 0.04), _BLACK, sides=6))
    tail = [(-0.02, 0.50, 0.10, 0.10), (-0.2, 0.54, 0.14, 0.11), (-0.5, 0.60, 0.14, 0.09), (-0.78, 0.66, 0.07, 0.05)]
    rings = [[(x, wy * math.sin(a), z + wz * math.cos(a)) for a in turn] for x, z, wy, wz in tail]
    mesh.merge(surface(np.array(rings), colour=paint))
    mesh.merge(ellipsoid((-0.25, 0, 0.70), (0.33, 0.13, 0.06), _BLACK, sides=8))
    mesh.merge(ellipsoid((-0.80, 0, 0.62), (0.04, 0.07, 0.04), (0.5, 0.02, 0.02, 0.7), sides=6))
    mesh.merge(box((-0.86, 0, 0.40), (0.02, 0.21, 0.13), (0.1, 0.1, 0.1, 0.2)))
    if box_colour is not None:
        return mesh.merge(box((-0.62, 0, 0.92), (0.42, 0.42, 0.38), (*box_colour, 0.3)))
    return mesh.merge(box((-0.66, 0, 0.78), (0.28, 0.28, 0.06), _BLACK))


def _walking(phase: float, stride: float) -> _Skeleton:
    hip, shoulder = np.array([0.0, 0.0, _HIP_M]), np.array([0.02, 0.0, _SHOULDER_M])

    def leg(at: float, side: int) -> tuple[Any, Any, Any]:
        swing, bend = stride * math.sin(at), max(0.0, 0.75 * math.sin(at + 1.9)) * stride * 1.5
        top = hip + np.array([0, side * 0.095, 0])
        knee = top + 0.44 * np.array([math.sin(swing), 0, -math.cos(swing)])
        return top, knee, knee + 0.42 * np.array([math.sin(swing - bend), 0, -math.cos(swing - bend)])

    def arm(at: float, side: int) -> tuple[Any, Any, Any]:
        swing = stride * 0.7 * math.sin(at)
        top = shoulder + np.array([0, side * 0.20, 0])
        elbow = top + 0.29 * np.array([math.sin(swing), side * 0.08, -math.cos(swing)])
        return top, elbow, elbow + 0.25 * np.array([math.sin(swing + 0.35), 0, -math.cos(swing + 0.35)])

    return _Skeleton(
        hip=hip,
        shoulder=shoulder,
        legs=[leg(phase, 1), leg(phase + math.pi, -1)],
        arms=[arm(phase + math.pi, 1), arm(phase, -1)],
    )


def _sitting() -> _Skeleton:
    hip = np.array([-0.15, 0, 0.80])
    legs = []
    for side in (1, -1):
        top = hip + np.array([0, side * 0.1, 0])
        knee = top + np.array([0.40, side * 0.05, -0.06])
        legs.append((top, knee, knee + np.array([0.06, 0, -0.42])))
    return _seated(hip, legs, lean=0.12, grip_z=1.02)


def _pedalling(crank: float) -> _Skeleton:
    hip = np.array([-0.15, 0, 0.80])
    legs = []
    for side in (1, -1):
        angle = crank + (0 if side > 0 else math.pi)
        top = hip + np.array([0, side * 0.1, 0])
        foot = np.array([0.18 + 0.17 * math.cos(angle), side * 0.12, 0.30 + 0.17 * math.sin(angle)])
        reach = float(np.linalg.norm(foot - top))
        bend = math.sqrt(max(0.45**2 - (reach / 2) ** 2, 0.0))
        knee = (top + foot) / 2 + bend * np.array([0.75, 0, 0.5]) / math.hypot(0.75, 0.5)
        legs.append((top, knee, foot))
    return _seated(hip, legs, lean=0.42, grip_z=1.0)


def _seated(hip: Any, legs: list[tuple[Any, Any, Any]], *, lean: float, grip_z: float) -> _Skeleton:
    shoulder = hip + np.array([math.sin(lean) * 0.52, 0, math.cos(lean) * 0.52])
    arms = []
    for side in (1, -1):
        top, hand = shoulder + np.array([0, side * 0.2, 0]), np.array([0.42, side * 0.27, grip_z])
        arms.append((top, (top + hand) / 2 + np.array([-0.04, side * 0.09, -0.1]), hand))
    return _Skeleton(hip=hip, shoulder=shoulder, legs=legs, arms=arms)


def _clothe(bones: _Skeleton, outfit: Outfit) -> Mesh:
    mesh = _torso(bones, outfit)
    calves = outfit.skin if outfit.is_long_haired else outfit.trousers
    for top, knee, ankle in bones.legs:
        mesh.merge(tube(top, knee, (0.085, 0.06), (*outfit.trousers, 0.05)))
        mesh.merge(tube(knee, ankle, (0.058, 0.042), (*calves, 0.05)))
        mesh.merge(ellipsoid(ankle + np.array([0.06, 0, -0.03]), (0.13, 0.05, 0.045), (0.06, 0.05, 0.05, 0.1), sides=8))
    for top, elbow, hand in bones.arms:
        mesh.merge(tube(top, elbow, (0.055, 0.045), (*outfit.top, 0.05)))
        mesh.merge(tube(elbow, hand, (0.042, 0.032), (*outfit.skin, 0.05)))
        mesh.merge(ellipsoid(hand, (0.045, 0.035, 0.05), (*outfit.skin, 0.05), sides=6))
    _head(mesh, bones, outfit)
    if outfit.bag == "pack":
        pack = bones.shoulder + np.array([-0.17, 0, -0.2])
        mesh.merge(ellipsoid(pack, (0.10, 0.15, 0.22), (0.1, 0.1, 0.12, 0.1), sides=8))
    if outfit.bag == "hand":
        x, y, z = bones.arms[0][2]
        mesh.merge(box((x, y + 0.05, z - 0.2), (0.25, 0.1, 0.28), (0.4, 0.12, 0.1, 0.2)))
    return mesh


def _torso(bones: _Skeleton, outfit: Outfit) -> Mesh:
    turn = np.linspace(0, 2 * np.pi, 15)
    spine = bones.shoulder - bones.hip
    up = spine / np.linalg.norm(spine)
    ahead = np.array([up[2], 0, -up[0]])
    slices = [
        (0, -0.10, 0.15, 0.10), (0, 0, 0.165, 0.115), (0.30, 0, 0.145, 0.105), (0.65, 0, 0.175, 0.12),
        (0.88, 0, 0.19, 0.11), (1.0, 0, 0.12, 0.085), (1.06, 0, 0.05, 0.05),
    ]  # fmt: skip
    rings, colours = [], []
    for share, drop, half_wide, half_deep in slices:
        middle = bones.hip + spine * share * 1.03 + np.array([0, 0, drop])
        side = np.array([0, 1, 0])
        rings.append([middle + ahead * half_deep * math.cos(a) + side * half_wide * math.sin(a) for a in turn])
        colours.append([(*(outfit.top if share > 0.12 else outfit.trousers), 0.05)] * len(turn))
    return Mesh().merge(surface(np.array(rings), colour=np.array(colours, "f4"), is_flipped=True))


def _head(mesh: Mesh, bones: _Skeleton, outfit: Outfit) -> None:
    spine = bones.shoulder - bones.hip
    up = spine / np.linalg.norm(spine)
    head = bones.shoulder + up * 0.24 + np.array([0.02, 0, 0])
    mesh.merge(tube(bones.shoulder + up * 0.05, head, (0.05, 0.05), (*outfit.skin, 0.05)))
    mesh.merge(ellipsoid(head, (0.095, 0.078, 0.12), (*outfit.skin, 0.08), sides=10))
    reach = 0.13 if outfit.helmet is not None else 0.11
    mesh.mark("head", [head + reach * np.array(d) for d in _STAR])
    if outfit.helmet is not None:
        mesh.merge(ellipsoid(head + np.array([-0.01, 0, 0.03]), (0.135, 0.12, 0.125), (*outfit.helmet, 0.6), sides=10))
        return
    mesh.merge(ellipsoid(head + np.array([-0.018, 0, 0.03]), (0.102, 0.088, 0.115), (*_HAIR, 0.1), sides=10))
    if outfit.is_long_haired:
        mesh.merge(ellipsoid(head + np.array([-0.06, 0, -0.08]), (0.06, 0.08, 0.14), (*_HAIR, 0.1), sides=8))
