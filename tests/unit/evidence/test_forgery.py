"""Signs of a changed photo, on pictures whose history is known because the test made it."""

import io
from fractions import Fraction

import numpy as np
import pytest
from PIL import ExifTags, Image

from evidence.forgery import find_signs, read_capture
from tests.support.citizens import PLACE_DEG, TAKEN, jpeg, street, texture


def opened(content: bytes) -> Image.Image:
    return Image.open(io.BytesIO(content))


def keys(content: bytes) -> list[str]:
    return [sign.key for sign in find_signs(opened(content))]


@pytest.mark.parametrize("quality", [70, 85, 95])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_honest_photo_has_no_sign(seed: int, quality: int) -> None:
    assert (
        keys(jpeg(street(seed), quality=quality, taken=TAKEN, place_deg=PLACE_DEG, software="HUAWEI P60 4.2.0")) == []
    )


@pytest.mark.parametrize("quality", [75, 90])
def test_picture_compressed_once_has_no_comb(quality: int) -> None:
    assert keys(jpeg(texture(1), quality=quality)) == []


@pytest.mark.parametrize("software", ["Adobe Photoshop 25.0 (Windows)", "GIMP 2.10", "美图秀秀 10.1", "Snapseed 2.0"])
def test_editor_in_exif(software: str) -> None:
    assert keys(jpeg(street(1), software=software)) == ["editor"]


def test_editor_in_xmp() -> None:
    packet = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><r:Description xmp:CreatorTool="Adobe Lightroom 7"/></x:xmpmeta>'
    target = io.BytesIO()
    street(1).save(target, "JPEG", quality=90, xmp=packet)
    assert keys(target.getvalue()) == ["editor"]


@pytest.mark.parametrize("first", [70, 80])
def test_picture_compressed_twice_at_rising_quality(first: int) -> None:
    once = opened(jpeg(texture(1), quality=first)).convert("RGB")
    assert "recompressed" in keys(jpeg(once, quality=92))


def test_picture_taken_from_a_screen() -> None:
    rng = np.random.default_rng(5)
    dots = np.asarray(street(2), dtype=np.float64).repeat(3, 0).repeat(3, 1)
    mask = np.ones_like(dots)
    mask[::3] *= 0.55
    for channel in range(3):
        for column in {0, 1, 2} - {channel}:
            mask[:, column::3, channel] *= 0.5
    screen = Image.fromarray(np.clip(dots * mask * 1.6, 0, 255).astype(np.uint8))
    seen = screen.rotate(float(rng.uniform(2, 5)), Image.Resampling.BICUBIC)
    photo = seen.resize((int(seen.width * 0.47), int(seen.height * 0.47)), Image.Resampling.BILINEAR)
    assert "rescreened" in keys(jpeg(photo))


def exif_with_place(latitude: tuple[object, ...]) -> bytes:
    exif = Image.Exif()
    block = exif.get_ifd(ExifTags.IFD.GPSInfo)
    block[ExifTags.GPS.GPSLatitudeRef], block[ExifTags.GPS.GPSLongitudeRef] = "N", "E"
    block[ExifTags.GPS.GPSLatitude] = latitude
    block[ExifTags.GPS.GPSLongitude] = (Fraction(118), Fraction(21), Fraction(0))
    target = io.BytesIO()
    street(1, size_px=(320, 240)).save(target, "JPEG", exif=exif)
    return target.getvalue()


def test_coordinates_that_are_no_place() -> None:
    assert keys(exif_with_place((Fraction(134), Fraction(0), Fraction(0)))) == ["gps_invalid"]
    assert keys(exif_with_place((Fraction(34), Fraction(22), Fraction(0)))) == []


def test_capture_is_what_the_camera_wrote() -> None:
    capture = read_capture(opened(jpeg(street(1), taken=TAKEN, place_deg=PLACE_DEG)))
    assert capture.taken == TAKEN
    assert capture.lat_deg == pytest.approx(PLACE_DEG[0], abs=1e-4)
    assert capture.lon_deg == pytest.approx(PLACE_DEG[1], abs=1e-4)
    assert read_capture(opened(jpeg(street(1)))).taken is None
