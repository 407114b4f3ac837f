"""The masked pictures made for screens, kept apart from the evidence and named by their hash.

A derivative is written whole or not at all, checked against its hash at every reading, and removed
when no item on a screen needs it any more.
"""

import hashlib
import io
import json
import re
import secrets
import time
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageChops, ImageDraw, UnidentifiedImageError

from cases.records import Derivative
from core.errors import HashMismatch, ModelError, StoreError

WIDEST_PX = 1920
QUALITY = 86
COVERED_DIFFERENCE = 60
"""Smallest grey difference (0-255) of a covered spot to its original; JPEG noise stays far below."""
FILL_RGB = (32, 36, 44)
MARGIN = 0.1
"""Share of the box that is covered around a zone: boxes are never exact."""
_HEAD, _PLATE = (0.0, 0.32, MARGIN), (0.55, 1.0, 0.0)
_ZONES = {
    "PERSON": _HEAD,
    "BICYCLE": _HEAD,
    "MOTORCYCLE": (0.0, 1.0, 0.0),
    "CAR": _PLATE,
    "BUS": _PLATE,
    "TRUCK": _PLATE,
}
"""What is covered of the subject: from, to, in heights of its box. A motorcycle shows a head and a plate."""
STAGED_S = 24 * 3600
"""Previews nobody published are removed after a day."""
_SHA256 = re.compile(r"[0-9a-f]{64}")
_CASE_ID = re.compile(r"[0-9A-Z]{26}")


class DerivativeStore:
    """A folder of masked pictures."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def stage(self, case_id: str, pictures: dict[str, bytes]) -> tuple[Derivative, ...]:
        """Keeps the masked pictures of a case by role until somebody publishes them."""
        made = tuple(
            Derivative(role=role, sha256=hashlib.sha256(content).hexdigest()) for role, content in pictures.items()
        )
        self._write_file(self._index(case_id), json.dumps([[d.role, d.sha256] for d in made]).encode())
        for derivative in made:
            self._write_file(self._folder / f"{derivative.sha256}.jpg", pictures[derivative.role])
        return made

    def unstage(self, case_id: str) -> None:
        """Forgets the previews of a case; what is on a screen stays."""
        self._index(case_id).unlink(missing_ok=True)

    def staged(self, case_id: str) -> tuple[Derivative, ...]:
        """Returns what is ready to be published for a case; empty when nothing is."""
        index = self._index(case_id)
        if not index.is_file():
            return ()
        try:
            rows = json.loads(index.read_text(encoding="utf-8"))
            return tuple(Derivative(role=str(role), sha256=str(sha256)) for role, sha256 in rows)
        except (OSError, ValueError):
            return ()

    def read(self, sha256: str) -> bytes:
        """Returns a picture.

        Raises:
            HashMismatch: it is missing or not what was approved; it must not be shown.
        """
        if not _SHA256.fullmatch(sha256):
            raise HashMismatch("that is no hash of a masked picture", got=sha256)
        try:
            content = (self._folder / f"{sha256}.jpg").read_bytes()
        except OSError as error:
            raise HashMismatch("masked picture is missing; publish the case anew", expected=sha256) from error
        if hashlib.sha256(content).hexdigest() != sha256:
            raise HashMismatch("masked picture was changed after approval; publish the case anew", expected=sha256)
        return content

    def is_sound(self, derivatives: Iterable[Derivative]) -> bool:
        """Tells whether every picture is there and unchanged."""
        try:
            for derivative in derivatives:
                self.read(derivative.sha256)
        except HashMismatch:
            return False
        return True

    def sweep(self, needed: Collection[str]) -> int:
        """Removes pictures no screen needs, and previews older than a day; returns how many pictures."""
        if not self._folder.is_dir():
            return 0
        keep = set(needed)
        for index in self._folder.glob("*.json"):
            if time.time() - index.stat().st_mtime > STAGED_S:
                index.unlink(missing_ok=True)
            else:
                keep |= {d.sha256 for d in self.staged(index.stem)}
        gone = [path for path in self._folder.glob("*.jpg") if path.stem not in keep]
        for path in gone:
            path.unlink(missing_ok=True)
        return len(gone)

    def _index(self, case_id: str) -> Path:
        if not _CASE_ID.fullmatch(case_id):
            raise HashMismatch("that is no case id", got=case_id)
        return self._folder / f"{case_id}.json"

    def _write_file(self, target: Path, content: bytes) -> None:
        part = target.with_name(f".{secrets.token_hex(8)}.part")
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            part.write_bytes(content)
            part.replace(target)
        except OSError as error:
            part.unlink(missing_ok=True)
            raise StoreError(
                f"masked picture cannot be stored ({error.strerror}); free space in {self._folder}"
            ) from error


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownSubject:
    """Who a picture is about: the sealed box and class (an ActorClass name)."""

    xyxy: tuple[float, float, float, float]
    class_name: str


def build_derivative(original: bytes, masked: bytes, subject: ShownSubject) -> bytes | None:
    """Returns the picture for the screen: subject covered and framed, encoded anew, so that no metadata can pass.

    The masker may miss the one it is about (half hidden, far away); the sealed box does not: its head or plate
    zone is covered whatever the masker found. None when nothing was covered in it: such a picture is not shown.

    Raises:
        ModelError: the masker gave something that is not this picture.
    """
    try:
        with Image.open(io.BytesIO(masked), formats=("JPEG",)) as picture:
            covered = picture.convert("RGB")
    except (UnidentifiedImageError, OSError, ValueError) as error:
        raise ModelError("masking gave no picture; nothing is shown") from error
    with Image.open(io.BytesIO(original), formats=("JPEG",)) as picture:
        before = picture.convert("RGB")
    if covered.size != before.size:
        raise ModelError(f"masking changed the size from {before.size} to {covered.size}; nothing is shown")
    difference = ImageChops.difference(before.convert("L"), covered.convert("L")).tobytes()
    if max(difference) < COVERED_DIFFERENCE:
        return None
    _cover(covered, subject)
    _frame(covered, subject.xyxy)
    if covered.width > WIDEST_PX:
        height = round(covered.height * WIDEST_PX / covered.width)
        covered = covered.resize((WIDEST_PX, height), Image.Resampling.LANCZOS)
    target = io.BytesIO()
    Image.frombytes("RGB", covered.size, covered.tobytes()).save(target, "JPEG", quality=QUALITY)
    return target.getvalue()


def _cover(picture: Image.Image, subject: ShownSubject) -> None:
    """Covers the subject's head zone or plate zone for good; all of it when the class is not known."""
    x1, y1, x2, y2 = subject.xyxy
    top, bottom, margin = _ZONES.get(subject.class_name, (0.0, 1.0, MARGIN))
    width, height = x2 - x1, y2 - y1
    zone = (x1 - margin * width, y1 + (top - margin) * height, x2 + margin * width, y1 + (bottom + margin) * height)
    ImageDraw.Draw(picture).rectangle([round(v) for v in zone], fill=FILL_RGB)


def _frame(picture: Image.Image, xyxy: Sequence[float]) -> None:
    """Draws a frame just outside the subject, so that people see what the item is about."""
    line_px = max(3, round(picture.width / 480))
    pen = ImageDraw.Draw(picture)
    x1, y1, x2, y2 = (round(v) for v in xyxy)
    for grow, colour, width in (
        (2 * line_px, (20, 20, 20), 2 * line_px),
        (line_px + line_px // 2, (255, 214, 0), line_px),
    ):
        pen.rectangle((x1 - grow, y1 - grow, x2 + grow, y2 + grow), outline=colour, width=width)
