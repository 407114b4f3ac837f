"""Other programs hear of every step once they acknowledge it, in order, signed so that they can tell it is us."""

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest
from pydantic import SecretStr

from api.webhooks import WAITS_S, Webhook, post, signed, webhook
from cases.store import CaseStore
from core.errors import ConfigError
from core.settings import Settings
from tests.support.people import ACCEPT, new_case, store_with_people

URL = "https://city.example/lukou"
SECRET = b"a secret of enough characters"


class Receiver:
    """Remembers what it is told; refuses while it is down."""

    def __init__(self, store: CaseStore) -> None:
        self.told: list[tuple[dict[str, object], Mapping[str, str]]] = []
        self.is_down = False
        self.now_s = 1_000_000.0
        self.hook = Webhook(URL, SECRET, store.webhooks, self.take, lambda: self.now_s)

    def take(self, _url: str, body: bytes, headers: Mapping[str, str]) -> None:
        if self.is_down:
            raise ConnectionRefusedError
        self.told.append((json.loads(body), headers))

    @property
    def types(self) -> list[object]:
        return [body["type"] for body, _ in self.told]


@pytest.fixture
def store(tmp_path: Path) -> CaseStore:
    return store_with_people(tmp_path)


@pytest.fixture
def receiver(store: CaseStore) -> Receiver:
    store.add_case(new_case(1))
    found = Receiver(store)
    assert found.hook.work_off() == 0  # what was before it began is not told
    return found


def test_every_step_of_a_case_is_told_in_order_without_names(store: CaseStore, receiver: Receiver) -> None:
    store.decide(new_case(1).case_id, "fu", ACCEPT)
    store.decide(new_case(1).case_id, "li", ACCEPT)
    receiver.hook.work_off()
    assert receiver.types == ["cases.case_second_review", "cases.case_accepted"]
    assert {body["data"]["id"] for body, _ in receiver.told} == {new_case(1).case_id}  # type: ignore[index]
    assert not any(name in json.dumps(body) for body, _ in receiver.told for name in ('"fu"', '"li"'))
    assert receiver.hook.work_off() == 0


def test_what_was_not_acknowledged_is_told_again_after_growing_pauses(store: CaseStore, receiver: Receiver) -> None:
    store.add_case(new_case(2))
    receiver.is_down = True
    for wait_s in WAITS_S:
        assert receiver.hook.work_off() == 0
        receiver.now_s += wait_s - 1
        receiver.is_down = False
        assert receiver.hook.work_off() == 0  # too early to ask again
        receiver.is_down = True
        receiver.now_s += 1
    receiver.is_down = False
    assert receiver.hook.work_off() == 1
    assert receiver.types == ["cases.case_queued"]


def test_a_new_process_goes_on_where_the_last_one_was(store: CaseStore, receiver: Receiver) -> None:
    store.add_case(new_case(2))
    other = Receiver(store)
    assert other.hook.work_off() == 1
    assert receiver.hook.work_off() == 0


def test_signature_is_that_of_the_specification() -> None:
    headers = signed(SECRET, "msg_7", 1_614_265_330, b'{"a":1}')
    expected = hmac.digest(SECRET, b'msg_7.1614265330.{"a":1}', hashlib.sha256)
    assert headers["webhook-id"] == "msg_7"
    assert headers["webhook-timestamp"] == "1614265330"
    assert headers["webhook-signature"] == "v1," + base64.b64encode(expected).decode()


@contextmanager
def answering(status: int, **headers: str) -> Iterator[tuple[str, list[bytes]]]:
    """Yields the address of a server that gives one answer to everything, and what it was sent."""
    heard: list[bytes] = []

    class Answer(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            heard.append(self.rfile.read(int(self.headers["content-length"])))
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()

        def log_message(self, *_args: object) -> None:
            """Says nothing."""

    with HTTPServer(("127.0.0.1", 0), Answer) as server:
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/", heard
        server.shutdown()
        thread.join()


@pytest.mark.enable_socket
@pytest.mark.parametrize("status", [200, 204])
def test_post_is_taken(status: int) -> None:
    with answering(status) as (url, heard):
        post(url, b"{}", {"content-type": "application/json"})
    assert heard == [b"{}"]


@pytest.mark.enable_socket
@pytest.mark.parametrize(("status", "headers"), [(500, {}), (404, {}), (302, {"Location": "http://127.0.0.1:1/"})])
def test_anything_but_success_is_a_failure_and_no_redirect_is_followed(status: int, headers: dict[str, str]) -> None:
    with answering(status, **headers) as (url, heard), pytest.raises(OSError, match=str(status)):
        post(url, b"{}", {})
    assert len(heard) == 1


@pytest.mark.parametrize(
    ("url", "secret", "says"),
    [("ftp://x", SECRET, "https://"), (URL, None, "SECRET"), (URL, b"short", "24 characters")],
)
def test_half_a_setting_is_one_line(
    store: CaseStore, tmp_path: Path, url: str, secret: bytes | None, says: str
) -> None:
    settings = Settings(
        home=tmp_path, webhook_url=url, webhook_secret=None if secret is None else SecretStr(secret.decode())
    )
    with pytest.raises(ConfigError, match=says):
        webhook(settings, store.webhooks)


def test_none_is_asked_for_by_default(store: CaseStore, tmp_path: Path) -> None:
    assert webhook(Settings(home=tmp_path), store.webhooks) is None
