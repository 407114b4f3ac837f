"""What the console draws over a clip: the part of the site the offence is about."""

import pytest

from core.observations import ActorClass, Candidate, Moment, Role
from core.site import Site
from pipeline.package import _lines

SQUARE = [(10, 10), (30, 10), (30, 30), (10, 30)]
SITE = Site.model_validate(
    {
        "site_id": "s",
        "place": "p",
        "camera": {"camera_id": "c", "picture_size_px": (64, 36)},
        "stop_lines": [{"id": "south", "points_px": [(1, 20), (60, 20)], "towards_px": (30, 5)}],
        "lanes": [
            {"id": "south", "kind": "motor", "polygon_px": SQUARE},
            {"id": "l2", "kind": "bus", "polygon_px": [(x + 20, y) for x, y in SQUARE]},
        ],
        "barriers": [{"id": "fence", "points_px": [(1, 1), (60, 1)]}],
        "nonmotor_zones": [{"id": "walk", "polygon_px": SQUARE}],
    }
)


@pytest.mark.parametrize(
    ("violation_id", "region_id", "kinds"),
    [
        ("V01", "south", ["stop_line"]),
        ("V07", "l2", ["zone"]),
        ("V10", "walk", ["zone"]),
        ("V21", "fence", ["barrier"]),
        ("V19", None, []),
    ],
)
def test_the_part_the_offence_is_about(violation_id: str, region_id: str | None, kinds: list[str]) -> None:
    candidate = Candidate(
        violation_id=violation_id,
        track_id=1,
        subject=ActorClass.PERSON,
        moments=(Moment(role=Role.P1_BEFORE, pts_ns=0, xyxy=(0, 0, 5, 5)),),
        region_id=region_id,
    )
    assert [line["kind"] for line in _lines(SITE, candidate)] == kinds
