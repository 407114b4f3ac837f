import json
from dataclasses import replace
from pathlib import Path

import pytest

from cli.demo import MARK, Outcome, prepare_home, show_outcome, sprung_by
from cli.known import Trap, load_answer
from cli.truth import Expected, Found, Sighting, compare
from core.errors import ConfigError
from evidence.verify import Verdict


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


def test_trap_somewhere_else_was_not_sprung() -> None:
    here, there = Sighting(t_s=11, xyxy=(0, 0, 40, 40)), Sighting(t_s=11, xyxy=(900, 0, 940, 40))
    trap = Trap(kind="own_green", subject="car", group="vehicle", start_s=10, end_s=13, sightings=(here,))
    alarm = Found(case_id="c", violation_id="V01", group="vehicle", start_s=11, end_s=11, sightings=(there,))
    assert sprung_by(trap, (alarm,)) is None
    assert sprung_by(trap, (replace(alarm, sightings=(here,)),)) is not None


ANSWER = {
    "start_local": "2026-11-22T08:15:00",
    "tracks": [{"id": "walker"}, {"id": "red_car"}],
    "boxes": [
        [10.0, [[0, 1, 2, 3, 4, 1.0], [1, 100, 100, 160, 180, 0.9]]],
        [10.24, [[1, 104, 100, 164, 180, 0.9]]],
        [30.0, [[1, 500, 100, 560, 180, 0.9]]],
    ],
    "events": [
        {"id": "E01", "violation_id": "V01", "kind": "red_light", "subject": "car", "track": "red_car"}
        | {"t_start_s": 10.2, "t_end_s": 14.0}
    ],
    "other_events": [
        {"id": "O01", "violation_id": "V19", "kind": "other", "subject": "car", "track": "red_car"}
        | {"t_start_s": 29.0, "t_end_s": 31.0}
    ],
    "traps": [
        {"id": "T01", "kind": "walked_on_green", "subject": "person", "track": "walker"}
        | {"t_start_s": 9.0, "t_end_s": 12.0}
    ],
}


def test_answer_is_read_with_local_time_and_the_boxes_around_each_event(tmp_path: Path) -> None:
    path = tmp_path / "answer.json"
    path.write_text(json.dumps(ANSWER))
    answer = load_answer(path, "Asia/Shanghai")
    assert answer.start_utc.isoformat() == "2026-11-22T00:15:00+00:00"
    event, other = answer.expected
    assert (event.event_id, event.violation_id, event.group, event.is_required) == ("E01", "V01", "vehicle", True)
    assert [s.t_s for s in event.sightings] == [10.0, 10.24]
    assert not other.is_required
    assert [s.xyxy for s in other.sightings] == [(500, 100, 560, 180)]
    assert [(t.kind, t.group) for t in answer.traps] == [("walked_on_green", "pedestrian")]


def outcome(*, found: Found | None, alarm: Found | None = None, problems: tuple[str, ...] = ()) -> Outcome:
    wanted = Expected(event_id="E01", violation_id="V01", start_s=12.2, end_s=16.0, group="vehicle", note="car")
    trap = Trap(kind="entered_on_yellow", subject="car", group="vehicle", start_s=7, end_s=11)
    return Outcome(
        comparison=compare([wanted], [case for case in (found, alarm) if case is not None]),
        traps=((trap, alarm), (replace(trap, subject="bus"), None)),
        verdict=Verdict(is_valid=not problems, problems=problems),
    )


def v01_at(t_s: float) -> Found:
    seen = (Sighting(t_s=t_s, xyxy=(0, 0, 9, 9)),)
    return Found(case_id=f"c{t_s}", violation_id="V01", group="vehicle", start_s=t_s, end_s=t_s, sightings=seen)


def test_exact_demo_is_right(capsys: pytest.CaptureFixture[str]) -> None:
    exact = outcome(found=v01_at(12.1))
    assert exact.is_right
    show_outcome(exact)
    text = capsys.readouterr().out
    assert "1 of 1 offences found, 0 false alarms, 2 of 2 look-alikes passed over" in text
    assert "0:12.2" in text
    assert "0:12.1" in text


@pytest.mark.parametrize(
    ("differing", "word"),
    [
        (outcome(found=None), "MISS"),
        (outcome(found=v01_at(12.1), alarm=v01_at(8.0)), "FALSE ALARM"),
        (outcome(found=v01_at(12.1), alarm=v01_at(8.0)), "RAISED V01 at 0:07.0"),
        (outcome(found=v01_at(12.1), problems=("P1.jpg: changed",)), "CHANGED P1.jpg"),
    ],
    ids=["miss", "false alarm", "trap sprung", "evidence changed"],
)
def test_any_difference_is_shown_and_is_not_right(
    differing: Outcome, word: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert not differing.is_right
    show_outcome(differing)
    assert word in capsys.readouterr().out


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", json.dumps(ANSWER | {"tracks": []}), json.dumps(ANSWER | {"events": [{}]})]
)
def test_damaged_answer_is_one_line(tmp_path: Path, text: str) -> None:
    path = tmp_path / "answer.json"
    path.write_text(text)
    with pytest.raises(ConfigError, match="damaged"):
        load_answer(path, "Asia/Shanghai")


def test_missing_answer_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        load_answer(tmp_path / "none.json", "Asia/Shanghai")
