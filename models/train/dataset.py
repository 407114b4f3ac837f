"""The training set: corpus rows whose licence allows shipping, completed labels, rendered scenes.

Rows are YOLO text (class, centre, size; relative). Images without any actor stay in as negatives.
"""

import csv
import json
import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from core.observations import ActorClass, FloatArray
from models.boxes import KINDS, Boxes, overlap

SHIPPABLE = frozenset({"CC BY 4.0", "MIT", "Apache-2.0"})
"""Licences whose material may stand behind weights we publish."""

WILD_SHARE = 0.2
"""A pseudo-label box covering more of the picture than this is a mistake unless the teacher sees it too."""

RENDER_CLASSES = {
    "person": ActorClass.PERSON,
    "bicycle": ActorClass.BICYCLE,
    "ebike": ActorClass.MOTORCYCLE,
    "motorcycle": ActorClass.MOTORCYCLE,
    "car": ActorClass.CAR,
    "bus": ActorClass.BUS,
    "truck": ActorClass.TRUCK,
}
"""Class names of the simulator's ground truth."""

PHOTOS = "photos"
"""Camera name of signal photographs: used only where an actor is in them."""

LEAST_VISIBLE = 0.3
LEAST_HEIGHT_SHARE = 1 / 54
"""Rendered actors lower than this share of the picture's height (20 px of 1080) are not labelled."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One corpus image and where it came from."""

    image: Path
    labels: Path
    source: str
    camera: str
    split: str
    licence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Labelled:
    """One picture with its boxes in pixels.

    Shapes: rgb (h, w, 3) uint8, xyxy (N, 4), class_id (N,).
    """

    name: str
    rgb: NDArray[np.uint8]
    xyxy: FloatArray
    class_id: NDArray[np.int64]


def read_rows(corpus: Path) -> list[Row]:
    """Returns every row of the corpus manifest."""
    rows = []
    with (corpus / "manifest.csv").open(encoding="utf-8", newline="") as file:
        for entry in csv.DictReader(file):
            image = Path(entry["image"])
            labels = Path("labels", *image.parts[1:]).with_suffix(".txt")
            rows.append(
                Row(
                    image=corpus / image,
                    labels=corpus / labels,
                    source=entry["source"],
                    camera=entry["camera"],
                    split=entry["split"],
                    licence=entry["licence"],
                )
            )
    return rows


def is_shippable(row: Row) -> bool:
    """Tells whether weights trained on the row may be published."""
    return row.licence in SHIPPABLE


def read_labels(path: Path, width_px: int, height_px: int) -> tuple[FloatArray, NDArray[np.int64]]:
    """Returns (xyxy, class_id) of a YOLO text file, actors only; a missing file means no actor."""
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    values = [[float(v) for v in line.split()] for line in text.splitlines() if line.strip()]
    values = [v for v in values if int(v[0]) < len(ActorClass)]
    table = np.array(values, dtype=np.float64).reshape(-1, 5)
    size = np.array([width_px, height_px])
    centre, half = table[:, 1:3] * size, table[:, 3:5] * size / 2
    xyxy = np.concatenate([centre - half, centre + half], axis=1).astype(np.float32)
    return xyxy, table[:, 0].astype(np.int64)


def write_labels(path: Path, picture: Labelled) -> None:
    """Saves the boxes of a picture as YOLO text."""
    height, width = picture.rgb.shape[:2]
    lines = []
    for (x1, y1, x2, y2), class_id in zip(picture.xyxy.tolist(), picture.class_id.tolist(), strict=True):
        centre = f"{(x1 + x2) / 2 / width:.5f} {(y1 + y2) / 2 / height:.5f}"
        lines.append(f"{class_id} {centre} {(x2 - x1) / width:.5f} {(y2 - y1) / height:.5f}")
    path.write_text("\n".join(lines), encoding="utf-8")


def complete(picture: Labelled, seen: Boxes, *, confidence: float = 0.45) -> Labelled:
    """Returns the picture with actors a teacher sees and the labels left out, without wild pseudo boxes.

    Args:
        picture: A labelled picture.
        seen: What a teacher network finds in it, in the picture's pixels.
        confidence: Lowest confidence of a box that is added.
    """
    area = (picture.xyxy[:, 2:] - picture.xyxy[:, :2]).prod(axis=1) / (picture.rgb.shape[0] * picture.rgb.shape[1])
    confirmed = overlap(picture.xyxy, seen.xyxy).max(axis=1, initial=0) > 0.5
    kept = (area < WILD_SHARE) | confirmed
    xyxy, class_id = picture.xyxy[kept], picture.class_id[kept]
    kinds = np.array([KINDS[c] for c in ActorClass])
    same = kinds[seen.class_id][:, None] == kinds[class_id][None]
    known = (overlap(seen.xyxy, xyxy) * same).max(axis=1, initial=0) > 0.3
    new = (seen.confidence >= confidence) & ~known
    return Labelled(
        name=picture.name,
        rgb=picture.rgb,
        xyxy=np.concatenate([xyxy, seen.xyxy[new]]),
        class_id=np.concatenate([class_id, seen.class_id[new]]),
    )


