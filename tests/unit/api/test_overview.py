"""The pages that show how things stand: every case is counted once, in the right hour, and a sick camera is seen."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from cases.figures import Tally
from cases.records import RunRecord, Unseen
from core.observations import SignalFault
from core.status import write_status
from tests.support.console import Office
from tests.support.people import ACCEPT, REJECT, StandingClock, accepted, new_case, open_store, store_with_people
from tests.unit.api.test_metrics import STATUS


def test_every_case_is_counted_once_everywhere(tmp_path: Path) -> None:
    clock = StandingClock()
    store = store_with_people(tmp_path, clock)
    accepted(store, 1)
    store.add_case(new_case(2, violation_id="V04", place="B"))
    store.decide(new_case(2).case_id, "fu", REJECT)
    store.add_case(new_case(3, violation_id="V04", occurred_utc=None))
    store.add_case(new_case(4, violation_id="V04"))
    store.decide(new_case(4).case_id, "fu", ACCEPT)
    found = store.figures(7)
    assert (found.total.standing, found.total.dropped, found.total.open) == (1, 1, 2)
    assert [(key, tally.total) for key, tally in found.by_violation.items()] == [("V04", 3), ("V01", 1)]
    assert [tally.total for tally in found.by_place.values()] == [3, 1]
    assert sum(tally.total for tally in found.by_day.values()) == 4
    assert sum(tally.total for tally in found.by_hour) == 3  # one case has no time of day


@pytest.mark.parametrize(("utc", "hour"), [("00:15", 8), ("15:59", 23), ("16:00", 0), ("23:59", 7)])
def test_hours_are_those_of_beijing(tmp_path: Path, utc: str, hour: int) -> None:
    store = open_store(tmp_path)
    store.add_case(new_case(occurred_utc=datetime.fromisoformat(f"2026-11-21T{utc}:00+00:00")))
    assert [index for index, tally in enumerate(store.figures(1).by_hour) if tally.total] == [hour]


def test_days_begin_at_midnight_in_beijing(tmp_path: Path) -> None:
    clock = StandingClock(datetime(2026, 11, 21, 15, 59, tzinfo=UTC))
    store = open_store(tmp_path, clock)
    store.add_case(new_case(1))
    clock.forward(minutes=2)
    store.add_case(new_case(2))
    assert {day: tally.total for day, tally in store.figures(2).by_day.items()} == {"2026-11-21": 1, "2026-11-22": 1}
    assert store.figures(1).total.total == 1


def test_436_of_1012_closed_are_43_percent() -> None:
    """Golden scenario 20: the closure rate of a city's inspection, 1,012 received and 436 closed."""
    found = Tally()
    for state, number in (("ACCEPTED", 300), ("REJECTED", 136), ("QUEUED", 576)):
        found.add(state, number)
    assert (found.total, found.closed_percent) == (1012, 43)
    assert Tally().closed_percent == 0
    assert Tally(standing=1, open=199).closed_percent == 1, "a half is rounded up"


class TestPages:
    def test_figures_in_words_and_bars(self, tmp_path: Path) -> None:
        office = Office(tmp_path)
        office.accepted(1)
        office.case(2)
        page = office.login("li").get("/figures?days=7").text
        assert "V01" in page
        assert "办结率 <b>50 %</b>" in page
        assert page.count('class="standing"') >= 3
        assert "style=" not in page
        assert office.login("li").get("/figures?days=0").status_code == 422

    def test_empty_pages_say_so(self, tmp_path: Path) -> None:
        client = Office(tmp_path).login("li")
        assert "这段时间没有案件" in client.get("/figures").text
        assert "lukou up" in client.get("/cameras").text

    def test_sick_camera_is_seen(self, tmp_path: Path) -> None:
        office = Office(tmp_path)
        office.store.save_run(
            RunRecord(
                session_id="S1",
                camera_id="north",
                site_id="s",
                files=("a.mp4",),
                started_utc=office.clock.now - timedelta(hours=1),
                footage_s=60.0,
                signal_faults=(SignalFault(signal_id="L1", kind="lamp_unknown", start_ns=0, end_ns=9),),
                unseen=(Unseen(from_ns=0, to_ns=12_000_000_000, reason="overload"),),
            )
        )
        write_status(office.home, STATUS, office.clock)
        page = office.login("li").get("/cameras").text
        assert "运行中" in page
        assert "12 s" in page
        assert "L1" in page
        for camera in STATUS["cameras"]:
            assert camera["id"] in page
