"""Memory is read from the kernel's own count, and what was freed is given back."""

from __future__ import annotations

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
