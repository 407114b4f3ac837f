import io
from collections.abc import Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from core.errors import ModelError
from core.observations import ActorClass, Detections, Picture
from models.picture import fit
from models.registry import Manifest, load_manifest
from vision.mask import (
    FILL_RGB,
    PictureMasker,
    Region,
    RegionKind,
    is_cut,
    stray_windows,
    tiles,
    zones_of,
)
from vision.parts import PartFinder

PERSON, BICYCLE, MOTORCYCLE, CAR, BUS, TRUCK = ActorClass
WHOLE = (1920, 1080)


@dataclass
class Finder:
    """A detector that finds one given actor in the whole picture and nothing in tiles."""

    actor: ActorClass
    box: tuple[float, float, float, float]
    size: tuple[int, int] = WHOLE
    seen: list[Picture] = field(default_factory=list)

    @property
    def model(self) -> Manifest:
        return load_manifest("pole")

    def picture_size(self, width_px: int, height_px: int) -> tuple[int, int]:
        return fit(width_px, height_px, 640, 640)

    def detect(self, pictures: Sequence[Picture]) -> list[Detections]:
        self.seen += pictures
        return [self._found(picture) for picture in pictures]

    def _found(self, picture: Picture) -> Detections:
        count = 1 if picture.source_size_px == self.size else 0
        return Detections(
            pts_ns=picture.pts_ns,
            xyxy=np.array([self.box] * count, dtype=np.float32).reshape(-1, 4),
            confidence=np.full(count, 0.1, dtype=np.float32),
            class_id=np.full(count, self.actor, dtype=np.int64),
        )


@dataclass
class Spots:
    """A network for heads and plates that sees the given colours, a head and a plate, each with a confidence."""

    head: float = 0.0
    plate: float = 0.0

    def run(self, inputs: Sequence[NDArray[np.uint8]]) -> list[NDArray[np.float32]]:
        return [self._see(rgb) for rgb in inputs]

    def _see(self, rgb: NDArray[np.uint8]) -> NDArray[np.float32]:
        rows = [[0.0] * 6]
        for channel, (colour, sure) in enumerate(((HEAD_RGB, self.head), (PLATE_RGB, self.plate))):
            y, x = np.nonzero(np.abs(rgb.astype(int) - colour).max(axis=2) < 12)
            if len(x):
                x1, y1, x2, y2 = x.min(), y.min(), x.max() + 1, y.max() + 1
                row = [(x1 + x2) / 2, (y1 + y2) / 2, x2 - x1, y2 - y1, 0.0, 0.0]
                row[4 + channel] = sure
                rows.append(row)
        return np.array(rows, dtype=np.float32).T


HEAD_RGB, PLATE_RGB = (250, 10, 10), (10, 10, 250)


def spots(head: float = 0.0, plate: float = 0.0) -> PartFinder:
    """Returns a finder over ``Spots``, as low as the masker asks for."""
    shape = load_manifest("pole")
    size = shape.input.model_copy(update={"width": 256, "height": 256})
    manifest = shape.model_copy(update={"classes": ["head", "plate"], "input": size})
    return PartFinder(manifest, Spots(head=head, plate=plate), confidence=0.05)


def masker(finder: Finder, head: float = 0.0, plate: float = 0.0) -> PictureMasker:
    return PictureMasker(detector=finder, parts=spots(head, plate))


def painted(box: tuple[int, int, int, int], colour: tuple[int, int, int]) -> NDArray[np.uint8]:
    rgb = np.full((1080, 1920, 3), 128, dtype=np.uint8)
    x1, y1, x2, y2 = box
    rgb[y1:y2, x1:x2] = colour
    return rgb


def photo(width: int = 1920, height: int = 1080) -> NDArray[np.uint8]:
    return np.random.default_rng(4).integers(60, 255, (height, width, 3), dtype=np.uint8)


def jpeg(rgb: NDArray[np.uint8], exif: bytes = b"") -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(rgb).save(buffer, "JPEG", quality=95, exif=exif, comment=b"made by somebody")
    return buffer.getvalue()


def read(content: bytes) -> NDArray[np.uint8]:
    return np.asarray(Image.open(io.BytesIO(content)).convert("RGB"))


def area(regions: list[Region], kind: RegionKind) -> NDArray[np.bool_]:
    """Returns which pixels of a 1080p picture are covered by regions of a kind."""
    covered = np.zeros((1080, 1920), dtype=bool)
    for region in regions:
        if region.kind is kind:
            x1, y1, x2, y2 = region.xyxy
            covered[y1:y2, x1:x2] = True
    return covered


def test_the_head_is_gone_and_the_rest_stays() -> None:
    rgb = photo()
    masked = read(masker(Finder(PERSON, (900, 400, 960, 580))).mask(jpeg(rgb)))
    assert masked.shape == rgb.shape
    head = masked[395:430, 902:958].astype(int)
    assert np.abs(head - np.array(FILL_RGB)).max() <= 24
    assert head.std(axis=(0, 1)).max() < 4
    unchanged = read(jpeg(rgb))[700:, :].astype(int)
    assert np.abs(masked[700:, :].astype(int) - unchanged).mean() < 12


