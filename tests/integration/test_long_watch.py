"""A vehicle left for days: footage of many sessions, one case, whatever happens to process or file in between."""

import signal
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from core.observations import ActorClass, Candidate, Role
from core.site import Site
from evidence.verify import verify_store
from ingest.session import open_session
from pipeline.process import RunReport, process
from tests.support.footage import make_clip
from tests.support.junction import PoleCamera
from tests.support.scripted import ScriptedDetector, Silent, open_workbench, wrong_way_site

CAMERA = PoleCamera(size_px=(320, 180), focal_px=233.0)
START = datetime(2026, 10, 1, 1, tzinfo=UTC)
Actors = list[tuple[ActorClass, Callable[[float], tuple[float, float]]]]
LEFT: Actors = [(ActorClass.CAR, lambda t: (3.5, 2.0))]
NOBODY: Actors = []
ROOT = Path(__file__).resolve().parents[2]
DAY_NS = 86400 * 10**9


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A minute of street, read again for every day."""
    return make_clip(tmp_path_factory.mktemp("footage") / "street.mp4", fps=2, seconds=65, size=CAMERA.size_px)


def watched() -> Site:
    """The city asks for two days instead of thirty."""
    width, height = CAMERA.size_px
    data = wrong_way_site(CAMERA).model_dump(mode="json")
    corners = [[1, 1], [width - 1, 1], [width - 1, height - 1], [1, height - 1]]
    data["long_stay_zones"] = [{"id": "kerb", "polygon_px": corners}]
    fewer = {"t_suspect_days": 1, "t_confirm_days": 2, "min_distinct_days": 3, "min_observations": 4}
    data["rules"] = {"V11": {"enabled": True, "parameters": fewer}}
    return Site.model_validate(data)


def run(clip: Path, home: Path, hours: float, actors: Actors = LEFT, kill_at_s: float | None = None) -> RunReport:
    session = open_session([clip], camera_id="cam-1", start_utc=START + timedelta(hours=hours))
    bench = open_workbench(home, ScriptedDetector(actors, CAMERA, kill_at_s=kill_at_s))
    try:
        return process(session, watched(), workbench=bench, listener=Silent())
    finally:
        bench.cases.close()


def found(reports: list[RunReport]) -> list[Candidate]:
    return list({name: candidate for report in reports for name, candidate in report.found}.values())


def test_a_vehicle_left_is_one_case_with_pictures_days_apart(clip: Path, tmp_path: Path) -> None:
    reports = [run(clip, tmp_path, hours) for hours in range(0, 75, 12)]
    assert sum(r.new_cases for r in reports) == 1
    (candidate,) = found(reports)
    assert candidate.violation_id == "V11"
    assert [m.role for m in candidate.moments] == [Role.T0_OVERVIEW, Role.P2_DURING, Role.T1_OVERVIEW]
    assert candidate.moments[-1].pts_ns - candidate.moments[0].pts_ns >= 2 * DAY_NS
    bench = open_workbench(tmp_path, ScriptedDetector([], CAMERA))
    (record,) = bench.cases.queue()
    assert record.occurred_utc is not None
    assert record.occurred_utc >= START + timedelta(days=2), "the days of review count from the last picture"
    manifest = bench.vault.manifest(record.case_id)
    captured = {image.role: str(image.captured) for image in manifest.images}
    assert captured["T0_overview"][:10] == "2026-10-01"
    assert captured["T1_overview"][:10] in {"2026-10-03", "2026-10-04"}
    facts = manifest.rule["facts"]
    assert facts["longest_unseen_h"] == pytest.approx(12.0, abs=0.2)
    assert facts["seen_standing_h"] <= 0.5
    assert facts["unseen_h"] == pytest.approx(24 * facts["stood_days"], abs=13)
    told = {record.case_id: record.entry_sha256}
    verdict = verify_store(tmp_path / "evidence", public_key_pem=bench.vault.public_key_pem, expected_entries=told)
    assert verdict.is_valid, verdict.problems
    bench.cases.close()


def test_processed_again_nothing_is_added(clip: Path, tmp_path: Path) -> None:
    first = [run(clip, tmp_path, hours) for hours in (0, 12, 24, 36, 48, 60)]
    again = [run(clip, tmp_path, hours) for hours in (0, 12, 24, 36, 48, 60)]
    assert (sum(r.new_cases for r in first), sum(r.new_cases for r in again)) == (1, 0)


def test_a_spot_seen_empty_in_between_begins_anew(clip: Path, tmp_path: Path) -> None:
    reports = [run(clip, tmp_path, hours) for hours in (0, 12, 24)]
    reports += [run(clip, tmp_path, 25 + minutes / 60, NOBODY) for minutes in (0, 3, 6, 9, 12)]
    reports += [run(clip, tmp_path, hours) for hours in (36, 48, 60)]
    assert found(reports) == []


def test_a_gap_of_records_longer_than_a_night_begins_anew(clip: Path, tmp_path: Path) -> None:
    assert found([run(clip, tmp_path, hours) for hours in (0, 12, 24, 41, 53, 65)]) == []


def test_a_damaged_memory_is_said_and_counted(clip: Path, tmp_path: Path) -> None:
    run(clip, tmp_path, 0)
    (memory,) = (tmp_path / "memory").glob("*.jsonl")
    memory.write_bytes(memory.read_bytes().replace(b'"begun_ns": 1', b'"begun_ns": 2'))
    report = run(clip, tmp_path, 12)
    assert report.undecided["V11"] == {"what was remembered of it was damaged on disk": 1}


def test_a_changed_picture_is_no_evidence(clip: Path, tmp_path: Path) -> None:
    for hours in (0, 12, 24, 36):
        run(clip, tmp_path, hours)
    (first,) = (tmp_path / "memory").glob("*/*T0_overview.png")
    first.write_bytes(first.read_bytes()[:-1])
    reports = [run(clip, tmp_path, hours) for hours in (48, 62, 70)]
    assert found(reports) == []
    assert reports[-1].undecided["V11"] == {"a picture kept of it is damaged or gone": 1}


def test_without_a_clock_nothing_is_remembered(clip: Path, tmp_path: Path) -> None:
    session = open_session([clip], camera_id="cam-1")
    bench = open_workbench(tmp_path, ScriptedDetector(LEFT, CAMERA))
    process(session, watched(), workbench=bench, listener=Silent())
    bench.cases.close()
    assert not (tmp_path / "memory").exists()


def test_killed_in_the_middle_it_remembers(clip: Path, tmp_path: Path) -> None:
    """The power is cut between two looks: the stay of before goes on, and one case comes of it."""
    for hours in (0, 12):
        run(clip, tmp_path, hours)
    paths = f"Path({str(clip)!r}), Path({str(tmp_path)!r})"
    code = f"from tests.integration.test_long_watch import *; run({paths}, 24, LEFT, 50)"
    killed = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, check=False)
    assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()
    reports = [run(clip, tmp_path, hours) for hours in (24, 36, 48, 60)]
    (candidate,) = found(reports)
    assert candidate.facts["longest_unseen_h"] == pytest.approx(12.0, abs=0.2)
