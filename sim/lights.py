"""Lamps that vehicles carry: head, tail, brake and turn lights, where they sit and when they are lit."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sim.actors import Pose
from sim.mesh import Triple

_WHITE: Triple = (1.0, 0.95, 0.82)
_RED: Triple = (1.0, 0.06, 0.04)
_AMBER: Triple = (1.0, 0.55, 0.05)
_BLINK_S = 0.36
_HEAD_Z, _TAIL_Z = {"bus": 0.7, "truck": 0.75, "suv": 0.85, "van": 0.82}, {"bus": 0.95, "truck": 0.9, "suv": 0.97}


@dataclass(frozen=True, slots=True, kw_only=True)
class Light:
    """One lit lamp. Units: ``at`` in the vehicle's frame, metres; ``ahead`` +1 shines forward, -1 backward."""

    at: Triple
    ahead: int
    colour: Triple
    radius_m: float
    glow: float


def lights_of(pose: Pose, t_s: float, *, is_lit: bool) -> Iterator[Light]:
    """Yields the lamps of an actor that are lit: driving lights in the dark, brake and turn lights always."""
    if pose.body.subject == "pedestrian" or pose.kind == "bicycle":
        return
    half = pose.body.length_m / 2 + 0.04
    if pose.kind in ("ebike", "motorcycle"):
        if is_lit:
            yield Light(at=(0.53, 0.0, 0.93), ahead=1, colour=_WHITE, radius_m=0.06, glow=0.8)
        if is_lit or pose.is_braking:
            glow = 0.9 if pose.is_braking else 0.4
            yield Light(at=(-0.84, 0.0, 0.62), ahead=-1, colour=_RED, radius_m=0.045, glow=glow)
        return
    side = pose.body.width_m * 0.37
    head_z, tail_z = _HEAD_Z.get(pose.kind, 0.66), _TAIL_Z.get(pose.kind, 0.80)
    for y in (side, -side):
        if is_lit:
            yield Light(at=(half, y, head_z), ahead=1, colour=_WHITE, radius_m=0.085, glow=1.0)
        if is_lit or pose.is_braking:
            bright = pose.is_braking
            radius = 0.075 if bright else 0.06
            yield Light(at=(-half, y, tail_z), ahead=-1, colour=_RED, radius_m=radius, glow=0.9 if bright else 0.35)
    if pose.turning and int(t_s / _BLINK_S) % 2 == 0:
        y = pose.turning * (side + 0.12)
        yield Light(at=(half - 0.1, y, head_z), ahead=1, colour=_AMBER, radius_m=0.06, glow=0.8)
        yield Light(at=(-half + 0.02, y, tail_z - 0.14), ahead=-1, colour=_AMBER, radius_m=0.06, glow=0.8)
