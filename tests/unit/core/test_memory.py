"""Memory is read from the kernel's own count, and what was freed is given back."""

from __future__ import annotations

import subprocess
import sys

import pytest

from core.memory import give_back, read_memory

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")


def test_memory_follows_what_is_held() -> None:
    before = read_memory()
    held = bytearray(b"x") * (64 << 20)
    during = read_memory()
    del held
    assert 60 < during["own_mb"] - before["own_mb"] < 70
    assert during["resident_mb"] >= during["own_mb"]


def test_freed_pieces_go_back_to_the_machine() -> None:
    """Small pieces stay with the allocator: the last one, still in use, keeps the heap from shrinking by itself."""
    pieces = [b"x" * (60_000 + n % 7) for n in range(1500)]
    last = b"x" * 60_000
    full = read_memory()["own_mb"]
    del pieces
    give_back()
    assert full - read_memory()["own_mb"] > 70
    assert len(last) == 60_000


CHURN = """
import sys
from core.memory import read_memory, stay_small
if sys.argv[1:]:
    stay_small()
for _ in range(3):  # glibc learns that pieces of this size come and go, and keeps them in its heap from then on
    still = bytearray(b"x") * (24 << 20)
    del still
stills = [bytearray(b"x") * (6 << 20) for _ in range(8)]
after = bytearray(b"x") * 100_000
del stills
print(read_memory()["own_mb"])
"""


def test_stills_leave_no_holes() -> None:
    """What lies behind them in the heap would otherwise keep their place taken until it is trimmed."""
    kept, small = (
        float(subprocess.run([sys.executable, "-c", CHURN, *word], capture_output=True, check=True).stdout)
        for word in ((), ("small",))
    )
    assert kept - small > 40
