import json
from pathlib import Path

import pytest

from core.district import load_district
from core.errors import ConfigError

SQUARE = {
    "type": "Polygon",
    "coordinates": [[[118.0, 34.0], [119.0, 34.0], [119.0, 35.0], [118.0, 35.0], [118.0, 34.0]]],
}
FAR = {"type": "Polygon", "coordinates": [[[120.0, 34.0], [121.0, 34.0], [121.0, 35.0], [120.0, 34.0]]]}


def written(folder: Path, found: object) -> Path:
    path = folder / "district.geojson"
    path.write_text(found if isinstance(found, str) else json.dumps(found), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    "found",
    [
        SQUARE,
        {"type": "Feature", "properties": {}, "geometry": SQUARE},
        {
            "type": "FeatureCollection",
            "features": [{"type": "Feature", "properties": {}, "geometry": one} for one in (FAR, SQUARE)],
        },
    ],
)
def test_how_far_outside_a_place_lies(tmp_path: Path, found: object) -> None:
    district = load_district(written(tmp_path, found))
    assert district.outside_m(34.5, 118.5) == 0
    assert district.outside_m(34.0, 118.5) == 0  # the boundary belongs to it
    assert district.outside_m(33.99, 118.5) == pytest.approx(1112, rel=0.01)  # 1/90 of 100 km
    assert district.outside_m(34.5, 117.99) == pytest.approx(916, rel=0.01)  # a degree of longitude: 111.2 km cos 34.5


@pytest.mark.parametrize(
    "found",
    [
        "not json",
        [1],
        {"type": "Point", "coordinates": [118.0, 34.0]},
        {"type": "FeatureCollection", "features": []},
        {"type": "Polygon", "coordinates": [[[0, 0], [1, 1]]]},
        {"type": "Polygon", "coordinates": [[[0, 0], [1, 1], [1, 0], [0, 1], [0, 0]]]},
        {"type": "Polygon", "coordinates": [[[500000, 0], [500100, 0], [500100, 100], [500000, 0]]]},
    ],
)
def test_what_is_no_boundary_is_said_in_one_line(tmp_path: Path, found: object) -> None:
    with pytest.raises(ConfigError, match="district"):
        load_district(written(tmp_path, found))


def test_missing_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="LUKOU_DISTRICT"):
        load_district(tmp_path / "none.geojson")
