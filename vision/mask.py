"""Masking: a solid rectangle over every head and every plate, before a picture may leave the office.

Recall first, beauty second. The detector runs far below its usual confidence, on the whole picture and on
overlapping tiles of it, so that small people are found. The network for heads and plates (``vision.parts``) then looks
at each actor and, for heads nobody belongs to, at the whole picture. What it finds is covered, enlarged. Only a sure
plate spares the rest of its vehicle; where there is none, a zone of the actor's box is covered, larger than needed:

    person                upper 32 % of the box, 12 % above it, 10 % to each side
    two-wheeler           upper 42 % (rider and passenger), 12 % above it; lower 58 % (plate)
    car                   lower 70 % over the full width (plate); the windows, down to 60 %, once faces could be seen
    bus, truck            lower 45 % (plate); windows likewise, down to 62 and 78 %

What no box covers is not masked: the recall that was measured, and on what, is in ``docs/models/parts.md``.
The fill is opaque, the picture is encoded anew, all metadata is gone: nothing of the covered pixels is left.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

import cv2
import numpy as np
from numpy.typing import NDArray

from core.errors import ModelError
from core.observations import ActorClass, FloatArray, IntArray, Picture
from models.boxes import KINDS, overlap, suppress
from vision.detect import Detector, load_detector
from vision.parts import Part, PartFinder, PartKind, Window, load_parts

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

LEAST_CHARACTER_PX = 5
"""Plates whose characters are lower than this are read by nobody; readers ask for 8 and more, the rest is reserve."""

CHARACTER_M = 0.09
"""Height of a character on a plate. Source: GA 36-2018, 90 mm on small plates; other layouts are lower or alike."""

NARROWEST_M = {
    ActorClass.MOTORCYCLE: (0.55, 1.0),
    ActorClass.CAR: (1.5, 1.3),
    ActorClass.BUS: (2.0, 2.4),
    ActorClass.TRUCK: (1.6, 1.6),
}
"""Width and height that no vehicle of the class falls short of: more pixels to the metre than they allow, none has.

Source: GA 802-2019 vehicle classes; smallest cars on sale 1.5 m wide, 1.3 m high.
"""

PART_CONFIDENCE = 0.05
"""Lowest confidence of a head or plate on an actor that is covered."""

STRAY_CONFIDENCE = 0.3
"""Lowest confidence of a head or plate that belongs to no actor."""

SURE = 0.5
"""A plate at least this sure spares the rest of its vehicle."""

SURE_ACTOR = 0.25
"""Weaker boxes are mostly parts or groups of surer ones: a sure plate inside them is enough."""

SAME_ACTOR = 0.6
"""Boxes of one kind that overlap more are one actor, seen in several tiles."""

STRAY_SIDES_PX = (200, 480)
"""Sides of the windows in which stray heads are looked for: small ones enlarged, large ones whole."""

GROWN = {PartKind.HEAD: (0.35, 0.35), PartKind.PLATE: (0.3, 0.45)}
"""How far a covered part reaches over its box on each side, in widths and heights of it."""


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
CAR_WINDOW = Zone(kind=RegionKind.WINDOW, top=0.04, bottom=0.6, needs_faces=True)
TALL_PLATE = Zone(kind=RegionKind.PLATE, top=0.55, bottom=1.03, aside=0.03)
BUS_WINDOW = Zone(kind=RegionKind.WINDOW, top=0.12, bottom=0.62, needs_faces=True)
TRUCK_WINDOW = Zone(kind=RegionKind.WINDOW, top=0.12, bottom=0.78, needs_faces=True)

ZONES: dict[ActorClass, tuple[Zone, ...]] = {
    ActorClass.PERSON: (HEAD,),
    ActorClass.BICYCLE: (RIDER_HEAD,),
    ActorClass.MOTORCYCLE: (RIDER_HEAD, RIDER_PLATE),
    ActorClass.CAR: (CAR_PLATE, CAR_WINDOW),
    ActorClass.BUS: (TALL_PLATE, BUS_WINDOW),
    ActorClass.TRUCK: (TALL_PLATE, TRUCK_WINDOW),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Actors:
    """Boxes of actors. Shapes: xyxy (N, 4) in the picture's pixels, confidence (N,), class_id (N,)."""

    xyxy: FloatArray
    confidence: FloatArray
    class_id: IntArray

    def distinct(self) -> IntArray:
        """Returns the rows that stand for one actor each."""
        return suppress(self.xyxy, self.confidence, self.class_id, SAME_ACTOR)


