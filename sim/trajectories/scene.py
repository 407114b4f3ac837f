"""One scene as it is written down: who drives where under which lamps on which site, and what the law says to it."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from sim.trajectories.camera import CAMERAS
from sim.trajectories.motion import BODIES, Drive, Motion, PassThrough, StopAndGo, Wait, Walk

Lamp = Literal["red", "yellow", "green", "off", "unknown", "fault"]
MOTIONS = ("drive", "stop_and_go", "walk", "wait", "pass_through")


class Strict(BaseModel):
    """Unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Visits(Strict):
    """A scene of days: the camera is looked at for ``last_s`` every ``every_s``; not while it is down or it is dark."""

    every_s: float = Field(gt=0)
    last_s: float = Field(gt=0)
    down_s: list[tuple[float, float]] = []
    night_h: tuple[float, float] | None = Field(
        default=None, description="hours of the day, the scene beginning at midnight, in which what stands is not seen"
    )

    def is_night(self, t_s: float) -> bool:
        """Tells whether nothing that stands is seen."""
        if self.night_h is None:
            return False
        (dusk, dawn), hour = self.night_h, t_s / 3600 % 24
        return hour >= dusk or hour < dawn


class Actor(Strict):
    """One road user: its kind, one motion, and when it is in sight."""

    name: str = ""
    kind: str
    plate: str = Field(default="", description="what can be read of its plate")
    colour: float = Field(default=0.0, description="how far from grey; vehicles of 0.5 and more apart look different")
    from_s: float = 0.0
    to_s: float | None = None
    hidden_s: list[tuple[float, float]] = []
    drive: Drive | None = None
    stop_and_go: StopAndGo | None = None
    walk: Walk | None = None
    wait: Wait | None = None
    pass_through: PassThrough | None = None

    @model_validator(mode="after")
    def _has_one_motion(self) -> Actor:
        if self.kind not in BODIES:
            raise ValueError(f"kind '{self.kind}' is unknown; choose {', '.join(BODIES)}")
        if sum(getattr(self, name) is not None for name in MOTIONS) != 1:
            raise ValueError(f"give exactly one of {', '.join(MOTIONS)}")
        return self

    @property
    def motion(self) -> Motion:
        """The one motion given."""
        found: Motion = next(getattr(self, name) for name in MOTIONS if getattr(self, name) is not None)
        return found


ANYONE = "anyone"
"""Who a verdict is about that stands for a place, such as a work order: any one actor of the scene."""


class Verdict(Strict):
    """An offence by an actor, named or, if there is one actor, not; ``cues`` the reviewer must be given with it."""

    rule: str
    who: str = ""
    cues: list[str] = []


class TrajectoryScene(Strict):
    """A whole scene. ``site`` holds the parts of a site file with ``_m`` (road metres) in place of ``_px``."""

    title_en: str
    title_zh: str
    law: str = Field(min_length=3, description="the article that decides")
    golden: int | None = Field(default=None, description="number of the golden scenario this is or belongs to")
    camera: str = "pole"
    calibrated: bool = True
    fps: list[float] = []
    until_s: float = 30.0
    start_utc: str | None = None
    visits: Visits | None = None
    lamps: dict[str, list[tuple[float, Lamp]]] = {}
    feed: dict[str, list[tuple[float, Lamp]]] = Field(default={}, description="what the controller says of the lamps")
    site: dict[str, Any] = {}
    actors: list[Actor] = Field(min_length=1)
    expected: list[Verdict] = []
    undecided: list[Verdict] = []

    @model_validator(mode="after")
    def _names_fit(self) -> TrajectoryScene:
        if self.camera not in CAMERAS:
            raise ValueError(f"camera '{self.camera}' is unknown; choose {', '.join(CAMERAS)}")
        names = self.names
        if len(set(names)) < len(names):
            raise ValueError("actors of one kind need a name each")
        for verdict in (*self.expected, *self.undecided):
            if self.who(verdict) not in {ANYONE, *names}:
                raise ValueError(f"'{verdict.who}' is not an actor of this scene")
        return self

    @property
    def names(self) -> list[str]:
        """The actors' names, their kind where none is given."""
        return [actor.name or actor.kind for actor in self.actors]

    def who(self, verdict: Verdict) -> str:
        """Returns the name of the actor a verdict is about."""
        return verdict.who or self.names[0]
