"""Draws a site file on a frame, so that an operator sees at one glance whether it fits the picture."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from core.site import Point, Site

Colour = tuple[int, int, int]
AnyFont = ImageFont.FreeTypeFont | ImageFont.ImageFont

COLOURS: dict[str, Colour] = {
    "stop_line": (255, 60, 60),
    "lane": (90, 160, 255),
    "exit": (180, 120, 255),
    "crosswalk": (255, 220, 60),
    "waiting_area": (120, 230, 230),
    "no_stop_zone": (255, 140, 40),
    "direction_zone": (90, 230, 110),
    "box": (255, 200, 0),
    "parking_bay": (150, 200, 160),
    "solid_line": (255, 255, 255),
    "no_u_turn_zone": (255, 90, 150),
    "barrier": (200, 140, 90),
    "nonmotor_zone": (210, 170, 255),
    "long_stay_zone": (150, 120, 90),
    "signal": (255, 110, 220),
}

NAMES_ZH: dict[str, str] = {
    "stop_line": "停止线",
    "lane": "车道",
    "exit": "出口",
    "crosswalk": "人行横道",
    "waiting_area": "待转区",
    "no_stop_zone": "禁停区",
    "direction_zone": "行驶方向",
    "box": "网状线",
    "parking_bay": "停车泊位",
    "solid_line": "实线",
    "no_u_turn_zone": "禁止掉头区",
    "barrier": "隔离设施",
    "nonmotor_zone": "非机动车禁停区",
    "long_stay_zone": "长期停放观察区",
    "signal": "信号灯",
}

FONT_FILES = (
    "/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc",
    "/usr/share/fonts/truetype/wqy/wqy-microhei.ttc",
    "/usr/share/fonts/truetype/wqy/wqy-zenhei.ttc",
    "/usr/share/fonts/truetype/droid/DroidSansFallbackFull.ttf",
    "/usr/share/fonts/google-noto-cjk/NotoSansCJK-Regular.ttc",
)
"""Where Debian, Ubuntu and Fedora keep a font with Chinese characters."""

SHORT_SIDE_PX = 720
"""Smaller pictures are enlarged to this, or the labels would cover what they name."""


def draw_site(site: Site, rgb: NDArray[np.uint8]) -> Image.Image:
    """Returns the frame with everything the site configures drawn and labelled on it.

    Shapes: rgb (H, W, 3), the size the site's coordinates are for.
    """
    picture = Image.fromarray(rgb)
    factor = max(1.0, SHORT_SIDE_PX / min(picture.size))
    size = (round(picture.width * factor), round(picture.height * factor))
    drawer = _Drawer(picture.resize(size, Image.Resampling.BICUBIC), factor)
    _draw_areas(drawer, site)
    _draw_kerbside(drawer, site)
    _draw_lines(drawer, site)
    return drawer.picture


def _draw_areas(drawer: "_Drawer", site: Site) -> None:
    for lane in site.lanes:
        drawer.area("lane", f"{lane.id} {lane.kind} {''.join(lane.movements)}", lane.polygon_px)
        drawer.arrow("lane", lane.heading_px)
    for leave in site.exits:
        drawer.area("exit", f"{leave.id} {leave.movement}", leave.polygon_px)
    for walk in site.crosswalks:
        drawer.area("crosswalk", _with_signal(walk.id, walk.signal), walk.polygon_px)
        for island in walk.refuge_islands_px:
            drawer.area("crosswalk", "refuge", island)
    for area in site.waiting_areas:
        drawer.area("waiting_area", area.id, area.polygon_px)
    for box in site.boxes:
        drawer.area("box", box.id, box.polygon_px)
    for turn in site.no_u_turn_zones:
        drawer.area("no_u_turn_zone", _with_signal(turn.id, turn.signal), turn.polygon_px)


def _draw_kerbside(drawer: "_Drawer", site: Site) -> None:
    for zone in site.no_stop_zones:
        limit = "" if zone.confirm_s is None else f" {zone.confirm_s:g} s"
        drawer.area("no_stop_zone", zone.id + limit, zone.polygon_px)
    for bay in site.parking_bays:
        drawer.area("parking_bay", bay.id, bay.polygon_px)
    for spot in site.nonmotor_zones:
        drawer.area("nonmotor_zone", spot.id, spot.polygon_px)
    for place in site.long_stay_zones:
        drawer.area("long_stay_zone", place.id + (" permitted" if place.kind == "permitted" else ""), place.polygon_px)


def _draw_lines(drawer: "_Drawer", site: Site) -> None:
    for way in site.direction_zones:
        drawer.area("direction_zone", way.id + (" two-way" if way.two_way else ""), way.polygon_px)
        drawer.arrow("direction_zone", way.heading_px)
    for line in site.stop_lines:
        drawer.line("stop_line", _with_signal(f"{line.id} {''.join(line.movements)}", line.signal), line.points_px)
        drawer.arrow("stop_line", (_middle(line.points_px), line.towards_px))
    for mark in site.solid_lines:
        drawer.line("solid_line", f"{mark.id} {mark.kind}", mark.points_px)
    for fence in site.barriers:
        drawer.line("barrier", fence.id, fence.points_px)
    for lamp in site.signals:
        if lamp.region_px is not None:
            drawer.box("signal", lamp.id, lamp.region_px)


@cache
def label_font(size_px: int) -> tuple[AnyFont, bool]:
    """Returns the font for labels and whether it has Chinese characters."""
    for name in FONT_FILES:
        if Path(name).is_file():
            return ImageFont.truetype(name, size_px), True
    return ImageFont.load_default(size_px), False


class _Drawer:
    """One picture being drawn on; coordinates come in the site's pixels."""

    def __init__(self, picture: Image.Image, factor: float) -> None:
        self.picture = picture
        self._factor = factor
        self._draw = ImageDraw.Draw(picture, "RGBA")
        self._width = max(2, round(min(picture.size) / 360))
        self._font, self._is_chinese = label_font(max(13, round(min(picture.size) / 48)))

    def area(self, kind: str, label: str, points: Sequence[Point]) -> None:
        """Draws a polygon, lightly filled."""
        corners = self._scaled(points)
        self._draw.polygon(corners, fill=(*COLOURS[kind], 36))
        self._draw.line([*corners, corners[0]], fill=COLOURS[kind], width=self._width, joint="curve")
        self._label(kind, label, _middle(corners))

    def line(self, kind: str, label: str, points: Sequence[Point]) -> None:
        """Draws a polyline with its label at its first point."""
        corners = self._scaled(points)
        self._draw.line(corners, fill=COLOURS[kind], width=self._width + 1, joint="curve")
        self._label(kind, label, corners[0])

    def box(self, kind: str, label: str, xyxy: tuple[float, float, float, float]) -> None:
        """Draws a rectangle with its label beside it."""
        (x1, y1), (x2, y2) = self._scaled([(xyxy[0], xyxy[1]), (xyxy[2], xyxy[3])])
        self._draw.rectangle((x1, y1, x2, y2), outline=COLOURS[kind], width=self._width)
        self._label(kind, label, (x2 + 4, y1))

    def arrow(self, kind: str, ends: tuple[Point, Point] | None) -> None:
        """Draws an arrow with its head at the second point."""
        if ends is None:
            return
        (x1, y1), (x2, y2) = self._scaled(ends)
        along = np.array([x2 - x1, y2 - y1])
        length = float(np.hypot(*along))
        if length < 1:
            return
        step = along / length * self._width * 5
        left = (x2 - step[0] - step[1] / 2, y2 - step[1] + step[0] / 2)
        right = (x2 - step[0] + step[1] / 2, y2 - step[1] - step[0] / 2)
        self._draw.line([(x1, y1), (x2 - step[0] / 2, y2 - step[1] / 2)], fill=COLOURS[kind], width=self._width)
        self._draw.polygon([(x2, y2), left, right], fill=COLOURS[kind])

    def _label(self, kind: str, label: str, at: Point) -> None:
        name = NAMES_ZH[kind] if self._is_chinese else kind.replace("_", " ")
        text = f"{name} {label}".strip()
        left, top, right, bottom = self._draw.textbbox((0, 0), text, font=self._font)
        x = min(max(0.0, at[0]), self.picture.width - (right - left) - 8)
        y = min(max(0.0, at[1] - (bottom - top) / 2), self.picture.height - (bottom - top) - 8)
        self._draw.rectangle((x, y, x + right - left + 8, y + bottom - top + 6), fill=(0, 0, 0, 170))
        self._draw.text((x + 4 - left, y + 3 - top), text, font=self._font, fill=COLOURS[kind])

    def _scaled(self, points: Sequence[Point]) -> list[Point]:
        return [(x * self._factor, y * self._factor) for x, y in points]


def _with_signal(label: str, signal: str | None) -> str:
    return f"{label} <- {signal}" if signal else label


def _middle(points: Sequence[Point]) -> Point:
    return (sum(x for x, _ in points) / len(points), sum(y for _, y in points) / len(points))
