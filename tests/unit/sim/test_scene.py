"""A scene file says what is wrong with it in one line."""

from pathlib import Path

import pytest

from core.errors import ConfigError
from sim.scene import load_scene
from sim.signals import Phase, SignalProgram

DEMO = Path("sim/scenes/demo.yaml")


def edited(tmp_path: Path, old: str, new: str) -> Path:
    text = DEMO.read_text(encoding="utf-8")
    assert old in text
    path = tmp_path / "scene.yaml"
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    return path


def test_the_demo_scene_is_valid() -> None:
    scene = load_scene(DEMO)
    assert {a.violation for a in scene.cast if a.violation} == {"V01", "V02", "V03", "V04", "V05", "V08"}


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("duration_s: 48", "duration_s: -1", "duration_s"),
        ("duration_s: 48", "lenght_s: 48", "unknown key 'lenght_s'"),
        ("fps: 12.5", "fps: 11", "does not divide 25"),
        ("violation: V05", "violation: V99", "V99"),
        ("- id: parked_car", "- id: wrong_way_ebike", "used twice"),
        ("trap: entered_on_yellow", "trap: entered_on_blue", "trap"),
        ("    kind: sedan\n    violation: V01", "    kind: tank\n    violation: V01", "kind"),
        ("{duration_s: 8, ns: green, ped_ew: green}", "{duration_s: 8, ns: green, ew: green}", "not both be released"),
        (
            "[[-9.4, -35.2], [-6.6, -35.2], [-6.6, -20.5], [-9.4, -20.5]]",
            "[[0, 0], [1, 1], [1, 0], [0, 1]]",
            "crosses itself",
        ),
        ("seed: 8", "seed: [", "not valid YAML"),
    ],
)
def test_a_wrong_scene_is_refused_in_one_line(tmp_path: Path, old: str, new: str, says: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_scene(edited(tmp_path, old, new))
    assert says in caught.value.message
    assert "\n" not in caught.value.message


def test_an_actor_cannot_be_offence_and_trap(tmp_path: Path) -> None:
    path = edited(tmp_path, "    violation: V05\n", "    violation: V05\n    trap: own_green\n")
    with pytest.raises(ConfigError, match="both violation and trap"):
        load_scene(path)


@pytest.mark.parametrize("content", [None, "", "- just\n- a list\n"])
def test_a_missing_or_empty_scene_is_refused(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "scene.yaml"
    if content is not None:
        path.write_text(content)
    with pytest.raises(ConfigError, match="scene file"):
        load_scene(path)


def test_signal_program_repeats_and_tells_its_timeline() -> None:
    program = SignalProgram(
        offset_s=5.0,
        phases=[Phase(duration_s=10, ns="green"), Phase(duration_s=3, ns="yellow"), Phase(duration_s=7, ew="green")],
    )
    assert program.state("ns", 4.9) == "green"
    assert program.state("ns", 5.1) == "yellow"
    assert program.state("ns", 8.1) == "red"
    assert program.state("ns", 15.1) == "green"
    assert program.timeline("ns", 20.0) == [(0.0, "green"), (5.0, "yellow"), (8.0, "red"), (15.0, "green")]
    assert program.red_since("ns", 12.0) == pytest.approx(4.0, abs=0.05)
    assert program.red_since("ns", 5.5) == 0.0


def test_right_turns_stay_open_on_red() -> None:
    # Reg 38: right turn on round red is allowed; the south approach's right turns are links 14 and 17.
    state = Phase(duration_s=10, ew="green").sumo_state()
    assert (state[14], state[17]) == ("g", "g")
    assert (state[15], state[18]) == ("r", "r")
