from typing import Any

import av
import numpy as np
import pytest

from ingest.frame import Converter, Frame, plane_steps
from tests.support.footage import numbered_picture

FORMATS = [
    "yuv420p", "yuvj420p", "nv12", "yuv422p", "yuv444p", "gray", "yuv420p10le", "p010le", "yuv411p", "rgb24",
    "yuyv422", "yuvj422p",
]  # fmt: skip


def frame_of(pix_fmt: str, size: tuple[int, int] = (162, 98)) -> Frame:
    source = av.VideoFrame.from_ndarray(numbered_picture(77, size), format="rgb24")
    return Frame(source.reformat(format=pix_fmt), Converter(), pts_ns=5, is_after_gap=False)


@pytest.mark.parametrize("pix_fmt", FORMATS)
@pytest.mark.parametrize("region", [(0, 0, 162, 98), (33, 21, 90, 60), (33.4, 21.9, 47.2, 30.1), (160, 96, 170, 120)])
def test_a_crop_equals_the_same_part_of_the_whole_picture(
    pix_fmt: str, region: tuple[float, float, float, float]
) -> None:
    frame = frame_of(pix_fmt)
    whole = frame.rgb()
    x1, y1 = int(region[0]), int(region[1])
    x2, y2 = min(162, int(np.ceil(region[2]))), min(98, int(np.ceil(region[3])))
    crop = frame.crop(region)
    assert crop.shape == (y2 - y1, x2 - x1, 3)
    # swscale rounds 4:2:2 and 4:1:1 differently at different widths; everything else is equal to the bit
    limit = 4 if pix_fmt in {"yuv422p", "yuvj422p", "yuv411p"} else 0
    assert np.abs(crop.astype(int) - whole[y1:y2, x1:x2]).max() <= limit


@pytest.mark.parametrize("region", [(-50, -50, -1, -1), (200, 0, 300, 50), (10, 10, 10, 30)])
def test_a_crop_outside_is_empty(region: tuple[float, float, float, float]) -> None:
    assert frame_of("yuv420p").crop(region).shape == (0, 0, 3)


@pytest.mark.parametrize(
    ("pix_fmt", "expected"),
    [
        ("yuv420p", [(1, 1, 1), (1, 2, 2), (1, 2, 2)]),
        ("nv12", [(1, 1, 1), (2, 2, 2)]),
        ("yuv422p", [(1, 1, 1), (1, 2, 1), (1, 2, 1)]),
        ("yuv420p10le", [(2, 1, 1), (2, 2, 2), (2, 2, 2)]),
        ("yuyv422", None),
    ],
)
def test_planes_are_understood(pix_fmt: str, expected: Any) -> None:
    assert plane_steps(av.VideoFormat(pix_fmt, 64, 64)) == expected


def test_a_picture_is_scaled_and_knows_its_source() -> None:
    picture = frame_of("yuv420p").picture((64, 40))
    assert picture.rgb.shape == (40, 64, 3)
    assert picture.rgb.flags.c_contiguous
    assert picture.source_size_px == (162, 98)
    assert picture.pts_ns == 5


@pytest.mark.parametrize(
    ("colour", "bt709_yuv"),
    [  # BT.709 limited range by its formula: Y = 16 + 219(.2126R + .7152G + .0722B), likewise Cb, Cr
        ((255, 0, 0), (63, 102, 240)),
        ((0, 255, 0), (173, 42, 26)),
        ((255, 255, 255), (235, 128, 128)),
    ],
)
def test_untagged_hd_footage_is_read_as_bt709(colour: tuple[int, int, int], bt709_yuv: tuple[int, int, int]) -> None:
    raw = av.VideoFrame(1280, 720, "yuv420p")
    for plane, value in zip(raw.planes, bt709_yuv, strict=True):
        plane.update(bytes([value]) * plane.buffer_size)
    frame = Frame(raw, Converter(), pts_ns=0, is_after_gap=False)
    for rgb in (frame.rgb()[300, 300], frame.picture((640, 360)).rgb[100, 100], frame.crop((20, 20, 60, 60))[5, 5]):
        assert np.abs(rgb.astype(int) - colour).max() <= 4