def write_corpus(
    corpus: Path, target: Path, teacher: Callable[[NDArray[np.uint8]], Boxes] | None = None
) -> dict[tuple[str, str], int]:
    """Saves the shippable rows as a YOLO data set; returns the number of training images by (source, licence)."""
    counts: dict[tuple[str, str], int] = {}
    for row in read_rows(corpus):
        if not is_shippable(row):
            continue
        picture = read_row(row)
        if teacher is not None and row.split == "train":
            picture = complete(picture, teacher(picture.rgb))
        if row.camera == PHOTOS and not len(picture.class_id):
            continue
        if row.split == "train":
            counts[row.source, row.licence] = counts.get((row.source, row.licence), 0) + 1
        images, labels = _folders(target, row.split)
        link = images / row.image.name
        if not link.is_symlink():
            link.symlink_to(row.image.resolve())
        write_labels(labels / f"{picture.name}.txt", picture)
    return counts


def read_row(row: Row) -> Labelled:
    """Returns a corpus row's picture and boxes."""
    rgb = read_rgb(row.image)
    xyxy, class_id = read_labels(row.labels, rgb.shape[1], rgb.shape[0])
    return Labelled(name=row.image.stem, rgb=rgb, xyxy=xyxy, class_id=class_id)


def read_rgb(path: Path) -> NDArray[np.uint8]:
    """Returns an image file's pixels.

    Raises:
        FileNotFoundError: missing or not an image.
    """
    bgr = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if bgr is None:
        raise FileNotFoundError(f"{path} is missing or no image")
    return np.ascontiguousarray(bgr[:, :, ::-1], dtype=np.uint8)


def rendered_frames(clip: Path, step: int = 1) -> Iterator[tuple[Labelled, NDArray[np.bool_]]]:
    """Yields every ``step``-th frame of a rendered clip with its true boxes, and which of them can be seen well.

    The truth lies beside the clip as ``<clip>.gt.json``: per frame ``objects`` with ``cls``, ``bbox``, ``visibility``.
    """
    truth = json.loads(clip.with_suffix(".gt.json").read_text(encoding="utf-8"))["frames"]
    with av.open(str(clip)) as container:
        for index, frame in enumerate(container.decode(video=0)):
            if index >= len(truth):
                return
            if index % step:
                continue
            rgb = np.asarray(frame.to_ndarray(format="rgb24"), dtype=np.uint8)
            boxes = [box for actor in truth[index]["objects"] for box in _actor_boxes(actor)]
            xyxy = np.array([b[1] for b in boxes], dtype=np.float32).reshape(-1, 4)
            height = xyxy[:, 3] - xyxy[:, 1]
            is_clear = np.array([b[2] >= LEAST_VISIBLE for b in boxes], dtype=bool)
            is_clear &= height >= LEAST_HEIGHT_SHARE * rgb.shape[0]
            class_id = np.array([b[0] for b in boxes], dtype=np.int64)
            yield Labelled(name=f"{clip.stem}_{index:04d}", rgb=rgb, xyxy=xyxy, class_id=class_id), is_clear


def _actor_boxes(actor: dict[str, object]) -> list[tuple[int, Sequence[float], float]]:
    """Returns (class, box, visible share) of an actor; someone pushing a bicycle is a person and a bicycle."""
    visible = float(str(actor["visibility"]))
    if actor["cls"] == "person+bicycle":
        parts = ((ActorClass.PERSON, "rider_bbox"), (ActorClass.BICYCLE, "vehicle_bbox"))
        return [(int(c), actor[key], visible) for c, key in parts if key in actor]  # type: ignore[misc]
    return [(int(RENDER_CLASSES[str(actor["cls"])]), actor["bbox"], visible)]  # type: ignore[list-item]


