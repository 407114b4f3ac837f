"""Logging in with a directory, against one that runs here: right answers let in, every wrong one stays out."""

import time
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from fastapi import FastAPI, Form
from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey

from api.app import create_app
from core.errors import ConfigError
from core.settings import Settings
from tests.support.console import Office, TestClient

ISSUER = "https://directory.example"
HTML = {"accept": "text/html"}


class Directory:
    """An OpenID Connect provider whose answers a test can spoil."""

    def __init__(self) -> None:
        self.key = RSAKey.generate_key(2048, {"kid": "k1"})
        self.signed_with = self.key
        self.claims: dict[str, Any] = {"preferred_username": "li"}
        self.app = FastAPI()
        self.app.get("/.well-known/openid-configuration")(self.metadata)
        self.app.get("/keys")(lambda: KeySet([self.key]).as_dict(private=False))
        self.app.post("/token")(self.token)

    def metadata(self) -> dict[str, Any]:
        return {
            "issuer": ISSUER,
            "authorization_endpoint": f"{ISSUER}/authorize",
            "token_endpoint": f"{ISSUER}/token",
            "jwks_uri": f"{ISSUER}/keys",
            "id_token_signing_alg_values_supported": ["RS256"],
        }

    def token(self, code: str = Form()) -> dict[str, Any]:
        now = int(time.time())
        claims = {"iss": ISSUER, "aud": "lukou", "sub": "1", "iat": now, "exp": now + 60, "nonce": code, **self.claims}
        id_token = jwt.encode({"alg": "RS256", "kid": "k1"}, claims, self.signed_with)
        return {"access_token": "a", "token_type": "Bearer", "id_token": id_token}


class World:
    """A console beside a directory."""

    def __init__(self, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.directory = Directory()
        office = Office(home)
        settings = Settings(home=home, oidc_issuer=ISSUER, oidc_client_id="lukou", oidc_client_secret="s")
        from api import oidc

        made = oidc.client
        transport = httpx.ASGITransport(app=self.directory.app)
        monkeypatch.setattr(oidc, "client", lambda given: made(given, transport=transport))
        self.app = create_app(settings, office.store, office.vault, clock=office.clock)
        self.browser = TestClient(self.app, follow_redirects=False, raise_server_exceptions=False)

    def ask(self) -> dict[str, str]:
        """Begins; returns what the console asks the directory."""
        target = self.browser.get("/login/oidc?next=/screens").headers["location"]
        assert target.startswith(f"{ISSUER}/authorize?")
        return {name: values[0] for name, values in parse_qs(urlsplit(target).query).items()}

    def answer(self, **changes: str) -> httpx.Response:
        """Comes back from the directory, with the asked nonce as the code the token is made from."""
        asked = self.ask()
        query = {"code": asked["nonce"], "state": asked["state"], **changes}
        return self.browser.get("/login/oidc/callback", params=query, headers=HTML)

    def is_in(self) -> bool:
        return self.browser.get("/api/v1/cases").status_code == 200


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    return World(tmp_path, monkeypatch)


def test_known_name_is_let_in_with_the_role_it_has_here(world: World) -> None:
    page = world.answer()
    assert page.status_code == 200
    assert 'content="0;url=/screens"' in page.text
    assert world.is_in()
    assert world.browser.get("/people").status_code == 403


def test_proof_key_and_nonce_are_asked_for(world: World) -> None:
    asked = world.ask()
    assert asked["code_challenge_method"] == "S256"
    assert len(asked["nonce"]) >= 16
    assert asked["client_id"] == "lukou"


def test_name_without_a_login_here_stays_out(world: World) -> None:
    world.directory.claims["preferred_username"] = "stranger"
    assert world.answer().status_code == 403
    assert not world.is_in()


@pytest.mark.parametrize(
    "spoiled",
    [{"nonce": "of somebody else"}, {"aud": "another console"}, {"iss": "https://evil.example"}, {"exp": 1}],
    ids=lambda claims: next(iter(claims)),
)
def test_token_meant_for_something_else_stays_out(world: World, spoiled: dict[str, Any]) -> None:
    world.directory.claims |= spoiled
    assert world.answer().status_code == 401
    assert not world.is_in()


def test_token_signed_by_somebody_else_stays_out(world: World) -> None:
    world.directory.signed_with = RSAKey.generate_key(2048, {"kid": "k1"})
    assert world.answer().status_code == 401
    assert not world.is_in()


def test_answer_nobody_asked_for_stays_out(world: World) -> None:
    assert world.answer(state="forged").status_code == 401
    assert not world.is_in()


def test_login_page_offers_it_only_where_there_is_one(world: World, tmp_path_factory: pytest.TempPathFactory) -> None:
    assert "/login/oidc?next=" in world.browser.get("/login").text
    office = Office(tmp_path_factory.mktemp("plain"))
    assert "/login/oidc" not in office.visitor().get("/login").text
    assert office.visitor().get("/login/oidc").status_code == 404


def test_half_a_setting_is_one_line(tmp_path: Path) -> None:
    from api.oidc import client

    with pytest.raises(ConfigError, match="LUKOU_OIDC_CLIENT_ID"):
        client(Settings(home=tmp_path, oidc_issuer=ISSUER))
