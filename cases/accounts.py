"""Logins: who may do what, argon2 passwords."""

import re
from datetime import datetime

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError, VerifyMismatchError
from sqlalchemy import select
from sqlalchemy.orm import Session

from cases.audit import Step, audited
from cases.models import UserRow
from cases.records import User
from cases.states import PERMISSIONS, SYSTEM, Permission, UserRole
from core.errors import ConfigError, NotAllowed

SHORTEST_PASSWORD = 8
_NAME = re.compile(r"[\w.@-]{1,64}")
_HASHER = PasswordHasher()
_NOBODY = _HASHER.hash("nobody has this password")


def add(session: Session, user: User, password: str, *, by: str) -> None:
    """Adds a login.

    Raises:
        ConfigError: name or password is not usable, or the name is taken.
    """
    if not _NAME.fullmatch(user.name) or user.name == SYSTEM:
        raise ConfigError(f"'{user.name}' cannot be a login name; use letters, digits, . _ - @ (at most 64)")
    hashed = hash_password(password)
    if session.get(UserRow, user.name) is not None:
        raise ConfigError(f"login '{user.name}' exists already; choose another name")
    step = Step(at_utc=user.created_utc, actor=by, action="user_added", table_name="users", row_key=user.name)
    with audited(session, step):
        session.add(
            UserRow(
                name=user.name,
                role=user.role.value,
                password_hash=hashed,
                is_active=1,
                created_utc=user.created_utc,
            )
        )


def set_active(session: Session, name: str, *, is_active: bool, by: str, at_utc: datetime) -> None:
    """Opens or closes a login; its history stays."""
    row = session.get(UserRow, name)
    if row is None:
        raise ConfigError(f"no login '{name}'; check the spelling")
    action = "user_opened" if is_active else "user_closed"
    with audited(session, Step(at_utc=at_utc, actor=by, action=action, table_name="users", row_key=name)):
        row.is_active = int(is_active)


def try_authenticate(session: Session, name: str, password: str) -> User | None:
    """Returns the user if the password is right; takes as long for an unknown name as for a wrong password."""
    row = session.get(UserRow, name)
    is_right = is_password(None if row is None else row.password_hash, password)
    return to_user(row) if is_right and row is not None and row.is_active else None


def hash_password(password: str) -> str:
    """Returns what is kept of a password: an argon2id hash.

    Raises:
        ConfigError: the password is too short.
    """
    if len(password) < SHORTEST_PASSWORD:
        raise ConfigError(f"password is too short; use at least {SHORTEST_PASSWORD} characters")
    return _HASHER.hash(password)


def is_password(stored: str | None, password: str) -> bool:
    """Tells whether a password belongs to a hash; takes as long, and says no, when there is no hash."""
    try:
        _HASHER.verify(_NOBODY if stored is None else stored, password)
    except (VerifyMismatchError, VerificationError, InvalidHashError):
        return False
    return stored is not None


def find(session: Session, name: str) -> User | None:
    """Returns an active user."""
    row = session.get(UserRow, name)
    return to_user(row) if row is not None and row.is_active else None


def listed(session: Session) -> list[User]:
    """Returns every user, also closed ones."""
    return [to_user(row) for row in session.scalars(select(UserRow).order_by(UserRow.name))]


def require(session: Session, name: str, permission: Permission) -> User:
    """Returns the user if the role allows the step.

    Raises:
        NotAllowed: unknown or closed login, or the role lacks the permission.
    """
    user = find(session, name)
    if user is None:
        raise NotAllowed("this login does not exist or is closed; log in again", permission=permission.value)
    if permission not in PERMISSIONS[user.role]:
        raise NotAllowed(
            f"role {user.role.value} may not {permission.value.replace('_', ' ')}; ask somebody who may",
            role=user.role.value,
            permission=permission.value,
        )
    return user


def to_user(row: UserRow) -> User:
    """Returns the value of a row."""
    return User(name=row.name, role=UserRole(row.role), is_active=bool(row.is_active), created_utc=row.created_utc)


def parse_role(role: UserRole | str) -> UserRole:
    """Returns the role a text names.

    Raises:
        ConfigError: no such role.
    """
    try:
        return UserRole(role)
    except ValueError as error:
        raise ConfigError(f"no role '{role}'; use {', '.join(UserRole)}", got=role) from error
