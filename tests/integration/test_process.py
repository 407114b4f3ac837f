"""Footage to cases with a scripted detector: stopped, killed and repeated runs lose nothing and double nothing."""

import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from cases.devices import Register
from cases.states import CaseState
from core.errors import ConfigError
from core.observations import ActorClass
from evidence.verify import verify_store
from ingest.session import Session, open_session
from pipeline.kept import keep, read_journal, read_kept
from pipeline.process import RunReport, process
from pipeline.replay import rejudge
from tests.support.footage import make_clip
from tests.support.junction import PoleCamera
from tests.support.scripted import ScriptedDetector, Silent, open_workbench, wrong_way_site

CAMERA = PoleCamera(size_px=(320, 180), focal_px=233.0)
START = datetime(2026, 11, 22, 0, 15, tzinfo=UTC)
ACTORS = [
    (ActorClass.MOTORCYCLE, lambda t: (-5.0, -6 + 4 * (t - 1))),
    (ActorClass.MOTORCYCLE, lambda t: (-4.5, -6 + 4 * (t - 8))),
]


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_clip(tmp_path_factory.mktemp("footage") / "lane.mp4", fps=12.5, seconds=16, size=CAMERA.size_px)


def run(clip: Path, home: Path, *, kill_at_s: float | None = None) -> tuple[RunReport, Silent]:
    session = open_session([clip], camera_id="cam-1", start_utc=START)
    listener = Silent()
    bench = open_workbench(home, ScriptedDetector(ACTORS, CAMERA, kill_at_s=kill_at_s))
    try:
        return process(session, wrong_way_site(CAMERA), workbench=bench, listener=listener), listener
    finally:
        bench.cases.close()


def check_store(home: Path, cases: int) -> None:
    bench = open_workbench(home, ScriptedDetector([], CAMERA))
    stored = bench.cases.queue()
    assert len(stored) == cases
    expected = {c.case_id: c.entry_sha256 for c in stored}
    verdict = verify_store(home / "evidence", public_key_pem=bench.vault.public_key_pem, expected_entries=expected)
    assert verdict.is_valid, verdict.problems
    assert bench.cases.verify_audit() == []
    bench.cases.close()


def test_two_riders_two_cases(clip: Path, tmp_path: Path) -> None:
    report, _ = run(clip, tmp_path)
    assert [c.violation_id for _, c in report.found] == ["V05", "V05"]
    assert report.new_cases == 2
    assert report.counts["decoded"] == 200
    assert report.counts["analysed"] + report.counts["skipped"] == 200
    check_store(tmp_path, 2)


def test_camera_that_is_not_in_the_register_files_nothing_that_can_be_decided(clip: Path, tmp_path: Path) -> None:
    session = open_session([clip], camera_id="cam-1", start_utc=START)
    bench = replace(open_workbench(tmp_path, ScriptedDetector(ACTORS, CAMERA)), devices=Register(devices=[]))
    report = process(session, wrong_way_site(CAMERA), workbench=bench, listener=Silent())
    assert report.new_cases == 2
    for record in bench.cases.queue():
        assert record.state is CaseState.INADMISSIBLE
        assert bench.vault.manifest(record.case_id).device["failed_gates"] == ["register: no camera 'cam-1' in it"]
    bench.cases.close()


def test_repeating_finds_the_same_cases_and_adds_none(clip: Path, tmp_path: Path) -> None:
    first, _ = run(clip, tmp_path)
    again, listener = run(clip, tmp_path)
    assert [i for i, _ in again.found] == [i for i, _ in first.found]
    assert again.new_cases == 0
    assert [is_new for _, is_new in listener.cases] == [False, False]
    assert again.counts == first.counts
    check_store(tmp_path, 2)


def test_tracks_are_kept_at_the_end_and_judged_like_the_journal(
    clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    report, _ = run(clip, tmp_path)
    journal = tmp_path / "checkpoints" / f"{report.session_id}.jsonl"
    beside = journal.with_suffix(".tracks.npz")
    written = beside.stat().st_mtime_ns
    kept, worked_out, site = read_kept(journal), keep(*read_journal(journal)), wrong_way_site(CAMERA)
    assert beside.stat().st_mtime_ns == written, "a replay works nothing out"
    assert (kept.end_ns, len(kept.tracks)) == (worked_out.end_ns, len(worked_out.tracks))
    told = [(e.violation_id, e.onset_ns, e.end_ns, e.facts) for e in rejudge(kept, site)]
    assert told == [(e.violation_id, e.onset_ns, e.end_ns, e.facts) for e in rejudge(worked_out, site)]
    assert len(told) == 2
    monkeypatch.setattr("pipeline.kept.CODE", "of another version")
    assert len(read_kept(journal).tracks) == len(kept.tracks)
    assert beside.stat().st_mtime_ns > written, "made by other code: worked out again"


@pytest.mark.parametrize("kill_at_s", [1.0, 6.5, 9.0, 15.0])
def test_killed_and_started_again(clip: Path, tmp_path: Path, kill_at_s: float) -> None:
    """kill -9 in the middle: the second run ends with what an undisturbed run finds."""
    whole, _ = run(clip, tmp_path / "whole")
    home = tmp_path / "killed"
    program = (
        "from pathlib import Path\n"
        "from tests.integration.test_process import run\n"
        f"run(Path({str(clip)!r}), Path({str(home)!r}), kill_at_s={kill_at_s})\n"
    )
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run([sys.executable, "-c", program], cwd=root, capture_output=True, check=False, timeout=50)
    assert done.returncode == -9, done.stderr.decode()[-500:]
    report, _ = run(clip, home)
    assert [(i, c.onset_ns, c.end_ns) for i, c in report.found] == [(i, c.onset_ns, c.end_ns) for i, c in whole.found]
    assert report.counts["analysed"] == whole.counts["analysed"]
    check_store(home, 2)


def test_track_crosses_a_file_border(clip: Path, tmp_path: Path) -> None:
    """Two files of one camera are one session: the rider seen at the border is one case."""
    first = make_clip(tmp_path / "a.mp4", fps=12.5, seconds=2.8, size=CAMERA.size_px)
    second = make_clip(tmp_path / "b.mp4", fps=12.5, seconds=4.0, size=CAMERA.size_px)
    session: Session = open_session([first, second], camera_id="cam-1", start_utc=START)
    bench = open_workbench(tmp_path / "home", ScriptedDetector(ACTORS[:1], CAMERA))
    report = process(session, wrong_way_site(CAMERA), workbench=bench, listener=Silent())
    bench.cases.close()
    assert len(report.found) == 1
    times = [m.pts_ns / 1e9 for m in report.found[0][1].moments]
    assert times[0] < 2.8 < times[-1]
    check_store(tmp_path / "home", 1)


def test_site_of_another_shape_of_picture_is_refused(clip: Path, tmp_path: Path) -> None:
    site = wrong_way_site(PoleCamera(size_px=(200, 200), focal_px=150.0))
    bench = open_workbench(tmp_path, ScriptedDetector(ACTORS, CAMERA))
    with pytest.raises(ConfigError, match="another shape of picture"):
        process(open_session([clip], camera_id="cam-1"), site, workbench=bench, listener=Silent())
    bench.cases.close()
