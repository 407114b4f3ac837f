"""How much the masker covers on the film that ships: exact truth, small figures, dense traffic.

The film is synthetic; the figure on real pictures is in docs/models/pole.md (measured, those pictures may not ship).
"""

from pathlib import Path

import numpy as np
import pytest

from core.observations import ActorClass
from models.train.dataset import Labelled, film_frames
from vision.mask import PictureMasker

FILM = Path(__file__).parents[3] / "sim" / "demo" / "junction.mp4"
HEAD_SHARE = {ActorClass.PERSON: 1 / 7.5, ActorClass.BICYCLE: 1 / 6, ActorClass.MOTORCYCLE: 1 / 6}
"""Head in heights of the box, from the top (adult 1/7.5 of standing height; rider 1/6 of rider and machine)."""

FOUR_WHEELERS = (ActorClass.CAR, ActorClass.BUS, ActorClass.TRUCK)
EVERY = 25
"""Labelled frames between two looked at: eight of the film's two hundred."""


def covered(picture: Labelled, masked: np.ndarray[tuple[int, int], np.dtype[np.bool_]]) -> list[tuple[str, bool]]:
    """Returns for each head and each rear end of a vehicle whether at least 95 % of it is covered."""
    found = []
    for (x1, y1, x2, y2), class_id in zip(picture.xyxy.tolist(), picture.class_id.tolist(), strict=True):
        actor, high = ActorClass(class_id), y2 - y1
        if actor in FOUR_WHEELERS:
            part = masked[int(y1 + 0.45 * high) : int(y2 - 0.1 * high), int(x1) : int(x2)]
            found.append(("plate", bool(part.mean() >= 0.95)))
            continue
        half = min((x2 - x1) / 2, HEAD_SHARE[actor] * high * 0.6)
        middle = (x1 + x2) / 2
        part = masked[int(y1) : int(y1 + HEAD_SHARE[actor] * high) + 1, int(middle - half) : int(middle + half) + 1]
        found.append(("head", bool(part.mean() >= 0.95)))
    return found


@pytest.mark.slow
@pytest.mark.skipif(not FILM.exists(), reason="needs the demo film, which is not here")
def test_heads_and_rear_ends_of_the_demo_film_are_covered() -> None:
    masker, results, shares = PictureMasker(), [], []
    for picture, is_clear in film_frames(FILM, step=EVERY):
        masked = np.zeros(picture.rgb.shape[:2], dtype=bool)
        for region in masker.regions(picture.rgb):
            x1, y1, x2, y2 = region.xyxy
            masked[y1:y2, x1:x2] = True
        clear = Labelled(
            name=picture.name, rgb=picture.rgb, xyxy=picture.xyxy[is_clear], class_id=picture.class_id[is_clear]
        )
        results += covered(clear, masked)
        shares.append(masked.mean())
    heads = [hit for kind, hit in results if kind == "head"]
    plates = [hit for kind, hit in results if kind == "plate"]
    assert len(heads) > 80
    assert len(plates) > 40
    assert np.mean(heads) >= 0.9, np.mean(heads)
    assert np.mean(plates) >= 0.93, np.mean(plates)
    assert np.mean(shares) < 0.2, "nearly everything is covered: the picture says nothing any more"
