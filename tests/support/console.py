"""A console on a fixture folder: store, vault, application, people who log in."""

import re
import warnings
from pathlib import Path
from typing import cast

from api.app import create_app
from core.settings import Settings
from display.board import Board, Masker
from tests.support.packages import DiscMasker, open_vault, seal_case
from tests.support.people import ACCEPT, PASSWORD, StandingClock, store_with_people

with warnings.catch_warnings():  # starlette 1.10 wants httpx2; until the project moves, httpx does the same work
    warnings.simplefilter("ignore", DeprecationWarning)
    warnings.simplefilter("ignore", UserWarning)
    from fastapi.testclient import TestClient

CUES = list(ACCEPT.cues_checked)
FACTS = list(ACCEPT.facts)
ACCEPT_JSON = {"decision": "accept", "facts": FACTS, "cues_checked": CUES}


class Office:
    """One installation with four people, its clock and its console."""

    def __init__(self, home: Path, masker: Masker | None = None, *, is_masked: bool = True) -> None:
        self.home = home
        self.clock = StandingClock()
        self.settings = Settings(home=home)
        self.store = store_with_people(home, self.clock)
        self.vault = open_vault(home, self.clock)
        chosen = (masker or DiscMasker()) if is_masked else None
        self.app = create_app(self.settings, self.store, self.vault, chosen, clock=self.clock)

    @property
    def board(self) -> Board:
        return cast("Board", self.app.state.console.board)

    def case(self, number: int = 1, **changes: object) -> str:
        return seal_case(self.store, self.vault, self.home, number, **changes)

    def accepted(self, number: int = 1) -> str:
        case_id = self.case(number)
        self.store.decide(case_id, "fu", ACCEPT)
        self.store.decide(case_id, "li", ACCEPT)
        return case_id

    def published(self, number: int = 1, *, screen_id: str = "demo", hours: float = 24) -> tuple[str, str]:
        """Returns case id and publication id of an accepted, masked, released case."""
        case_id = self.accepted(number)
        seen = self.board.prepare(case_id)
        item = self.board.publish(case_id, "li", screen_id=screen_id, hours=hours, seen=seen)
        return case_id, item.publication_id

    def visitor(self) -> TestClient:
        """A browser nobody has logged in with."""
        return TestClient(self.app, follow_redirects=False, raise_server_exceptions=False)

    def login(self, name: str) -> TestClient:
        """A logged-in browser that sends its CSRF token."""
        client = self.visitor()
        token = csrf_of(client.get("/login").text)
        answer = client.post("/login", data={"name": name, "password": PASSWORD, "csrf": token})
        assert answer.status_code == 303, answer.text
        client.headers["x-csrf-token"] = csrf_of(client.get("/queue").text)
        return client


def csrf_of(html: str) -> str:
    """Returns the token a page carries."""
    found = re.search(r'<meta name="csrf" content="([0-9a-f]{64})">', html)
    assert found, html[:300]
    return found[1]
