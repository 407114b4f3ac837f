"""Figures many pages show and nobody decides by, worked out once in a few seconds for everybody."""

import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from threading import Lock
from typing import Any, TypeVar

KEPT_S = 3.0
"""How old a number beside the queue may be. Source: none; the list itself is never older than its request."""

T = TypeVar("T")


@dataclass(slots=True)
class Kept:
    """Values by name, each with the moment it was worked out."""

    now_s: Callable[[], float] = time.monotonic
    _values: dict[Hashable, tuple[float, Any]] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def get(self, name: Hashable, make: Callable[[], T], *, kept_s: float = KEPT_S) -> T:
        """Returns a value, made anew by one caller when it is too old; the others wait for it."""
        with self._lock:
            found = self._values.get(name)
            if found is None or self.now_s() - found[0] > kept_s:
                found = (self.now_s(), make())
                self._values[name] = found
            value: T = found[1]
            return value