def film_frames(video: Path, step: int = 1) -> Iterator[tuple[Labelled, NDArray[np.bool_]]]:
    """Yields every ``step``-th labelled frame of a film (``python -m sim render``) and which boxes can be seen well."""
    truth = json.loads(video.with_suffix("").with_suffix(".truth.json").read_text(encoding="utf-8"))
    class_of = [int(RENDER_CLASSES[track["class"]]) for track in truth["tracks"]]
    labelled = {round(t_s * truth["fps"]): rows for t_s, rows in truth["boxes"][::step]}
    with av.open(str(video)) as container:
        for index, frame in enumerate(container.decode(video=0)):
            if index not in labelled:
                continue
            rgb = np.asarray(frame.to_ndarray(format="rgb24"), dtype=np.uint8)
            rows = np.array(labelled[index], dtype=np.float32).reshape(-1, 6)
            is_clear = (rows[:, 5] >= LEAST_VISIBLE) & (rows[:, 4] - rows[:, 2] >= LEAST_HEIGHT_SHARE * rgb.shape[0])
            class_id = np.array([class_of[int(track)] for track in rows[:, 0]], dtype=np.int64)
            yield Labelled(name=f"{video.stem}_{index:04d}", rgb=rgb, xyxy=rows[:, 1:5], class_id=class_id), is_clear


def rendered_pictures(folder: Path, *, prefixes: Sequence[str] = ("",)) -> Iterator[tuple[Labelled, NDArray[np.bool_]]]:
    """Yields the pictures ``python -m sim pictures`` made (JPEG and YOLO text), with which boxes can be seen well."""
    for path in sorted(folder.glob("*.jpg")):
        if not path.name.startswith(tuple(prefixes)):
            continue
        rgb = read_rgb(path)
        xyxy, class_id = read_labels(path.with_suffix(".txt"), rgb.shape[1], rgb.shape[0])
        is_clear = xyxy[:, 3] - xyxy[:, 1] >= LEAST_HEIGHT_SHARE * rgb.shape[0]
        yield Labelled(name=path.stem, rgb=rgb, xyxy=xyxy, class_id=class_id), is_clear


def write_renders(frames: Iterable[tuple[Labelled, NDArray[np.bool_]]], target: Path, *, seed: int = 0) -> int:
    """Saves rendered frames as training rows and returns how many.

    Each frame is halved; of every third one a full-resolution quarter is saved too.
    """
    chance, count = random.Random(seed), 0
    for index, (picture, is_clear) in enumerate(frames):
        height, width = picture.rgb.shape[:2]
        views = [(0, 0, width, height)]
        if index % 3 == 0:
            x, y = chance.randrange(0, width // 2), chance.randrange(height // 7, height // 2)
            views.append((x, y, x + width // 2, y + height // 2))
        for number, view in enumerate(views):
            row = _view(picture, is_clear, view, f"render_{picture.name}_{number}")
            write_picture(target, "train", row, quality=90)
            count += 1
    return count


def _view(picture: Labelled, is_clear: NDArray[np.bool_], view: tuple[int, int, int, int], name: str) -> Labelled:
    """Returns a cut-out of a frame at half its width, with the boxes that lie at least a third inside."""
    x1, y1, x2, y2 = view
    height, width = picture.rgb.shape[:2]
    window = np.array([x1, y1, x2, y2], dtype=np.float32)
    clipped = np.concatenate(
        [np.maximum(picture.xyxy[:, :2], window[:2]), np.minimum(picture.xyxy[:, 2:], window[2:])], 1
    )
    size = clipped[:, 2:] - clipped[:, :2]
    share = np.clip(size, 0, None).prod(axis=1) / np.clip(
        (picture.xyxy[:, 2:] - picture.xyxy[:, :2]).prod(axis=1), 1, None
    )
    kept = is_clear & (size > 4).all(axis=1) & (share >= 0.35)
    scale = width / 2 / (x2 - x1)
    rgb = cv2.resize(picture.rgb[y1:y2, x1:x2], (width // 2, height // 2), interpolation=cv2.INTER_AREA)
    xyxy = ((clipped[kept] - np.tile(window[:2], 2)) * scale).astype(np.float32)
    return Labelled(name=name, rgb=np.asarray(rgb, dtype=np.uint8), xyxy=xyxy, class_id=picture.class_id[kept])


def write_picture(target: Path, split: str, picture: Labelled, quality: int = 95) -> None:
    """Saves a picture and its boxes as a row of a YOLO data set."""
    images, labels = _folders(target, split)
    cv2.imwrite(str(images / f"{picture.name}.jpg"), picture.rgb[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
    write_labels(labels / f"{picture.name}.txt", picture)


def _folders(target: Path, split: str) -> tuple[Path, Path]:
    images, labels = target / "images" / split, target / "labels" / split
    images.mkdir(parents=True, exist_ok=True)
    labels.mkdir(parents=True, exist_ok=True)
    return images, labels


def write_data_yaml(target: Path) -> Path:
    """Saves the data set's description for the trainer and returns its path."""
    names = ", ".join(c.name.lower() for c in ActorClass)
    path = target / "data.yaml"
    places = f"path: {target.resolve()}\ntrain: images/train\nval: images/val\n"
    path.write_text(f"{places}names: [{names}]\n", encoding="utf-8")
    return path
