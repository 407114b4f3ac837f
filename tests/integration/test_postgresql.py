"""PostgreSQL under the case store: what differs from SQLite's file, beside what tests/unit/cases runs on both."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import Connection, Integer, Table, create_engine, inspect, text
from sqlalchemy.exc import IntegrityError

from cases.database import WRITERS
from cases.models import Base
from cases.records import Derivative
from cases.states import CaseState
from cases.store import CaseStore
from core.errors import ConfigError, LukouError, StoreError
from tests.support.people import ACCEPT, HOSTS, REJECT, StandingClock, accepted, new_case, open_store, store_with_people


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest) -> str:
    if request.param == "postgresql":
        request.getfixturevalue("on_postgresql")
    return str(request.param)


@pytest.fixture
def connection(tmp_path: Path, on_postgresql: None) -> Iterator[Connection]:
    """Yields a way past the store to a database with rows of several kinds."""
    fill(store_with_people(tmp_path))
    engine = create_engine(HOSTS[-1].url(tmp_path), isolation_level="AUTOCOMMIT")
    with engine.connect() as direct:
        yield direct
    engine.dispose()


def fill(store: CaseStore) -> None:
    case_id = accepted(store, 1)
    store.add_case(new_case(2))
    store.decide(new_case(2).case_id, "fu", REJECT)
    later = StandingClock().now + timedelta(hours=1)
    store.publish(
        case_id, "li", screen_id="demo", expires_utc=later, derivatives=(Derivative(role="P2", sha256="c" * 64),)
    )


def test_migrations_go_down_and_up_again_with_cases_in_them(tmp_path: Path, database: str) -> None:
    store = store_with_people(tmp_path)
    fill(store)
    store.close()
    engine = create_engine(HOSTS[-1].url(tmp_path))
    config = Config()
    config.set_main_option("script_location", "cases:migrations")
    with engine.begin() as connection:
        before = connection.execute(text("SELECT case_id, state FROM cases ORDER BY case_id")).all()
        config.attributes["connection"] = connection
        command.downgrade(config, "0001")
        assert connection.execute(text("SELECT case_id, state FROM cases ORDER BY case_id")).all() == before
        command.upgrade(config, "head")
        assert compare_metadata(MigrationContext.configure(connection), Base.metadata) == []
        assert connection.execute(text("SELECT case_id, state FROM cases ORDER BY case_id")).all() == before
        command.downgrade(config, "base")
        assert inspect(connection).get_table_names() == ["alembic_version"]
    engine.dispose()


def test_changed_value_in_any_column_is_named(connection: Connection, tmp_path: Path) -> None:
    store = open_store(tmp_path)
    missed = []
    for name in ("cases", "reviews", "publications", "users"):
        table = Base.metadata.tables[name]
        missed += [
            column.name
            for column in table.columns
            if not column.primary_key and not is_named(connection, store, table, column.name)
        ]
    assert missed == []
    assert store.verify_audit() == []


def is_named(connection: Connection, store: CaseStore, table: Table, column: str) -> bool:
    """Changes a column of the first row behind the store's back, asks the audit, and puts the value back."""
    keys = list(table.primary_key.columns)
    raw = connection.execute(text(f"SELECT * FROM {table.name} ORDER BY {keys[0].name} LIMIT 1")).mappings().one()
    changed = (
        raw[column] + 1
        if isinstance(table.c[column].type, Integer)
        else f"{raw[column] or ''}x"[-len(str(raw[column] or "x")) :]
    )
    where = " AND ".join(f"{key.name} = :key_{key.name}" for key in keys)
    statement = text(f"UPDATE {table.name} SET {column} = :value WHERE {where}")
    names = {f"key_{key.name}": raw[key.name] for key in keys}
    try:
        connection.execute(statement, {"value": changed, **names})
    except IntegrityError:
        return True  # the database itself refuses
    found = store.verify_audit()
    connection.execute(statement, {"value": raw[column], **names})
    return any(problem.startswith(f"{table.name} row ") and column in problem for problem in found)


def test_two_officers_at_once_decide_a_case_once(tmp_path: Path, on_postgresql: None) -> None:
    store = store_with_people(tmp_path)
    numbers = range(1, 9)
    for number in numbers:
        store.add_case(new_case(number))
        store.decide(new_case(number).case_id, "fu", ACCEPT)

    def second(task: tuple[str, int]) -> int:
        with suppress(LukouError):
            return int(store.decide(new_case(task[1]).case_id, task[0], ACCEPT) is CaseState.ACCEPTED)
        return 0

    with ThreadPoolExecutor(4) as pool:
        done = list(pool.map(second, [(name, number) for number in numbers for name in ("li", "wang")]))
    assert sum(done) == len(numbers)
    assert store.verify_audit() == []


def test_writer_that_waits_too_long_gets_one_line_and_changes_nothing(connection: Connection, tmp_path: Path) -> None:
    store = open_store(tmp_path, busy_timeout_s=0.05)
    head = store.audit_head()
    held = connection.execution_options(isolation_level="READ COMMITTED")
    held.exec_driver_sql(f"SELECT pg_advisory_lock({WRITERS})")
    with pytest.raises(StoreError, match="locked by another program"):
        store.add_case(new_case(7))
    held.exec_driver_sql(f"SELECT pg_advisory_unlock({WRITERS})")
    assert store.audit_head() == head
    assert store.add_case(new_case(7))


def test_connection_the_server_ended_is_replaced(connection: Connection, tmp_path: Path) -> None:
    store = open_store(tmp_path)
    before = store.count()
    connection.execute(
        text(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    )
    assert store.count() == before


def test_text_the_database_cannot_keep_is_refused_in_one_line(tmp_path: Path, on_postgresql: None) -> None:
    store = store_with_people(tmp_path)
    with pytest.raises(ConfigError, match="cannot be kept"):
        store.add_case(new_case(place="a\x00b"))


def test_server_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="does not answer"):
        CaseStore.open(f"postgresql+psycopg://postgres@/lukou?host={tmp_path}")


def test_other_databases_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="SQLite or PostgreSQL"):
        CaseStore.open("oracle+oracledb://x/y")
