"""The signal controller's word on its lamps: one JSON message a line (docs/signals.md).

A feed is evidence only while it speaks: after ``SILENCE_S`` without a message a lamp's state is unknown, and
so it is around every change, for as long as the two clocks may differ. Messages that cannot be used are
counted, never guessed at.
"""

from __future__ import annotations

import hashlib
import json
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from core.errors import ConfigError
from core.observations import SignalState
from core.time import parse_utc

SILENCE_S = 10.0
"""A controller repeats a state at least this often. Source: docs/signals.md, what we ask of a feed."""
STATES = {
    "red": SignalState.RED,
    "yellow": SignalState.YELLOW,
    "green": SignalState.GREEN,
    "flashing_green": SignalState.GREEN,
    "flashing_yellow": SignalState.FLASHING_YELLOW,
    "flashing_red": SignalState.UNKNOWN,
    "red_yellow": SignalState.UNKNOWN,
    "off": SignalState.OFF,
    "unknown": SignalState.UNKNOWN,
    "manual": SignalState.FAULT,
}
"""Our words. What China's signals do not use, or what no rule knows, is UNKNOWN; officers override lamps (RTSL 38)."""
GB20999 = {
    0x01: "off",
    0x10: "red",
    0x11: "flashing_red",
    0x12: "flashing_red",
    0x20: "green",
    0x21: "flashing_green",
    0x22: "flashing_green",
    0x30: "yellow",
    0x31: "flashing_yellow",
    0x32: "flashing_yellow",
    0x40: "red_yellow",
}
"""Lamp group states of GB/T 20999-2017."""
ON, FLASHING = "2", "3"
"""Characters of GA/T 1049.2 LampStatus, one for red, yellow and green each; 0 is none, 1 is off."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One lamp's state from a moment on. ``uncertainty_s`` is how far the sender's clock may be off."""

    signal: str
    utc: datetime
    state: SignalState
    uncertainty_s: float


@dataclass(slots=True)
class SignalFeed:
    """What a controller said about each signal, in order of time; ``counts`` tells what could not be used."""

    sha256: str = ""
    counts: Counter[str] = field(default_factory=Counter)
    _messages: dict[str, list[Message]] = field(default_factory=lambda: defaultdict(list))

    def add(self, message: Message) -> None:
        """Takes a message; one that is older than the last about the same signal is counted and left out."""
        known = self._messages[message.signal]
        if known and message.utc < known[-1].utc:
            self.counts["backwards"] += 1
            return
        if known and (message.utc - known[-1].utc).total_seconds() > SILENCE_S:
            self.counts["silences"] += 1
        known.append(message)
        self.counts["messages"] += 1

    @property
    def signals(self) -> list[str]:
        """Names the controller spoke about."""
        return sorted(name for name, messages in self._messages.items() if messages)

    def state_at(self, signal: str, utc: datetime, uncertainty_s: float) -> SignalState:
        """Returns the state of a signal; UNKNOWN when silent, or when it changed within the clocks' uncertainty.

        Args:
            signal: Name in the feed.
            utc: World time of the picture.
            uncertainty_s: How far the picture's clock may be off.
        """
        messages = self._messages.get(signal, [])
        now = _last(messages, utc)
        if now is None:
            return SignalState.UNKNOWN
        margin = timedelta(seconds=uncertainty_s + now.uncertainty_s)
        around = (_last(messages, utc - margin), _last(messages, utc + margin))
        return now.state if all(m is not None and m.state is now.state for m in around) else SignalState.UNKNOWN


def _last(messages: list[Message], utc: datetime) -> Message | None:
    """Returns the message in force; None before the first and after a silence."""
    index = bisect_right(messages, utc, key=lambda m: m.utc) - 1
    if index < 0 or (utc - messages[index].utc).total_seconds() > SILENCE_S:
        return None
    return messages[index]


def read_feed(path: Path, known: Iterable[str]) -> SignalFeed:
    """Returns the feed a JSON-lines file holds.

    Args:
        path: The file.
        known: Names of the signals wanted; others are counted.

    Raises:
        ConfigError: the file cannot be read, or says nothing about any of these signals.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ConfigError(f"signal feed {path} cannot be read ({error.strerror})", path=str(path)) from error
    wanted, feed = frozenset(known), SignalFeed(sha256=hashlib.sha256(content).hexdigest())
    for line in content.splitlines():
        if not line.strip():
            continue
        try:
            message = parse_message(json.loads(line))
        except (ValueError, ConfigError):
            feed.counts["bad_lines"] += 1
            continue
        if message.signal in wanted:
            feed.add(message)
        else:
            feed.counts["unknown_signal"] += 1
    if not feed.signals:
        told = ", ".join(f"{name} {count}" for name, count in sorted(feed.counts.items())) or "it is empty"
        raise ConfigError(
            f"signal feed {path.name} says nothing about {', '.join(sorted(wanted)) or 'any signal'} ({told}); "
            "name the signals as in the feed with feed_id, see docs/signals.md",
            path=str(path),
        )
    return feed


def parse_message(data: Any) -> Message:
    """Returns one message.

    Raises:
        ConfigError: a field is missing, or says what no controller says.
    """
    if not isinstance(data, Mapping):
        raise ConfigError("a signal message is a JSON object")
    signal, utc, uncertainty = data.get("signal"), data.get("utc"), data.get("uncertainty_s", 0.0)
    if not isinstance(signal, str) or not isinstance(utc, str):
        raise ConfigError("a signal message needs signal and utc")
    if not isinstance(uncertainty, int | float) or not 0 <= uncertainty < SILENCE_S:
        raise ConfigError(f"uncertainty_s of signal '{signal}' must be seconds from 0 to {SILENCE_S:g}")
    return Message(signal=signal, utc=parse_utc(utc), state=_state(data), uncertainty_s=float(uncertainty))


def _state(data: Mapping[str, Any]) -> SignalState:
    """Returns the state given in our words, as GA/T 1049 lamp status, or as GB/T 20999 lamp group state."""
    word = data.get("state")
    if word is None and "ga1049" in data:
        word = from_ga1049(str(data["ga1049"]))
    if word is None and isinstance(data.get("gb20999"), int):
        word = GB20999.get(data["gb20999"])
    if word not in STATES:
        raise ConfigError(f"'{word}' is no state of a signal; see docs/signals.md")
    return STATES[word]


def from_ga1049(status: str) -> str | None:
    """Returns our word for a GA/T 1049.2 lamp status: three characters for red, yellow, green.

    >>> from_ga1049("211"), from_ga1049("131"), from_ga1049("113"), from_ga1049("111"), from_ga1049("221")
    ('red', 'flashing_yellow', 'flashing_green', 'off', 'red_yellow')
    """
    if len(status) != 3 or not set(status) <= set("0123"):
        return None
    lit = [(name, c) for name, c in zip(("red", "yellow", "green"), status, strict=True) if c in (ON, FLASHING)]
    if len(lit) == 1:
        name, character = lit[0]
        return f"flashing_{name}" if character == FLASHING else name
    if not lit:
        return "off"
    return "red_yellow" if [name for name, _ in lit] == ["red", "yellow"] else "unknown"
