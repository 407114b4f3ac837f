"""Live cameras to cases with all that can break on the way: nothing lost, nothing double, nothing unrecorded."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import av
import pytest

from core.errors import ConfigError
from core.observations import ActorClass, SignalState
from core.site import Site
from core.source import Source
from core.status import read_status
from core.time import SystemClock
from evidence.verify import verify_store
from ingest.live_feed import LiveFeed
from pipeline.cameras import Cameras
from pipeline.economy import Switches
from pipeline.judge import Judge
from pipeline.kept import read_journal, read_kept
from pipeline.replay import rejudge
from tests.support.faults import FullVault, ShakyDetector
from tests.support.footage import make_clip
from tests.support.junction import PoleCamera
from tests.support.rtsp import rtsp_camera, wait_for
from tests.support.scripted import ScriptedDetector, open_workbench, wrong_way_site

pytestmark = pytest.mark.timeout(180)

CAMERA = PoleCamera(size_px=(320, 180), focal_px=233.0)
ACTORS = [
    (ActorClass.MOTORCYCLE, lambda t: (-5.0, -6 + 4 * (t - 0.5))),
    (ActorClass.MOTORCYCLE, lambda t: (-4.5, -6 + 4 * (t - 4))),
]
SECONDS = 9.0


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_clip(
        tmp_path_factory.mktemp("footage") / "lane.mp4", fps=25, seconds=SECONDS, size=CAMERA.size_px, gop=25
    )


@contextmanager
def watched(
    clip: Path | str, home: Path, *, is_vouched: bool = True, names: Sequence[str] = ("cam-1",), **source: Any
) -> Iterator[Cameras]:
    """Runs cameras on the clip; afterwards the store must be whole and every picture accounted for."""
    bench = open_workbench(home, ShakyDetector(ACTORS, CAMERA))
    settings = bench.settings.model_copy(update={"clock": "operator" if is_vouched else "kernel"})
    bench = replace(bench, settings=settings, vault=FullVault(settings.evidence_dir, settings.keys_dir))
    site = wrong_way_site(CAMERA).model_copy(update={"source": Source(url=str(clip), **source)})
    sites = [site.model_copy(update={"camera": site.camera.model_copy(update={"camera_id": n})}) for n in names]
    cameras = Cameras(sites, bench, switches=Switches(gate=False, rest=False))
    cameras.start()
    yield cameras
    assert cameras.stop() == 0
    for camera in cameras.cameras:
        tally, account = camera.live.tally, camera.account
        assert account.waiting == 0
        assert account.handed == tally.decoded
        assert tally.received - tally.decoded - tally.damaged - tally.passed <= 1
    stored = bench.cases.queue()
    verdict = verify_store(
        home / "evidence",
        public_key_pem=bench.vault.public_key_pem,
        expected_entries={c.case_id: c.entry_sha256 for c in stored},
    )
    assert verdict.is_valid, verdict.problems
    bench.cases.close()


def found(cameras: Cameras) -> list[tuple[str, str]]:
    return sorted((c.camera_id, c.violation_id) for c in cameras._bench.cases.queue())


def test_two_cameras_two_riders_each(clip: Path, tmp_path: Path) -> None:
    with watched(clip, tmp_path, names=("a", "b")) as cameras:
        assert cameras.wait(40)
    assert found(cameras) == [("a", "V05"), ("a", "V05"), ("b", "V05"), ("b", "V05")]
    run = cameras._bench.cases.runs(limit=5)[0]
    assert run.finished_utc is not None
    assert run.footage_s == pytest.approx(SECONDS, abs=0.3)
    state = read_status(tmp_path, SystemClock())
    assert state is not None
    assert [c["cases"] for c in state["cameras"]] == [2, 2]
    first = cameras._bench.cases.queue()[0]
    assert first.occurred_utc is not None
    kept = read_kept(cameras._bench.settings.checkpoint_dir / f"{first.session_id}.jsonl")
    assert [event.violation_id for event in rejudge(kept, wrong_way_site(CAMERA))] == ["V05", "V05"]


def test_looked_at_in_the_substream_proved_from_the_main_stream(clip: Path, tmp_path: Path) -> None:
    small = make_clip(tmp_path / "small.mp4", fps=12.5, seconds=SECONDS, size=(160, 96), gop=25)
    with watched(clip, tmp_path, substream=str(small)) as cameras:
        assert cameras.wait(40)
    assert found(cameras) == [("cam-1", "V05"), ("cam-1", "V05")]
    camera = cameras.cameras[0]
    assert camera.live.tally.decoded > 100
    assert camera.main is not None
    assert camera.main.tally.decoded == 0
    package = cameras._bench.vault.path(cameras._bench.cases.queue()[0].case_id)
    with av.open(str(next(package.rglob("*.mp4")))) as evidence:
        assert (evidence.streams.video[0].width, evidence.streams.video[0].height) == CAMERA.size_px


def test_from_rtsp_to_sealed_cases_across_a_broken_connection(tmp_path: Path) -> None:
    """The second rider comes after the connection broke: same session, another case, the break on record."""
    with rtsp_camera("320x180") as server, watched(server.url, tmp_path) as cameras:
        camera = cameras.cameras[0]
        wait_for(lambda: camera.watch is not None and camera.watch.session.end_ns > 2.5e9, 30)
        server.say("drop")
        wait_for(lambda: camera.live.tally.connects == 2, 30)
        wait_for(lambda: camera.watch.session.end_ns > 13e9, 40)
        assert camera.state == "live"
    cases = cameras._bench.cases.queue()
    assert {c.session_id for c in cases} == {camera.watch.session.session_id}
    assert {c.violation_id for c in cases} == {"V05"}
    assert max(c.onset_ns for c in cases) > 3.9e9  # the rider after the break; the one in it may be lost
    assert {hole.reason for hole in camera.watch.holes} <= {"ended"}
    assert verify_store(tmp_path / "evidence").is_valid


def test_the_controllers_word_is_followed_live(clip: Path, tmp_path: Path) -> None:
    """Red, repeated every second, is what every picture is told, once its moment is settled."""
    told, now = tmp_path / "feed.jsonl", datetime.now(UTC)
    site = wrong_way_site(CAMERA).model_dump()
    signal = {"id": "near", "kind": "motor", "source": "controller"}
    site |= {"signals": [signal], "clock": {"uncertainty_s": 0.0}, "source": {"url": str(clip)}}
    bench = open_workbench(tmp_path / "out", ScriptedDetector(ACTORS, CAMERA))
    feed = LiveFeed(told, ["near"])
    cameras = Cameras([Site.model_validate(site)], bench, feed=feed)
    lines = [{"signal": "near", "utc": (now + timedelta(seconds=s)).isoformat(), "state": "red"} for s in range(-2, 50)]
    told.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    feed.start()
    cameras.start()
    wait_for(lambda: cameras.cameras[0].account.detected > 10, 30)
    assert cameras.status()["signal_feed"]["messages"] == len(lines)
    cameras.stop()
    feed.stop()
    session_id = cameras.cameras[0].watch.session.session_id
    _, seen = read_journal(bench.settings.checkpoint_dir / f"{session_id}.jsonl")
    assert {o.feed["near"] for o in seen} == {SignalState.RED}
    bench.cases.close()


def test_without_a_trusted_clock_there_are_no_cases_but_undecided_ones(
    clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.cameras.kernel_error_s", lambda: None)
    with watched(clip, tmp_path, is_vouched=False) as cameras:
        assert any("no penalty cases" in alert for alert in cameras.status()["alerts"])
        assert cameras.wait(40)
    assert found(cameras) == []
    assert cameras._bench.cases.runs(limit=1)[0].undecided == {"V05": {"clock_untrusted": 2}}


def test_a_failing_network_is_recorded_and_taken_up_again(clip: Path, tmp_path: Path) -> None:
    with watched(clip, tmp_path) as cameras:
        camera = cameras.cameras[0]
        wait_for(lambda: camera.account.detected > 0)
        camera._bench.detector.is_broken = True
        time.sleep(4.0)  # longer than what may wait
        before = camera.account.detected
        camera._bench.detector.is_broken = False
        assert cameras.wait(40)
    assert camera.account.failed >= 2
    assert "network failed" in [hole.reason for hole in camera.watch.holes]
    assert 1.5 < camera.account.unseen_s < 6
    assert camera.account.detected > before
    assert cameras._bench.cases.runs(limit=1)[0].unseen == tuple(camera.watch.holes)


def test_a_full_disk_keeps_cases_waiting_and_loses_none(clip: Path, tmp_path: Path) -> None:
    with watched(clip, tmp_path) as cameras:
        cameras._bench.vault.is_full = True
        assert cameras.wait(40)
        wait_for(lambda: cameras.sealer.retries >= 2)
        assert cameras.status()["sealing"]["refusal"] == "no space left; free some"
        assert found(cameras) == []
        cameras._bench.vault.is_full = False
    assert found(cameras) == [("cam-1", "V05"), ("cam-1", "V05")]
    assert cameras.sealer.given_up == 0


def test_a_locked_database_keeps_cases_waiting_and_doubles_none(clip: Path, tmp_path: Path) -> None:
    with watched(clip, tmp_path) as cameras:
        other = sqlite3.connect(tmp_path / "lukou.db", isolation_level=None)
        other.execute("BEGIN EXCLUSIVE")
        wait_for(lambda: cameras.sealer.retries >= 1, 40)
        other.execute("ROLLBACK")
        other.close()
        assert cameras.wait(40)
    assert found(cameras) == [("cam-1", "V05"), ("cam-1", "V05")]


def test_a_fault_in_a_rule_costs_the_tracks_in_sight_not_the_camera(
    clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual, calls = Judge.add, [0]

    def once(self: Judge, observation: Any) -> Any:
        calls[0] += 1
        if calls[0] == 3:
            raise ZeroDivisionError
        return usual(self, observation)

    monkeypatch.setattr(Judge, "add", once)
    with watched(clip, tmp_path) as cameras:
        assert cameras.wait(40)
    assert cameras.cameras[0].account.faults == 1
    assert len(found(cameras)) == 2


def test_cameras_that_cannot_be_told_apart_are_refused(tmp_path: Path) -> None:
    bench = open_workbench(tmp_path, ScriptedDetector([], CAMERA))
    site = wrong_way_site(CAMERA)
    with pytest.raises(ConfigError, match="has no source"):
        Cameras([site], bench)
    site = site.model_copy(update={"source": Source(url="a.mp4")})
    with pytest.raises(ConfigError, match="two sites name camera 'cam-1'"):
        Cameras([site, site], bench)
    bench.cases.close()
