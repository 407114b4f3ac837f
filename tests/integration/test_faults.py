"""Decoder, network, disk and database fail one after another while offences go on: nothing is lost, nothing doubled.

Each is gone for some seconds, longer than riders are apart, instead of a minute: what is tried again, and how, does not
depend on for how long.
"""

from __future__ import annotations

import sqlite3
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cases.records import QueueFilter
from core.observations import ActorClass
from core.source import Source
from evidence.verify import verify_store
from ingest.connection import Connection
from pipeline.cameras import Cameras
from pipeline.economy import Switches
from tests.support.faults import FullVault, ShakyDetector
from tests.support.footage import make_clip
from tests.support.junction import Place, PoleCamera
from tests.support.rtsp import wait_for
from tests.support.scripted import open_workbench, wrong_way_site

pytestmark = pytest.mark.timeout(180)

CAMERA = PoleCamera(size_px=(320, 180), focal_px=233.0)
GONE_S = 4.5
FIRST_S, EVERY_S, RIDE_S = 1.0, 4.0, 4.5
FAR = (0.0, 500.0)


def rider(start_s: float) -> Place:
    lane_x = -5.0 if int(start_s / EVERY_S) % 2 else -4.3
    return lambda t: (lane_x, -6 + 4 * (t - start_s)) if start_s <= t <= start_s + RIDE_S else FAR


def riders(seconds: float, every_s: float = EVERY_S) -> list[tuple[ActorClass, Place]]:
    count = int((seconds - FIRST_S - RIDE_S) / every_s) + 1
    return [(ActorClass.MOTORCYCLE, rider(FIRST_S + every_s * number)) for number in range(count)]


def start(clip: Path, home: Path, count: int, actors: Any, *, is_paced: bool = True) -> Cameras:
    bench = open_workbench(home, ShakyDetector(actors, CAMERA))
    settings = bench.settings.model_copy(update={"clock": "operator"})
    bench = replace(bench, settings=settings, vault=FullVault(settings.evidence_dir, settings.keys_dir))
    site = wrong_way_site(CAMERA).model_copy(update={"source": Source(url=str(clip), is_looped=is_paced)})
    sites = [
        site.model_copy(update={"camera": site.camera.model_copy(update={"camera_id": f"cam-{number}"})})
        for number in range(count)
    ]
    cameras = Cameras(sites, bench, switches=Switches(gate=False, rest=False), is_paced=is_paced)
    cameras.start()
    return cameras


@contextmanager
def locked(home: Path) -> Iterator[None]:
    other = sqlite3.connect(home / "lukou.db", isolation_level=None, timeout=20)
    other.execute("BEGIN EXCLUSIVE")
    yield
    other.execute("ROLLBACK")
    other.close()


@pytest.mark.timeout(180)
def test_nothing_is_lost_or_doubled_while_one_part_after_another_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clip = make_clip(tmp_path / "lane.mp4", fps=12.5, seconds=60, size=CAMERA.size_px, gop=25)
    cameras = start(clip, tmp_path / "out", 2, riders(60))
    bench, first = cameras._bench, cameras.cameras[0]
    wait_for(lambda: cameras.sealer.sealed > 0, 40)

    bench.vault.is_full = True
    wait_for(lambda: cameras.sealer.retries > 0)
    time.sleep(GONE_S)
    bench.vault.is_full = False

    wait_for(lambda: cameras.sealer.waiting == 0, 30)
    refused = cameras.sealer.retries
    with locked(tmp_path / "out"):
        wait_for(lambda: cameras.sealer.retries > refused, 30)

    bench.detector.is_broken = True
    time.sleep(GONE_S)
    bench.detector.is_broken = False
    seen = first.account.detected
    wait_for(lambda: first.account.detected > seen, 30)

    usual, until = Connection._decode, time.monotonic() + GONE_S

    def broken(self: Connection, kept: Any) -> None:
        if self._source is first.live and time.monotonic() < until:
            raise ZeroDivisionError("the decoder was killed")
        usual(self, kept)

    monkeypatch.setattr(Connection, "_decode", broken)
    wait_for(lambda: time.monotonic() > until and first.state == "live", 30)
    end_ns = max(c.watch.session.end_ns for c in cameras.cameras) + 9e9
    wait_for(lambda: all(c.watch.session.end_ns > end_ns for c in cameras.cameras), 60)
    assert cameras.stop() == 0

    cases = bench.cases.queue()
    assert cameras.sealer.given_up == 0
    holes = {c.camera_id: c.watch.holes for c in cameras.cameras}
    assert "network failed" in {hole.reason for hole in holes["cam-0"]}
    assert "network failed" in {hole.reason for hole in holes["cam-1"]}
    assert "fault: ZeroDivisionError" in {hole.reason for hole in holes["cam-0"]}
    for camera in cameras.cameras:
        assert camera.account.waiting == 0
        found = Counter(ride_of(c.onset_ns) for c in cases if c.camera_id == camera.camera_id)
        assert set(found.values()) <= {1}, "a case was doubled"
        last_s = camera.watch.session.end_ns / 1e9 - RIDE_S - EVERY_S
        rides = [FIRST_S + EVERY_S * n for n in range(14) if FIRST_S + EVERY_S * n < last_s]
        watched = [ride for ride in rides if not touches(ride, holes[camera.camera_id])]
        assert len(watched) >= 2
        assert set(watched) <= set(found), "a case was lost"
    assert verify_store(tmp_path / "out" / "evidence").is_valid
    bench.cases.close()


def ride_of(onset_ns: int) -> float:
    return FIRST_S + EVERY_S * int((onset_ns / 1e9 - FIRST_S) / EVERY_S)


def touches(start_s: float, holes: Sequence[Any]) -> bool:
    """Tells whether somebody failed to look while this rider was in sight."""
    return any(hole.from_ns / 1e9 < start_s + RIDE_S and hole.to_ns / 1e9 > start_s for hole in holes)


@pytest.mark.timeout(300)
def test_fifty_offences_in_ten_seconds_are_all_sealed(tmp_path: Path) -> None:
    """Ten cameras, five riders each, two seconds apart; read as fast as the machine can."""
    actors = riders(14.6, every_s=2.0)
    assert len(actors) == 5
    clip = make_clip(tmp_path / "lane.mp4", fps=12.5, seconds=16, size=CAMERA.size_px, gop=25)
    cameras = start(clip, tmp_path / "out", 10, actors, is_paced=False)
    assert cameras.wait(120)
    wait_for(lambda: cameras.sealer.waiting == 0 and not cameras.sealer._records, 120)
    assert cameras.stop() == 0
    cases = cameras._bench.cases.queue(QueueFilter(limit=100))
    assert Counter(c.camera_id for c in cases) == {f"cam-{number}": 5 for number in range(10)}
    assert {c.violation_id for c in cases} == {"V05"}
    assert cameras.sealer.given_up == 0
    assert verify_store(tmp_path / "out" / "evidence").is_valid
    cameras._bench.cases.close()
