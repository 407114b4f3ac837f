"""A controller's feed over a real broker: let in, cut off and back again; what is not of this moment accuses nobody."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
import pytest

from core.errors import ConfigError
from core.observations import SignalState
from core.settings import Settings
from ingest.mqtt_feed import Access, Broker, MqttFeed, parse_broker
from tests.support.mqtt import HOST, PASSWORD, USER, TestBroker, broker, certificate, password_file
from tests.support.rtsp import wait_for

pytestmark = [pytest.mark.timeout(120), pytest.mark.enable_socket]
TOPIC = "lukou/signals/#"


def said(state: str, ago_s: float = 0.0, **more: Any) -> str:
    utc = datetime.now(UTC) - timedelta(seconds=ago_s)
    return json.dumps({"signal": "near", "utc": utc.isoformat(), "state": state, **more})


def address(at: TestBroker, *, is_encrypted: bool = False) -> Broker:
    return Broker(host=HOST if is_encrypted else "127.0.0.1", port=at.port, topic=TOPIC, is_encrypted=is_encrypted)


@contextmanager
def following(at: Broker, access: Access | None = None) -> Iterator[MqttFeed]:
    feed = MqttFeed(at, ["near"], access)
    feed.start()
    try:
        yield feed
    finally:
        feed.stop()


@contextmanager
def controller(at: TestBroker) -> Iterator[mqtt.Client]:
    client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2)
    client.reconnect_delay_set(1, 1)
    client.connect("127.0.0.1", at.port)
    client.loop_start()
    try:
        yield client
    finally:
        client.disconnect()
        client.loop_stop()


def speak(client: mqtt.Client, text: str, *, retain: bool = False) -> None:
    client.publish("lukou/signals/near", text, qos=1, retain=retain).wait_for_publish(timeout=20)


def present(feed: MqttFeed) -> SignalState:
    """What is known of the state half a second ago, the clocks being right to a millisecond."""
    return feed.state_at("near", datetime.now(UTC) - timedelta(milliseconds=2), 0.001)


def test_states_come_through_and_come_back_after_the_broker_was_gone(tmp_path: Path) -> None:
    with broker(tmp_path) as server, following(address(server)) as feed:
        wait_for(lambda: feed.is_connected)
        with controller(server) as client:
            speak(client, said("red"))
            wait_for(lambda: present(feed) is SignalState.RED)
            server.stop()
            wait_for(lambda: not feed.is_connected)
            assert present(feed) is SignalState.UNKNOWN, "at once, not only when the silence is long"
            assert feed.counts["disconnects"] == 1
            server.start()
            wait_for(lambda: feed.is_connected and client.is_connected())
            assert present(feed) is SignalState.UNKNOWN, "until it is told anew"

            def told_green() -> bool:
                speak(client, said("green"))
                return present(feed) is SignalState.GREEN

            wait_for(told_green)


def test_retained_messages_count_only_while_they_are_fresh(tmp_path: Path) -> None:
    with broker(tmp_path) as server, controller(server) as client:
        speak(client, said("red", ago_s=60), retain=True)
        with following(address(server)) as feed:
            wait_for(lambda: feed.counts["retained_old"] == 1)
            assert present(feed) is SignalState.UNKNOWN
        speak(client, said("red", ago_s=4), retain=True)
        with following(address(server)) as feed:
            wait_for(lambda: present(feed) is SignalState.RED)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # paho: sockets of failed handshakes
def test_user_password_and_tls(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cert, key = certificate(tmp_path)
    lines = ["allow_anonymous false", f"certfile {cert}", f"keyfile {key}"]
    (tmp_path / "word").write_text(PASSWORD + "\n", encoding="utf-8")
    settings = Settings(home=tmp_path, mqtt_user=USER, mqtt_password_file=tmp_path / "word", mqtt_ca=cert)
    with broker(tmp_path, *lines, f"password_file {password_file(tmp_path)}") as server:
        at = address(server, is_encrypted=True)
        with following(at, Access.of(settings)) as feed:
            wait_for(lambda: feed.is_connected)
        wrong = Access(user=USER, password="wrong", ca=str(cert))
        with following(at, wrong) as feed:
            wait_for(lambda: "signal_broker_refused" in capsys.readouterr().out)
            assert not feed.is_connected
        with following(at, Access(user=USER, password=PASSWORD)) as feed, pytest.raises(AssertionError):
            wait_for(lambda: feed.is_connected, timeout_s=3)
    assert PASSWORD not in repr(Access.of(settings))
    assert PASSWORD not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("text", "counted"),
    [
        (lambda: said("red", ago_s=3), "late"),
        (lambda: said("red", ago_s=3, uncertainty_s=3.0), "messages"),
        (lambda: said("red", ago_s=-30), "ahead"),
        (lambda: "not json", "bad_lines"),
        (lambda: "x" * 70_000, "bad_lines"),
        (lambda: said("red") + "\n" + said("red"), "messages"),
        (lambda: said("red").replace("near", "far"), "unknown_signal"),
    ],
)
def test_what_is_not_of_this_moment_is_counted_and_left_out(text: Callable[[], str], counted: str) -> None:
    feed = MqttFeed(Broker(host=HOST, port=1, topic=TOPIC, is_encrypted=False), ["near"])
    feed.receive(text().encode(), is_retained=False)
    assert set(feed.counts) == {counted}


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("mqtt://user:secret@h/t", "no user or password in the address"),
        ("http://h/t", "give a file, or mqtts"),
        ("mqtts://h", "give a file, or mqtts"),
        ("mqtts://h:port/t", "port is no number"),
    ],
)
def test_addresses_that_cannot_be_used(text: str, why: str) -> None:
    with pytest.raises(ConfigError, match=why) as caught:
        parse_broker(text)
    assert "secret" not in str(caught.value)


def test_addresses_name_host_port_and_topic() -> None:
    assert parse_broker("mqtt://h/a/#") == Broker(host="h", port=1883, topic="a/#", is_encrypted=False)
    assert parse_broker("mqtts://h:99/a/+/b") == Broker(host="h", port=99, topic="a/+/b", is_encrypted=True)
