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
    _making: dict[Hashable, Lock] = field(default_factory=dict)

    def get(self, name: Hashable, make: Callable[[], T], *, kept_s: float = KEPT_S) -> T:
        """Returns a value; one caller makes it anew when it is too old, meanwhile the others get the old one.

        Who asks for the first one waits for it.
        """
        making = self._making.setdefault(name, Lock())
        if self._is_fresh(name, kept_s) or not making.acquire(blocking=name not in self._values):
            value: T = self._values[name][1]
            return value
        try:
            if not self._is_fresh(name, kept_s):
                self._values[name] = (self.now_s(), make())
            made: T = self._values[name][1]
            return made
        finally:
            making.release()

    def _is_fresh(self, name: Hashable, kept_s: float) -> bool:
        found = self._values.get(name)
        return found is not None and self.now_s() - found[0] <= kept_s
