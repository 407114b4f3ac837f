"""Light and air of a scene: what the sun, the sky and the street lamps give, and what the air takes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from sim.mesh import Triple

WeatherName = Literal["day", "dusk", "night", "rain", "haze"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Weather:
    """One kind of light and air; colours in linear RGB.

    ``ambient_low`` and ``ambient_high`` light what faces down and up; ``fog`` is the air's colour and
    ``fog_per_m`` the share of light it takes per metre; ``is_lit`` switches street lamps, windows and the lights
    of vehicles on; ``wetness`` 0-1 darkens the road and lets it mirror lamps; ``grain`` is the sensor's noise in
    grey levels.
    """

    sun: Triple = (3.0, 2.75, 2.4)
    ambient_low: Triple = (0.20, 0.19, 0.18)
    ambient_high: Triple = (0.52, 0.60, 0.72)
    zenith: Triple = (0.16, 0.30, 0.58)
    horizon: Triple = (0.62, 0.70, 0.78)
    cloud: float = 0.95
    fog: Triple = (0.589, 0.6555, 0.722)
    fog_per_m: float = 0.0011
    exposure: float = 0.62
    is_lit: bool = False
    is_sunny: bool = True
    wetness: float = 0.0
    has_streaks: bool = False
    grain: float = 1.4


WEATHERS: dict[WeatherName, Weather] = {
    "day": Weather(),
    "dusk": Weather(
        sun=(0.55, 0.30, 0.16),
        ambient_low=(0.06, 0.055, 0.06),
        ambient_high=(0.16, 0.17, 0.26),
        zenith=(0.05, 0.08, 0.20),
        horizon=(0.42, 0.26, 0.20),
        cloud=0.35,
        fog=(0.20, 0.17, 0.19),
        fog_per_m=0.0016,
        exposure=1.15,
        is_lit=True,
        grain=2.6,
    ),
    "night": Weather(
        sun=(0.0, 0.0, 0.0),
        ambient_low=(0.010, 0.010, 0.012),
        ambient_high=(0.020, 0.022, 0.032),
        zenith=(0.006, 0.008, 0.016),
        horizon=(0.035, 0.030, 0.030),
        cloud=0.04,
        fog=(0.018, 0.017, 0.018),
        fog_per_m=0.0020,
        exposure=1.5,
        is_lit=True,
        is_sunny=False,
        grain=4.2,
    ),
    "rain": Weather(
        sun=(0.0, 0.0, 0.0),
        ambient_low=(0.20, 0.20, 0.20),
        ambient_high=(0.52, 0.55, 0.60),
        zenith=(0.34, 0.37, 0.41),
        horizon=(0.50, 0.52, 0.55),
        cloud=0.50,
        fog=(0.44, 0.46, 0.49),
        fog_per_m=0.0055,
        exposure=0.80,
        is_lit=True,
        is_sunny=False,
        wetness=0.9,
        has_streaks=True,
        grain=2.2,
    ),
    "haze": Weather(
        sun=(0.0, 0.0, 0.0),
        ambient_low=(0.24, 0.23, 0.21),
        ambient_high=(0.66, 0.66, 0.66),
        zenith=(0.52, 0.53, 0.52),
        horizon=(0.62, 0.61, 0.58),
        cloud=0.62,
        fog=(0.60, 0.59, 0.56),
        fog_per_m=0.0125,
        exposure=0.72,
        is_sunny=False,
        grain=1.8,
    ),
}
