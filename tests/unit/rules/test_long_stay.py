"""Stays of vehicles over days: who is the same, what ends a stay, and what is counted as seen."""

import numpy as np
import pytest

from core.observations import ActorClass, Candidate, Role, TrackHistory
from core.site import Site
from core.time import NS_PER_S
from rules import SiteView
from rules.long_stay import HOUR_NS, Box, Likeness, Portrait, Stay, compared
from rules.vigil import Vigil
from tests.support.junction import PoleCamera
from tests.support.scripted import wrong_way_site

CAMERA = PoleCamera(size_px=(320, 180), focal_px=233.0)
SPOT: Box = (180.0, 60.0, 220.0, 100.0)
MINUTE_NS = 60 * NS_PER_S
PLATE = "苏C12345"


class Scripted:
    """Says what the test says; None is a dark picture."""

    def __init__(self, plate: str = PLATE, *, colour: float = 0.0) -> None:
        self.portrait: Portrait | None = Portrait(plate=plate, colours=(colour,))
        self.kept: list[tuple[str, Role]] = []

    def look(self, box: Box, pts_ns: int, subject: ActorClass, keep: tuple[str, Role] | None = None) -> Portrait | None:
        if keep is not None and self.portrait is not None:
            self.kept.append(keep)
        return self.portrait


def site() -> Site:
    data = wrong_way_site(CAMERA).model_dump(mode="json")
    data["long_stay_zones"] = [{"id": "kerb", "polygon_px": [[1, 1], [319, 1], [319, 179], [1, 179]]}]
    data["rules"] = {"V11": {"enabled": True}}
    return Site.model_validate(data)


def track(now_ns: int, box: Box = SPOT, *, track_id: int = 1, kind: ActorClass = ActorClass.CAR) -> TrackHistory:
    """A vehicle that kept its place for twelve seconds."""
    pts = np.arange(now_ns - 12 * NS_PER_S, now_ns + 1, NS_PER_S)
    return TrackHistory(
        track_id=track_id,
        class_id=kind,
        class_share=1.0,
        pts_ns=pts,
        xyxy=np.tile(np.array(box, np.float32), (len(pts), 1)),
        confidence=np.ones(len(pts), np.float32),
        is_finished=False,
    )


def watched(witness: Scripted, until_h: int) -> Vigil:
    """A vehicle looked at every hour."""
    vigil = Vigil(SiteView.of(site()), witness)
    for hour in range(1, until_h + 1):
        vigil.look([track(hour * HOUR_NS)], hour * HOUR_NS)
    return vigil


def only(vigil: Vigil) -> Stay:
    (stay,) = vigil.stays.values()
    return stay


@pytest.mark.parametrize(
    ("known", "now", "likeness"),
    [
        (Portrait(plate=PLATE), Portrait(plate=PLATE, colours=(9.0,)), Likeness.SAME),
        (Portrait(plate=PLATE), Portrait(plate="苏C54321"), Likeness.OTHER),
        (Portrait(plate=PLATE), Portrait(plate="苏C123456"), Likeness.OTHER),
        (Portrait(plate=PLATE), Portrait(plate="苏C12346"), Likeness.UNCLEAR),
        (Portrait(plate=PLATE, colours=(0.1,)), Portrait(colours=(0.2,)), Likeness.SAME),
        (Portrait(plate=PLATE, colours=(0.1,)), Portrait(colours=(0.9,)), Likeness.OTHER),
    ],
)
def test_plates_decide_and_colours_where_one_is_unread(known: Portrait, now: Portrait, likeness: Likeness) -> None:
    assert compared(known, now) is likeness


