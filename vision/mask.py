"""Masking: a solid rectangle over every head and every plate, before a picture may leave the office.

Recall first, beauty second. The detector runs far below its usual confidence, on the whole picture and on
overlapping tiles of it, so that small people are found. There is no head or plate network yet, so zones of
the actor boxes are covered instead, larger than needed:

    person                upper 32 % of the box, 12 % above it, 10 % to each side
    two-wheeler           upper 42 % (rider and passenger), 12 % above it; lower 58 % (plate)
    car                   lower 70 % over the full width (plate); the windows above it once faces could be seen
    bus, truck            lower 45 % (plate); windows likewise

What no box covers is not masked: the recall that was measured, and on what, is in ``docs/models/pole.md``.
The fill is opaque, the picture is encoded anew, all metadata is gone: nothing of the covered pixels is left.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

import cv2
import numpy as np
from numpy.typing import NDArray

from core.errors import ModelError
from core.observations import ActorClass, FloatArray, Picture
from vision.detect import Detector, load_detector

CONFIDENCE = 0.05
"""Lowest confidence of an actor that is masked."""

LONG_SIDE_PX = 640
"""Network input per tile: tiles are already near full resolution."""

FILL_RGB = (0x20, 0x24, 0x2C)
JPEG_QUALITY = 88
TILE_PX = 720
"""Tiles are about this wide and high, so the network sees them near full resolution."""

TILE_OVERLAP = 0.2
"""Share of a tile that its neighbour sees too."""

LEAST_FACE_PX = 8
"""Faces behind a window narrower than this show no feature of a person.

Source: EN 62676-4, level "observe" (characteristic details of an individual) begins at 62.5 px/m: a face is 10 px wide.
"""

FACE_TO_CAR_HEIGHT = 0.1
"""Width of a face against the height of a car (0.16 m against 1.5 m)."""


class RegionKind(StrEnum):
    """What a covered region hides."""

    HEAD = "head"
    PLATE = "plate"
    WINDOW = "window"


@dataclass(frozen=True, slots=True, kw_only=True)
class Region:
    """A rectangle to cover, whole pixels, half-open, inside the picture."""

    kind: RegionKind
    xyxy: tuple[int, int, int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Zone:
    """Part of an actor's box: ``top`` and ``bottom`` in box heights from its top edge, ``aside`` in box widths."""

    kind: RegionKind
    top: float
    bottom: float
    aside: float = 0.0
    needs_faces: bool = False


HEAD = Zone(kind=RegionKind.HEAD, top=-0.12, bottom=0.32, aside=0.10)
RIDER_HEAD = Zone(kind=RegionKind.HEAD, top=-0.12, bottom=0.42, aside=0.05)
RIDER_PLATE = Zone(kind=RegionKind.PLATE, top=0.42, bottom=1.05, aside=0.03)
CAR_PLATE = Zone(kind=RegionKind.PLATE, top=0.30, bottom=1.03, aside=0.03)
CAR_WINDOW = Zone(kind=RegionKind.WINDOW, top=0.06, bottom=0.31, needs_faces=True)
TALL_PLATE = Zone(kind=RegionKind.PLATE, top=0.55, bottom=1.03, aside=0.03)
TALL_WINDOW = Zone(kind=RegionKind.WINDOW, top=0.12, bottom=0.56, needs_faces=True)

ZONES: dict[ActorClass, tuple[Zone, ...]] = {
    ActorClass.PERSON: (HEAD,),
    ActorClass.BICYCLE: (RIDER_HEAD,),
    ActorClass.MOTORCYCLE: (RIDER_HEAD, RIDER_PLATE),
    ActorClass.CAR: (CAR_PLATE, CAR_WINDOW),
    ActorClass.BUS: (TALL_PLATE, TALL_WINDOW),
    ActorClass.TRUCK: (TALL_PLATE, TALL_WINDOW),
}