def test_what_was_under_the_mask_does_not_matter() -> None:
    """Two pictures that differ only under the mask come out byte for byte alike: nothing of it is left."""
    first, second = photo(), photo()
    second[408:424, 912:944] = 255 - second[408:424, 912:944]
    covering = masker(Finder(PERSON, (900, 400, 960, 580)))
    png = [cv2.imencode(".png", rgb[:, :, ::-1])[1].tobytes() for rgb in (first, second)]
    assert not np.array_equal(first, second)
    assert covering.mask(png[0]) == covering.mask(png[1])


def test_metadata_is_gone() -> None:
    exif = Image.Exif()
    exif[0x010F] = "SecretMaker"
    exif[0x8825] = {1: "N", 2: (39.0, 54.0, 0.0)}
    content = jpeg(photo(640, 480), exif.tobytes())
    assert b"SecretMaker" in content
    masked = masker(Finder(CAR, (0, 0, 9, 9), size=(1, 1))).mask(content)
    assert b"SecretMaker" not in masked
    assert b"Exif" not in masked
    assert b"made by somebody" not in masked
    assert not Image.open(io.BytesIO(masked)).getexif()


@pytest.mark.parametrize("content", [b"", b"not a picture", b"\xff\xd8\xff\xe0broken"])
def test_an_unreadable_picture_is_never_passed_on(content: bytes) -> None:
    with pytest.raises(ModelError, match="show nothing") as error:
        masker(Finder(CAR, (0, 0, 9, 9))).mask(content)
    assert "\n" not in error.value.message


# Where heads and plates sit, from body and vehicle measures, not from the code: a standing adult's head is the upper
# 1/7.5 of the height (GB 10000: 232 mm of 1678 mm); a rider's the upper 1/6 of rider and machine; a rear plate of a car
# lies between 0.25 m and 0.95 m above the ground of a 1.5 m high car, an e-bike's between 0.35 m and 0.85 m of 1.65 m.
# Heads at every size; plates where somebody could read them (90 mm characters of 5 px and more).
@pytest.mark.parametrize(
    ("actor", "kind", "from_top", "to_top", "height"),
    [
        *[(PERSON, RegionKind.HEAD, 0.0, 1 / 7.5, height) for height in (24, 90, 300)],
        *[(BICYCLE, RegionKind.HEAD, 0.0, 1 / 6, height) for height in (24, 90, 300)],
        *[(MOTORCYCLE, RegionKind.HEAD, 0.0, 1 / 6, height) for height in (24, 90, 300)],
        *[(MOTORCYCLE, RegionKind.PLATE, 1 - 0.85 / 1.65, 1 - 0.35 / 1.65, height) for height in (92, 300)],
        *[(CAR, RegionKind.PLATE, 1 - 0.95 / 1.5, 1 - 0.25 / 1.5, height) for height in (84, 300)],
        *[(BUS, RegionKind.PLATE, 1 - 1.2 / 3.2, 1 - 0.3 / 3.2, height) for height in (178, 600)],
        *[(TRUCK, RegionKind.PLATE, 1 - 1.2 / 3.2, 1 - 0.3 / 3.2, height) for height in (178, 600)],
    ],
)
@pytest.mark.parametrize("error", [-0.1, 0.0, 0.1])
def test_zones_hold_heads_and_plates_even_when_the_box_is_a_tenth_off(
    actor: ActorClass, kind: RegionKind, from_top: float, to_top: float, height: int, error: float
) -> None:
    top, left, width = 400, 800, height
    if actor is not PERSON and error < 0:
        error /= 2
    box = [left, top + error * height, left + width, top + height]
    covered = area(zones_of(actor, box, *WHOLE), kind)
    y1, y2 = top + round(from_top * height), top + round(to_top * height)
    assert covered[y1:y2, left : left + width].mean() >= 0.95


CAR_BOX = (800, 400, 1100, 600)
PLATE_BOX = (920, 550, 990, 572)


def share(regions: list[Region], box: tuple[int, int, int, int]) -> float:
    covered = np.zeros((1080, 1920), dtype=bool)
    for region in regions:
        x1, y1, x2, y2 = region.xyxy
        covered[y1:y2, x1:x2] = True
    x1, y1, x2, y2 = box
    return float(covered[y1:y2, x1:x2].mean())


def test_a_sure_plate_spares_the_rest_of_its_car() -> None:
    regions = masker(Finder(CAR, CAR_BOX), plate=0.9).regions(painted(PLATE_BOX, PLATE_RGB))
    assert share(regions, PLATE_BOX) == 1.0
    assert share(regions, (PLATE_BOX[0] - 8, PLATE_BOX[1] - 4, PLATE_BOX[2] + 8, PLATE_BOX[3] + 4)) == 1.0
    assert share(regions, (800, 522, 890, 600)) == 0.0
    assert share(regions, (800, 410, 1100, 515)) == 1.0  # faces behind the windows stay covered


