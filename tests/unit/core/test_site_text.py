"""An editor moves what a site file draws; everything else in the file stays as somebody wrote it."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import ConfigError
from core.site import load_site, parse_site
from core.site_text import moved, shapes

EXAMPLE = Path(__file__).parents[3] / "sites" / "example.site.yaml"
TEXT = EXAMPLE.read_text(encoding="utf-8")
FOUND = {shape.path: shape for shape in shapes(TEXT)}


def test_every_drawn_thing_of_the_example_is_found_with_its_name() -> None:
    site = load_site(EXAMPLE)
    assert FOUND["stop_lines.0.points_px"].points_px == tuple(site.stop_lines[0].points_px)
    assert FOUND["stop_lines.0.towards_px"].kind == "point"
    assert FOUND["lanes.0.polygon_px"].kind == "polygon"
    assert FOUND["lanes.0.heading_px"].kind == "line"
    assert {shape.name for path, shape in FOUND.items() if path.startswith("exits")} == {"east", "north"}
    head = FOUND["signals.0.region_px"]
    assert (head.kind, head.points_px) == ("box", ((1010.0, 180.0), (1034.0, 252.0)))
    assert not any("picture_size" in path for path in FOUND)
    assert "signals.1.region_px" not in FOUND  # null: not seen from here


@given(path=st.sampled_from(sorted(FOUND)), dx=st.integers(-9, 9), dy=st.integers(-9, 9))
def test_only_the_moved_numbers_change(path: str, dx: int, dy: int) -> None:
    points = [(x + dx, y + dy) for x, y in FOUND[path].points_px]
    text = moved(TEXT, path, points)
    after = {shape.path: shape for shape in shapes(text)}
    assert list(after[path].points_px) == points
    assert {p: s for p, s in after.items() if p != path} == {p: s for p, s in FOUND.items() if p != path}
    assert text.count("#") == TEXT.count("#")
    changed = [(a, b) for a, b in zip(TEXT.splitlines(), text.splitlines(), strict=True) if a != b]
    assert len(changed) <= 1
    assert moved(text, path, FOUND[path].points_px) == TEXT


def test_moved_text_is_a_site_with_the_new_line() -> None:
    site = parse_site(moved(TEXT, "stop_lines.0.points_px", [(430.4, 700.6), (1250, 700)]))
    assert list(site.stop_lines[0].points_px) == [(430, 701), (1250, 700)]


@pytest.mark.parametrize(
    ("path", "points", "says"),
    [
        ("lanes.9.polygon_px", [(0, 0), (1, 1), (2, 0)], "nothing is drawn"),
        ("lanes.0.polygon_px", [(0, 0), (1, 1)], "3 points at least"),
        ("signals.0.region_px", [(0, 0)], "2 points"),
        ("stop_lines.0.towards_px", [(0, 0), (1, 1)], "1 points"),
    ],
)
def test_what_cannot_be_moved_so(path: str, points: list[tuple[float, float]], says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        moved(TEXT, path, points)


@pytest.mark.parametrize("text", ["a: [1", "\t- x", "a: b: c"])
def test_text_that_is_no_yaml_is_one_line(text: str) -> None:
    with pytest.raises(ConfigError, match="not valid YAML"):
        shapes(text)


@pytest.mark.parametrize(
    "text", ["", "[]", "a_px: 5", "a_px: [x, y]", "a_px: [[1, 2], [3]]", "a_px: [[1, 2]]", "{a: {b: [1]}}"]
)
def test_text_that_draws_nothing(text: str) -> None:
    assert shapes(text) == []