class PictureMasker:
    """Masks full-resolution pictures. Safe to use from one thread at a time per detector."""

    def __init__(self, *, detector: Detector | None = None, engine: str = "auto") -> None:
        """Loads the network.

        Args:
            detector: Detector to use instead of the shipped one; it must report low confidences and riders.
            engine: Inference engine of the shipped one.

        Raises:
            ModelError: the network cannot be loaded.
        """
        self._detector = detector or load_detector(
            engine=engine, confidence=CONFIDENCE, keep_riders=True, long_side_px=LONG_SIDE_PX
        )

    def mask(self, jpeg: bytes) -> bytes:
        """Returns the picture with every found head and plate covered, encoded anew, without metadata.

        Raises:
            ModelError: the bytes are no picture; nothing may be shown then.
        """
        rgb = decode(jpeg)
        cover(rgb, self.regions(rgb))
        done, coded = cv2.imencode(".jpg", rgb[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
        if not done:
            raise ModelError("the masked picture cannot be encoded; show nothing instead")
        return coded.tobytes()

    def regions(self, rgb: NDArray[np.uint8]) -> list[Region]:
        """Returns what has to be covered.

        Shapes: rgb (h, w, 3).
        """
        height, width = rgb.shape[:2]
        found: list[Region] = []
        for tile in tiles(width, height):
            boxes, classes = self._find(rgb, tile)
            for box, class_id in zip(boxes.tolist(), classes.tolist(), strict=True):
                found += zones_of(ActorClass(class_id), box, width, height)
        return sorted(set(found), key=lambda region: (region.kind, region.xyxy))

    def _find(self, rgb: NDArray[np.uint8], tile: tuple[int, int, int, int]) -> tuple[FloatArray, NDArray[np.int64]]:
        """Returns (xyxy, class_id) of actors in a tile, in the picture's pixels, without those its inner edges cut."""
        x1, y1, x2, y2 = tile
        size = self._detector.picture_size(x2 - x1, y2 - y1)
        method = cv2.INTER_AREA if size[0] < x2 - x1 else cv2.INTER_LINEAR
        scaled = np.asarray(cv2.resize(rgb[y1:y2, x1:x2], size, interpolation=method), dtype=np.uint8)
        picture = Picture(pts_ns=0, rgb=scaled, source_size_px=(x2 - x1, y2 - y1))
        found = self._detector.detect([picture])[0]
        xyxy = found.xyxy + np.array([x1, y1, x1, y1], dtype=np.float32)
        whole = ~is_cut(xyxy, tile, (rgb.shape[1], rgb.shape[0]))
        return xyxy[whole], found.class_id[whole]


def decode(jpeg: bytes) -> NDArray[np.uint8]:
    """Returns a picture's pixels, RGB, turned as its metadata says.

    Raises:
        ModelError: the bytes are no picture.
    """
    bgr = cv2.imdecode(np.frombuffer(jpeg, dtype=np.uint8), cv2.IMREAD_COLOR) if jpeg else None
    if bgr is None:
        raise ModelError("the picture to mask cannot be decoded; show nothing instead")
    return np.ascontiguousarray(bgr[:, :, ::-1], dtype=np.uint8)


def cover(rgb: NDArray[np.uint8], regions: list[Region]) -> None:
    """Paints the regions over, in place."""
    for region in regions:
        x1, y1, x2, y2 = region.xyxy
        rgb[y1:y2, x1:x2] = FILL_RGB


def tiles(width_px: int, height_px: int) -> Iterator[tuple[int, int, int, int]]:
    """Yields the whole picture, then overlapping tiles of one size that cover it, at least 2 x 2.

    >>> len(list(tiles(1920, 1080)))
    7
    """
    yield 0, 0, width_px, height_px
    columns, rows = max(2, round(width_px / TILE_PX)), max(2, round(height_px / TILE_PX))
    tile_width = _tile_side(width_px, columns)
    tile_height = _tile_side(height_px, rows)
    for row in range(rows):
        for column in range(columns):
            x1 = round(column * (width_px - tile_width) / (columns - 1))
            y1 = round(row * (height_px - tile_height) / (rows - 1))
            yield x1, y1, x1 + tile_width, y1 + tile_height


def _tile_side(side_px: int, count: int) -> int:
    return min(side_px, round(side_px / (count - (count - 1) * TILE_OVERLAP)))


def is_cut(xyxy: FloatArray, tile: tuple[int, int, int, int], size_px: tuple[int, int]) -> NDArray[np.bool_]:
    """Tells which boxes end at an edge of the tile that is no edge of the picture.

    Actors smaller than the overlap are whole in a neighbouring tile, larger ones in the whole picture.
    Shapes: xyxy (N, 4); result (N,).
    """
    x1, y1, x2, y2 = tile
    width, height = size_px
    margin = np.float32(2)
    cut = np.zeros(len(xyxy), dtype=bool)
    if x1 > 0:
        cut |= xyxy[:, 0] <= x1 + margin
    if y1 > 0:
        cut |= xyxy[:, 1] <= y1 + margin
    if x2 < width:
        cut |= xyxy[:, 2] >= x2 - margin
    if y2 < height:
        cut |= xyxy[:, 3] >= y2 - margin
    return cut


def zones_of(actor: ActorClass, box: list[float], width_px: int, height_px: int) -> list[Region]:
    """Returns the regions to cover for one actor, clipped to the picture."""
    x1, y1, x2, y2 = box
    wide, high = x2 - x1, y2 - y1
    found = []
    for zone in ZONES[actor]:
        if zone.needs_faces and high * FACE_TO_CAR_HEIGHT < LEAST_FACE_PX:
            continue
        region = (
            max(0, int(np.floor(x1 - zone.aside * wide))),
            max(0, int(np.floor(y1 + zone.top * high))),
            min(width_px, int(np.ceil(x2 + zone.aside * wide))),
            min(height_px, int(np.ceil(y1 + zone.bottom * high))),
        )
        if region[0] < region[2] and region[1] < region[3]:
            found.append(Region(kind=zone.kind, xyxy=region))
    return found
