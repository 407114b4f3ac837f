"""Tells another program of every step of a case, signed as the Standard Webhooks specification says.

``webhook-signature: v1,`` and the base64 of HMAC-SHA256 over ``<webhook-id>.<webhook-timestamp>.<body>``.
Source: https://github.com/standard-webhooks/standard-webhooks, spec 1.0 (symmetric signatures).
"""

import base64
import hashlib
import hmac
import json
import threading
import time
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from urllib.error import HTTPError
from urllib.parse import urlsplit

from cases.webhooks import Message, WebhookStore
from core import log
from core.errors import ConfigError, StoreError
from core.settings import Settings

ROUND_S = 2.0
BATCH = 50
TIMEOUT_S = 10.0
WAITS_S = (5.0, 30.0, 300.0, 1800.0)
"""Pauses after failures in a row; the last is repeated. Source: the retry table of the specification, shortened."""
_log = log.get(__name__)

Post = Callable[[str, bytes, Mapping[str, str]], None]


@dataclass(slots=True)
class Webhook:
    """One address, told in order; a step it does not acknowledge is told again before the next one."""

    url: str
    secret: bytes
    store: WebhookStore
    post: Post
    now_s: Callable[[], float] = time.time
    _failures: int = 0
    _not_before_s: float = 0.0
    _ended: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def start(self) -> None:
        """Begins to tell, in a thread of its own."""
        self._thread = threading.Thread(target=self._run, name="webhook", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Ends after the message in hand."""
        self._ended.set()
        if self._thread is not None:
            self._thread.join()

    def work_off(self) -> int:
        """Tells what is waiting; returns how many steps were acknowledged."""
        if self.now_s() < self._not_before_s:
            return 0
        done = 0
        for message in self.store.waiting(self.url, BATCH):
            if not self._try_tell(message):
                break
            self.store.told(self.url, message.seq)
            done += 1
        return done

    def _try_tell(self, message: Message) -> bool:
        body = json.dumps(
            {
                "type": f"{message.about}.{message.action}",
                "timestamp": message.at_utc.isoformat(),
                "data": {"id": message.key, "seq": message.seq},
            }
        ).encode()
        try:
            self.post(self.url, body, signed(self.secret, f"msg_{message.seq}", int(self.now_s()), body))
        except (OSError, ValueError) as error:
            wait_s = WAITS_S[min(self._failures, len(WAITS_S) - 1)]
            self._failures += 1
            self._not_before_s = self.now_s() + wait_s
            _log.warning("webhook_failed", kind=type(error).__name__, seq=message.seq, again_in_s=wait_s)
            return False
        self._failures = 0
        return True

    def _run(self) -> None:
        while not self._ended.wait(ROUND_S):
            try:
                self.work_off()
            except StoreError as error:
                _log.warning("webhook_postponed", kind=type(error).__name__)


def webhook(settings: Settings, store: WebhookStore) -> Webhook | None:
    """Returns the webhook the settings ask for; None when they ask for none.

    Raises:
        ConfigError: the address is not an http(s) one, or there is no secret of at least 24 bytes.
    """
    if settings.webhook_url is None:
        return None
    if urlsplit(settings.webhook_url).scheme not in ("http", "https"):
        raise ConfigError("LUKOU_WEBHOOK_URL must begin with https:// (or http:// inside the house)")
    secret = b"" if settings.webhook_secret is None else settings.webhook_secret.get_secret_value().encode()
    if len(secret) < 24:  # the specification's shortest key
        raise ConfigError("LUKOU_WEBHOOK_SECRET must have at least 24 characters; make one: openssl rand -base64 32")
    return Webhook(settings.webhook_url, secret, store, post)


def signed(secret: bytes, message_id: str, at_s: int, body: bytes) -> dict[str, str]:
    """Returns the headers of a message."""
    content = f"{message_id}.{at_s}.".encode() + body
    signature = base64.b64encode(hmac.new(secret, content, hashlib.sha256).digest()).decode()
    return {
        "content-type": "application/json",
        "webhook-id": message_id,
        "webhook-timestamp": str(at_s),
        "webhook-signature": f"v1,{signature}",
    }


class _Stay(urllib.request.HTTPRedirectHandler):
    """Follows nothing: the address in the settings is the one that is told."""

    def redirect_request(self, *_args: object, **_named: object) -> None:
        """Refuses."""


def post(url: str, body: bytes, headers: Mapping[str, str]) -> None:
    """Posts a message.

    Raises:
        OSError: no answer, or one that is not 2xx.
    """
    request = urllib.request.Request(url, data=body, headers=dict(headers), method="POST")  # noqa: S310 - checked before
    try:
        with urllib.request.build_opener(_Stay).open(request, timeout=TIMEOUT_S):
            pass
    except HTTPError as error:
        error.close()
        raise
