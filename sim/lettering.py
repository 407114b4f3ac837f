"""Text in the picture: fonts, and the bar that marks a clip as synthetic."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

MARK_ZH = "合成画面"
MARK_LATIN = "SYNTHETIC"
_FONTS = (
    "/usr/share/fonts/opentype/noto/NotoSansCJK-Bold.ttc",
    "/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc",
    "/usr/share/fonts/truetype/wqy/wqy-zenhei.ttc",
)


@cache
def load_font(size_px: int) -> tuple[Any, bool]:
    """Returns a font and whether it has Chinese characters."""
    for name in _FONTS:
        if Path(name).exists():
            return ImageFont.truetype(name, size_px), True
    return ImageFont.load_default(size_px), False


class Caption:
    """Draws clock, camera and the synthetic mark over a frame."""

    def __init__(self, camera_id: str, place: str, picture_size_px: tuple[int, int]) -> None:
        scale = picture_size_px[0] / 1920
        self._large, is_chinese = load_font(round(40 * scale))
        self._small = load_font(round(28 * scale))[0]
        self._margin, self._line = round(36 * scale), round(56 * scale)
        mark = f"{MARK_ZH} {MARK_LATIN}" if is_chinese else MARK_LATIN
        self._mark = self._strip(mark, self._large)
        self._camera = self._strip(camera_id, self._small)
        self._place = self._strip(place if is_chinese else "", self._small)
        self._foot = self._strip(mark, self._small)

    def draw(self, frame: Any, clock: str) -> None:
        """Draws onto a BGR frame in place."""
        height, width = frame.shape[:2]
        left, top = self._margin, self._margin
        self._blend(frame, self._strip(clock, self._large), (left, top))
        self._blend(frame, self._camera, (left, top + self._line))
        self._blend(frame, self._mark, (width - left - self._mark.shape[1], top))
        self._blend(frame, self._place, (width - left - self._place.shape[1], top + self._line))
        self._blend(frame, self._foot, (left, height - top - self._foot.shape[0]))

    def _strip(self, text: str, font: Any) -> Any:
        left, top, right, bottom = (int(v) for v in font.getbbox(text, stroke_width=3))
        image = Image.new("LA", (right - left + 2, bottom - top + 2), (0, 0))
        draw = ImageDraw.Draw(image)
        draw.text((-left, -top), text, font=font, fill=(255, 255), stroke_width=3, stroke_fill=(0, 255))
        return np.asarray(image, np.float32)

    def _blend(self, frame: Any, strip: Any, at: tuple[int, int]) -> None:
        x, y = at
        area = frame[y : y + strip.shape[0], x : x + strip.shape[1]]
        share = strip[..., 1:] / 255
        area[:] = (area * (1 - share) + strip[..., :1] * share).astype(np.uint8)
