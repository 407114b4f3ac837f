"""Tables. Every value is stored as text or integer, so a row hashes the same on every database."""

import json
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import BigInteger, Dialect, ForeignKey, Index, Integer, MetaData, String, Text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.types import TypeDecorator


class UtcText(TypeDecorator[datetime]):
    """An aware UTC datetime kept as ISO 8601 text."""

    impl = String(32)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> str | None:  # noqa: ARG002 - SQLAlchemy names it
        """Returns the text that is stored."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"expected an aware datetime, got {value!r}")
        return value.astimezone(UTC).isoformat(timespec="microseconds")

    def process_result_value(self, value: str | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002 - SQLAlchemy names it
        """Returns the datetime a stored text means."""
        return None if value is None else datetime.fromisoformat(value)


class JsonText(TypeDecorator[Any]):
    """A JSON value kept as canonical text (sorted keys, no spaces)."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:  # noqa: ARG002 - SQLAlchemy names it
        """Returns the text that is stored."""
        return canonical(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:  # noqa: ARG002 - SQLAlchemy names it
        """Returns the value a stored text means."""
        return None if value is None else json.loads(value)


def canonical(value: Any) -> str:
    """Returns the one JSON text of a value: sorted keys, no spaces, no escapes.

    >>> canonical({"b": 1, "a": ["x"]})
    '{"a":["x"],"b":1}'
    """
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


class Base(DeclarativeBase):
    """Root of the tables; constraint names are fixed so that migrations can name them."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_name)s",
            "uq": "uq_%(table_name)s_%(column_0_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


class CaseRow(Base):
    """A case; pixels stay in the evidence store, referred to by id and hash."""

    __tablename__ = "cases"
    __table_args__ = (
        Index("ix_cases_waiting", "state", "created_utc", "case_id"),
        Index("ix_cases_decided", "state", "changed_utc", "case_id"),
        Index("ix_cases_kind", "state", "violation_id", "created_utc", "case_id"),
        Index("ix_cases_camera", "state", "camera_id", "created_utc", "case_id"),
        Index("ix_cases_created", "created_utc", "case_id"),
    )

    case_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    candidate_key: Mapped[str] = mapped_column(String(200), unique=True)
    session_id: Mapped[str] = mapped_column(String(64), index=True)
    violation_id: Mapped[str] = mapped_column(String(8), index=True)
    site_id: Mapped[str] = mapped_column(String(100))
    camera_id: Mapped[str] = mapped_column(String(100))
    place: Mapped[str] = mapped_column(String(300))
    direction: Mapped[str] = mapped_column(String(100))
    occurred_utc: Mapped[datetime | None] = mapped_column(UtcText)
    onset_ns: Mapped[int] = mapped_column(BigInteger)
    subject: Mapped[str] = mapped_column(String(32))
    manifest_sha256: Mapped[str] = mapped_column(String(64))
    entry_sha256: Mapped[str] = mapped_column(String(64))
    cues: Mapped[list[str]] = mapped_column(JsonText)
    state: Mapped[str] = mapped_column(String(20), index=True)
    created_utc: Mapped[datetime] = mapped_column(UtcText)
    changed_utc: Mapped[datetime] = mapped_column(UtcText)


class ReviewRow(Base):
    """One person's decision on a case; one per stage, never changed, removed only when its author takes it back."""

    __tablename__ = "reviews"

    case_id: Mapped[str] = mapped_column(ForeignKey("cases.case_id"), primary_key=True)
    stage: Mapped[str] = mapped_column(String(20), primary_key=True)
    officer: Mapped[str] = mapped_column(ForeignKey("users.name"))
    decision: Mapped[str] = mapped_column(String(10))
    reason: Mapped[str | None] = mapped_column(String(8))
    note: Mapped[str] = mapped_column(Text)
    facts: Mapped[list[str]] = mapped_column(JsonText)
    cues_checked: Mapped[list[str]] = mapped_column(JsonText)
    decided_utc: Mapped[datetime] = mapped_column(UtcText, index=True)


class ObjectionRow(Base):
    """An objection against an accepted case; at most one a case."""

    __tablename__ = "objections"

    objection_id: Mapped[str] = mapped_column(String(26), primary_key=True)
    case_id: Mapped[str] = mapped_column(ForeignKey("cases.case_id"), unique=True)
    channel: Mapped[str] = mapped_column(String(16))
    ground: Mapped[str] = mapped_column(String(4))
    text: Mapped[str] = mapped_column(Text)
    filed_by: Mapped[str] = mapped_column(ForeignKey("users.name"))
    received_utc: Mapped[datetime] = mapped_column(UtcText)
    due_utc: Mapped[datetime] = mapped_column(UtcText)
    result: Mapped[str | None] = mapped_column(String(12))
    reply: Mapped[str] = mapped_column(Text)
    decided_by: Mapped[str | None] = mapped_column(ForeignKey("users.name"))
    decided_utc: Mapped[datetime | None] = mapped_column(UtcText)


class PublicationRow(Base):
    """One accepted case on one screen."""

    __tablename__ = "publications"

    publication_id: Mapped[str] = mapped_column(String(26), primary_key=True)
    case_id: Mapped[str] = mapped_column(ForeignKey("cases.case_id"), index=True)
    screen_id: Mapped[str] = mapped_column(String(64), index=True)
    state: Mapped[str] = mapped_column(String(12))
    approved_by: Mapped[str] = mapped_column(ForeignKey("users.name"))
    approved_utc: Mapped[datetime] = mapped_column(UtcText)
    expires_utc: Mapped[datetime] = mapped_column(UtcText)
    derivatives: Mapped[list[dict[str, str]]] = mapped_column(JsonText)
    ended_by: Mapped[str | None] = mapped_column(String(64))
    ended_utc: Mapped[datetime | None] = mapped_column(UtcText)
    end_note: Mapped[str] = mapped_column(Text)


class RunRow(Base):
    """One processed session with its counters."""

    __tablename__ = "runs"

    session_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    camera_id: Mapped[str] = mapped_column(String(100))
    site_id: Mapped[str] = mapped_column(String(100))
    files: Mapped[list[str]] = mapped_column(JsonText)
    started_utc: Mapped[datetime] = mapped_column(UtcText)
    finished_utc: Mapped[datetime | None] = mapped_column(UtcText)
    footage_ms: Mapped[int] = mapped_column(BigInteger)
    decoded: Mapped[int] = mapped_column(BigInteger)
    analysed: Mapped[int] = mapped_column(BigInteger)
    skipped: Mapped[int] = mapped_column(BigInteger)
    damaged: Mapped[int] = mapped_column(BigInteger)
    lost: Mapped[int] = mapped_column(BigInteger)
    undecided: Mapped[dict[str, dict[str, int]]] = mapped_column(JsonText)


class UserRow(Base):
    """A login."""

    __tablename__ = "users"

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    role: Mapped[str] = mapped_column(String(16))
    password_hash: Mapped[str] = mapped_column(String(200))
    is_active: Mapped[int] = mapped_column(Integer)
    created_utc: Mapped[datetime] = mapped_column(UtcText)


class AuditRow(Base):
    """One link of the audit chain; ``prev_sha256`` is unique, so the chain cannot fork."""

    __tablename__ = "audit"

    seq: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    at_utc: Mapped[datetime] = mapped_column(UtcText)
    actor: Mapped[str] = mapped_column(String(64))
    action: Mapped[str] = mapped_column(String(40))
    table_name: Mapped[str] = mapped_column(String(40))
    row_key: Mapped[str] = mapped_column(String(200))
    before_sha256: Mapped[str] = mapped_column(String(64))
    after_sha256: Mapped[str] = mapped_column(String(64))
    fields: Mapped[dict[str, str]] = mapped_column(JsonText)
    prev_sha256: Mapped[str] = mapped_column(String(64), unique=True)
    entry_sha256: Mapped[str] = mapped_column(String(64))
