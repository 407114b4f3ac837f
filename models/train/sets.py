"""The sets a network is measured on: none of them is trained on, most are of places never trained on."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.observations import ActorClass
from models.train.dataset import Labelled, Row, film_frames, is_shippable, read_labels, read_rgb, read_row, read_rows
from models.train.evaluate import EvaluationSet

PLACE_D_CLASSES = {0: ActorClass.CAR, 2: ActorClass.MOTORCYCLE}
"""place_d's own class numbers (its classes.txt): car, motobike; the rest are lamps and lines."""

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
            labels="human; far vehicles and people unlabelled; used for choosing",
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
            yield _all_count(read_row(row))


def _place_d(folder: Path) -> Iterator[Item]:
    for path in sorted((folder / "images").iterdir()):
        rgb = read_rgb(path)
        labels = folder / "labels" / f"{path.stem}.txt"
        xyxy, own = read_labels(labels, rgb.shape[1], rgb.shape[0])
        kept = np.isin(own, list(PLACE_D_CLASSES))
        class_id = np.array([int(PLACE_D_CLASSES[c]) for c in own[kept].tolist()], dtype=np.int64)
        yield _all_count(Labelled(name=path.stem, rgb=rgb, xyxy=xyxy[kept], class_id=class_id))


def _all_count(picture: Labelled) -> Item:
    return picture, np.ones(len(picture.class_id), dtype=bool)
