"""Hostile files: refused in one line each, in a process with limits, never a crash."""

import random
import struct
import zlib
from pathlib import Path

import pytest

from cases.duplicates import same_pictures
from evidence.upload import inspect
from tests.support.citizens import PLACE_DEG, TAKEN, jpeg, street
from tests.support.footage import make_clip

MUTATIONS = 500
PHONE = Path(__file__).with_name("phone.heic")
"""A drawn street, encoded by libheif as an iPhone does it."""


def png_bomb(side: int) -> bytes:
    """A PNG header that promises side x side pixels over a few bytes."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b"\0" * 100_000))
        + chunk(b"IEND", b"")
    )


HOSTILE = {
    "svg": b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
    "html": b"<!doctype html><script>alert(1)</script>",
    "empty": b"",
    "bomb": png_bomb(60_000),
    "jpeg-html": b"\xff\xd8\xff\xe0<script>alert(1)</script>",
    "playlist": b"#EXTM3U\n#EXT-X-TARGETDURATION:10\nfile:///etc/passwd\n",
    "mp4-void": b"\0\0\0\x18ftypisom\0\0\0\0isommp41" + b"\0" * 400,
    "heic-void": b"\0\0\0\x18ftypheic\0\0\0\0" + b"\0" * 400,
}


def test_hostile_files_are_refused_and_the_honest_one_beside_them_is_not(tmp_path: Path) -> None:
    paths = []
    for name, content in {**HOSTILE, "honest": jpeg(street(1))}.items():
        path = tmp_path / name
        path.write_bytes(content)
        paths.append(path)
    found = inspect(paths, tmp_path / "out")
    named = [entry.refused for entry in found]
    assert named == ["unknown", "unknown", "unknown", "too_large", "unreadable", "unknown", *["unreadable"] * 2, ""]


def test_derived_still_has_no_metadata_and_stands_upright(tmp_path: Path) -> None:
    from PIL import ExifTags, Image

    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    exif[ExifTags.Base.Software] = "secret of the phone"
    path = tmp_path / "photo"
    street(1).save(path, "JPEG", exif=exif)
    [found] = inspect([path], tmp_path / "out")
    with Image.open(found.stills[0].path) as still:
        assert still.size == (600, 800)
        assert dict(still.getexif()) == {}
    assert b"secret" not in found.stills[0].path.read_bytes()


def test_photo_of_an_iphone_is_read_with_time_and_place(tmp_path: Path) -> None:
    [found] = inspect([PHONE], tmp_path / "out")
    assert (found.refused, found.ending, found.signs) == ("", "heic", ())
    assert found.capture.taken == TAKEN
    assert (round(found.capture.lat_deg or 0, 4), round(found.capture.lon_deg or 0, 4)) == PLACE_DEG
    street_again = jpeg(street(1, size_px=(320, 240)))
    (tmp_path / "same.jpg").write_bytes(street_again)
    [same] = inspect([tmp_path / "same.jpg"], tmp_path / "out")
    assert same_pictures([found.phash], [("other", same.phash)]) == "other"


def test_long_video_is_refused(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "long.mp4", fps=1, seconds=70)
    [found] = inspect([path], tmp_path / "out")
    assert found.refused == "too_long"


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_mutated_files_never_break_the_inspection(tmp_path: Path) -> None:
    rng = random.Random(7)
    clip = make_clip(tmp_path / "seed.mp4", seconds=0.6).read_bytes()
    seeds = [jpeg(street(1, size_px=(160, 120))), clip, PHONE.read_bytes()]
    target = tmp_path / "out-png.png"
    street(2, size_px=(160, 120)).save(target)
    seeds.append(target.read_bytes())
    paths = []
    for number in range(MUTATIONS):
        content = bytearray(rng.choice(seeds))
        for _ in range(rng.randrange(1, 30)):
            content[rng.randrange(len(content))] = rng.randrange(256)
        if rng.random() < 0.3:
            del content[rng.randrange(len(content)) :]
        path = tmp_path / f"m{number}"
        path.write_bytes(content)
        paths.append(path)
    found = []
    for start in range(0, MUTATIONS, 100):
        found += inspect(paths[start : start + 100], tmp_path / "stills")
    assert len(found) == MUTATIONS
    assert all(entry.refused or entry.stills for entry in found)
    assert sum(bool(entry.refused) for entry in found) > MUTATIONS // 10
