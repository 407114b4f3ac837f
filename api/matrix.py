"""Who may ask for what, read from the routes themselves: ``python -m api.matrix`` prints docs/access.md."""

from collections.abc import Iterator

from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute

from api import access, citizens, open311
from api.app import PARTS
from cases.states import PERMISSIONS, Permission, UserRole

TITLE = """# Who may do what

Made from the code by `python -m api.matrix > docs/access.md`; a test fails when this file is stale, another asks every
address as every role. "token": a change needs the token of its own session (CSRF), or the bearer token of an app.

"""
EVERYBODY, CITIZEN, ANY_LOGIN = "everybody", "citizen", "every login"
TOKEN_CHECKS = (access.csrf_checked, citizens.checked, open311.by_form)


def document() -> str:
    """Returns the access matrix as Markdown: roles and what they may, addresses and whom they let in."""
    return TITLE + "\n".join([*_roles(), "", *_addresses()]) + "\n"


def _roles() -> Iterator[str]:
    yield "| permission | " + " | ".join(UserRole) + " |"
    yield "|---" * (len(UserRole) + 1) + "|"
    for permission in Permission:
        marks = ["✓" if permission in PERMISSIONS[role] else "" for role in UserRole]
        yield f"| {permission.value} | " + " | ".join(marks) + " |"


def _addresses() -> Iterator[str]:
    yield "| address | lets in | token |"
    yield "|---|---|---|"
    found = [route for part in PARTS for route in part.router.routes if isinstance(route, APIRoute)]
    for route in sorted(found, key=lambda route: (route.path, sorted(route.methods or ()))):
        calls = set(_calls(route.dependant))
        token = "✓" if calls & set(TOKEN_CHECKS) else ""
        for method in sorted(route.methods or ()):
            yield f"| `{method} {route.path}` | {_lets_in(calls)} | {token} |"


def _lets_in(calls: set[object]) -> str:
    permissions = [access.PERMISSION_OF[call] for call in calls if call in access.PERMISSION_OF]
    if permissions:
        return ", ".join(sorted(permission.value for permission in permissions))
    if calls & {citizens.reporter, open311.by_query, open311.by_form}:
        return CITIZEN
    return ANY_LOGIN if calls & {access.any_login, access.logged_in} else EVERYBODY


def _calls(dependant: Dependant) -> Iterator[object]:
    for needed in dependant.dependencies:
        yield needed.call
        yield from _calls(needed)


if __name__ == "__main__":
    print(document(), end="")  # noqa: T201 - this is what it is for
