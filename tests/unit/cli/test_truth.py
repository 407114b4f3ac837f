from dataclasses import replace
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli.truth import Box, Expected, Found, Group, Sighting, compare, found_from, time_apart_s
from core.observations import ActorClass, Candidate, Moment, Role

BOX = (100.0, 100.0, 160.0, 180.0)
ELSEWHERE = (900.0, 100.0, 960.0, 180.0)
_ids = count()


def event(
    violation_id: str = "V01",
    start_s: float = 10.0,
    end_s: float | None = None,
    *,
    box: Box | None = BOX,
    required: bool = True,
    group: Group | None = None,
) -> Expected:
    return Expected(
        event_id=f"e{next(_ids)}",
        violation_id=violation_id,
        start_s=start_s,
        end_s=start_s + 3 if end_s is None else end_s,
        group=group,
        sightings=(Sighting(t_s=start_s, xyxy=box),) if box else (),
        is_required=required,
    )


def case(violation_id: str = "V01", *times_s: float, box: Box = BOX, group: Group = "vehicle") -> Found:
    times = times_s or (9.0, 10.0, 11.0)
    return Found(
        case_id=f"c{next(_ids)}",
        violation_id=violation_id,
        group=group,
        start_s=min(times),
        end_s=max(times),
        sightings=tuple(Sighting(t_s=t, xyxy=box) for t in times),
    )


def test_event_and_its_case_make_a_hit() -> None:
    outcome = compare([event()], [case()])
    assert outcome.is_exact
    assert len(outcome.hits) == 1


def test_nothing_raised_is_a_miss_and_nothing_expected_a_false_alarm() -> None:
    wanted, raised = event(), case()
    assert compare([wanted], []).misses == (wanted,)
    assert compare([], [raised]).false_alarms == (raised,)
    assert compare([], []).is_exact


@pytest.mark.parametrize(
    "other",
    [
        case("V02"),
        case("V01", 7.0, 8.4, 12.0),
        case("V01", box=ELSEWHERE),
        case("V01", group="two_wheeler"),
    ],
    ids=["another rule", "another time", "another place", "another kind of actor"],
)
def test_a_case_that_is_not_the_event_is_both_miss_and_false_alarm(other: Found) -> None:
    outcome = compare([event(group="vehicle")], [other])
    assert len(outcome.misses) == len(outcome.false_alarms) == 1
    assert not outcome.hits


def test_tolerance_reaches_exactly_one_and_a_half_seconds() -> None:
    assert compare([event(start_s=10.0)], [case("V01", 11.5, 13.0)]).is_exact
    assert not compare([event(start_s=10.0)], [case("V01", 11.51, 13.0)]).is_exact


def test_slow_crossing_begins_anywhere_in_its_span() -> None:
    slow = replace(event(start_s=10.0, box=None), onset_until_s=12.0)
    assert time_apart_s(slow, case("V01", 11.0)) == 0
    assert time_apart_s(slow, case("V01", 9.0, 13.5)) == pytest.approx(1.0)


def test_second_case_for_one_offence_is_a_false_alarm() -> None:
    outcome = compare([event()], [case(), case()])
    assert len(outcome.hits) == 1
    assert len(outcome.false_alarms) == 1


def test_two_close_offences_get_their_own_cases_whatever_the_order() -> None:
    first, second = event(start_s=10.0, box=None), event(start_s=11.0, box=None)
    early, late = case("V01", 9.6), case("V01", 11.2)
    for found in ([early, late], [late, early]):
        outcome = compare([first, second], found)
        assert outcome.is_exact
        assert {(p.expected.event_id, p.found.case_id) for p in outcome.hits} == {
            (first.event_id, early.case_id),
            (second.event_id, late.case_id),
        }


def test_pairing_serves_most_events_not_the_nearest_first() -> None:
    """The one case the later event can have is also the nearest of the earlier event."""
    earlier, later = event(start_s=10.0, box=None), event(start_s=12.0, box=None)
    shared, only_earlier = case("V01", 10.9), case("V01", 9.0)
    assert compare([earlier, later], [shared, only_earlier]).is_exact


def test_parking_meets_by_overlap_of_the_spans() -> None:
    parked = event("V08", 5.0, 60.0)
    assert compare([parked], [case("V08", 20.0, 35.0)]).is_exact
    assert not compare([parked], [case("V08", 61.6, 80.0)]).is_exact
    assert time_apart_s(parked, case("V08", 70.0, 80.0)) == pytest.approx(10.0)


def test_boxes_far_apart_in_time_are_not_compared() -> None:
    assert compare([event(start_s=10.0, box=BOX)], [case("V01", 11.0, box=ELSEWHERE)]).is_exact


def test_neighbour_that_passes_the_same_spot_later_is_somebody_else() -> None:
    """Two riders follow each other: at one of two moments the second is where the first was meant to be."""
    seen = (Sighting(t_s=10.0, xyxy=BOX), Sighting(t_s=11.0, xyxy=ELSEWHERE))
    wanted = replace(event(start_s=10.0), sightings=seen)
    other = replace(case("V01", 10.0, 11.0), sightings=(Sighting(t_s=10.0, xyxy=BOX), Sighting(t_s=11.0, xyxy=BOX)))
    assert not compare([wanted], [other]).is_exact
    assert compare([wanted], [replace(other, sightings=seen)]).is_exact


def test_optional_event_is_neither_miss_nor_false_alarm() -> None:
    optional = event(required=False)
    assert compare([optional], []).is_exact
    outcome = compare([optional], [case()])
    assert outcome.is_exact
    assert not outcome.hits
    assert len(outcome.extras) == 1


def test_optional_event_never_takes_the_case_of_a_required_one() -> None:
    """The optional event lies nearer; the required one still gets the only case."""
    optional, required = event(start_s=10.0, required=False), event(start_s=11.0)
    outcome = compare([optional, required], [case("V01", 10.0)])
    assert [p.expected for p in outcome.hits] == [required]


def test_candidate_is_read_as_the_rules_give_it() -> None:
    candidate = Candidate(
        violation_id="V03",
        track_id=7,
        subject=ActorClass.MOTORCYCLE,
        moments=(
            Moment(role=Role.P2_DURING, pts_ns=2_500_000_000, xyxy=BOX),
            Moment(role=Role.P1_BEFORE, pts_ns=1_000_000_000, xyxy=ELSEWHERE),
        ),
    )
    found = found_from("01J", candidate)
    assert (found.group, found.start_s, found.end_s) == ("two_wheeler", 1.0, 2.5)
    assert found.sightings[1] == Sighting(t_s=1.0, xyxy=ELSEWHERE)


times = st.lists(st.floats(0, 60), max_size=6)


@given(times, times)
def test_every_event_and_case_is_accounted_for_once(events_s: list[float], cases_s: list[float]) -> None:
    expected = [event(start_s=t, box=None) for t in events_s]
    found = [case("V01", t) for t in cases_s]
    outcome = compare(expected, found)
    assert len(outcome.hits) + len(outcome.misses) == len(expected)
    assert len(outcome.hits) + len(outcome.false_alarms) == len(found)
    assert all(abs(p.expected.start_s - p.found.sightings[0].t_s) <= 1.5 for p in outcome.hits)
