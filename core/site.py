"""The site file: what an operator draws on one camera's picture, checked before anything runs.

One YAML per camera view. Coordinates are pixels of a picture ``camera.picture_size_px`` large;
``Site.scaled_to`` turns them into pixels of the footage actually read. Vocabulary: GA/T e-police
terms (stop line, lane, crosswalk, no-stop zone, direction zone).
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator
from shapely.geometry import Polygon

from core.catalogue import catalogue
from core.document import load_document, parse_document
from core.errors import ConfigError
from core.plausible import contradictions
from core.source import Source

Point = tuple[float, float]
Subject = Literal["motor", "nonmotor", "pedestrian"]
Movement = Literal["L", "S", "R", "U"]


def _simple_polygon(points: list[Point]) -> list[Point]:
    shape = Polygon(points)
    if not shape.is_valid or shape.area <= 0:
        raise ValueError("polygon crosses itself or has no area; draw its corners in order around the edge")
    return points


PolygonPx = Annotated[list[Point], Field(min_length=3), AfterValidator(_simple_polygon)]
LinePx = Annotated[list[Point], Field(min_length=2)]


class Part(BaseModel):
    """Base of everything in a site file: unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Camera(Part):
    """The camera and its picture."""

    camera_id: str = Field(min_length=1, description="id of the camera view, unique in the city")
    device_code: str = Field(default="", description="设备编号 as registered")
    picture_size_px: tuple[Annotated[int, Field(gt=0)], Annotated[int, Field(gt=0)]] = Field(
        description="width, height of the picture the coordinates below were drawn on"
    )
    position_deg: tuple[Annotated[float, Field(ge=-90, le=90)], Annotated[float, Field(ge=-180, le=180)]] | None = (
        Field(
            default=None,
            description="latitude, longitude (WGS 84): citizens' videos from near by are compared with its view",
        )
    )
    depression_deg: float | None = Field(
        default=None,
        gt=2,
        lt=90,
        description="angle the line of sight to the stop line makes with the road; used only without calibration, "
        "where 24 is taken for what nobody measured, and what hangs on it is doubted more",
    )
    detector: str = Field(
        default="pole", pattern=r"^[a-z0-9][a-z0-9_-]*$", description="network that finds the actors, by name"
    )


class ClockSpec(Part):
    """Where the footage's time comes from and how far it may be off."""

    source: Literal["ntp", "camera", "operator", "unknown"] = "unknown"
    uncertainty_s: float | None = Field(default=None, ge=0, description="largest error against Beijing time, s")


class GroundPoint(Part):
    """One surveyed point: where it is in the picture and on the ground."""

    image_px: Point
    ground_m: Point


class Calibration(Part):
    """Ground homography from four or more points (reprojection error <= 0.3 m at the stop line)."""

    points: list[GroundPoint] = Field(min_length=4)


class StopLine(Part):
    """停止线. Travel crosses it towards ``towards_px``, a point inside the junction."""

    id: str
    points_px: LinePx
    towards_px: Point
    applies_to: list[Subject] = ["motor", "nonmotor"]
    signal: str | None = Field(default=None, description="id of the lamp that governs crossing it")
    nonmotor_signal: str | None = Field(default=None, description="lamp for non-motor vehicles; default: signal")
    movements: list[Movement] = Field(default=["S"], description="movements the lanes before it allow")

    def signal_for(self, subject: Subject) -> str | None:
        """Returns the lamp that governs: a non-motor lamp where there is one, else the motor lamp (Reg 38)."""
        return self.nonmotor_signal or self.signal if subject == "nonmotor" else self.signal


class Lane(Part):
    """A lane before the stop line; ``heading_px`` is a (from, to) arrow in travel direction."""

    id: str
    polygon_px: PolygonPx
    kind: Literal["motor", "nonmotor", "bus", "emergency", "mixed"]
    heading_px: tuple[Point, Point] | None = None
    movements: list[Movement] = []
    is_variable: bool = Field(
        default=False, description="可变导向车道: what its sign shows is not read, V14 stays open"
    )
    is_ending: bool = Field(default=False, description="ends ahead: vehicles merge alternately, no queue jumping (V25)")


