"""The sets a network is measured on: none of them is trained on, most are of places never trained on."""

from collections.abc import Callable, Collection, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.observations import ActorClass
from models.train.audit import audited
from models.train.dataset import Labelled, Row, film_frames, is_shippable, read_labels, read_rgb, read_row, read_rows
from models.train.evaluate import EvaluationSet

PLACE_D_CLASSES = {0: ActorClass.CAR, 2: ActorClass.MOTORCYCLE}
"""place_d's own class numbers (its classes.txt): car, motobike; the rest are lamps and lines."""

AUDITED = ", audited"
"""Ending of the name of a junction's held-apart pictures with two-wheelers labelled again."""
LABELS_D = "human; far vehicles and people unlabelled; used for choosing"
CLASSES = ("motorcycle", "car", "bus", "truck")
VEHICLES = ("four_wheelers", "two_wheelers")
ALL = (*VEHICLES, "person")
Item = tuple[Labelled, NDArray[np.bool_]]


def evaluation_sets(
    corpus: Path, place_d: Path, demo: Path, rendered: Callable[[], Iterator[Item]]
) -> list[EvaluationSet]:
    """Returns every set; ``rendered`` gives frames of views kept from training, ``demo`` is the film that ships."""
    return [
        EvaluationSet(
            name="place_d",
            unseen=True,
            labels=LABELS_D,
            groups=VEHICLES,
            items=Items(lambda: _place_d(place_d)),
        ),
        EvaluationSet(
            name="uvhnael",
            unseen=True,
            labels="human, completed by a teacher network",
            groups=ALL,
            items=Items(lambda: _rows(corpus, _is_uvhnael)),
        ),
        EvaluationSet(
            name="other_clips",
            unseen=True,
            labels="teacher network, a few human",
            groups=ALL,
            items=Items(lambda: _rows(corpus, _is_other_clip)),
        ),
        EvaluationSet(
            name="rendered_held_out",
            unseen=True,
            labels="exact; at least 30 % visible and 20 px of 1080 high",
            groups=ALL,
            items=Items(rendered),
        ),
        EvaluationSet(
            name="demo_film",
            unseen=True,
            labels="exact; at least 30 % visible and 20 px of 1080 high",
            groups=ALL,
            items=Items(lambda: film_frames(demo, step=5)),
        ),
        EvaluationSet(
            name="training_cameras_val",
            unseen=False,
            labels="human, some far riders unlabelled",
            groups=VEHICLES,
            items=Items(lambda: _rows(corpus, _is_own_val)),
        ),
    ]


PLACES = {"A+E": ("camA", "camE"), "F": ("camF",), "D": ()}
"""Junctions of the corpus by name, with their cameras; D has a folder of its own."""


def places(shared: Path, trained_on: Collection[str]) -> list[EvaluationSet]:
    """Returns one set a junction: D whole, of the others the held-apart pictures, or all if never trained on.

    After these the held-apart pictures of the others again, with their two-wheelers as ``models.train.audit`` has them.

    Args:
        shared: Folder with ``corpus`` and ``place_d``.
        trained_on: Names of the places whose other pictures the network has seen.
    """
    corpus, found = shared / "corpus", []
    for name, cameras in PLACES.items():
        is_new = name not in trained_on
        found.append(
            EvaluationSet(
                name=name,
                unseen=is_new,
                labels=LABELS_D if not cameras else "human, some far riders unlabelled",
                groups=(*VEHICLES, "car", "motorcycle") if not cameras else (*ALL, *CLASSES),
                items=Items(_source(shared / "place_d", corpus, cameras, is_whole=is_new)),
            )
        )
    again = [
        EvaluationSet(
            name=name + AUDITED,
            unseen=name not in trained_on,
            labels="human, two-wheelers looked at again",
            groups=("two_wheelers",),
            items=Items(_audited(_source(shared / "place_d", corpus, cameras, is_whole=False))),
        )
        for name, cameras in PLACES.items()
        if cameras
    ]
    return found + again


def _audited(source: Callable[[], Iterator[Item]]) -> Callable[[], Iterator[Item]]:
    return lambda: (audited(picture) for picture, _ in source())


def _source(place_d: Path, corpus: Path, cameras: tuple[str, ...], *, is_whole: bool) -> Callable[[], Iterator[Item]]:
    if not cameras:
        return lambda: _place_d(place_d)
    return lambda: _rows(corpus, lambda row: row.camera in cameras and (is_whole or row.split == "val"))


class Items:
    """Pictures read anew each time they are walked through, so no set is held in memory."""

    def __init__(self, source: Callable[[], Iterator[Item]]) -> None:
        self._source = source

    def __iter__(self) -> Iterator[Item]:
        """Yields (picture, which of its boxes count)."""
        return self._source()


def _is_uvhnael(row: Row) -> bool:
    return not is_shippable(row) and row.camera.startswith("uvhnael")


def _is_other_clip(row: Row) -> bool:
    return not is_shippable(row) and not row.camera.startswith("uvhnael") and "drone" not in row.camera


def _is_own_val(row: Row) -> bool:
    return is_shippable(row) and row.split == "val" and row.camera.startswith("cam")


def _rows(corpus: Path, is_wanted: Callable[[Row], bool]) -> Iterator[Item]:
    for row in read_rows(corpus):
        if is_wanted(row):
            yield all_count(read_row(row))


def _place_d(folder: Path) -> Iterator[Item]:
    for path in sorted((folder / "images").iterdir()):
        rgb = read_rgb(path)
        labels = folder / "labels" / f"{path.stem}.txt"
        xyxy, own = read_labels(labels, rgb.shape[1], rgb.shape[0])
        kept = np.isin(own, list(PLACE_D_CLASSES))
        class_id = np.array([int(PLACE_D_CLASSES[c]) for c in own[kept].tolist()], dtype=np.int64)
        yield all_count(Labelled(name=path.stem, rgb=rgb, xyxy=xyxy[kept], class_id=class_id))


def all_count(picture: Labelled) -> Item:
    """Returns a picture all of whose boxes count."""
    return picture, np.ones(len(picture.class_id), dtype=bool)
