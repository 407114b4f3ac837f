"""The audit chain: one hash-chained row per change, written in the transaction of the change.

An entry pins the content of the row it is about: ``after_sha256`` over the whole row and, in
``fields``, a short digest per column, so that ``problems`` can name the column that was changed
behind the chain's back. ``before_sha256`` must equal the previous entry's ``after_sha256`` of the
same row, so a row cannot be changed in silence between two steps either.
"""

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Table, select, type_coerce
from sqlalchemy.orm import Session
from sqlalchemy.types import NullType

from cases.models import AuditRow, Base, canonical

ABSENT = "0" * 64
AUDITED = (
    "users",
    "runs",
    "signal_faults",
    "unseen",
    "cases",
    "plates",
    "reviews",
    "review_sheets",
    "blind_draws",
    "suspensions",
    "publications",
    "objections",
    "cancellations",
    "reporters",
    "reports",
    "rewards",
    "identities",
    "identity_openings",
    "day_roots",
    "legal_holds",
    "erasures",
)

RawRow = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """Who does what to which row, when; only a removal may leave no row behind."""

    at_utc: datetime
    actor: str
    action: str
    table_name: str
    row_key: str
    is_removal: bool = False


def digest(value: Any) -> str:
    """Returns the sha256 of a value's canonical JSON (undecodable bytes included)."""
    return hashlib.sha256(canonical(value).encode("utf-8", "surrogateescape")).hexdigest()


def row_key(table: Table, row: RawRow) -> str:
    """Returns the primary key of a row as one text."""
    return "/".join(str(row[column.name]) for column in table.primary_key.columns)


@contextmanager
def audited(session: Session, step: Step) -> Iterator[None]:
    """Runs a change of one row and appends its audit entry in the same transaction."""
    table = Base.metadata.tables[step.table_name]
    before = _find(session, table, step.row_key)
    yield
    session.flush()
    after = _find(session, table, step.row_key)
    if (after is None) is not step.is_removal:
        raise LookupError(f"row {step.table_name}/{step.row_key} is not as {step.action} says")
    _append(session, step, before, after)


def _append(session: Session, step: Step, before: RawRow | None, after: RawRow | None) -> None:
    seq, previous = head(session)
    raw = {
        "seq": seq + 1,
        "at_utc": step.at_utc.astimezone(UTC).isoformat(timespec="microseconds"),
        "actor": step.actor,
        "action": step.action,
        "table_name": step.table_name,
        "row_key": step.row_key,
        "before_sha256": ABSENT if before is None else digest(dict(before)),
        "after_sha256": ABSENT if after is None else digest(dict(after)),
        "fields": canonical(field_digests(after or {})),
        "prev_sha256": previous,
    }
    session.add(
        AuditRow(**{**raw, "at_utc": step.at_utc, "fields": field_digests(after or {}), "entry_sha256": digest(raw)})
    )
    session.flush()


def head(session: Session) -> tuple[int, str]:
    """Returns number and hash of the last entry."""
    query = select(AuditRow.seq, AuditRow.entry_sha256).order_by(AuditRow.seq.desc()).limit(1)
    last = session.execute(query).one_or_none()
    return (0, ABSENT) if last is None else (last.seq, last.entry_sha256)


def field_digests(row: RawRow) -> dict[str, str]:
    """Returns a short digest per column."""
    return {name: digest(value)[:16] for name, value in row.items()}


def raw_rows(session: Session, table: Table) -> Iterator[RawRow]:
    """Yields every row as stored: no conversion, so a damaged value cannot hide behind an error."""
    columns = [type_coerce(column, NullType()).label(column.name) for column in table.columns]
    order = list(table.primary_key.columns)
    for row in session.execute(select(*columns).order_by(*order)).mappings():
        yield dict(row)


def _find(session: Session, table: Table, key: str) -> RawRow | None:
    parts = key.rsplit("/", len(table.primary_key.columns) - 1)
    columns = [type_coerce(column, NullType()).label(column.name) for column in table.columns]
    where = [column == part for column, part in zip(table.primary_key.columns, parts, strict=True)]
    row = session.execute(select(*columns).where(*where)).mappings().one_or_none()
    return None if row is None else dict(row)


def problems(session: Session) -> list[str]:
    """Returns what is wrong with the chain and with every row it vouches for; empty when all is well."""
    found: list[str] = []
    latest: dict[tuple[str, str], dict[str, Any]] = {}
    previous, expected_seq = ABSENT, 1
    for entry in raw_rows(session, Base.metadata.tables["audit"]):
        found += _entry_problems(entry, previous, expected_seq)
        about = (str(entry["table_name"]), str(entry["row_key"]))
        known = latest.get(about)
        if entry["before_sha256"] != (ABSENT if known is None else known["after_sha256"]):
            found.append(f"{about[0]} row {about[1]} was changed outside the audit before entry {entry['seq']}")
        latest[about] = dict(entry)
        previous = str(entry["entry_sha256"])
        expected_seq = entry["seq"] + 1 if isinstance(entry["seq"], int) else expected_seq + 1
    for name in AUDITED:
        found += _table_problems(session, Base.metadata.tables[name], latest)
    return found


def _entry_problems(entry: RawRow, previous: str, expected_seq: int) -> list[str]:
    name = f"audit entry {entry['seq']}"
    found = []
    if entry["seq"] != expected_seq:
        found.append(f"{name}: expected entry {expected_seq}, the chain has a gap, a removed or a renumbered entry")
    if entry["prev_sha256"] != previous:
        found.append(f"{name}: prev_sha256 does not match the entry before it")
    content = {key: value for key, value in entry.items() if key != "entry_sha256"}
    if digest(content) != entry["entry_sha256"]:
        found.append(f"{name}: its content or entry_sha256 was changed ({entry['action']} {entry['row_key']})")
    return found


def _table_problems(session: Session, table: Table, latest: dict[tuple[str, str], dict[str, Any]]) -> list[str]:
    found = []
    seen = set()
    for row in raw_rows(session, table):
        key = row_key(table, row)
        seen.add(key)
        entry = latest.get((table.name, key))
        if entry is None:
            found.append(f"{table.name} row {key}: no audit entry; the row was added or its key changed by hand")
        elif digest(dict(row)) != entry["after_sha256"]:
            changed = _changed_fields(row, entry)
            found.append(f"{table.name} row {key}: {changed} differs from audit entry {entry['seq']}")
    missing = [
        key
        for (name, key), entry in latest.items()
        if name == table.name and key not in seen and entry["after_sha256"] != ABSENT
    ]
    return found + [f"{table.name} row {key}: missing; it was removed or its key changed by hand" for key in missing]


def _changed_fields(row: RawRow, entry: Mapping[str, Any]) -> str:
    recorded = str(entry["fields"])
    changed = [name for name, value in field_digests(row).items() if f'"{name}":"{value}"' not in recorded]
    return ", ".join(changed) if changed else "content"
