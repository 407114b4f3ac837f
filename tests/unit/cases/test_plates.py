"""Plates beside their cases: kept, found, audited."""

from pathlib import Path

import pytest
from sqlalchemy import text

from cases.records import QueueFilter
from core.plate import UNREADABLE
from tests.support.people import new_case, open_store


def test_a_plate_comes_back_with_its_case(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    store.add_case(new_case(1, plate="苏C12345"))
    store.add_case(new_case(2))
    assert [case.plate for case in store.queue()] == ["苏C12345", UNREADABLE]


@pytest.mark.parametrize(
    ("wanted", "found"),
    [("苏C12345", 1), ("苏C", 2), ("345", 1), ("C1234", 0), ("%", 0), ("_", 0), (UNREADABLE, 0)],
)
def test_search_by_the_whole_the_beginning_or_the_end(tmp_path: Path, wanted: str, found: int) -> None:
    store = open_store(tmp_path)
    for number, plate in enumerate(("苏C12345", "苏CD98765", "皖A00001", UNREADABLE), start=1):
        store.add_case(new_case(number, plate=plate))
    assert store.count(QueueFilter(plate=wanted)) == len(store.queue(QueueFilter(plate=wanted))) == found


def test_a_plate_changed_by_hand_is_named(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    store.add_case(new_case(1, plate="苏C12345"))
    assert store.verify_audit() == []
    with store._database.writing() as session:
        session.execute(text("UPDATE plates SET plate = '苏C12346'"))
    assert any("plates row" in problem and "plate differs" in problem for problem in store.verify_audit())


def test_nothing_is_kept_of_a_plate_nobody_could_read(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    store.add_case(new_case(1))
    with store._database.reading() as session:
        assert session.execute(text("SELECT count(*) FROM plates")).scalar() == 0
