from pathlib import Path

import pytest

from cli.demo import MARK, prepare_home, sprung_by
from cli.known import Trap, load_answer
from cli.truth import Found, Sighting
from core.errors import ConfigError


def test_new_folder_is_made_and_marked(tmp_path: Path) -> None:
    home = prepare_home(tmp_path / "a" / "b")
    assert [p.name for p in home.iterdir()] == [MARK]


def test_what_the_demo_made_is_wiped(tmp_path: Path) -> None:
    home = prepare_home(tmp_path / "demo")
    (home / "evidence" / "2026").mkdir(parents=True)
    (home / "lukou.db").write_text("old")
    (home / "link").symlink_to(tmp_path)
    prepare_home(home)
    assert [p.name for p in home.iterdir()] == [MARK]
    assert tmp_path.is_dir()


def test_anything_else_is_never_wiped(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("ten years of work")
    with pytest.raises(ConfigError, match="not the demo's"):
        prepare_home(tmp_path)
    assert (tmp_path / "thesis.txt").read_text() == "ten years of work"


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError):
        prepare_home(tmp_path / "file")


def test_trap_is_sprung_by_a_false_alarm_of_its_kind_at_its_time() -> None:
    trap = Trap(kind="entered_on_yellow", subject="car", group="vehicle", start_s=10, end_s=13)

    def alarm(group: str, at_s: float) -> Found:
        return Found(
            case_id="c",
            violation_id="V01",
            group=group,  # type: ignore[arg-type]
            start_s=at_s,
            end_s=at_s + 1,
            sightings=(Sighting(t_s=at_s, xyxy=(0, 0, 1, 1)),),
        )

    assert sprung_by(trap, (alarm("vehicle", 12.5),)) is not None
    assert sprung_by(trap, (alarm("vehicle", 13.5), alarm("vehicle", 8.5), alarm("two_wheeler", 11))) is None


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"violations": [{}], "traps": []}'])
def test_damaged_answer_is_one_line(tmp_path: Path, text: str) -> None:
    path = tmp_path / "answer.json"
    path.write_text(text)
    with pytest.raises(ConfigError, match="damaged"):
        load_answer(path)


def test_missing_answer_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        load_answer(tmp_path / "none.json")
