"""Opening the database, SQLite or PostgreSQL: one writer at a time, migrations, one error for every refusal."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import as_file, files
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DataError, DBAPIError, NoSuchModuleError
from sqlalchemy.orm import Session
from sqlalchemy.pool import ConnectionPoolEntry

from core.errors import ConfigError, StoreError

_WRITE = "lukou_write"
WRITERS = 0x6C756B6F75
"""Advisory lock that stands for SQLite's one writer on PostgreSQL: the audit chain has one end."""


class Database:
    """An open, migrated database."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        if engine.dialect.name == "postgresql":
            self._engine = engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        self._write_engine = engine.execution_options(**{_WRITE: True})

    @classmethod
    def open(cls, url: str, *, busy_timeout_s: float = 5.0) -> "Database":
        """Returns the database at a URL, created and migrated as needed.

        Raises:
            ConfigError: the URL is not one.
            StoreError: the database cannot be opened, is locked, or is newer than this program.
        """
        try:
            parsed = make_url(url)
            if parsed.get_backend_name() not in ("sqlite", "postgresql"):
                raise ConfigError(f"database URL names {parsed.get_backend_name()}; use SQLite or PostgreSQL")
            _make_folder(parsed.database if parsed.get_backend_name() == "sqlite" else None)
            engine = create_engine(parsed, pool_pre_ping=parsed.get_backend_name() != "sqlite")
        except (ArgumentError, NoSuchModuleError) as error:
            raise ConfigError(
                "database URL is not one; write e.g. sqlite:////data/lukou.db or postgresql+psycopg://host/lukou"
            ) from error
        except ImportError as error:
            raise ConfigError(f"database needs the driver {error.name}; pip install 'lukou[postgresql]'") from error
        if engine.dialect.name == "sqlite":
            _listen_sqlite(engine, busy_timeout_s)
        elif engine.dialect.name == "postgresql":
            _listen_postgresql(engine, busy_timeout_s)
        database = cls(engine)
        with database.writing() as session:
            _migrate(session.connection())
        return database

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """Yields a session that sees one consistent state."""
        with _errors(), Session(self._engine, expire_on_commit=False) as session:
            yield session

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """Yields a session in a write transaction: commits on success, rolls back on any error."""
        with _errors(), Session(self._write_engine, expire_on_commit=False) as session, session.begin():
            yield session

    def close(self) -> None:
        """Closes every connection."""
        self._engine.dispose()


def _make_folder(database: str | None) -> None:
    if not database or database == ":memory:":
        return
    try:
        Path(database).parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(
            f"folder of the database {database} cannot be made ({error.strerror}); check LUKOU_HOME", path=database
        ) from error


@contextmanager
def _errors() -> Iterator[None]:
    try:
        yield
    except DataError as error:
        raise ConfigError("a text is too long or holds a character that cannot be kept; correct it") from error
    except DBAPIError as error:
        raise StoreError(_explain(str(error.orig)), cause=type(error).__name__) from error


def _explain(cause: str) -> str:
    hints = {
        "locked": "database is locked by another program; close it or try again",
        "lock timeout": "database is locked by another program; close it or try again",
        "connection to server": "database does not answer; check LUKOU_DATABASE_URL and that its server runs",
        "closed the connection": "database went away; try again",
        "disk is full": "disk is full; free space, nothing was changed",
        "readonly": "database cannot be written; check the owner and rights of its file",
        "unable to open": "database cannot be opened; check LUKOU_HOME and its rights",
        "not a database": "file is not a database; restore it from a backup",
        "malformed": "database is damaged; restore it from a backup",
    }
    for mark, hint in hints.items():
        if mark in cause:
            return hint
    return f"database refused: {cause.splitlines()[0]}"


def _listen_sqlite(engine: Engine, busy_timeout_s: float) -> None:
    @event.listens_for(engine, "connect")
    def prepare(connection: sqlite3.Connection, _entry: ConnectionPoolEntry) -> None:
        connection.isolation_level = None
        connection.text_factory = lambda raw: raw.decode("utf-8", "surrogateescape")
        connection.execute(f"PRAGMA busy_timeout = {int(busy_timeout_s * 1000)}")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        is_write = connection.get_execution_options().get(_WRITE, False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if is_write else "BEGIN")


def _listen_postgresql(engine: Engine, busy_timeout_s: float) -> None:
    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        if connection.get_execution_options().get(_WRITE, False):
            connection.exec_driver_sql(f"SET LOCAL lock_timeout = {int(busy_timeout_s * 1000)}")
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({WRITERS})")


def _migrate(connection: Connection) -> None:
    with as_file(files("cases") / "migrations") as folder:
        config = Config()
        config.set_main_option("script_location", str(folder).replace("%", "%%"))
        script = ScriptDirectory.from_config(config)
        current = MigrationContext.configure(connection).get_current_revision()
        head = script.get_current_head()
        if current == head:
            return
        if current is not None and current not in {r.revision for r in script.walk_revisions()}:
            raise StoreError(f"database is of a newer version ({current}); update this program", got=current)

        config.attributes["connection"] = connection
        command.upgrade(config, "head")
