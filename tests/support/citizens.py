"""Builders for citizens' reports: photos as a phone writes them, claims, a desk in a folder."""

import io
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from fractions import Fraction
from functools import cache
from pathlib import Path

import numpy as np
from PIL import ExifTags, Image, ImageDraw, ImageFilter

from cases.desk import Prescreen, ReportDesk
from cases.media import MediaStore
from cases.report import Medium, NewReport
from cases.store import CaseStore
from evidence.inspector import try_inspect
from evidence.seal import Vault
from evidence.upload import Inspection, parse_inspection
from tests.support.drafts import vault
from tests.support.people import StandingClock, store_with_people

PASSWORD = "a citizen's password"
TAKEN = datetime(2026, 11, 22, 15, 10)  # noqa: DTZ001 - what EXIF holds
PLACE_DEG = (34.372, 118.352)


@cache
def street(seed: int, *, car_x: float = 0.4, size_px: tuple[int, int] = (800, 600)) -> Image.Image:
    """Returns a drawn street with a car; another seed is another street."""
    width, height = size_px
    rng = np.random.default_rng(seed)
    sky = np.linspace(200, 110, height)[:, None] + rng.normal(0, 3, (height, width))
    picture = Image.fromarray(np.clip(np.stack([sky, sky + 5, sky + 15], 2), 0, 255).astype(np.uint8))
    draw = ImageDraw.Draw(picture)
    for _ in range(14):
        x, y = rng.integers(0, width), rng.integers(0, height // 2)
        grey = tuple(int(v) for v in rng.integers(40, 220, 3))
        draw.rectangle((x, y, x + rng.integers(60, 320), y + rng.integers(80, 420)), fill=grey)
    draw.polygon(
        ((0, height), (width * 0.4, height * 0.55), (width * 0.6, height * 0.55), (width, height)), fill=(70, 70, 74)
    )
    left = car_x * width
    draw.rectangle((left, height * 0.68, left + width * 0.2, height * 0.86), fill=(30, 60, 150))
    draw.rectangle((left + width * 0.07, height * 0.81, left + width * 0.13, height * 0.84), fill=(20, 80, 220))
    grain = texture(seed, side_px=max(size_px)).crop((0, 0, width, height))
    return Image.blend(picture.filter(ImageFilter.GaussianBlur(0.8)), grain, 0.35)


@cache
def texture(seed: int, *, side_px: int = 768) -> Image.Image:
    """Returns a picture with detail at every scale, as leaves, gravel and walls have: 1/f noise."""
    rng = np.random.default_rng(seed)
    across = np.hypot(*np.meshgrid(np.fft.fftfreq(side_px), np.fft.fftfreq(side_px)))
    across[0, 0] = 1
    waves = np.exp(2j * np.pi * rng.random((side_px, side_px))) / across
    grey = np.real(np.fft.ifft2(waves))
    return Image.fromarray(np.clip(128 + 45 * grey / grey.std(), 0, 255).astype(np.uint8)).convert("RGB")


def jpeg(
    picture: Image.Image,
    *,
    quality: int = 90,
    taken: datetime | None = None,
    place_deg: tuple[float, float] | None = None,
    software: str = "",
    speed: tuple[float, str] | None = None,
) -> bytes:
    """Returns the JPEG a phone writes, with the EXIF entries that are given."""
    exif = Image.Exif()
    if software:
        exif[ExifTags.Base.Software] = software.encode()
    if taken is not None:
        exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.DateTimeOriginal] = f"{taken:%Y:%m:%d %H:%M:%S}"
    if place_deg is not None:
        block = exif.get_ifd(ExifTags.IFD.GPSInfo)
        for tag, reference, value, mark in (
            (ExifTags.GPS.GPSLatitude, ExifTags.GPS.GPSLatitudeRef, place_deg[0], "N"),
            (ExifTags.GPS.GPSLongitude, ExifTags.GPS.GPSLongitudeRef, place_deg[1], "E"),
        ):
            block[reference] = mark
            block[tag] = (Fraction(int(value)), Fraction(round(value % 1 * 60e4), 10_000), Fraction(0))
    if speed is not None:
        block = exif.get_ifd(ExifTags.IFD.GPSInfo)
        block[ExifTags.GPS.GPSSpeed], block[ExifTags.GPS.GPSSpeedRef] = Fraction(str(speed[0])), speed[1]
    target = io.BytesIO()
    picture.save(target, "JPEG", quality=quality, exif=exif)
    return target.getvalue()


def photos(seed: int, *, taken: datetime | None = TAKEN, apart_s: float = 2.0) -> list[bytes]:
    """Returns three photos of a car driving on."""
    return [
        jpeg(
            street(seed, car_x=0.25 + 0.15 * number),
            taken=None if taken is None else taken + timedelta(seconds=apart_s * number),
            place_deg=PLACE_DEG,
        )
        for number in range(3)
    ]


def claim(clock: StandingClock, **changes: object) -> NewReport:
    """Returns a claim about a car on the wrong side ten minutes ago."""
    plain = NewReport(
        violation_id="V06",
        plate="苏C12345",
        occurred_utc=clock.now - timedelta(minutes=50),
        place="钟吾路与大桥路交叉口",
        lat_deg=PLACE_DEG[0],
        lon_deg=PLACE_DEG[1],
    )
    return replace(plain, **changes)  # type: ignore[arg-type]


def inspect_here(files: Sequence[Path], out_dir: Path) -> list[Inspection]:
    """Inspects in this process, for tests about what follows: starting the inspector takes a second each time."""
    out_dir.mkdir(parents=True, exist_ok=True)
    return [parse_inspection(try_inspect(path, out_dir, number)) for number, path in enumerate(files, 1)]


class Desk:
    """One installation's report desk with two citizens."""

    def __init__(self, home: Path, prescreen: Prescreen | None = None) -> None:
        self.clock = StandingClock()
        self.store: CaseStore = store_with_people(home, self.clock)
        self.vault: Vault = vault(home)
        self.media = MediaStore(home / "reports")
        self.desk = ReportDesk(self.store, self.vault, self.media, prescreen=prescreen)
        self.reporter = self.store.reports.register(PASSWORD)
        self.neighbour = self.store.reports.register(PASSWORD)

    def keep(self, files: list[bytes]) -> list[Medium]:
        return [self.media.add(io.BytesIO(content)) for content in files]

    def submit(
        self,
        files: list[bytes],
        *,
        by: str | None = None,
        token: str = "t1",
        is_draft: bool = False,
        **changes: object,
    ) -> str:
        """Submits a report a second after the last one; returns its id."""
        self.clock.forward(seconds=1)
        sender = by or self.reporter
        made = claim(self.clock, **changes)
        report = self.store.reports.submit(sender, token, made, self.keep(files), is_draft=is_draft)
        return report.report_id
