"""Every row of every table that carries custody: altered, removed, inserted or exchanged behind the audit's back."""

import shutil
import sqlite3
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Column, Table, insert, select
from sqlalchemy.orm import Session

from cases.audit import AUDITED, Step, audited, row_key
from cases.models import Base, JsonText, UtcText
from cases.store import CaseStore
from tests.support.people import StandingClock, new_case, open_store, store_with_people

pytestmark = pytest.mark.sqlite
UNAUDITED = {
    "audit": "the chain itself: tests/unit/cases/test_audit.py changes every byte of it",
    "alembic_version": "the version of the tables",
    "assignments": "who has a case open at this moment; ends by itself",
    "draw_keys": "a secret number; the draws made with it are audited",
    "logins": "who is logged in at this moment; ends by itself",
    "temporary_passwords": "logins whose password was made up for them; ends when they choose their own",
    "webhooks": "how far along the audit chain another server has been told",
    "photo_marks": "worked out from reports.media again",
}
"""Tables no audit entry pins, each with its reason: a new table must be listed here or in ``AUDITED``."""


def fill(session: Session, table: Table, number: int, clock: StandingClock) -> None:
    """Adds a row with made-up values the way the program does: under the audit."""
    values = {column.name: value(session, column, number, clock.now) for column in table.columns}
    step = Step(at_utc=clock.now, actor="t", action="filled", table_name=table.name, row_key=row_key(table, values))
    with audited(session, step):
        session.execute(insert(table).values(**values))


def value(session: Session, column: Column[Any], number: int, now: datetime) -> Any:
    if column.foreign_keys:
        target = next(iter(column.foreign_keys)).column
        return session.scalars(select(target).order_by(target).offset(number - 1)).first()
    if isinstance(column.type, UtcText):
        return now + timedelta(minutes=number)
    if isinstance(column.type, JsonText):
        return [number]
    return number if column.type.python_type is int else f"{column.name[:3]}{number}"


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with at least two rows in every audited table, whose audit is in order."""
    folder, clock = tmp_path_factory.mktemp("sound"), StandingClock()
    store = store_with_people(folder, clock)
    for number in (1, 2):
        store.add_case(new_case(number))
    for table in Base.metadata.sorted_tables:
        with store._database.writing() as session:
            here = len(session.execute(select(table)).all()) if table.name in AUDITED else 2
            for number in range(here + 1, 3):
                fill(session, table, number, clock)
    assert store.verify_audit() == []
    store.close()
    return folder


@pytest.fixture
def opened(sound: Path, tmp_path: Path) -> Iterator[tuple[CaseStore, sqlite3.Connection]]:
    shutil.copy(sound / "lukou.db", tmp_path / "lukou.db")
    store = open_store(tmp_path)
    raw = sqlite3.connect(tmp_path / "lukou.db", isolation_level=None)
    yield store, raw
    raw.close()
    store.close()


def rows(raw: sqlite3.Connection, table: str) -> list[dict[str, Any]]:
    cursor = raw.execute(f"SELECT * FROM {table} ORDER BY rowid")
    return [dict(zip([c[0] for c in cursor.description], row, strict=True)) for row in cursor.fetchall()]


def keys(table: str) -> list[str]:
    return [column.name for column in Base.metadata.tables[table].primary_key.columns]


def name(table: str, row: dict[str, Any]) -> str:
    return f"{table} row {'/'.join(str(row[key]) for key in keys(table))}"


def where(table: str, row: dict[str, Any]) -> tuple[str, list[Any]]:
    return " AND ".join(f"{key} = ?" for key in keys(table)), [row[key] for key in keys(table)]


def test_every_table_is_audited_or_says_why_not(sound: Path) -> None:
    with sqlite3.connect(sound / "lukou.db") as raw:
        there = {row[0] for row in raw.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    raw.close()
    assert there == set(AUDITED) | set(UNAUDITED)


@pytest.mark.parametrize("table", AUDITED)
def test_altered_column_is_named(opened: tuple[CaseStore, sqlite3.Connection], table: str) -> None:
    store, raw = opened
    missed = []
    for row in rows(raw, table):
        condition, found = where(table, row)
        for column in row.keys() - set(keys(table)):
            other = row[column] + 1 if isinstance(row[column], int) else f"{row[column]}x"
            raw.execute(f"UPDATE {table} SET {column} = ? WHERE {condition}", (other, *found))
            if f"{name(table, row)}: {column} differs" not in " ".join(store.verify_audit()):
                missed.append(column)
            raw.execute(f"UPDATE {table} SET {column} = ? WHERE {condition}", (row[column], *found))
    assert missed == []
    assert store.verify_audit() == []


@pytest.mark.parametrize("table", AUDITED)
def test_removed_row_is_named(opened: tuple[CaseStore, sqlite3.Connection], table: str) -> None:
    store, raw = opened
    row = rows(raw, table)[0]
    condition, found = where(table, row)
    raw.execute(f"DELETE FROM {table} WHERE {condition}", found)
    assert f"{name(table, row)}: missing; it was removed or its key changed by hand" in store.verify_audit()


@pytest.mark.parametrize("table", AUDITED)
def test_inserted_row_is_named(opened: tuple[CaseStore, sqlite3.Connection], table: str) -> None:
    store, raw = opened
    row = rows(raw, table)[0]
    for column in Base.metadata.tables[table].columns:
        if column.primary_key or column.unique:
            row[column.name] = 99 if column.type.python_type is int else "slipped in"
    marks = ", ".join("?" * len(row))
    raw.execute(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({marks})", tuple(row.values()))
    assert any(problem.startswith(f"{name(table, row)}: no audit entry") for problem in store.verify_audit())


@pytest.mark.parametrize("table", AUDITED)
def test_exchanged_rows_are_named(opened: tuple[CaseStore, sqlite3.Connection], table: str) -> None:
    """Two rows take each other's place: same rows, other keys."""
    store, raw = opened
    first, second = rows(raw, table)[:2]
    for row, taken in ((first, "away"), (second, first), (dict.fromkeys(keys(table), "away"), second)):
        condition, found = where(table, row)
        target = [taken[key] if isinstance(taken, dict) else taken for key in keys(table)]
        raw.execute(
            f"UPDATE {table} SET {', '.join(f'{key} = ?' for key in keys(table))} WHERE {condition}", (*target, *found)
        )
    problems = " ".join(store.verify_audit())
    columns = [c for c in first if c not in keys(table) and first[c] != second[c]]
    assert not columns or (f"{name(table, first)}: " in problems and f"{name(table, second)}: " in problems)
