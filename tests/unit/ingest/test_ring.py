"""The ring: bounded memory, older groups on the disk, whole groups at the front, excerpts that outlive it."""

import gc
from pathlib import Path

import pytest

from ingest.ring import LivePacket, PacketRing, Segment

S = 10**9


def fill(ring: PacketRing, seconds: int, *, size: int = 1000, start_s: int = 0) -> None:
    for n in range(seconds * 10):
        number = start_s * 10 + n
        ring.append(LivePacket(t_ns=number * S // 10, data=number.to_bytes(2, "big") * (size // 2), is_key=n % 10 == 0))


def numbers(ring: PacketRing, start_s: float, end_s: float) -> list[int]:
    groups = ring.groups(int(start_s * S), int(end_s * S))
    return [int.from_bytes(p.data[:2], "big") for g in groups for p in g.packets()]


def test_whole_groups_around_a_span_one_more_in_front(tmp_path: Path) -> None:
    ring = PacketRing(span_s=60, spool=tmp_path)
    fill(ring, 20)
    assert numbers(ring, 5.25, 6.05) == list(range(40, 70))
    assert numbers(ring, 30, 31) == []


def test_memory_is_bounded_and_what_is_older_comes_from_the_disk(tmp_path: Path) -> None:
    ring = PacketRing(span_s=600, spool=tmp_path, memory_bytes=50_000)
    fill(ring, 300)
    assert ring.memory_bytes <= 50_000 + 10_000
    assert numbers(ring, 1.0, 2.5) == list(range(30))
    assert numbers(ring, 0, 300) == list(range(3000))
    assert ring.dropped == 0


def test_what_is_too_old_is_forgotten_and_its_file_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ingest.ring.SEGMENT_BYTES", 50_000)
    ring = PacketRing(span_s=60, spool=tmp_path, memory_bytes=20_000)
    fill(ring, 300)
    assert ring.start_ns is not None
    assert 238 * S <= ring.start_ns <= 241 * S
    gc.collect()
    assert sum(f.stat().st_size for f in tmp_path.iterdir()) < 60 * 10_000 + 2 * 60_000


def test_an_excerpt_outlives_the_ring(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ingest.ring.SEGMENT_BYTES", 50_000)
    ring = PacketRing(span_s=60, spool=tmp_path, memory_bytes=20_000)
    fill(ring, 30)
    groups = ring.groups(2 * S, 4 * S)
    fill(ring, 300, start_s=30)
    assert numbers(ring, 2, 4) == []
    assert [int.from_bytes(p.data[:2], "big") for g in groups for p in g.packets()][:3] == [10, 11, 12]


def test_a_disk_that_refuses_costs_the_oldest_groups_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ring = PacketRing(span_s=600, spool=tmp_path, memory_bytes=50_000)
    fill(ring, 20)

    def refuse(_self: Segment, _data: bytes) -> int:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as broken:
        broken.setattr(Segment, "write", refuse)
        fill(ring, 40, start_s=20)
        assert ring.memory_bytes <= 110_000
        assert ring.dropped > 0
        assert numbers(ring, 56, 60)[-1] == 599
    fill(ring, 40, start_s=60)
    assert ring.memory_bytes <= 60_000
    assert numbers(ring, 90, 100)[-1] == 999


def test_without_a_spool_only_memory_counts() -> None:
    ring = PacketRing(span_s=600, memory_bytes=50_000)
    fill(ring, 100)
    assert ring.memory_bytes <= 60_000
    assert numbers(ring, 97, 100)[-1] == 999


def test_a_camera_without_key_frames_is_grouped_all_the_same() -> None:
    ring = PacketRing(span_s=600, memory_bytes=10**9)
    for n in range(1000):
        ring.append(LivePacket(t_ns=n * S // 10, data=b"x", is_key=n == 0))
    assert len(ring.groups(0, 100 * S)) >= 8