def test_seen_and_unseen_time_add_up_to_the_whole() -> None:
    witness = Scripted()
    vigil = watched(witness, 5)
    for minute in range(1, 31):
        now = 5 * HOUR_NS + minute * MINUTE_NS
        vigil.look([track(now)], now)
    stay = only(vigil)
    assert stay.seen_ns + stay.unseen_ns == stay.last_ns - stay.begun_ns
    assert stay.seen_ns == 30 * MINUTE_NS
    assert stay.longest_unseen_ns == HOUR_NS
    assert stay.hours == 5
    assert [role for _, role in witness.kept] == [Role.T0_OVERVIEW]


def test_another_plate_after_a_gap_is_another_vehicle() -> None:
    witness = Scripted()
    vigil = watched(witness, 5)
    before = only(vigil).stay_id
    witness.portrait = Portrait(plate="苏C54321")
    vigil.look([track(8 * HOUR_NS)], 8 * HOUR_NS)
    assert only(vigil).stay_id != before
    assert only(vigil).begun_ns == 8 * HOUR_NS
    assert vigil.ended == {"another stands there": 1}


def test_a_misread_character_neither_ends_nor_prolongs_a_stay() -> None:
    witness = Scripted()
    vigil = watched(witness, 5)
    before = only(vigil)
    witness.portrait = Portrait(plate="苏C12346")
    vigil.look([track(8 * HOUR_NS)], 8 * HOUR_NS)
    assert only(vigil) == before
    witness.portrait = Portrait(plate=PLATE)
    vigil.look([track(9 * HOUR_NS)], 9 * HOUR_NS)
    assert only(vigil).longest_unseen_ns == 4 * HOUR_NS


def test_in_the_dark_nobody_can_tell_and_the_time_counts_as_unseen() -> None:
    witness = Scripted()
    vigil = watched(witness, 5)
    witness.portrait = None
    for minute in range(60):
        vigil.look([], 6 * HOUR_NS + minute * MINUTE_NS)
    witness.portrait = Portrait(plate=PLATE)
    vigil.look([track(14 * HOUR_NS)], 14 * HOUR_NS)
    assert only(vigil).unseen_ns == 13 * HOUR_NS


def test_an_empty_spot_by_daylight_ends_the_stay() -> None:
    witness = Scripted()
    vigil = watched(witness, 5)
    for minute in range(12):
        vigil.look([], 6 * HOUR_NS + minute * MINUTE_NS)
    assert vigil.stays == {}
    assert vigil.ended == {"its place was empty": 1}


def test_a_bus_in_front_hides_the_spot_and_ends_nothing() -> None:
    vigil = watched(Scripted(), 5)
    for minute in range(60):
        now = 6 * HOUR_NS + minute * MINUTE_NS
        vigil.look([track(now, (150.0, 70.0, 260.0, 150.0), track_id=9, kind=ActorClass.BUS)], now)
    assert "its place was empty" not in vigil.ended


def test_watched_driving_off_it_has_left() -> None:
    vigil = watched(Scripted(), 5)
    now = 5 * HOUR_NS + MINUTE_NS
    vigil.look([track(now, (20.0, 60.0, 60.0, 100.0))], now)
    assert vigil.ended == {"drove off": 1}


def test_a_clock_that_was_wrong_for_a_while_makes_no_stay_longer() -> None:
    """Set forward by a month, the machine's clock leaves a gap nobody saw: the stay begins anew."""
    vigil = watched(Scripted(), 5)
    later = 31 * 24 * HOUR_NS
    assert vigil.look([track(later)], later) == []
    assert only(vigil).begun_ns == later


def test_only_one_candidate_however_often_it_is_asked() -> None:
    vigil = Vigil(SiteView.of(site()), Scripted())
    said = [o for hour in range(1, 34 * 24) for o in vigil.look([track(hour * HOUR_NS)], hour * HOUR_NS)]
    (candidate,) = said
    assert isinstance(candidate, Candidate)
    assert candidate.facts["seen_on_days"] >= 15
    assert candidate.facts["stood_days"] == pytest.approx(30, abs=0.1)
    assert "plate_unreadable" not in candidate.cues
