"""Sessions of the console, kept here: each can be seen and ended, and the cookie alone is worth nothing."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, ForeignKey, String, select, true
from sqlalchemy.orm import Mapped, Session, mapped_column
from ulid import ULID

from cases import accounts
from cases.audit import Step, audited
from cases.database import Database
from cases.models import Base, UserRow, UtcText
from cases.records import User
from cases.states import SYSTEM, UserRole
from core.errors import CaseNotFound, ConfigError
from core.time import Clock

LONGEST = timedelta(hours=12)
"""A session ends with the longest shift, whatever happens."""
IDLE = timedelta(hours=2)
"""Nobody has asked for anything for so long: the desk is empty."""
SEEN_EVERY = timedelta(minutes=5)
"""How exactly the last request is known; each noting is a write."""
AGENT_CHARS = 120
FIRST_ADMIN = "admin"


class LoginRow(Base):
    """One session: the digest of its token, so that a copy of the database lets nobody in."""

    __tablename__ = "logins"

    login_id: Mapped[str] = mapped_column(String(26), primary_key=True)
    token_sha256: Mapped[str] = mapped_column(String(64), unique=True)
    user_name: Mapped[str] = mapped_column(ForeignKey("users.name"), index=True)
    agent: Mapped[str] = mapped_column(String(AGENT_CHARS))
    began_utc: Mapped[datetime] = mapped_column(UtcText)
    seen_utc: Mapped[datetime] = mapped_column(UtcText)
    ended_utc: Mapped[datetime | None] = mapped_column(UtcText)
    ended_by: Mapped[str | None] = mapped_column(String(64))


class TemporaryPasswordRow(Base):
    """A login whose password somebody else has seen: it must be changed before anything else."""

    __tablename__ = "temporary_passwords"

    user_name: Mapped[str] = mapped_column(ForeignKey("users.name"), primary_key=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """A session that is open, and whose it is."""

    login_id: str
    user: User
    agent: str
    began_utc: datetime
    seen_utc: datetime
    must_change_password: bool = False


class LoginStore:
    """Begins, finds, lists and ends sessions; changes passwords."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def begin(self, name: str, token: str, agent: str) -> None:
        """Opens the session of a token for a user."""
        now = self._clock.now_utc()
        with self._database.writing() as session:
            session.add(
                LoginRow(
                    login_id=str(ULID()),
                    token_sha256=_digest(token),
                    user_name=name,
                    agent=agent[:AGENT_CHARS],
                    began_utc=now,
                    seen_utc=now,
                )
            )

    def find(self, token: str) -> Login | None:
        """Returns the open session of a token and notes that it was used."""
        now = self._clock.now_utc()
        with self._database.reading() as session:
            found = _open(session, now, LoginRow.token_sha256 == _digest(token))
        login = found[0] if found else None
        if login is not None and now - login.seen_utc >= SEEN_EVERY:
            self._note_seen(login.login_id, now)
        return login

    def listed(self, name: str | None = None) -> list[Login]:
        """Returns the open sessions of a user, or of everybody, the latest used first."""
        whose = true() if name is None else LoginRow.user_name == name
        with self._database.reading() as session:
            return _open(session, self._clock.now_utc(), whose)

    def end(self, login_id: str, *, by: User, whole_office: bool = False) -> None:
        """Ends a session: one's own, or anybody's for who may manage logins.

        Raises:
            CaseNotFound: no such session that this person may end.
        """
        with self._database.writing() as session:
            row = session.get(LoginRow, login_id)
            if row is None or row.ended_utc is not None or not (whole_office or row.user_name == by.name):
                raise CaseNotFound("no such session, or it has ended; reload the page")
            row.ended_utc, row.ended_by = self._clock.now_utc(), by.name

    def change_password(self, name: str, old: str, new: str, *, token: str) -> None:
        """Changes a user's own password and ends every other session of that user.

        Raises:
            ConfigError: the old password is wrong, or the new one too short or the same.
        """
        hashed = accounts.hash_password(new)
        with self._database.writing() as session:
            row = session.get(UserRow, name)
            if row is None or not accounts.is_password(row.password_hash, old):
                raise ConfigError("the present password is not right; type it again")
            if old == new:
                raise ConfigError("the new password is the present one; choose another")
            step = Step(
                at_utc=self._clock.now_utc(), actor=name, action="password_changed", table_name="users", row_key=name
            )
            with audited(session, step):
                row.password_hash = hashed
            temporary = session.get(TemporaryPasswordRow, name)
            if temporary is not None:
                session.delete(temporary)
            self._end_all(session, name, by=name, except_token=token)

    def add_with_temporary_password(self, name: str, role: UserRole, *, by: str) -> str:
        """Adds a login; returns the password its owner must change at the first visit.

        Raises:
            ConfigError: the name is not usable or taken.
        """
        password = secrets.token_urlsafe(9)
        user = User(name=name, role=role, is_active=True, created_utc=self._clock.now_utc())
        with self._database.writing() as session:
            accounts.add(session, user, password, by=by)
            session.flush()
            session.add(TemporaryPasswordRow(user_name=name))
        return password

    def add_first_admin(self) -> str | None:
        """Adds the login ``admin`` where nobody can log in yet; returns its one-time password."""
        with self._database.reading() as session:
            if accounts.listed(session):
                return None
        return self.add_with_temporary_password(FIRST_ADMIN, UserRole.ADMIN, by=SYSTEM)

    def _note_seen(self, login_id: str, now: datetime) -> None:
        with self._database.writing() as session:
            row = session.get(LoginRow, login_id)
            if row is not None:
                row.seen_utc = now

    def _end_all(self, session: Session, name: str, *, by: str, except_token: str) -> None:
        now = self._clock.now_utc()
        kept = _digest(except_token)
        for row in session.scalars(
            select(LoginRow).where(
                LoginRow.user_name == name, LoginRow.ended_utc.is_(None), LoginRow.token_sha256 != kept
            )
        ):
            row.ended_utc, row.ended_by = now, by


def _open(session: Session, now: datetime, which: ColumnElement[bool]) -> list[Login]:
    query = (
        select(LoginRow, UserRow, TemporaryPasswordRow)
        .join(UserRow, UserRow.name == LoginRow.user_name)
        .outerjoin(TemporaryPasswordRow, TemporaryPasswordRow.user_name == LoginRow.user_name)
        .where(
            which,
            UserRow.is_active == 1,
            LoginRow.ended_utc.is_(None),
            LoginRow.began_utc > now - LONGEST,
            LoginRow.seen_utc > now - IDLE,
        )
        .order_by(LoginRow.seen_utc.desc(), LoginRow.login_id)
    )
    return [
        Login(
            login_id=row.login_id,
            user=accounts.to_user(user),
            agent=row.agent,
            began_utc=row.began_utc,
            seen_utc=row.seen_utc,
            must_change_password=temporary is not None,
        )
        for row, user, temporary in session.execute(query)
    ]


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
