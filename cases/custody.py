"""Custody over time: days closed with a signed root and an outside stamp, holds, deletions, and proof of all three."""

import hashlib
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path

from sqlalchemy import Text, select, type_coerce
from sqlalchemy.orm import Session

from cases import audit, hold, retention, review
from cases.audit import Step, audited
from cases.custody_tables import DayRootRow, ErasureRow
from cases.database import Database
from cases.hold import LegalHold
from cases.media import MediaStore
from cases.models import AuditRow
from cases.report_tables import ReportRow
from cases.retention import Due
from cases.states import SYSTEM
from core import log
from core.errors import StoreError
from core.time import Clock
from evidence import disk, standalone
from evidence.root import roots_of
from evidence.seal import Vault
from evidence.tombstone import Erasure

_log = log.get(__name__)
Stamper = Callable[[bytes], bytes]
"""Asks a timestamp authority about some bytes; StoreError when it does not answer."""
StampCheck = Callable[[bytes, bytes], str | None]
"""Tells what is wrong with the stamp (second) of some bytes (first)."""


class CustodyStore:
    """What the case database remembers about the evidence store, and the work that is done on both."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    # -- daily roots --------------------------------------------------------------------------

    def close_days(self, vault: Vault, stamper: Stamper | None = None) -> list[str]:
        """Signs and remembers the root of every finished day, asks for missing stamps; returns what could not be done.

        A timestamp authority that does not answer stops nothing: the next call asks again.

        Raises:
            StoreError: disk or database refuses.
        """
        vault.close_days(self._audit_head)
        with self._database.writing() as session:
            for path in roots_of(vault.root):
                if session.get(DayRootRow, path.stem) is None:
                    row = DayRootRow(
                        day=path.stem,
                        root_sha256=_sha256(path),
                        stamp_sha256=None,
                        closed_utc=self._clock.now_utc(),
                    )
                    with audited(session, self._step("day_closed", "day_roots", path.stem)):
                        session.add(row)
            missing = session.scalars(select(DayRootRow.day).where(DayRootRow.stamp_sha256.is_(None))).all()
        return [] if stamper is None else self._stamp(vault.root, sorted(missing), stamper)

    def _stamp(self, root: Path, days: Sequence[str], stamper: Stamper) -> list[str]:
        folder = root / standalone.ROOTS_DIR
        for day in days:
            path = folder / f"{day}.tsr"
            try:
                with disk.store_errors(folder, f"reading the root of {day}"):
                    content = (folder / f"{day}.json").read_bytes()
                stamp = stamper(content)
            except StoreError as error:
                _log.warning("stamp_failed", day=day, reason=error.message)
                return [f"no outside timestamp since {day}: {error.message}"]
            with disk.store_errors(folder, "keeping a timestamp"):
                path.unlink(missing_ok=True)  # of a crash: the database does not know it
                disk.write_file(path, stamp)
                disk.sync_dir(folder)
            step = self._step("day_stamped", "day_roots", day)
            with self._database.writing() as session, audited(session, step):
                session.get_one(DayRootRow, day).stamp_sha256 = hashlib.sha256(stamp).hexdigest()
        return []

    def _audit_head(self) -> tuple[int, str]:
        with self._database.reading() as session:
            return audit.head(session)

    # -- legal hold ---------------------------------------------------------------------------

    def place_hold(self, case_id: str, officer: str, reason: str) -> LegalHold:
        """Orders a case's evidence to be kept.

        Raises:
            CaseNotFound, NotAllowed, WrongState, ConfigError: see ``cases.hold.place``.
        """
        with self._database.writing() as session:
            placed = hold.place(session, review.load(session, case_id), officer, reason, at_utc=self._clock.now_utc())
        _log.info("legal_hold_placed", case_id=case_id)
        return placed

    def lift_hold(self, case_id: str, officer: str, reason: str) -> LegalHold:
        """Ends a case's legal hold.

        Raises:
            CaseNotFound, NotAllowed, WrongState, ConfigError: see ``cases.hold.lift``.
        """
        with self._database.writing() as session:
            lifted = hold.lift(session, review.load(session, case_id), officer, reason, at_utc=self._clock.now_utc())
        _log.info("legal_hold_lifted", case_id=case_id)
        return lifted

    def holds(self, case_id: str) -> list[LegalHold]:
        """Returns every hold a case ever had, oldest first."""
        with self._database.reading() as session:
            return hold.listed(session, case_id)

    # -- deletion -----------------------------------------------------------------------------

    def due(self) -> list[Due]:
        """Returns the evidence whose retention period is over and that is on no hold."""
        now = self._clock.now_utc()
        with self._database.reading() as session:
            return [*retention.due_cases(session, now), *retention.due_reports(session, now)]

    def erase_case(self, vault: Vault, due: Due) -> bool:
        """Deletes a case's package, leaving a signed tombstone; False when it may no longer be deleted.

        Raises:
            EvidenceError, StoreError: the package is not what was sealed, or the disk refuses; it is kept.
        """
        now = self._clock.now_utc()
        with self._database.writing() as session:  # a hold placed meanwhile waits for this, or this for it
            if not retention.due_cases(session, now, due.subject):
                return False
            digest = vault.erase(due.subject, _erasure(due))
            self._remember(session, due, digest, now)
        return True

    def erase_report(self, vault: Vault, media_root: Path, due: Due) -> bool:
        """Deletes the originals of a report that no other report needs, leaving a signed tombstone.

        Raises:
            StoreError: the disk refuses.
        """
        now = self._clock.now_utc()
        with self._database.writing() as session:
            if not retention.due_reports(session, now, due.subject):
                return False
            media, row = MediaStore(media_root), session.get_one(ReportRow, due.subject)
            mine = [str(medium["sha256"]) for medium in row.media]
            digest = vault.leave_tombstone(_grave(media_root, due.subject), due.subject, mine, _erasure(due))
            self._remember(session, due, digest, now)
            for sha256 in mine:
                if not _is_needed(session, sha256):
                    media.path(sha256).unlink(missing_ok=True)
        return True

    def _remember(self, session: Session, due: Due, digest: str, now: datetime) -> None:
        row = ErasureRow(subject=due.subject, kind=due.period.kind, tombstone_sha256=digest, erased_utc=now)
        with audited(session, self._step("evidence_erased", "erasures", due.subject)):
            session.add(row)

    # -- proof --------------------------------------------------------------------------------

    def problems(self, vault: Vault, media_root: Path, stamp_check: StampCheck) -> list[str]:
        """Returns where files are not what this database remembers: roots, stamps, tombstones, citizens' originals."""
        with self._database.reading() as session:
            return [
                *_root_problems(session, vault.root, stamp_check),
                *_erasure_problems(session, vault, media_root),
                *_original_problems(session, MediaStore(media_root)),
            ]

    def _step(self, action: str, table: str, key: str) -> Step:
        return Step(at_utc=self._clock.now_utc(), actor=SYSTEM, action=action, table_name=table, row_key=key)