class Exit(Part):
    """Reaching this polygon fixes the movement made from a stop line."""

    id: str
    polygon_px: PolygonPx
    movement: Movement
    stop_line: str | None = None


class Crosswalk(Part):
    """人行横道. ``signal`` is its pedestrian lamp (the motor lamp where there is none)."""

    id: str
    polygon_px: PolygonPx
    signal: str | None = None
    refuge_islands_px: list[PolygonPx] = []


class WaitingArea(Part):
    """左转待转区 or another marked area beyond the stop line where waiting is allowed."""

    id: str
    polygon_px: PolygonPx
    applies_to: list[Subject] = ["motor"]


class NoStopZone(Part):
    """禁停区. ``confirm_s`` overrides the catalogue's threshold (never below 10 s, GA/T 832)."""

    id: str
    polygon_px: PolygonPx
    kind: Literal["no_stopping_zone", "general", "school_hospital_dropoff"] = "general"
    confirm_s: float | None = Field(default=None, ge=10)
    schedule: str = Field(default="always", pattern=r"^(always|\d\d:\d\d-\d\d:\d\d)$", description="local time of day")


class Box(Part):
    """网状线: a marked area to be kept clear."""

    id: str
    polygon_px: PolygonPx


class ParkingBay(Part):
    """停车泊位: a marked bay; driving into it is legal."""

    id: str
    polygon_px: PolygonPx
    applies_to: list[Subject] = ["motor"]


class SolidLine(Part):
    """实线 between lanes. ``dashed_side_px``: a point on the side from which a dashed-solid pair may be crossed."""

    id: str
    points_px: LinePx
    kind: Literal["white_solid", "yellow_solid", "double_yellow", "dashed_solid"] = "white_solid"
    dashed_side_px: Point | None = None

    @model_validator(mode="after")
    def _knows_its_dashed_side(self) -> Self:
        if (self.kind == "dashed_solid") != (self.dashed_side_px is not None):
            raise ValueError("give dashed_side_px for kind dashed_solid, and only for it")
        return self


class NoUTurnZone(Part):
    """Where a sign or marking forbids turning round; leave openings out. ``signal``: green there allows it."""

    id: str
    polygon_px: PolygonPx
    signal: str | None = None


class Barrier(Part):
    """隔离设施: a fence or rail along its foot; an opening is where nothing is drawn, so draw one part on each side."""

    id: str
    points_px: LinePx


class NonmotorZone(Part):
    """非机动车禁停区: where bicycles and e-bikes may not stand. ``confirm_s`` overrides the catalogue's threshold."""

    id: str
    polygon_px: PolygonPx
    kind: Literal["sidewalk_no_parking", "tactile_paving", "fire_lane", "entrance"] = "sidewalk_no_parking"
    confirm_s: float | None = Field(default=None, ge=10)


class LongStayZone(Part):
    """Public space where vehicles left for weeks are noticed (V11); ``permitted``: a taxi rank, a place rented out."""

    id: str
    polygon_px: PolygonPx
    kind: Literal["public", "permitted"] = "public"


class DirectionZone(Part):
    """A lane with a signed direction: travel goes along ``heading_px`` (from, to). Never learned from traffic."""

    id: str
    polygon_px: PolygonPx
    heading_px: tuple[Point, Point]
    applies_to: list[Subject]
    two_way: bool = False


class Signal(Part):
    """A lamp group seen in the picture: ``region_px`` (x1, y1, x2, y2) frames its housing, nothing more."""

    id: str
    kind: Literal["motor", "nonmotor", "crosswalk"] = "motor"
    region_px: tuple[float, float, float, float] | None = Field(
        default=None, description="None: the lamp cannot be seen from here, its state is unknown"
    )
    layout: Literal["vertical", "horizontal", "horizontal_red_right", "crosswalk", "single"] = "vertical"
    movements: list[Movement] = Field(default=["S", "L"], description="movements this lamp governs")
    is_arrow: bool = False
    source: Literal["video", "controller", "both"] = Field(
        default="video", description="who tells its state; controller and both need the controller's feed"
    )
    feed_id: str | None = Field(default=None, description="its name in the feed; default: id")

    @model_validator(mode="after")
    def _region_has_area(self) -> Self:
        if self.region_px and not (self.region_px[0] < self.region_px[2] and self.region_px[1] < self.region_px[3]):
            raise ValueError("region_px must be x1, y1, x2, y2 with x1 < x2 and y1 < y2")
        return self


