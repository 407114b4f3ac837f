"""Another project is scored on the same scenes: written out, judged by it, read back."""

import json
from pathlib import Path

import pytest

from cli.adapter import export_scenes, score_events
from cli.main import call
from cli.scoring import all_cases
from core.errors import ConfigError
from tests.support import naive_rule

FAMILIES = ["v01_straight_on_in_red", "v01_past_the_line_when_red", "v01_right_turn_on_round_red", "v01_oncoming"]


def test_the_naive_rule_is_scored(tmp_path: Path) -> None:
    """It finds plain red-light runs, and convicts who had passed the line in time and who may turn right."""
    cases = all_cases(FAMILIES)[::12]
    assert export_scenes(cases, tmp_path / "set") == len(cases)
    naive_rule.main(tmp_path / "set")
    (tally,) = score_events(tmp_path / "set").tallies.values()
    assert tally.scenes == len(cases)
    assert tally.recall > 0.9
    assert tally.false > 0


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "set"
    assert call(["conform", "v06_rolls_backwards", "--every", "20", "--export", str(folder)]) == 0
    assert call(["conform", "--score", str(folder)]) == 2
    assert "events.json is missing" in capsys.readouterr().err
    for path in folder.glob("*/scene.json"):
        path.with_name("events.json").write_text("[]")
    assert call(["conform", "--score", str(folder), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["passed"] is True


def test_a_false_accusation_counts(tmp_path: Path) -> None:
    export_scenes(all_cases(["v01_oncoming"])[:1], tmp_path)
    (scene,) = tmp_path.glob("*/scene.json")
    scene.with_name("events.json").write_text('[{"rule": "V01", "track": 1}, {"rule": "V01", "track": 99}]')
    (tally,) = score_events(tmp_path).tallies.values()
    assert (tally.false, tally.missed) == (2, 0)


@pytest.mark.parametrize("text", ["{}", "not json", '[{"rule": "V01"}]'])
def test_bad_answers_are_named(text: str, tmp_path: Path) -> None:
    export_scenes(all_cases(["v01_oncoming"])[:1], tmp_path)
    (scene,) = tmp_path.glob("*/scene.json")
    scene.with_name("events.json").write_text(text)
    with pytest.raises(ConfigError, match="not a list of events"):
        score_events(tmp_path)


def test_a_folder_in_use_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("keep")
    with pytest.raises(ConfigError, match="not empty"):
        export_scenes(all_cases(["v01_oncoming"])[:1], tmp_path)
