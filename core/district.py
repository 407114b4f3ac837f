"""The area an office answers for: a boundary in GeoJSON, as every map service hands one out."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry import Point, shape
from shapely.geometry.base import BaseGeometry

from core.errors import ConfigError

M_PER_DEG = 111_195.0
"""Metres per degree of latitude on a sphere of 6,371 km."""


@dataclass(frozen=True, slots=True, kw_only=True)
class District:
    """Polygons in degrees, longitude before latitude, WGS 84."""

    boundary: BaseGeometry

    def outside_m(self, lat_deg: float, lon_deg: float) -> float:
        """Returns how far a place lies outside; 0 within. Distances are flat-earth, good to 1 % over 100 km."""

        def around(points: NDArray[np.float64]) -> NDArray[np.float64]:
            scale = M_PER_DEG * np.array((math.cos(math.radians(lat_deg)), 1.0))
            return (points - (lon_deg, lat_deg)) * scale

        return float(shapely.transform(self.boundary, around).distance(Point(0, 0)))


def load_district(path: Path) -> District:
    """Returns the district of a GeoJSON file: its polygons, alone or in a feature or a collection of features.

    Raises:
        ConfigError: missing, no GeoJSON, or no valid polygon in it.
    """
    try:
        boundary = shapely.union_all([shape(found) for found in _polygons(json.loads(path.read_text("utf-8")))])
    except OSError as error:
        raise ConfigError(f"district {path} cannot be read ({error.strerror}); check LUKOU_DISTRICT") from error
    except (ValueError, TypeError, KeyError, AttributeError, shapely.GEOSException) as error:
        raise ConfigError(f"district {path} is no GeoJSON; export the boundary again, in WGS 84") from error
    west, south, east, north = boundary.bounds
    if not boundary.is_valid or not boundary.area or max(-west, east) > 180 or max(-south, north) > 90:
        raise ConfigError(f"district {path} holds no valid polygon in degrees; export the boundary again, in WGS 84")
    return District(boundary=boundary)


def _polygons(found: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    if found["type"] == "FeatureCollection":
        return [polygon for feature in found["features"] for polygon in _polygons(feature)]
    geometry = found["geometry"] if found["type"] == "Feature" else found
    return [geometry] if geometry["type"] in ("Polygon", "MultiPolygon") else []
