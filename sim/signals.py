"""The junction's fixed-time signal program."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

Colour = Literal["red", "yellow", "green"]
PedColour = Literal["red", "green"]
GROUPS = ("ns", "ew", "ped_ns", "ped_ew")

_RIGHT_TURN_LINKS = frozenset({0, 3, 7, 10, 14, 17, 21, 24})
_LEFT_TURN_LINKS = frozenset({2, 6, 9, 13, 16, 20, 23, 27})
_NS_LINKS = frozenset(range(7)) | frozenset(range(14, 21))
_VEHICLE_LINKS = 28


class Phase(BaseModel):
    """One step of the program; ``ped_ns`` is the crosswalks over the north and south arms."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    duration_s: float = Field(gt=0)
    ns: Colour = "red"
    ew: Colour = "red"
    ped_ns: PedColour = "red"
    ped_ew: PedColour = "red"

    @model_validator(mode="after")
    def _has_no_conflict(self) -> Self:
        if self.ns != "red" and self.ew != "red":
            raise ValueError("ns and ew may not both be released; set one of them to red")
        if (self.ped_ns == "green" and self.ns != "red") or (self.ped_ew == "green" and self.ew != "red"):
            raise ValueError("a crosswalk may not be green while traffic over it is released")
        return self

    def sumo_state(self) -> str:
        """Returns SUMO's link string: right turns on red allowed, left turns yield (32 links of junction.net.xml)."""
        return "".join(self._link(i) for i in range(_VEHICLE_LINKS)) + "".join(
            "G" if c == "green" else "r" for c in (self.ped_ns, self.ped_ew, self.ped_ns, self.ped_ew)
        )

    def _link(self, index: int) -> str:
        colour = self.ns if index in _NS_LINKS else self.ew
        if index in _RIGHT_TURN_LINKS:
            return "g"
        if colour == "green":
            return "g" if index in _LEFT_TURN_LINKS else "G"
        return colour[0]


class SignalProgram(BaseModel):
    """Phases in order; ``offset_s`` is the place in the cycle at which the clip starts."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    offset_s: float = Field(default=0.0, ge=0)
    phases: list[Phase] = Field(min_length=2)

    @property
    def cycle_s(self) -> float:
        """Length of one cycle."""
        return sum(p.duration_s for p in self.phases)

    def state(self, group: str, t_s: float) -> Colour:
        """Returns a group's colour at a clip time."""
        place = (self.offset_s + t_s + 1e-6) % self.cycle_s
        for phase in self.phases:
            if place < phase.duration_s:
                return getattr(phase, group)  # type: ignore[no-any-return]
            place -= phase.duration_s
        return getattr(self.phases[-1], group)  # type: ignore[no-any-return]

    def states(self, t_s: float) -> dict[str, Colour]:
        """Returns every group's colour at a clip time."""
        return {group: self.state(group, t_s) for group in GROUPS}

    def red_since(self, group: str, t_s: float) -> float:
        """Returns for how long a group has been red at a clip time, 0 if it is not red."""
        if self.state(group, t_s) != "red":
            return 0.0
        gone, place = 0.0, t_s
        while gone < self.cycle_s and self.state(group, place - 0.02) == "red":
            gone, place = gone + 0.02, place - 0.02
        return gone

    def timeline(self, group: str, duration_s: float) -> list[tuple[float, Colour]]:
        """Returns (since, colour) for each change within the clip, beginning at 0."""
        found = [(0.0, self.state(group, 0.0))]
        edge = -(self.offset_s % self.cycle_s)
        while edge < duration_s:
            for phase in self.phases:
                edge += phase.duration_s
                colour = self.state(group, edge)
                if 0 < edge < duration_s and colour != found[-1][1]:
                    found.append((round(edge, 3), colour))
        return found
