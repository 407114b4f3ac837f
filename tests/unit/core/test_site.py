"""Site files: every mistake an operator makes gets one line that says what to do."""

from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from core.errors import ConfigError
from core.site import Site, load_site

GOOD: dict[str, Any] = {
    "site_id": "s",
    "place": "p",
    "camera": {"camera_id": "c", "picture_size_px": [640, 480]},
    "stop_lines": [{"id": "a", "points_px": [[10, 400], [600, 400]], "towards_px": [300, 300], "signal": "l"}],
    "signals": [{"id": "l", "region_px": [500, 100, 520, 160]}],
    "no_stop_zones": [{"id": "z", "polygon_px": [[10, 10], [90, 10], [90, 90], [10, 90]]}],
}


def write(path: Path, **changes: Any) -> Path:
    with path.open("w") as file:
        YAML(typ="safe").dump({**GOOD, **changes}, file)
    return path


def test_good_site_loads_and_its_hash_follows_its_meaning(tmp_path: Path) -> None:
    first = load_site(write(tmp_path / "a.yaml"))
    same = load_site(write(tmp_path / "b.yaml"))
    other = load_site(write(tmp_path / "c.yaml", two_wheelers="motor"))
    assert first.sha256() == same.sha256() != other.sha256()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"stop_line": []}, "unknown key 'stop_line'"),
        ({"signals": [{"id": "l", "region_px": [500, 100, 520, 160], "colour": 1}]}, "unknown key 'colour'"),
        ({"signals": [{"id": "l", "region_px": [630, 100, 700, 160]}]}, "outside the 640x480 picture"),
        ({"signals": []}, "names signal 'l', which is not under signals"),
        ({"no_stop_zones": [{"id": "z", "polygon_px": [[0, 0], [9, 9], [9, 0], [0, 9]]}]}, "crosses itself"),
        ({"no_stop_zones": GOOD["no_stop_zones"] * 2}, "used twice"),
        ({"no_stop_zones": [{**GOOD["no_stop_zones"][0], "confirm_s": 5}]}, "greater than or equal to 10"),
        ({"rules": {"V99": {}}}, "no violation 'V99'"),
        ({"rules": {"V01": {"parameters": {"gard_s": 1}}}}, "no parameter 'gard_s'"),
        ({"calibration": {"points": []}}, "at least 4"),
        (
            {"solid_lines": [{"id": "m", "points_px": [[1, 1], [9, 9]], "kind": "dashed_solid"}]},
            "give dashed_side_px",
        ),
        (
            {"no_u_turn_zones": [{"id": "u", "polygon_px": [[0, 0], [9, 0], [9, 9]], "signal": "x"}]},
            "names signal 'x'",
        ),
    ],
)
def test_mistakes_are_named_in_one_line(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_site(write(tmp_path / "bad.yaml", **changes))
    assert message in caught.value.message
    assert "\n" not in caught.value.message


@pytest.mark.parametrize("text", ["", "- a\n", "a: [1\n", "\tx: 1\n"])
def test_files_that_are_no_site(tmp_path: Path, text: str) -> None:
    path = tmp_path / "x.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load_site(path)
    assert "\n" not in caught.value.message


def test_missing_file_says_so(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="check the path"):
        load_site(tmp_path / "none.yaml")


def test_scaling_keeps_shape_and_refuses_another() -> None:
    site = Site.model_validate(GOOD)
    double = site.scaled_to(1280, 960)
    assert double.stop_lines[0].points_px == [(20, 800), (1200, 800)]
    assert double.signals[0].region_px == (1000, 200, 1040, 320)
    with pytest.raises(ConfigError, match="another shape of picture"):
        site.scaled_to(1920, 1080)
