"""Labels looked at again: what is missing is added, a whole rider replaces the machine alone, doubts do not count."""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from core.observations import ActorClass
from models.train import audit
from models.train.dataset import Labelled

MACHINE, RIDER = (100.0, 140.0, 120.0, 180.0), (98.0, 100.0, 122.0, 182.0)
FAR, DOUBTFUL, CAR = (10.0, 10.0, 20.0, 30.0), (300.0, 10.0, 320.0, 40.0), (200.0, 200.0, 300.0, 300.0)


@pytest.fixture
def picture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Labelled]:
    rows = {"a": [[*RIDER, "whole"], [*FAR, "missing"], [*DOUBTFUL, "unclear"], [*RIDER, "missing"]]}
    (tmp_path / "audited.json").write_text(json.dumps(rows))
    monkeypatch.setattr(audit, "FILE", tmp_path / "audited.json")
    audit._answers.cache_clear()  # read once a process otherwise
    yield Labelled(
        name="a",
        rgb=np.zeros((400, 400, 3), np.uint8),
        xyxy=np.float32([MACHINE, CAR]),
        class_id=np.array([ActorClass.MOTORCYCLE, ActorClass.CAR]),
    )
    audit._answers.cache_clear()


def test_missing_whole_and_unclear(picture: Labelled) -> None:
    again, counts = audit.audited(picture)
    assert [tuple(box) for box in again.xyxy.tolist()] == [RIDER, FAR, DOUBTFUL]
    assert counts.tolist() == [True, True, False]
    assert set(again.class_id.tolist()) == {ActorClass.MOTORCYCLE}


def test_a_picture_nobody_looked_at_keeps_its_labels(picture: Labelled) -> None:
    other = Labelled(name="b", rgb=picture.rgb, xyxy=picture.xyxy, class_id=picture.class_id)
    again, counts = audit.audited(other)
    assert [tuple(box) for box in again.xyxy.tolist()] == [MACHINE]
    assert counts.tolist() == [True]
