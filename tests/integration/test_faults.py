"""Decoder, network, disk and database fail one after another while offences go on: nothing is lost, nothing doubled.

Each is gone for some seconds, longer than riders are apart; ``benchmarks/faults.py`` is the form with a minute each.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from cases.records import QueueFilter
from evidence.verify import verify_store
from tests.support.faults import CAMERA, FIRST_S, RIDE_S, riders, start, suffer
from tests.support.footage import make_clip
from tests.support.rtsp import wait_for

pytestmark = pytest.mark.timeout(180)


def test_nothing_is_lost_or_doubled_while_one_part_after_another_fails(tmp_path: Path) -> None:
    told = suffer(tmp_path, gone_s=4.5)
    assert told["cases_doubled"] == told["cases_lost"] == told["given_up"] == told["unaccounted"] == 0
    for reasons in told["not_looked_at"].values():
        assert "network failed" in {reason for _, _, reason in reasons}
    assert "fault: ZeroDivisionError" in {reason for _, _, reason in told["not_looked_at"]["cam-0"]}
    assert min(told["rides_watched"].values()) >= 2
    assert told["is_evidence_whole"]


def test_what_was_in_sight_is_judged_while_its_camera_is_left_out(tmp_path: Path) -> None:
    """It may be left out for minutes, longer than its packets are kept."""
    clip = make_clip(tmp_path / "lane.mp4", fps=12.5, seconds=30, size=CAMERA.size_px, gop=25)
    cameras = start(clip, tmp_path / "out", 1, riders(10))
    first = cameras.cameras[0]
    ridden_ns = (FIRST_S + RIDE_S - 0.6) * 1e9
    wait_for(lambda: first.watch is not None and first.watch.session.end_ns > ridden_ns)
    first.shed(is_shed=True)
    wait_for(lambda: cameras.sealer.sealed == 1, 15)
    assert first.is_shed
    assert cameras.stop() == 0
    cameras._bench.cases.close()


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