def test_an_unsure_plate_is_covered_and_spares_nothing() -> None:
    regions = masker(Finder(CAR, CAR_BOX), plate=0.2).regions(painted(PLATE_BOX, PLATE_RGB))
    assert share(regions, PLATE_BOX) == 1.0
    assert share(regions, (800, 470, 1100, 600)) == 1.0


def test_a_car_without_a_plate_keeps_its_zone_unless_none_could_be_read() -> None:
    nothing = np.full((1080, 1920, 3), 128, dtype=np.uint8)
    assert share(masker(Finder(CAR, CAR_BOX)).regions(nothing), (800, 470, 1100, 600)) == 1.0
    far = (800, 400, 830, 425)
    assert share(masker(Finder(CAR, far)).regions(nothing), far) == 0.0


def test_a_car_cut_off_by_the_picture_is_never_too_small_for_a_plate() -> None:
    nothing = np.full((1080, 1920, 3), 128, dtype=np.uint8)
    assert share(masker(Finder(CAR, (0, 400, 30, 600))).regions(nothing), (0, 470, 30, 600)) == 1.0


def test_the_plate_of_one_car_does_not_spare_another() -> None:
    neighbour = [CAR_BOX, (1120, 400, 1420, 600)]

    class Two(Finder):
        def _found(self, picture: Picture) -> Detections:
            found = super()._found(picture)
            count = 2 * len(found)
            return Detections(
                pts_ns=0,
                xyxy=np.array(neighbour if count else [], dtype=np.float32).reshape(-1, 4),
                confidence=np.full(count, 0.8, dtype=np.float32),
                class_id=np.full(count, CAR, dtype=np.int64),
            )

    regions = masker(Two(CAR, CAR_BOX), plate=0.9).regions(painted(PLATE_BOX, PLATE_RGB))
    assert share(regions, (800, 522, 890, 600)) == 0.0
    assert share(regions, (1120, 470, 1420, 600)) == 1.0


def test_a_head_that_belongs_to_nobody_is_covered() -> None:
    head = (300, 200, 316, 218)
    finder = Finder(CAR, (0, 0, 9, 9), size=(1, 1))
    assert share(masker(finder, head=0.6).regions(painted(head, HEAD_RGB)), head) == 1.0
    assert masker(finder, head=0.1).regions(painted(head, HEAD_RGB)) == []


@given(st.integers(20, 3000), st.integers(20, 1600))
@settings(max_examples=40, deadline=None)
def test_stray_windows_leave_no_gap(width: int, height: int) -> None:
    for side in {window.side for window in stray_windows(width, height)}:
        seen = np.zeros((height, width), dtype=bool)
        for window in stray_windows(width, height):
            if window.side == side:
                x, y = round(window.left), round(window.top)
                seen[max(0, y) : max(0, y + round(side)), max(0, x) : max(0, x + round(side))] = True
        assert seen.all()


def test_windows_are_covered_only_where_a_face_could_be_seen() -> None:
    near = zones_of(CAR, [800, 400, 1000, 550], *WHOLE)
    far = zones_of(CAR, [800, 400, 830, 422], *WHOLE)
    assert {region.kind for region in near} == {RegionKind.PLATE, RegionKind.WINDOW}
    assert not far


@given(
    st.sampled_from(list(ActorClass)),
    st.floats(-20, 1930),
    st.floats(-20, 1090),
    st.floats(0, 900),
    st.floats(0, 900),
)
@settings(max_examples=100, deadline=None)
def test_regions_lie_inside_the_picture(actor: ActorClass, x: float, y: float, wide: float, high: float) -> None:
    for region in zones_of(actor, [x, y, x + wide, y + high], *WHOLE):
        x1, y1, x2, y2 = region.xyxy
        assert 0 <= x1 < x2 <= 1920
        assert 0 <= y1 < y2 <= 1080


@given(st.integers(100, 4000), st.integers(100, 2200))
@settings(max_examples=60, deadline=None)
def test_tiles_cover_the_picture_and_overlap(width: int, height: int) -> None:
    every = list(tiles(width, height))
    assert every[0] == (0, 0, width, height)
    covered = np.zeros((height, width), dtype=np.uint8)
    for x1, y1, x2, y2 in every[1:]:
        assert 0 <= x1 < x2 <= width
        assert 0 <= y1 < y2 <= height
        covered[y1:y2, x1:x2] += 1
    assert covered.min() >= 1
    assert len({(x2 - x1, y2 - y1) for x1, y1, x2, y2 in every[1:]}) == 1


def test_a_box_cut_by_an_inner_edge_is_left_to_the_neighbour() -> None:
    boxes = np.array([[600, 10, 700, 90], [100, 0, 200, 90], [630, 10, 640, 90]], dtype=np.float32)
    assert is_cut(boxes, (0, 0, 640, 480), (1280, 480)).tolist() == [True, False, True]
    assert is_cut(boxes, (0, 0, 640, 480), (640, 480)).tolist() == [False, False, False]


def test_every_tile_is_looked_at() -> None:
    finder = Finder(PERSON, (900, 400, 960, 580))
    masker(finder).regions(photo())
    assert len(finder.seen) == 7
    assert {max(picture.rgb.shape[:2]) for picture in finder.seen} == {640}
