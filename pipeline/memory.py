"""What stands before a camera for days, kept on disk: one small file and a few pictures per camera.

The file is written whole beside the old one and then takes its place, so a killed process leaves the one or the other.
Every line carries its own checksum: a damaged line costs that one stay, which is counted and said.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, replace
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from core import log
from core.errors import StoreError
from core.observations import ActorClass, Role
from rules.long_stay import Box, Portrait, Shot, Stay

SCHEMA = 1
logger = log.get(__name__)


class Memory:
    """The stays of one camera. Boxes lie on disk as shares of the picture: another size of picture changes nothing."""

    def __init__(self, folder: Path, camera_id: str, size_px: tuple[int, int]) -> None:
        name = re.sub(r"[^\w-]", "_", camera_id) + "-" + sha256(camera_id.encode()).hexdigest()[:8]
        self._folder, self._file, self._size_px = folder / name, folder / f"{name}.jsonl", size_px
        self.stays: list[Stay] = []
        self.newest_ns = 0
        """World time of the last look kept, ns since 1970: earlier ones are known already."""
        self.lost = 0
        """Stays that could not be read back."""
        self._load()

    def save(self, stays: Iterable[Stay], newest_ns: int) -> None:
        """Writes what was seen standing more than once; removes the pictures of all other stays.

        Raises:
            StoreError: the disk refuses.
        """
        kept = [stay for stay in stays if stay.last_ns > stay.begun_ns]
        head = {"memory": SCHEMA, "stays": len(kept), "newest_ns": newest_ns}
        lines = [json.dumps(head), *(self._line(stay) for stay in kept)]
        part = self._file.with_suffix(".part")
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            with part.open("w", encoding="utf-8") as file:
                file.write("\n".join(lines) + "\n")
                file.flush()
                os.fsync(file.fileno())
            part.replace(self._file)
            wanted = {self._picture(stay.stay_id, shot.role).name for stay in kept for shot in stay.shots}
            for path in self._folder.glob("*.png"):
                if path.name not in wanted:
                    path.unlink(missing_ok=True)
        except OSError as error:
            raise _refused(self._file, error) from error

    def keep_picture(self, stay_id: str, role: Role, rgb: NDArray[np.uint8]) -> None:
        """Writes a whole picture of a stay, without loss. Shape: rgb (H, W, 3).

        Raises:
            StoreError: the disk refuses.
        """
        path, buffer = self._picture(stay_id, role), BytesIO()
        Image.fromarray(rgb).save(buffer, "PNG", compress_level=6)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            part = path.with_suffix(".part")
            part.write_bytes(buffer.getvalue() + sha256(buffer.getvalue()).digest())
            part.replace(path)
        except OSError as error:
            raise _refused(path, error) from error

    def picture(self, stay_id: str, role: Role) -> NDArray[np.uint8] | None:
        """Returns a kept picture (H, W, 3); None when it is gone or was changed since."""
        try:
            content = self._picture(stay_id, role).read_bytes()
        except OSError:
            return None
        data, digest = content[:-32], content[-32:]
        if sha256(data).digest() != digest:
            return None
        with Image.open(BytesIO(data)) as image:
            return np.asarray(image.convert("RGB"))

    def _picture(self, stay_id: str, role: Role) -> Path:
        return self._folder / f"{stay_id}-{role.value}.png"

    def _line(self, stay: Stay) -> str:
        row = asdict(_scaled(stay, 1 / self._size_px[0], 1 / self._size_px[1]))
        return json.dumps({"stay": row, "sha256": _digest(row)}, ensure_ascii=False)

    def _load(self) -> None:
        try:
            lines = self._file.read_bytes().splitlines()
        except FileNotFoundError:
            return
        except OSError as error:
            raise _refused(self._file, error) from error
        told, good = -1, []
        for line in lines:
            try:
                row = json.loads(line)
                if "memory" in row:
                    told, self.newest_ns = int(row["stays"]), int(row["newest_ns"])
                elif row["sha256"] == _digest(row["stay"]):
                    good.append(_scaled(_stay(row["stay"]), *self._size_px))
            except (ValueError, KeyError, TypeError):
                continue
        self.stays = good
        self.lost = max(told - len(good), 0) if told >= 0 else max(len(lines) - len(good), 1)
        self.newest_ns = max([self.newest_ns, *(stay.last_ns for stay in good)])
        if self.lost:
            logger.error(
                "memory_damaged",
                path=str(self._file),
                lost=self.lost,
                kept=len(good),
                reason="their stays begin anew (V11); check the disk",
            )


def _stay(row: Mapping[str, Any]) -> Stay:
    portrait, shots = row["portrait"], row["shots"]
    return Stay(
        **{
            **row,
            "class_id": ActorClass(row["class_id"]),
            "box": _box(row["box"]),
            "days": tuple(row["days"]),
            "portrait": portrait and Portrait(plate=portrait["plate"], colours=tuple(portrait["colours"])),
            "shots": tuple(Shot(role=Role(s["role"]), utc_ns=s["utc_ns"], box=_box(s["box"])) for s in shots),
        }
    )


def _box(values: Iterable[float]) -> Box:
    x1, y1, x2, y2 = values
    return x1, y1, x2, y2


def _scaled(stay: Stay, fx: float, fy: float) -> Stay:
    def of(box: Box) -> Box:
        return box[0] * fx, box[1] * fy, box[2] * fx, box[3] * fy

    return replace(stay, box=of(stay.box), shots=tuple(replace(shot, box=of(shot.box)) for shot in stay.shots))


def _digest(row: Mapping[str, Any]) -> str:
    return sha256(json.dumps(row, sort_keys=True).encode()).hexdigest()[:16]


def _refused(path: Path, error: OSError) -> StoreError:
    return StoreError(
        f"what stands for days cannot be kept in {path.parent} ({error.strerror}); free space or check permissions",
        path=str(path),
    )
