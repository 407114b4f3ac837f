"""V11 vehicle left in public space for weeks ("zombie vehicle"): a work order, no fine.

Legal elements: no national article; RTSL 56 on parking and the city's own law. Long occupation of public space,
unattended, in the state of a wreck. The owner is asked first, notice given, then it may be towed.
Checked here: one vehicle on one spot of a drawn public space (``long_stay_zones``) for ``t_confirm_days``, counted
from its first picture; seen on ``min_distinct_days`` in ``min_observations`` different hours, never unseen longer than
a night, or than 72 h with the same plate before and after; never moved by ``max_shift_m``. Where long stays are
permitted (kind ``permitted``) and outside the drawn space it is silent.
A human checks: dust, flat tyres, broken glass, missing plate (one of them at least); private space, a date agreed with
the owner, a court's seizure; whether all pictures show one vehicle.
Known traps: a vehicle that leaves and returns while nobody looks; two vehicles of one model and colour whose plates
cannot be read; a camera that was turned (everything begins anew).
"""

from __future__ import annotations

from math import ceil
from typing import Any

from core.observations import Candidate, Moment, Outcome, Role, TrackHistory, Undecided
from core.site import Site
from rules.long_stay import HOUR_NS, Shot, Stay
from rules.scene import SiteView

DAY_NS = 24 * HOUR_NS
"""Source: the calendar day."""
CUES = ("private_or_exclusive_space", "owner_contacted_and_agreed_date", "court_seizure")
FEW_DAYS = "seen on too few days to say that it stood there all the time"


def lacking(site: Site) -> list[str]:
    """Returns what a site file lacks for this rule."""
    return [] if any(z.kind == "public" for z in site.long_stay_zones) else ["draw long_stay_zones of kind public"]


def wanted_shot(stay: Stay, now_ns: int, site: Site) -> Role | None:
    """Returns the role of a picture that is due to be kept of a stay: the first after an hour, one half way."""
    kept = {shot.role for shot in stay.shots}
    if Role.T0_OVERVIEW not in kept:
        return Role.T0_OVERVIEW if now_ns - stay.begun_ns >= HOUR_NS else None
    half_ns = float(site.parameters("V11")["t_suspect_days"]) * DAY_NS
    is_due = Role.P2_DURING not in kept and now_ns - stay.shots[0].utc_ns >= half_ns
    return Role.P2_DURING if is_due else None


def abandoned(stay: Stay, track: TrackHistory, view: SiteView, start_ns: int) -> Outcome | None:
    """Returns what is to be said of a stay that goes on.

    Args:
        stay: What is known of it.
        track: The vehicle as it is seen now.
        view: The site in the track's pixels.
        start_ns: World time of session time 0, ns since 1970: earlier moments come before the session.
    """
    site = view.site
    if not stay.shots or not site.is_enabled("V11"):
        return None
    parameters, stood_ns = site.parameters("V11"), stay.last_ns - stay.shots[0].utc_ns
    if stood_ns < float(parameters["t_confirm_days"]) * DAY_NS:
        return None
    if len(stay.days) < int(parameters["min_distinct_days"]) or stay.hours < int(parameters["min_observations"]):
        pts_ns = int(track.pts_ns[-1])
        return Undecided(violation_id="V11", track_id=track.track_id, pts_ns=pts_ns, reason=FEW_DAYS)
    x1, y1, x2, y2 = (float(v) for v in track.xyxy[-1])
    now = Moment(role=Role.T1_OVERVIEW, pts_ns=int(track.pts_ns[-1]), xyxy=(x1, y1, x2, y2))
    return Candidate(
        violation_id="V11",
        track_id=track.track_id,
        subject=stay.class_id,
        moments=(*(_moment(shot, start_ns) for shot in stay.shots), now),
        parameters=parameters,
        facts=_facts(stay, stood_ns, view),
        cues=CUES if stay.portrait and stay.portrait.plate else (*CUES, "plate_unreadable"),
        region_id=stay.zone_id,
        stay_id=stay.stay_id,
    )


def _moment(shot: Shot, start_ns: int) -> Moment:
    return Moment(role=shot.role, pts_ns=shot.utc_ns - start_ns, xyxy=shot.box)


def _facts(stay: Stay, stood_ns: int, view: SiteView) -> dict[str, Any]:
    return {
        "stood_days": round(stood_ns / DAY_NS, 1),
        "seen_standing_h": round(stay.seen_ns / HOUR_NS, 1),
        "unseen_h": ceil(10 * stay.unseen_ns / HOUR_NS) / 10,
        "longest_unseen_h": ceil(10 * stay.longest_unseen_ns / HOUR_NS) / 10,
        "seen_on_days": len(stay.days),
        "seen_in_hours": stay.hours,
        "shift_m": round(stay.shift_m, 2),
        "plate_read": bool(stay.portrait and stay.portrait.plate),
        "scale": view.ground.scale_source,
    }