class PictureMasker:
    """Masks full-resolution pictures. Safe to use from one thread at a time per detector."""

    def __init__(
        self, *, detector: Detector | None = None, parts: PartFinder | None = None, engine: str = "auto"
    ) -> None:
        """Loads the networks.

        Args:
            detector: Detector to use instead of the shipped one; it must report low confidences and riders.
            parts: Finder of heads and plates to use instead of the shipped one; it must report low confidences.
            engine: Inference engine of the shipped ones.

        Raises:
            ModelError: a network cannot be loaded.
        """
        self._detector = detector or load_detector(
            engine=engine, confidence=CONFIDENCE, keep_riders=True, long_side_px=LONG_SIDE_PX
        )
        self._parts = parts or load_parts(engine, confidence=PART_CONFIDENCE)

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
        actors = self._find(rgb)
        rows = actors.distinct()
        parts = self._parts.find(rgb, actors.xyxy[rows])
        strays = self._parts.look(rgb, list(stray_windows(width, height)))
        covered = [*parts, *(part for part in strays if part.confidence >= STRAY_CONFIDENCE)]
        found = [grown(part, width, height) for part in covered]
        spared = spared_actors(actors, rows, [part for part in parts if part.confidence >= SURE])
        for box, class_id, is_spared in zip(actors.xyxy.tolist(), actors.class_id.tolist(), spared, strict=True):
            found += zones_of(ActorClass(class_id), box, width, height, has_plate=bool(is_spared))
        return sorted(set(found), key=lambda region: (region.kind, region.xyxy))

    def _find(self, rgb: NDArray[np.uint8]) -> Actors:
        """Returns the actors of all tiles, in the picture's pixels, without those that inner edges cut."""
        found = [self._find_in(rgb, tile) for tile in tiles(rgb.shape[1], rgb.shape[0])]
        return Actors(
            xyxy=np.concatenate([part.xyxy for part in found]),
            confidence=np.concatenate([part.confidence for part in found]),
            class_id=np.concatenate([part.class_id for part in found]),
        )

    def _find_in(self, rgb: NDArray[np.uint8], tile: tuple[int, int, int, int]) -> Actors:
        x1, y1, x2, y2 = tile
        size = self._detector.picture_size(x2 - x1, y2 - y1)
        method = cv2.INTER_AREA if size[0] < x2 - x1 else cv2.INTER_LINEAR
        scaled = np.asarray(cv2.resize(rgb[y1:y2, x1:x2], size, interpolation=method), dtype=np.uint8)
        picture = Picture(pts_ns=0, rgb=scaled, source_size_px=(x2 - x1, y2 - y1))
        found = self._detector.detect([picture])[0]
        xyxy = found.xyxy + np.array([x1, y1, x1, y1], dtype=np.float32)
        whole = ~is_cut(xyxy, tile, (rgb.shape[1], rgb.shape[0]))
        return Actors(xyxy=xyxy[whole], confidence=found.confidence[whole], class_id=found.class_id[whole])


def spared_actors(actors: Actors, rows: IntArray, sure: list[Part]) -> NDArray[np.bool_]:
    """Tells whose plate is known, so that the rest of the vehicle may be shown.

    Shapes: ``rows`` (M,) the actors that ``sure`` plates and heads refer to by place; result (N,).
    """
    kinds = np.array([KINDS[c] for c in ActorClass])[actors.class_id]
    plates = [part for part in sure if part.kind is PartKind.PLATE]
    known = np.zeros(len(rows), dtype=bool)
    known[[part.actor_index for part in plates]] = True
    alike = overlap(actors.xyxy, actors.xyxy[rows]) * (kinds[:, None] == kinds[rows][None])
    own = known[alike.argmax(axis=1)] if len(rows) else np.zeros(len(actors.class_id), dtype=bool)
    inside = np.zeros(len(actors.class_id), dtype=bool)
    for part in plates:
        x, y = (part.xyxy[0] + part.xyxy[2]) / 2, (part.xyxy[1] + part.xyxy[3]) / 2
        x1, y1, x2, y2 = actors.xyxy.T
        inside |= (x1 < x) & (x < x2) & (y1 < y) & (y < y2)
    return own | (inside & (actors.confidence < SURE_ACTOR))


def grown(part: Part, width_px: int, height_px: int) -> Region:
    """Returns the region that covers a part generously, clipped to the picture."""
    x1, y1, x2, y2 = part.xyxy
    aside, above = GROWN[part.kind]
    dx, dy = max(2.0, aside * (x2 - x1)), max(2.0, above * (y2 - y1))
    return Region(
        kind=RegionKind(part.kind.value),
        xyxy=(
            max(0, int(np.floor(x1 - dx))),
            max(0, int(np.floor(y1 - dy))),
            min(width_px, int(np.ceil(x2 + dx))),
            min(height_px, int(np.ceil(y2 + dy))),
        ),
    )


def stray_windows(width_px: int, height_px: int) -> Iterator[Window]:
    """Yields overlapping windows of several sizes that cover the picture."""
    for side in STRAY_SIDES_PX:
        step = side * (1 - TILE_OVERLAP)
        columns, rows = (max(1, int(np.ceil((size - side) / step)) + 1) for size in (width_px, height_px))
        for row in range(rows):
            for column in range(columns):
                x = (width_px - side) * (column / (columns - 1) if columns > 1 else 0.5)
                y = (height_px - side) * (row / (rows - 1) if rows > 1 else 0.5)
                yield Window(left=x, top=y, side=float(side), actor_index=-1)


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


def zones_of(
    actor: ActorClass, box: list[float], width_px: int, height_px: int, *, has_plate: bool = False
) -> list[Region]:
    """Returns the zones to cover for one actor, clipped to the picture; none for a plate that is known or illegible."""
    x1, y1, x2, y2 = box
    wide, high = x2 - x1, y2 - y1
    is_cut_off = x1 < 2 or y1 < 2 or x2 > width_px - 2 or y2 > height_px - 2
    shows_plate = not has_plate and (is_cut_off or character_px(actor, wide, high) >= LEAST_CHARACTER_PX)
    found = []
    for zone in ZONES[actor]:
        if zone.needs_faces and high * FACE_TO_CAR_HEIGHT < LEAST_FACE_PX:
            continue
        if zone.kind is RegionKind.PLATE and not shows_plate:
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


def character_px(actor: ActorClass, wide_px: float, high_px: float) -> float:
    """Returns the most that a character on the actor's plate can measure, from the size of its box.

    >>> round(character_px(ActorClass.CAR, 300.0, 130.0), 1)
    9.0
    """
    least_wide, least_high = NARROWEST_M.get(actor, (1.0, 1.0))
    return CHARACTER_M * min(wide_px / least_wide, high_px / least_high)
