"""The scene file: everything that decides what a rendered clip shows, checked before anything runs."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path as FilePath
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from core.catalogue import catalogue
from core.errors import ConfigError
from core.site import PolygonPx
from sim.actors import Kind
from sim.junction import Arm, GroundPoint, Junction
from sim.motion import Motion, Path
from sim.signals import SignalProgram
from sim.weather import WeatherName

Rgb = tuple[
    Annotated[float, Field(ge=0, le=1)], Annotated[float, Field(ge=0, le=1)], Annotated[float, Field(ge=0, le=1)]
]
Trap = Literal[
    "entered_on_yellow",
    "cleared_on_red",
    "right_turn_on_red",
    "queued_on_red",
    "waited_on_red",
    "own_green",
    "pushed_bike",
    "finished_on_red",
    "walked_on_green",
    "stopped_briefly",
]


class ScenePart(BaseModel):
    """Base of everything in a scene file: unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class CameraSpec(ScenePart):
    """The pole camera: where it stands, the ground point it looks at, and its horizontal field of view."""

    eye_m: tuple[float, float, float]
    target_m: tuple[float, float, float]
    field_deg: float = Field(gt=5, lt=120)
    picture_size_px: tuple[Annotated[int, Field(ge=160)], Annotated[int, Field(ge=90)]] = (1920, 1080)


class Look(ScenePart):
    """Colours of a scripted actor, linear RGB; what is not given is drawn by the actor's id."""

    paint: Rgb | None = None
    top: Rgb | None = None
    helmet: Rgb | None = None
    box: Rgb | None = None


class Actor(ScenePart):
    """One scripted actor: its way, its motion, and what it is there for."""

    id: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    kind: Kind
    path: list[GroundPoint] = Field(min_length=3)
    motion: Motion
    is_seen: bool = Field(
        default=True, description="ambient traffic reacts to it; off where SUMO would stop for nothing"
    )
    look: Look = Look()
    violation: str | None = Field(default=None, description="offence it must commit, by catalogue id")
    also: list[str] = Field(default=[], description="further catalogue ids its standing in a cycle lane falls under")
    trap: Trap | None = Field(default=None, description="lawful behaviour it must show that looks like an offence")

    @model_validator(mode="after")
    def _is_possible(self) -> Self:
        if self.violation is not None and self.trap is not None:
            raise ValueError(f"actor '{self.id}' is both violation and trap; keep one")
        if self.violation is not None:
            try:
                catalogue().get(self.violation)
            except ConfigError as error:
                raise ValueError(error.message) from error
        if Path(self.path).length_m < 2.0:
            raise ValueError(f"actor '{self.id}' has a path shorter than 2 m; give it somewhere to go")
        return self


class Flow(ScenePart):
    """Ambient traffic from one arm, at random gaps; nothing departs in the ``quiet_s`` spans (clip seconds)."""

    kind: Literal["motor", "two_wheeler", "walker"]
    arrive_from: Arm
    leave_to: list[Arm] = Field(min_length=1)
    mean_gap_s: float = Field(gt=1)
    lanes: list[Literal[2, 3]] = Field(default=[2, 3], description="2 is the kerb lane, 3 the inner lane")
    quiet_s: list[tuple[float, float]] = []


class Zone(ScenePart):
    """A no-stop zone on the ground."""

    id: str
    polygon_m: PolygonPx
    confirm_s: float = Field(ge=10)


class Place(ScenePart):
    """Wording for the site file and the picture."""

    site_id: str
    place: str
    direction: str = ""
    camera_id: str
    device_code: str = ""


class Scene(ScenePart):
    """One clip, whole."""

    schema_version: Literal[1] = 1
    scene_id: str = Field(min_length=1)
    seed: int
    is_random: bool = Field(default=False, description="drawn from the seed: only offences with a known truth count")
    duration_s: float = Field(gt=0, le=600)
    fps: float = Field(default=12.5, description="frames per second; the world moves in steps of 0.04 s")
    start_local: datetime
    place: Place
    junction: Junction = Junction()
    camera: CameraSpec
    sun: tuple[float, float, float] = (-0.10, -0.62, 0.72)
    weather: WeatherName = "day"
    lens_dirt: float = Field(default=0.0, ge=0, le=1)
    signals: SignalProgram
    warmup_cycles: int = Field(default=2, ge=0)
    cast: list[Actor] = []
    ambient: list[Flow] = []
    no_stop_zones: list[Zone] = []

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        steps = 25.0 / self.fps
        if self.fps <= 0 or abs(steps - round(steps)) > 1e-6:
            raise ValueError(f"fps {self.fps:g} does not divide 25; use 25, 12.5, 5 or 2.5")
        if self.ambient and self.junction != Junction():
            raise ValueError("ambient traffic knows the standard junction only; remove 'ambient' or 'junction'")
        ids = [a.id for a in self.cast]
        for actor_id in ids:
            if ids.count(actor_id) > 1:
                raise ValueError(f"cast: id '{actor_id}' is used twice; give each its own")
        return self


def load_scene(path: FilePath) -> Scene:
    """Returns the scene a YAML file describes.

    Raises:
        ConfigError: missing file, bad YAML, unknown key or impossible value; one line, with the place.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"scene file {path} cannot be read ({error.strerror}); check the path") from error
    try:
        data = YAML(typ="safe", pure=True).load(text)
    except YAMLError as error:
        raise ConfigError(
            f"scene file {path} is not valid YAML: {str(error).strip().splitlines()[-1].strip()}"
        ) from error
    if not isinstance(data, dict):
        raise ConfigError(f"scene file {path} is empty or not a mapping; start from sim/scenes/demo.yaml")
    try:
        return Scene.model_validate(data)
    except ValidationError as error:
        # A misspelt key also makes its field missing: name the misspelling.
        first = next((e for e in error.errors() if e["type"] == "extra_forbidden"), error.errors()[0])
        place = ".".join(str(p) for p in first["loc"])
        reason = first["msg"].removeprefix("Value error, ")
        if first["type"] == "extra_forbidden":
            reason = f"unknown key '{first['loc'][-1]}'; remove it or correct its spelling"
        raise ConfigError(
            f"scene file {path}: {place}: {reason}" if place else f"scene file {path}: {reason}"
        ) from error
