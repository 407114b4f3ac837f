"""``lukou replay``: sessions by name or by camera, cases that stay, go and come, nothing changed."""

import json
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from cases.records import NewCase, RunRecord
from cases.replays import load_replay
from cases.store import CaseStore
from cli.main import call
from cli.scoring import all_cases, observations_of
from core.settings import Settings
from core.time import SystemClock
from pipeline.journal import Journal
from sim.trajectories import film

SHOT = film(all_cases(["v01_straight_on_in_red"])[0].scene, 8.0)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Results of one session: its V01 case, a V05 case that no rule finds again, and a V11 case of many sessions."""
    settings = Settings(home=tmp_path / "out")
    settings.home.mkdir()
    journal = Journal(settings.checkpoint_dir / "S1.jsonl", {"session_id": "S1", "counts": ["analysed"]})
    for observation in observations_of(SHOT):
        journal.append(observation, {"analysed": 1})
    journal.close()
    now = SystemClock().now_utc()
    store = CaseStore.open(settings.database)
    for number, (rule, onset_s) in enumerate((("V01", 15.4), ("V05", 30.0), ("V11", 20.0))):
        store.add_case(
            NewCase(
                case_id=f"01KTZ59ZS0VJZE3MJZZ32H3F9{number}",
                candidate_key=f"key{number}",
                session_id="S1",
                violation_id=rule,
                site_id="trajectories",
                camera_id=SHOT.site.camera.camera_id,
                place="p",
                direction="d",
                onset_ns=int(onset_s * 1e9),
                subject="CAR",
                manifest_sha256="0" * 64,
                entry_sha256="0" * 64,
            )
        )
    store.save_run(
        RunRecord(
            session_id="S1",
            camera_id=SHOT.site.camera.camera_id,
            site_id="trajectories",
            files=("a.mp4",),
            started_utc=now,
            finished_utc=now,
            footage_s=46.0,
            decoded=1,
            analysed=1,
            skipped=0,
            damaged=0,
            lost=0,
            undecided={},
        )
    )
    store.close()
    return settings.home


@pytest.fixture
def site_file(tmp_path: Path) -> Path:
    path = tmp_path / "new.site.yaml"
    with path.open("w") as file:
        YAML(typ="safe", pure=True).dump(SHOT.site.model_dump(mode="json", exclude_none=True), file)
    return path


@pytest.mark.parametrize("which", [["S1"], ["--all"]])
def test_it_tells_what_stays_and_what_goes(
    home: Path, site_file: Path, which: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    kept = (home / "checkpoints" / "S1.jsonl").read_bytes()
    assert call(["replay", *which, "--site", str(site_file), "--out", str(home), "--json"]) == 0
    (session,) = json.loads(capsys.readouterr().out)["sessions"]
    assert [e["violation_id"] for e in session["stays"]] == ["V01"]
    assert [e["violation_id"] for e in session["disappears"]] == ["V05"]
    assert session["appears"] == []
    assert (home / "checkpoints" / "S1.jsonl").read_bytes() == kept


def test_it_prints_a_table(home: Path, site_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(["replay", "S1", "--site", str(site_file), "--out", str(home)]) == 0
    told = capsys.readouterr().out
    assert "1 stay, 1 disappear, 0 appear" in told
    assert "nothing was changed" in told


@pytest.mark.parametrize(
    ("arguments", "message"),
    [([], "name one session"), (["S1", "--all"], "name one session"), (["S2"], "nothing is kept")],
)
def test_what_cannot_be_replayed(
    home: Path, site_file: Path, arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(["replay", *arguments, "--site", str(site_file), "--out", str(home)]) == 2
    assert message in capsys.readouterr().err


def test_a_camera_never_seen_is_said_so(home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other = SHOT.site.model_copy(update={"camera": SHOT.site.camera.model_copy(update={"camera_id": "elsewhere"})})
    path = tmp_path / "other.yaml"
    with path.open("w") as file:
        YAML(typ="safe", pure=True).dump(other.model_dump(mode="json", exclude_none=True), file)
    assert call(["replay", "--all", "--site", str(path), "--out", str(home)]) == 2
    assert "nothing is kept of camera 'elsewhere'" in capsys.readouterr().err


def test_it_is_kept_for_the_console(home: Path, site_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--site", str(site_file), "--out", str(home), "--since", "1h", "--save", "new-line", "--json"]
    assert call(["replay", *arguments]) == 0
    assert json.loads(capsys.readouterr().out)["sessions"][0]["session_id"] == "S1"
    kept = load_replay(home / "replays", "new-line")
    assert [(e.violation_id, e.change) for e in kept.events] == [("V01", "stays"), ("V05", "disappears")]
    stays = kept.events[0]
    assert stays.case_id
    assert [m.role for m in stays.moments] == ["P1_before", "P2_during", "P3_after"]
    assert stays.after
    assert stays.before is None, "the evidence cannot be read here, so the values of then are unknown"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--since", "yesterday"], "is no time"),
        (["--since", "2999-01-01"], "was processed since"),
        (["--all", "--save", "../x"], "no name of a replay"),
        (["S1", "--since", "1h"], "name one session"),
    ],
)
def test_what_is_no_time_or_name(
    home: Path, site_file: Path, arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(["replay", *arguments, "--site", str(site_file), "--out", str(home)]) == 2
    assert message in capsys.readouterr().err
