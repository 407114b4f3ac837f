"""Pictures as files: full-resolution JPEG originals and the marked close-up of the subject."""

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from core.observations import Role
from evidence.draft import Box, StillImage

QUALITY = 95
MARK = (255, 214, 0)
"""Colour of the subject's box on derived pictures: traffic yellow, on a dark edge, readable on any road."""
EDGE = (20, 20, 20)
CLOSEUP_MARGIN = 0.6
"""Scene kept around the subject on a close-up, in sizes of the subject's box."""
CLOSEUP_MIN_PX = 160

NAMES = {
    Role.P1_BEFORE: "P1.jpg",
    Role.P2_DURING: "P2.jpg",
    Role.P3_AFTER: "P3.jpg",
    Role.T0_OVERVIEW: "T0.jpg",
    Role.T1_OVERVIEW: "T1.jpg",
    Role.PLATE_CLOSEUP: "PLATE.jpg",
    Role.SUBJECT_CLOSEUP: "SUBJECT.jpg",
}


def encode_jpeg(rgb: NDArray[np.uint8], *, quality: int = QUALITY) -> bytes:
    """Returns a JPEG with full colour resolution: a lamp is a few pixels of colour."""
    target = io.BytesIO()
    Image.fromarray(rgb).save(target, "JPEG", quality=quality, subsampling=0)
    return target.getvalue()


def decode_jpeg(content: bytes) -> Image.Image:
    """Returns the RGB picture a JPEG holds."""
    return Image.open(io.BytesIO(content)).convert("RGB")


def crop_box(size_px: tuple[int, int], xyxy: Box, *, aspect: float) -> tuple[int, int, int, int]:
    """Returns the part of a picture to show as close-up: the subject and a margin, in the wanted shape."""
    width, height = size_px
    box_w, box_h = xyxy[2] - xyxy[0], xyxy[3] - xyxy[1]
    want_w = max(box_w * (1 + CLOSEUP_MARGIN), box_h * (1 + CLOSEUP_MARGIN) * aspect, CLOSEUP_MIN_PX * aspect)
    want_w = min(want_w, width, height * aspect)
    want_h = want_w / aspect
    left = min(max((xyxy[0] + xyxy[2] - want_w) / 2, 0), width - want_w)
    top = min(max((xyxy[1] + xyxy[3] - want_h) / 2, 0), height - want_h)
    x1, y1 = round(left), round(top)
    return x1, y1, min(width, max(x1 + 1, round(left + want_w))), min(height, max(y1 + 1, round(top + want_h)))


def mark_box(picture: Image.Image, xyxy: Box, *, line_px: int) -> None:
    """Draws the thin box around the subject, just outside it."""
    draw = ImageDraw.Draw(picture)
    x1, y1, x2, y2 = (round(v) for v in xyxy)
    for offset, colour in ((line_px + 1, EDGE), (line_px, MARK)):
        draw.rectangle((x1 - offset, y1 - offset, x2 + offset, y2 + offset), outline=colour, width=offset)


def build_closeup(still: StillImage) -> bytes:
    """Returns the subject cut out at its own resolution (nothing enlarged or enhanced), marked, as JPEG."""
    x1, y1, x2, y2 = crop_box(still.size_px, still.xyxy, aspect=4 / 3)
    picture = Image.fromarray(np.ascontiguousarray(still.rgb[y1:y2, x1:x2]))
    bx1, by1, bx2, by2 = still.xyxy
    mark_box(picture, (bx1 - x1, by1 - y1, bx2 - x1, by2 - y1), line_px=2)
    return encode_jpeg(np.asarray(picture))
