"""Who a citizen is, for the few who ask to be paid: sealed with a key apart from the database, opened with a reason.

Nobody has to tell; reports and reviews know the handle alone. Every opening is a row of its own in the audit chain.
"""

import json
import os
import secrets
from dataclasses import asdict, dataclass
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken
from sqlalchemy.orm import Session
from ulid import ULID

from cases.audit import Step, audited
from cases.database import Database
from cases.report_tables import IdentityOpeningRow, IdentityRow
from core.errors import CaseNotFound, ConfigError, StoreError
from core.time import Clock
from evidence import disk

REASON_MIN = 10
"""Characters of a reason that says something."""
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECKS = "10X98765432"
"""Source: GB 11643-1999 (ISO 7064 MOD 11-2)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """What a citizen told: name as in the identity card, its number, a telephone number."""

    name: str
    id_number: str
    phone: str


def is_id_number(text: str) -> bool:
    """Tells whether a citizen's identity number has the right form and check digit.

    >>> is_id_number("11010519491231002X"), is_id_number("110105194912310021")
    (True, False)
    """
    if len(text) != 18 or not (text[:17].isascii() and text[:17].isdigit()):
        return False
    return _CHECKS[sum(int(digit) * weight for digit, weight in zip(text, _WEIGHTS, strict=False)) % 11] == text[17]


class IdentityStore:
    """Sealed identities; ``key_path`` is made at the first use and never lies with the database."""

    def __init__(self, database: Database, clock: Clock, key_path: Path) -> None:
        self._database = database
        self._clock = clock
        self._key_path = key_path

    def tell(self, handle: str, identity: Identity) -> None:
        """Keeps who a citizen is, in place of what was told before.

        Raises:
            ConfigError: a name, number or telephone number that cannot be one.
            StoreError: the key cannot be kept.
        """
        if not 2 <= len(identity.name.strip()) <= 60:
            raise ConfigError("write your name as in your identity card")
        if not is_id_number(identity.id_number):
            raise ConfigError("this is no identity number; check its 18 characters")
        if not (identity.phone.isascii() and identity.phone.isdigit() and 5 <= len(identity.phone) <= 15):
            raise ConfigError("this is no telephone number; write digits only")
        sealed = self._cipher().encrypt(json.dumps(asdict(identity)).encode()).decode("ascii")
        now = self._clock.now_utc()
        with self._database.writing() as session, audited(session, self._step(handle, "identity_told", handle)):
            session.merge(IdentityRow(handle=handle, sealed=sealed, changed_utc=now))

    def is_told(self, handle: str) -> bool:
        """Tells whether a citizen has said who he is."""
        with self._database.reading() as session:
            return session.get(IdentityRow, handle) is not None

    def forget(self, handle: str) -> None:
        """Removes what a citizen told; nothing is fine too."""
        with self._database.writing() as session:
            row = session.get(IdentityRow, handle)
            if row is not None:
                with audited(session, self._step(handle, "identity_forgotten", handle, is_removal=True)):
                    session.delete(row)

    def open(self, handle: str, actor: str, reason: str) -> Identity:
        """Returns who a citizen is, after noting who asks and why.

        Raises:
            CaseNotFound: the citizen never told.
            ConfigError: no reason is given.
            StoreError: the key is not the one it was sealed with.
        """
        if len(reason.strip()) < REASON_MIN:
            raise ConfigError(f"say why, in at least {REASON_MIN} characters; it is kept")
        with self._database.writing() as session:
            row = session.get(IdentityRow, handle)
            if row is None:
                raise CaseNotFound("this citizen has not told who he is")
            self._note_opening(session, handle, actor, reason.strip())
            sealed = row.sealed
        try:
            return Identity(**json.loads(self._cipher().decrypt(sealed.encode("ascii"))))
        except InvalidToken as error:
            raise StoreError(
                f"identity cannot be opened; put the key it was sealed with back: {self._key_path}"
            ) from error

    def _note_opening(self, session: Session, handle: str, actor: str, reason: str) -> None:
        opening_id, now = str(ULID()), self._clock.now_utc()
        step = Step(
            at_utc=now, actor=actor, action="identity_opened", table_name="identity_openings", row_key=opening_id
        )
        with audited(session, step):
            session.add(
                IdentityOpeningRow(opening_id=opening_id, handle=handle, actor=actor, reason=reason, opened_utc=now)
            )

    def _step(self, actor: str, action: str, key: str, *, is_removal: bool = False) -> Step:
        return Step(
            at_utc=self._clock.now_utc(),
            actor=actor,
            action=action,
            table_name="identities",
            row_key=key,
            is_removal=is_removal,
        )

    def _cipher(self) -> Fernet:
        with disk.store_errors(self._key_path.parent, "keeping the key of identities"):
            disk.make_dirs(self._key_path.parent, mode=0o700)
            if not self._key_path.exists():
                _write_whole(self._key_path, Fernet.generate_key())
            return Fernet(self._key_path.read_bytes())


def _write_whole(path: Path, content: bytes) -> None:
    """Writes a file that is either there whole or not at all; the first of two writers wins."""
    part = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    disk.write_file(part, content, mode=0o400)
    try:
        os.link(part, path)
    except FileExistsError:
        pass
    finally:
        part.unlink()
    disk.sync_dir(path.parent)