def _erasure(due: Due) -> Erasure:
    return Erasure(kind=due.period.kind, basis=due.period.basis, erased_by=SYSTEM)


def _grave(media_root: Path, report_id: str) -> Path:
    return media_root / "tombstones" / report_id


def _originals(session: Session) -> dict[str, list[str]]:
    """Returns the hashes of every report's originals that were not deleted."""
    query = select(ReportRow.report_id, ReportRow.media).where(ReportRow.report_id.not_in(select(ErasureRow.subject)))
    return {row.report_id: [str(medium["sha256"]) for medium in row.media] for row in session.execute(query)}


def _is_needed(session: Session, sha256: str) -> bool:
    """Tells whether a report whose originals were not deleted has this file among them."""
    query = select(ReportRow.report_id).where(
        type_coerce(ReportRow.media, Text).contains(sha256), ReportRow.report_id.not_in(select(ErasureRow.subject))
    )
    return session.scalars(query.limit(1)).first() is not None


def _root_problems(session: Session, root: Path, stamp_check: StampCheck) -> list[str]:
    found = []
    folder = root / standalone.ROOTS_DIR
    known = {row.day: row for row in session.scalars(select(DayRootRow))}
    for day, row in sorted(known.items()):
        path, stamp = folder / f"{day}.json", folder / f"{day}.tsr"
        if not path.is_file():
            found.append(f"roots/{path.name}: missing; the database remembers it")
            continue
        if _sha256(path) != row.root_sha256:
            found.append(f"roots/{path.name}: not the root the database remembers")
        found += _head_problems(session, path)
        found += _stamp_problems(path, stamp, row.stamp_sha256, stamp_check)
    files = sorted(folder.glob("*")) if folder.is_dir() else []
    return found + [f"roots/{p.name}: not known to the database" for p in files if p.stem not in known]


def _head_problems(session: Session, path: Path) -> list[str]:
    note = standalone.parse_canonical(path.read_bytes(), standalone.ROOT_KEYS)
    if note is None or note["audit"]["seq"] == 0:
        return []
    row = session.get(AuditRow, note["audit"]["seq"])
    if row is not None and row.entry_sha256 == note["audit"]["entry_sha256"]:
        return []
    return [f"audit entry {note['audit']['seq']}: not the one roots/{path.name} was signed over"]


def _stamp_problems(path: Path, stamp: Path, digest: str | None, stamp_check: StampCheck) -> list[str]:
    if digest is None:
        return [f"roots/{stamp.name}: not known to the database"] if stamp.exists() else []
    if not stamp.is_file():
        return [f"roots/{stamp.name}: missing; the database remembers it"]
    if _sha256(stamp) != digest:
        return [f"roots/{stamp.name}: not the timestamp the database remembers"]
    problem = stamp_check(path.read_bytes(), stamp.read_bytes())
    return [] if problem is None else [f"roots/{stamp.name}: {problem}"]


def _erasure_problems(session: Session, vault: Vault, media_root: Path) -> list[str]:
    found = []
    known = {row.subject: row.tombstone_sha256 for row in session.scalars(select(ErasureRow))}
    reports = set(session.scalars(select(ReportRow.report_id)))
    for subject, digest in sorted(known.items()):
        folder = _grave(media_root, subject) if subject in reports else vault.path(subject)
        path = folder / standalone.TOMBSTONE
        if not path.is_file():
            found.append(f"{subject}/{path.name}: missing; the database remembers the deletion")
        elif _sha256(path) != digest:
            found.append(f"{subject}/{path.name}: not the tombstone the database remembers")
    for case_id, folder in standalone.packages_of(vault.root).items():
        if (folder / standalone.TOMBSTONE).is_file() and case_id not in known:
            found.append(f"{case_id}/{standalone.TOMBSTONE}: the database knows of no deletion")
    return found


def _original_problems(session: Session, media: MediaStore) -> list[str]:
    found = []
    for report_id, originals in sorted(_originals(session).items()):
        for number, sha256 in enumerate(originals, start=1):
            path = media.path(sha256)
            if not path.is_file():
                found.append(f"report {report_id}: original {number} is missing")
            elif _sha256(path) != sha256:
                found.append(f"report {report_id}: original {number} was changed")
    return found


def _sha256(path: Path) -> str:
    return standalone.sha256_of(path)
