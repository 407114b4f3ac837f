"""One changed byte in any column of any row must be found and named."""

import shutil
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from cases.records import Derivative, RunRecord
from cases.store import CaseStore
from tests.support.people import ACCEPT, REJECT, StandingClock, accepted, new_case, open_store, store_with_people

pytestmark = pytest.mark.sqlite
TABLES = ("cases", "reviews", "publications", "audit", "users", "runs")


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with rows of every kind, whose audit is in order."""
    folder = tmp_path_factory.mktemp("sound")
    clock = StandingClock()
    store = store_with_people(folder, clock)
    case_id = accepted(store, 1)
    store.add_case(new_case(2))
    store.decide(new_case(2).case_id, "fu", REJECT)
    store.add_case(new_case(3, occurred_utc=None, cues=()))
    masked = (Derivative(role="P2", sha256="c" * 64),)
    for screen in ("demo", "north"):
        item = store.publish(
            case_id, "li", screen_id=screen, expires_utc=clock.now + timedelta(hours=1), derivatives=masked
        )
    store.withdraw(item.publication_id, "li", "申诉")
    store.save_run(
        RunRecord(
            session_id="S1",
            camera_id="c",
            site_id="s",
            files=("a.mp4",),
            started_utc=datetime(2026, 11, 22, tzinfo=UTC),
            undecided={"V01": {"lamp_unknown": 3}},
        )
    )
    assert store.verify_audit() == []
    store.close()
    return folder


@pytest.fixture
def copy(sound: Path, tmp_path: Path) -> Path:
    shutil.copy(sound / "lukou.db", tmp_path / "lukou.db")
    return tmp_path


def problems_after(folder: Path, *statements: tuple[str, tuple[object, ...]]) -> list[str]:
    with sqlite3.connect(folder / "lukou.db") as connection:
        for statement, values in statements:
            connection.execute(statement, values)
    connection.close()
    store = open_store(folder)
    found = store.verify_audit()
    store.close()
    return found


def flips(value: object) -> Iterator[object]:
    """Yields what one changed byte can make of a stored value: first, middle and last byte."""
    if value is None:
        yield "x"
    elif isinstance(value, int):
        yield value ^ 1
    else:
        raw = str(value).encode() or b"\x00"
        for place in sorted({0, len(raw) // 2, len(raw) - 1}):
            yield raw[:place] + bytes([raw[place] ^ 1]) + raw[place + 1 :]


def test_flipped_byte_in_every_column_of_every_row_is_named(sound: Path, tmp_path: Path) -> None:
    with sqlite3.connect(sound / "lukou.db") as connection:
        content = {}
        for table in TABLES:
            cursor = connection.execute(f"SELECT rowid, * FROM {table}")
            content[table] = ([c[0] for c in cursor.description], cursor.fetchall())
    assert all(rows for _, rows in content.values())
    path = tmp_path / "lukou.db"
    shutil.copy(sound / "lukou.db", path)
    store = open_store(tmp_path)
    raw = sqlite3.connect(path, isolation_level=None)
    missed = []
    for table, (columns, rows) in content.items():
        for row in rows:
            for column, value in zip(columns[1:], row[1:], strict=True):
                tried = [(table, column, row[0], value, changed) for changed in flips(value)]
                missed += [flip for flip in tried if not is_named(raw, store, flip)]
    assert missed == []
    assert store.verify_audit() == []


def is_named(raw: sqlite3.Connection, store: CaseStore, flip: tuple[str, str, int, object, object]) -> bool:
    """Writes the changed value, asks, and puts the old value back."""
    table, column, rowid, value, changed = flip
    text = f"UPDATE {table} SET {column} = {'CAST(? AS TEXT)' if isinstance(changed, bytes) else '?'} WHERE rowid = ?"
    try:
        raw.execute(text, (changed, rowid))
    except sqlite3.IntegrityError:
        return True  # the database itself refuses a second row with this key
    where = "seq" if (table, column) == ("audit", "seq") else "rowid"
    found = store.verify_audit()
    raw.execute(f"UPDATE {table} SET {column} = ? WHERE {where} = ?", (value, changed if where == "seq" else rowid))
    if table == "audit":
        named = changed if column == "seq" else rowid
        return any(problem.startswith(f"audit entry {named}:") for problem in found)
    key_columns = {"cases": "case_id", "reviews": "case_id stage", "publications": "publication_id"}
    is_key = column in key_columns.get(table, "name session_id" if table in ("users", "runs") else "").split()
    if is_key:
        return any(problem.startswith(f"{table} row ") and "no audit entry" in problem for problem in found)
    return any(problem.startswith(f"{table} row ") and f": {column} differs" in problem for problem in found)


def test_removed_row_is_named(copy: Path) -> None:
    case_id = new_case(3).case_id
    found = problems_after(copy, ("DELETE FROM cases WHERE case_id = ?", (case_id,)))
    assert found == [f"cases row {case_id}: missing; it was removed or its key changed by hand"]


def test_added_row_is_named(copy: Path) -> None:
    found = problems_after(
        copy,
        (
            "INSERT INTO reviews SELECT case_id, 'SECOND_REVIEW', 'li', decision, reason, note, facts,"  # noqa: ISC004
            " cues_checked, decided_utc FROM reviews WHERE case_id = ?",
            (new_case(2).case_id,),
        ),
    )
    assert found == [
        f"reviews row {new_case(2).case_id}/SECOND_REVIEW: no audit entry; the row was added or its key changed by hand"
    ]


def test_removed_audit_entry_leaves_a_gap(copy: Path) -> None:
    found = problems_after(copy, ("DELETE FROM audit WHERE seq = 6", ()))
    assert any("audit entry 7: expected entry 6" in problem for problem in found)


def test_removed_last_audit_entry_is_found_by_its_row(copy: Path) -> None:
    found = problems_after(copy, ("DELETE FROM audit WHERE seq = (SELECT max(seq) FROM audit)", ()))
    assert found == ["runs row S1: no audit entry; the row was added or its key changed by hand"]


def test_exchanged_audit_entries_are_found(copy: Path) -> None:
    found = problems_after(
        copy,
        ("UPDATE audit SET seq = 1000 WHERE seq = 5", ()),
        ("UPDATE audit SET seq = 5 WHERE seq = 6", ()),
        ("UPDATE audit SET seq = 6 WHERE seq = 1000", ()),
    )
    assert any(p.startswith("audit entry 5") for p in found)


def test_change_hidden_by_a_later_legitimate_step_is_found(copy: Path) -> None:
    case_id = new_case(3).case_id
    with sqlite3.connect(copy / "lukou.db") as connection:
        connection.execute("UPDATE cases SET violation_id = 'V02' WHERE case_id = ?", (case_id,))
    connection.close()
    store = open_store(copy)
    store.decide(case_id, "fu", ACCEPT)
    assert any(f"cases row {case_id} was changed outside the audit" in p for p in store.verify_audit())


def test_failed_step_leaves_no_audit_entry(copy: Path) -> None:
    store = open_store(copy)
    before = store.audit_head()
    with pytest.raises(Exception, match="cannot be changed"):
        store.decide(new_case(1).case_id, "wang", ACCEPT)
    assert store.audit_head() == before
