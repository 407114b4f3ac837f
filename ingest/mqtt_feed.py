"""A signal controller's feed over MQTT: the same messages as in a file, one or more lines a payload (docs/signals.md).

A broker that is gone tells nothing: from the last message on, every lamp is unknown until it is heard of again.
Messages that are not of this moment by both clocks are counted and left out. User name and password never reach a log.
"""

from __future__ import annotations

import json
import ssl
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from importlib import import_module
from typing import Any, Self
from urllib.parse import urlsplit

from core import log
from core.errors import ConfigError
from core.observations import SignalState
from core.settings import Settings
from core.time import Clock
from ingest.controller import SILENCE_S, parse_message
from ingest.live_feed import FollowedFeed

CLOCKS_S = 1.0
"""Sender and receiver may differ by this much, and by what the sender says of its own clock. Source: GA/T 832."""
RETAINED_S = SILENCE_S
"""A retained message older than this says nothing about now."""
KEEPALIVE_S = 4
"""A broker silent for twice this long is taken for lost: before ``SILENCE_S`` is over."""
RETRY_S = (1, 15)
LARGEST_BYTES = 64 << 10
PORTS = {"mqtt": 1883, "mqtts": 8883}

logger = log.get(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Broker:
    """Where the messages are."""

    host: str
    port: int
    topic: str
    is_encrypted: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """How to be let in. ``ca`` is a PEM file of root certificates, None for those of the system."""

    user: str | None = None
    password: str | None = field(default=None, repr=False)
    ca: str | None = None

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """Returns what the settings say.

        Raises:
            ConfigError: the password's file cannot be read, or there are two passwords.
        """
        told, file = settings.mqtt_password, settings.mqtt_password_file
        if told is not None and file is not None:
            raise ConfigError("give LUKOU_MQTT_PASSWORD or LUKOU_MQTT_PASSWORD_FILE, not both")
        password = None if told is None else told.get_secret_value()
        if file is not None:
            try:
                password = file.read_text(encoding="utf-8").strip()
            except OSError as error:
                raise ConfigError(f"LUKOU_MQTT_PASSWORD_FILE {file} cannot be read ({error.strerror})") from error
        return cls(user=settings.mqtt_user, password=password, ca=str(settings.mqtt_ca) if settings.mqtt_ca else None)


def parse_broker(address: str) -> Broker:
    """Returns the broker an address names.

    >>> parse_broker("mqtts://broker.example/lukou/signals/%23").topic
    'lukou/signals/#'

    Raises:
        ConfigError: no such scheme, no host or topic, or a password in it.
    """
    head, _, path = address.partition("://")
    parts = urlsplit(address.replace("#", "%23"))
    try:
        port = parts.port
    except ValueError as error:
        raise ConfigError("--signals: the port is no number; write mqtts://host:8883/topic") from error
    if parts.username is not None or parts.password is not None:
        raise ConfigError("--signals: no user or password in the address; set LUKOU_MQTT_USER and LUKOU_MQTT_PASSWORD")
    topic = parts.path.lstrip("/").replace("%23", "#")
    if head not in PORTS or not path or not parts.hostname or not topic:
        raise ConfigError("--signals: give a file, or mqtts://host/topic; see docs/signals.md")
    return Broker(host=parts.hostname, port=port or PORTS[head], topic=topic, is_encrypted=head == "mqtts")


class MqttFeed(FollowedFeed):
    """Subscribes, and subscribes anew whenever the broker comes back."""

    def __init__(
        self, broker: Broker, known: Iterable[str], access: Access | None = None, clock: Clock | None = None
    ) -> None:
        """Prepares the connection; ``start`` makes it.

        Raises:
            ConfigError: paho-mqtt is not installed, or the root certificates cannot be read.
        """
        super().__init__(known, clock)
        self._broker, self.is_connected = broker, False
        self._client = _client(broker, access or Access())
        self._client.on_connect = self._came
        self._client.on_disconnect = self._went
        self._client.on_message = self._heard

    def start(self) -> None:
        """Connects in the background, again and again until the broker answers."""
        self._client.connect_async(self._broker.host, self._broker.port, keepalive=KEEPALIVE_S)
        self._client.loop_start()

    def stop(self) -> None:
        """Says good-bye."""
        self._client.disconnect()
        self._client.loop_stop()

    def receive(self, payload: bytes, *, is_retained: bool) -> None:
        """Takes one payload; lines that are not of this moment are counted and left out."""
        if len(payload) > LARGEST_BYTES:
            self.counts["bad_lines"] += 1
            return
        for line in payload.splitlines():
            if self._is_timely(line, is_retained=is_retained):
                self.take(line)

    def forget_present(self) -> None:
        """Makes every lamp unknown since it was last heard of: nobody knows what it did meanwhile."""
        with self._guard:
            for messages in self._messages.values():
                if messages and messages[-1].state is not SignalState.UNKNOWN:
                    since = messages[-1].utc + timedelta(microseconds=1)
                    messages.append(replace(messages[-1], utc=since, state=SignalState.UNKNOWN))

    def _is_timely(self, line: bytes, *, is_retained: bool) -> bool:
        try:
            message = parse_message(json.loads(line))
        except (ValueError, ConfigError):
            return True  # ``take`` counts it
        late_s = (self._clock.now_utc() - message.utc).total_seconds()
        most_s = RETAINED_S if is_retained else CLOCKS_S + message.uncertainty_s
        if late_s > most_s:
            self.counts["retained_old" if is_retained else "late"] += 1
            return False
        if -late_s > CLOCKS_S + message.uncertainty_s:
            self.counts["ahead"] += 1
            return False
        return True

    def _came(self, client: Any, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        if reason.is_failure:
            logger.error("signal_broker_refused", host=self._broker.host, reason=str(reason))
            return
        self.is_connected = True
        client.subscribe(self._broker.topic, qos=1)
        logger.info("signal_broker_connected", host=self._broker.host, topic=self._broker.topic)

    def _went(self, _client: Any, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        if not self.is_connected:
            return
        self.is_connected = False
        self.counts["disconnects"] += 1
        self.forget_present()
        logger.warning("signal_broker_lost", host=self._broker.host, reason=str(reason))

    def _heard(self, _client: Any, _data: Any, message: Any) -> None:
        self.receive(bytes(message.payload), is_retained=bool(message.retain))


def _client(broker: Broker, access: Access) -> Any:
    try:
        mqtt = import_module("paho.mqtt.client")
    except ModuleNotFoundError as error:
        raise ConfigError("signals over MQTT need paho-mqtt: pip install 'lukou[mqtt]'") from error
    client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2)
    client.reconnect_delay_set(*RETRY_S)
    if access.user is not None:
        client.username_pw_set(access.user, access.password)
    if broker.is_encrypted:
        try:
            client.tls_set_context(ssl.create_default_context(cafile=access.ca))
        except (OSError, ssl.SSLError) as error:
            raise ConfigError(
                f"LUKOU_MQTT_CA {access.ca} cannot be read; give a PEM file of root certificates"
            ) from error
    return client
