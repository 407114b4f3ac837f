"""What each rule needs on the site file, and what is missing: the text of ``lukou site check``."""

from core.errors import ConfigError
from core.site import Site, Subject
from rules import (
    abandoned,
    barrier,
    box_junction,
    emergency_lane,
    jaywalking,
    lane_arrow,
    motor_lane,
    needs_model,
    nonmotor_lane,
    nonmotor_parking,
    nonmotor_stop_line,
    queue_jump,
    ride_across,
    solid_line,
    stop_line,
    u_turn,
    yielding,
)


def requirements(site: Site) -> dict[str, list[str]]:
    """Returns for every rule of this version what the site lacks; an empty list means ready.

    >>> from core.site import Camera
    >>> bare = Site(site_id="s", place="p", camera=Camera(camera_id="c", picture_size_px=(10, 10)))
    >>> requirements(bare)["V08"]
    ['draw no_stop_zones']
    """
    lacking = {
        "V01": _red_light(site, "motor"),
        "V02": _red_light(site, "motor") + stop_line.lacking(site),
        "V03": _red_light(site, "nonmotor"),
        "V04": _pedestrian(site),
        "V05": _direction(site, "nonmotor"),
        "V06": _direction(site, "motor"),
        "V07": motor_lane.lacking(site),
        "V08": [] if site.no_stop_zones else ["draw no_stop_zones"],
        "V12": yielding.lacking(site),
        "V13": u_turn.lacking(site),
        "V14": lane_arrow.lacking(site),
        "V15": solid_line.lacking(site),
        "V16": box_junction.lacking(site),
        "V20": nonmotor_stop_line.lacking(site),
        "V19": jaywalking.lacking(site),
        "V22": nonmotor_lane.lacking(site),
        "V23": emergency_lane.lacking(site),
        "V24": ride_across.lacking(site),
        "V25": queue_jump.lacking(site),
        "V21": barrier.lacking(site),
        "V10": nonmotor_parking.lacking(site),
        "V11": abandoned.lacking(site),
    }
    judged = {rule: gaps if site.is_enabled(rule) else [_off(site, rule)] for rule, gaps in lacking.items()}
    return {**judged, **{rule: [why] for rule, why in needs_model.REFUSED.items()}}


def require_judged(site: Site) -> None:
    """Refuses a site that switches on what this version does not judge: no pretending.

    Raises:
        ConfigError: an offence needs a network that is not installed, or is not built.
    """
    refusals = needs_model.refusals(site, frozenset(requirements(site)) - needs_model.REFUSED.keys())
    if refusals:
        raise ConfigError(
            f"site '{site.site_id}': {'; '.join(refusals)}; remove it from the site file or set enabled: false",
            site_id=site.site_id,
        )


def _off(site: Site, rule: str) -> str:
    return "switched off under rules" if rule in site.rules else "optional: switch it on under rules"


def _red_light(site: Site, subject: Subject) -> list[str]:
    lines = [line for line in site.stop_lines if subject in line.applies_to]
    if not lines:
        return [f"draw a stop line that applies to {subject}"]
    gaps: list[str] = []
    for line in lines:
        gaps += _lamp_gap(site, line.signal_for(subject), f"stop line '{line.id}'")
        if "R" in line.movements and not any(e.movement == "R" for e in site.exits):
            gaps.append(f"stop line '{line.id}' allows right turns: draw the exit with movement R")
    return gaps


def _pedestrian(site: Site) -> list[str]:
    if not site.crosswalks:
        return ["draw a crosswalk"]
    return [gap for walk in site.crosswalks for gap in _lamp_gap(site, walk.signal, f"crosswalk '{walk.id}'")]


def _direction(site: Site, subject: str) -> list[str]:
    zones = [z for z in site.direction_zones if subject in z.applies_to and not z.two_way]
    return [] if zones else [f"draw a direction zone that applies to {subject} (from the signed plan)"]


def _lamp_gap(site: Site, signal_id: str | None, owner: str) -> list[str]:
    signal = site.signal(signal_id)
    if signal is None:
        return [f"{owner} names no signal: lamp rules stay silent there"]
    if signal.region_px is None:
        return [f"signal '{signal.id}' of {owner} has no region_px: its state is unknown, rules stay undecided"]
    return []
