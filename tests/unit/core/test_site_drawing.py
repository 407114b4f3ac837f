"""A thing drawn anew stands at the end of its list, one taken out is gone; nothing else in the file changes."""

from pathlib import Path
from typing import get_args

import pytest
from ruamel.yaml import YAML

from core.errors import ConfigError
from core.site import PART_LISTS, Site, load_site, parse_site
from core.site_drawing import DRAWINGS, added, removed
from core.site_text import moved, shapes

ROOT = Path(__file__).parents[3]
FILES = [ROOT / "sites" / "example.site.yaml", ROOT / "sim" / "demo" / "junction.site.yaml"]
POINTS = {
    "polygon": [(100.0, 100.0), (200.0, 110.0), (180.0, 220.0)],
    "line": [(300.0, 300.0), (400.0, 310.0)],
    "arrow": [(150.0, 200.0), (160.0, 120.0)],
    "point": [(350.0, 200.0)],
    "box": [(60.0, 90.0), (50.0, 40.0)],
}
BARE = "site_id: a\nplace: b\ncamera: {camera_id: c, picture_size_px: [640, 480]}  # last line"


def points_of(list_name: str) -> dict[str, list[tuple[float, float]]]:
    return {name: POINTS[kind] for name, kind in DRAWINGS[list_name].shapes}


def test_everything_a_site_file_draws_can_be_drawn() -> None:
    assert set(DRAWINGS) == set(PART_LISTS)
    for name, drawing in DRAWINGS.items():
        (part,) = get_args(Site.model_fields[name].annotation)
        needed = {f for f, field in part.model_fields.items() if f.endswith("_px") and field.is_required()}
        assert needed <= {field for field, _ in drawing.shapes}


@pytest.mark.parametrize("list_name", DRAWINGS)
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_new_thing_is_the_last_of_its_list_and_all_else_stays(path: Path, list_name: str) -> None:
    text = path.read_text(encoding="utf-8")
    before, points = load_site(path), points_of(list_name)
    if list_name == "stop_lines":  # must lie in a lane
        points["points_px"] = [(round(x), round(y)) for x, y in before.stop_lines[0].points_px]
        points["towards_px"] = [(960, 470)]
    after, place = added(text, list_name, points)
    now = parse_site(after)
    *others, new = getattr(now, list_name)
    assert others == getattr(before, list_name)
    assert place == f"{list_name}.{len(others)}"
    assert now.model_copy(update={list_name: others}) == before
    for name, kind in DRAWINGS[list_name].shapes:
        drawn = (50, 40, 60, 90) if kind == "box" else points[name][0] if kind == "point" else points[name]
        assert getattr(new, name) in (drawn, tuple(drawn))
    lines = after.splitlines()
    rest = iter(lines)
    assert all(line in rest for line in text.splitlines())  # every line is still there, in order
    assert parse_site(removed(after, place)) == before


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_each_thing_can_be_taken_out(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    plain = YAML(typ="safe")
    for list_name in DRAWINGS:
        for number in range(len(getattr(load_site(path), list_name))):
            expected = plain.load(text)
            del expected[list_name][number]
            if not expected[list_name]:
                del expected[list_name]
            found = plain.load(removed(text, f"{list_name}.{number}.polygon_px"))
            assert {k: v for k, v in found.items() if v} == expected


@pytest.mark.parametrize(
    "start",
    [
        BARE,
        BARE + "\n",
        BARE + "\nboxes: []\n",
        BARE + "\nboxes: []   # none yet\nlanes: []\n",
        BARE + "\nboxes:\nlanes: []\n",
        BARE + "\nboxes: [{id: box-1, polygon_px: [[1, 1], [9, 1], [5, 9]]}]\n",
        BARE + "\nboxes:\n  - id: box-1\n    polygon_px: [[1, 1], [9, 1], [5, 9]]  # corner\n\n# end\n",
        BARE + "\nboxes:\n- id: box-1\n  polygon_px:\n  - [1, 1]\n  - [9, 1]\n  - [5, 9]\nlanes: []\n",
        BARE + "\nboxes:\n  # where\n  - {id: box-1, polygon_px: [[1, 1], [9, 1], [5, 9]]}",
    ],
)
def test_every_way_a_list_may_be_written(start: str) -> None:
    once, _ = added(start, "boxes", points_of("boxes"))
    twice, place = added(once, "boxes", points_of("boxes"))
    boxes = parse_site(twice).boxes
    assert [box.id for box in boxes] == [f"box-{n}" for n in range(1, len(boxes) + 1)]
    assert twice.count("#") == start.count("#")
    assert parse_site(removed(twice, place)).boxes == boxes[:-1]
    first = removed(twice, "boxes.0")
    assert parse_site(first).boxes == boxes[1:]
    assert first.count("# last line") == 1
    while parse_site(twice).boxes:
        twice = removed(twice, "boxes.0")


def test_points_in_a_block_are_found_and_moved_where_they_stand() -> None:
    text = FILES[1].read_text(encoding="utf-8")
    found = {shape.path: shape for shape in shapes(text)}
    lane = found["lanes.0.polygon_px"]
    assert lane.points_px == tuple(load_site(FILES[1]).lanes[0].polygon_px)
    same = moved(text, "lanes.0.polygon_px", [(x + 3, y) for x, y in lane.points_px])
    assert len(same.splitlines()) == len(text.splitlines())
    more = moved(text, "lanes.0.polygon_px", [*lane.points_px, (900, 990)])
    assert parse_site(more).lanes[0].polygon_px[-1] == (900, 990)
    assert parse_site(more).lanes[1:] == load_site(FILES[1]).lanes[1:]


@pytest.mark.parametrize(
    ("list_name", "points", "says"),
    [
        ("camera", {}, "nothing can be drawn"),
        ("boxes", {}, "polygon_px is not drawn"),
        ("boxes", {"polygon_px": [(1, 1), (2, 2)]}, "3 points at least"),
        ("stop_lines", {"points_px": [(1, 1), (2, 2)]}, "towards_px is not drawn"),
        ("lanes", {"polygon_px": POINTS["polygon"], "heading_px": POINTS["polygon"]}, "2 points"),
    ],
)
def test_what_cannot_be_drawn_so(list_name: str, points: dict[str, list[tuple[float, float]]], says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        added(BARE, list_name, points)


@pytest.mark.parametrize(
    "path", ["boxes.1", "boxes", "boxes.x.polygon_px", "boxes.-1", "lanes.0", "camera.0", "rules.V01", ""]
)
def test_what_cannot_be_taken_out(path: str) -> None:
    text, _ = added(BARE, "boxes", points_of("boxes"))
    with pytest.raises(ConfigError, match="reload the page"):
        removed(text, path)