class RuleSwitch(Part):
    """Turns a rule on or off here and overrides catalogue parameters by their own names."""

    enabled: bool = True
    parameters: dict[str, Any] = {}


class Site(Part):
    """One camera view, whole."""

    schema_version: Literal[1] = 1
    site_id: str = Field(min_length=1)
    place: str = Field(min_length=1, description="违法地点 wording (GA/T 1980)")
    direction: str = Field(default="", description="方向, e.g. 由南向北")
    time_zone: str = Field(default="Asia/Shanghai", description="IANA zone of the place")
    camera: Camera
    clock: ClockSpec = ClockSpec()
    source: Source | None = Field(default=None, description="where live pictures come from")
    calibration: Calibration | None = None
    two_wheelers: Literal["motor", "nonmotor"] = Field(
        default="nonmotor", description="law applied to the two-wheeler class until a reviewer says otherwise"
    )
    stop_lines: list[StopLine] = []
    lanes: list[Lane] = []
    exits: list[Exit] = []
    crosswalks: list[Crosswalk] = []
    waiting_areas: list[WaitingArea] = []
    no_stop_zones: list[NoStopZone] = []
    direction_zones: list[DirectionZone] = []
    boxes: list[Box] = []
    parking_bays: list[ParkingBay] = []
    solid_lines: list[SolidLine] = []
    no_u_turn_zones: list[NoUTurnZone] = []
    barriers: list[Barrier] = []
    nonmotor_zones: list[NonmotorZone] = []
    long_stay_zones: list[LongStayZone] = []
    signals: list[Signal] = []
    rules: dict[str, RuleSwitch] = {}

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        self._check_ids()
        self._check_references()
        self._check_inside()
        self._check_rules()
        for contradiction in contradictions(self):
            raise ValueError(contradiction)
        return self

    def signal(self, signal_id: str | None) -> Signal | None:
        """Returns the signal with this id, None for None."""
        return next((s for s in self.signals if s.id == signal_id), None) if signal_id else None

    def is_enabled(self, violation_id: str) -> bool:
        """Tells whether a rule runs here: the first rules unless switched off, every other only where switched on."""
        switch = self.rules.get(violation_id)
        return violation_id in FIRST_RULES if switch is None else switch.enabled

    def parameters(self, violation_id: str) -> dict[str, Any]:
        """Returns the catalogue's parameters of a rule with this site's overrides applied."""
        switch = self.rules.get(violation_id)
        return {**catalogue().get(violation_id).detect, **(switch.parameters if switch else {})}

    def sha256(self) -> str:
        """Returns the hash pinned in every package: over the canonical JSON of the whole file but its addresses."""
        judged = self.model_dump(mode="json", exclude={"source": True, "camera": {"position_deg"}})
        text = json.dumps(judged, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()

    def scaled_to(self, width_px: int, height_px: int) -> Site:
        """Returns this site in pixels of footage ``width_px`` x ``height_px``.

        Raises:
            ConfigError: the footage has another shape of picture than the site was drawn on.
        """
        drawn_w, drawn_h = self.camera.picture_size_px
        if (drawn_w, drawn_h) == (width_px, height_px):
            return self
        fx, fy = width_px / drawn_w, height_px / drawn_h
        if abs(fx / fy - 1) > 0.02:
            raise ConfigError(
                f"site '{self.site_id}' was drawn on {drawn_w}x{drawn_h}, the footage is {width_px}x{height_px}: "
                "another shape of picture; draw the site on a snapshot of this camera",
                expected=(drawn_w, drawn_h),
                got=(width_px, height_px),
            )
        data = _scale(self.model_dump(), fx, fy)
        data["camera"]["picture_size_px"] = (width_px, height_px)
        return Site.model_validate(data)

    def _named_parts(self) -> dict[str, list[Any]]:
        return {name: getattr(self, name) for name in PART_LISTS}

    def _check_ids(self) -> None:
        for name, parts in self._named_parts().items():
            ids = [p.id for p in parts]
            for part_id in ids:
                if ids.count(part_id) > 1:
                    raise ValueError(f"{name}: id '{part_id}' is used twice; give each its own")

    def _check_references(self) -> None:
        signals = {s.id for s in self.signals}
        wanted = [(f"stop line '{s.id}'", x) for s in self.stop_lines for x in (s.signal, s.nonmotor_signal)]
        wanted += [(f"crosswalk '{c.id}'", c.signal) for c in self.crosswalks]
        wanted += [(f"no-U-turn zone '{z.id}'", z.signal) for z in self.no_u_turn_zones]
        for owner, signal_id in wanted:
            if signal_id is not None and signal_id not in signals:
                raise ValueError(
                    f"{owner} names signal '{signal_id}', which is not under signals; add it or correct it"
                )
        lines = {s.id for s in self.stop_lines}
        for leave in self.exits:
            if leave.stop_line is not None and leave.stop_line not in lines:
                raise ValueError(f"exit '{leave.id}' names stop line '{leave.stop_line}', which is not drawn")

    def _check_inside(self) -> None:
        width, height = self.camera.picture_size_px
        for name, parts in self._named_parts().items():
            for part in parts:
                for x, y in _points(part):
                    if not (0 <= x <= width and 0 <= y <= height):
                        raise ValueError(
                            f"{name} '{part.id}': point ({x:g}, {y:g}) lies outside the {width}x{height} picture; "
                            "check picture_size_px or move the point"
                        )

    def _check_rules(self) -> None:
        for violation_id, switch in self.rules.items():
            try:
                known = catalogue().get(violation_id).detect
            except ConfigError as error:
                raise ValueError(error.message) from error
            for key in switch.parameters:
                if key not in known:
                    raise ValueError(f"rules.{violation_id}: no parameter '{key}'; it has {', '.join(sorted(known))}")


FIRST_RULES = frozenset({"V01", "V02", "V03", "V04", "V05", "V06", "V08"})
"""Rules that run wherever their geometry is drawn; all others wait until a site switches them on."""

PART_LISTS = (
    "stop_lines",
    "lanes",
    "exits",
    "crosswalks",
    "waiting_areas",
    "no_stop_zones",
    "direction_zones",
    "boxes",
    "parking_bays",
    "solid_lines",
    "no_u_turn_zones",
    "barriers",
    "nonmotor_zones",
    "long_stay_zones",
    "signals",
)


def load_site(path: Path) -> Site:
    """Returns the site a YAML file describes.

    Raises:
        ConfigError: missing file, bad YAML, unknown key, point outside, crossing polygon; one line, with the place.
    """
    return load_document(path, Site, what="site file", start_from="sites/")


def parse_site(text: str) -> Site:
    """Returns the site the text of a site file describes.

    Raises:
        ConfigError: as ``load_site``.
    """
    return parse_document(text, Site, what="site file", start_from="sites/")


def _points(part: BaseModel) -> list[Point]:
    found: list[Point] = []
    for name in type(part).model_fields:
        if not name.endswith("_px"):
            continue
        value = getattr(part, name)
        if name == "region_px":
            found += [] if value is None else [(value[0], value[1]), (value[2], value[3])]
        elif value is not None:
            found += _flat_points(value)
    return found


def _flat_points(value: Any) -> list[Point]:
    if len(value) == 2 and all(isinstance(v, int | float) for v in value):
        return [(float(value[0]), float(value[1]))]
    return [point for item in value for point in _flat_points(item)]


def _scale(value: Any, fx: float, fy: float, key: str = "") -> Any:
    if isinstance(value, dict):
        return {k: _scale(v, fx, fy, k) for k, v in value.items()}
    if key == "region_px" and value is not None:
        return (value[0] * fx, value[1] * fy, value[2] * fx, value[3] * fy)
    if key.endswith("_px") and key != "picture_size_px" and value is not None:
        return _scale_points(value, fx, fy)
    if isinstance(value, list | tuple) and key != "picture_size_px":
        return [_scale(v, fx, fy) for v in value]
    return value


def _scale_points(value: Any, fx: float, fy: float) -> Any:
    if len(value) == 2 and all(isinstance(v, int | float) for v in value):
        return (value[0] * fx, value[1] * fy)
    return [_scale_points(v, fx, fy) for v in value]
