"""Official Ultralytics weights, fetched by name and kept with a manifest that states their licence.

They are AGPL-3.0 and know the COCO classes; the actors among these are read, the rest is not. A fetched ``.pt`` runs
nowhere by itself: ``lukou models export`` makes the ONNX file the engines take.
"""

import hashlib
import re
from collections.abc import Callable
from datetime import datetime
from http.client import HTTPException
from pathlib import Path
from urllib.request import urlopen

from core.errors import ModelError, StoreError
from models import coco
from models.registry import Manifest, NetworkInput, Thresholds, TrainingSource, WeightsFile, save

ASSETS = "https://github.com/ultralytics/assets/releases/download/v8.4.0/"
"""Release folder of the official weights."""
NAMES = re.compile(r"yolo(v8|11|26)[nsmlx]")
LARGEST_BYTES = 300_000_000
TIMEOUT_S = 30.0

Fetch = Callable[[str], bytes]


def fetch(url: str) -> bytes:
    """Returns what an HTTPS address holds.

    Raises:
        OSError: no connection, or no such file there.
    """
    with urlopen(url, timeout=TIMEOUT_S) as answer:  # noqa: S310  # the address is ASSETS, HTTPS
        content: bytes = answer.read(LARGEST_BYTES + 1)
    return content


def pull(name: str, home: Path, now: datetime, get: Fetch = fetch) -> Manifest:
    """Fetches official weights into ``home`` and returns their manifest.

    Raises:
        ModelError: no official name, no connection, or what came is no checkpoint; one line.
        StoreError: the folder cannot be written.
    """
    if not NAMES.fullmatch(name):
        raise ModelError(f"'{name}' is no official model; names are like yolo11n, yolo26s or yolov8m", name=name)
    url = f"{ASSETS}{name}.pt"
    try:
        content = get(url)
    except (OSError, HTTPException) as error:
        raise ModelError(
            f"cannot fetch {url} ({error}); this needs internet: fetch it elsewhere and give the file to "
            "`lukou models export`",
            name=name,
        ) from error
    if not content.startswith(b"PK") or len(content) > LARGEST_BYTES:
        raise ModelError(f"what {url} answers is no checkpoint; try again later", name=name)
    manifest = describe(name, content, now)
    keep(manifest, content, home)
    return manifest


def describe(name: str, content: bytes, now: datetime) -> Manifest:
    """Returns the manifest of official weights."""
    return Manifest(
        name=name,
        version=f"{now:%Y.%m.%d}",
        task="detect",
        classes=list(coco.CLASSES),
        input=NetworkInput(width=640, height=640, stride=32),
        thresholds=Thresholds(confidence=0.25, nms_iou=0.6),
        licence="AGPL-3.0",
        initial_weights="none",
        training_data=[TrainingSource(source="COCO 2017", licence="CC BY 4.0 (labels), Flickr terms", images=118_287)],
        metrics=[],
        weights=WeightsFile(file=f"{name}.pt", sha256=hashlib.sha256(content).hexdigest(), size=len(content)),
        created=now,
        recipe={"fetched_from": f"{ASSETS}{name}.pt"},
    )


def keep(manifest: Manifest, content: bytes, home: Path) -> Path:
    """Stores weights and manifest under ``home`` and returns the weights file.

    Raises:
        StoreError: the folder cannot be written.
    """
    path = home / "weights" / manifest.weights.file
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        save(manifest, home / "manifests" / f"{manifest.name}.json")
    except OSError as error:
        raise StoreError(f"cannot write to {home} ({error.strerror}); set LUKOU_HOME elsewhere") from error
    return path
