import hashlib
import json
import re
from pathlib import Path
from typing import Any

import pytest

from core.errors import ManifestMismatch, ModelError
from core.observations import ActorClass
from models.boxes import build_reader
from models.registry import list_manifests, load_manifest, weights

CONTENT = b"not really a network"


def manifest(**changes: Any) -> dict[str, Any]:
    return {
        "name": "toy",
        "version": "1",
        "task": "detect",
        "classes": ["person", "car"],
        "input": {"width": 640, "height": 640, "stride": 32},
        "thresholds": {"confidence": 0.3, "per_class": {"person": 0.2}, "nms_iou": 0.5},
        "licence": "AGPL-3.0-or-later",
        "initial_weights": "none",
        "training_data": [{"source": "made up", "licence": "MIT", "images": 1}],
        "metrics": [],
        "weights": {"file": "toy.onnx", "sha256": hashlib.sha256(CONTENT).hexdigest(), "size": len(CONTENT)},
        "created": "2026-11-22T00:00:00Z",
        "recipe": {},
    } | changes


def install(home: Path, data: dict[str, Any], content: bytes | None = CONTENT) -> Path:
    (home / "manifests").mkdir()
    (home / "weights").mkdir()
    (home / "manifests" / "toy.json").write_text(json.dumps(data), encoding="utf-8")
    if content is not None:
        (home / "weights" / "toy.onnx").write_bytes(content)
    return home


def one_line(error: pytest.ExceptionInfo[ModelError]) -> str:
    assert "\n" not in error.value.message
    return error.value.message


def test_weights_the_manifest_names_are_returned(tmp_path: Path) -> None:
    home = install(tmp_path, manifest())
    assert weights("toy", home).read_bytes() == CONTENT
    assert list_manifests(home) == ["toy"]


@pytest.mark.parametrize("position", [0, 7, len(CONTENT) - 1])
def test_one_changed_byte_is_refused(tmp_path: Path, position: int) -> None:
    changed = bytearray(CONTENT)
    changed[position] ^= 1
    home = install(tmp_path, manifest(), bytes(changed))
    with pytest.raises(ManifestMismatch) as error:
        weights("toy", home)
    assert "toy" in one_line(error)
    assert error.value.fields["got"] == hashlib.sha256(changed).hexdigest()


def test_weights_exchanged_between_two_loads_are_noticed(tmp_path: Path) -> None:
    home = install(tmp_path, manifest())
    path = weights("toy", home)
    path.write_bytes(CONTENT[::-1])
    with pytest.raises(ManifestMismatch):
        weights("toy", home)


def test_missing_weights_say_what_to_do(tmp_path: Path) -> None:
    home = install(tmp_path, manifest(), content=None)
    with pytest.raises(ModelError, match="reinstall") as error:
        weights("toy", home)
    one_line(error)


@pytest.mark.parametrize("name", ["nope", "../toy", "TOY", ""])
def test_unknown_names_are_refused(tmp_path: Path, name: str) -> None:
    home = install(tmp_path, manifest())
    with pytest.raises(ModelError) as error:
        load_manifest(name, home)
    one_line(error)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"surprise": 1}, "surprise"),
        ({"classes": []}, "classes"),
        ({"thresholds": {"confidence": 1.5, "nms_iou": 0.5}}, "thresholds.confidence"),
        ({"weights": {"file": "../../etc/passwd", "sha256": "0" * 64, "size": 1}}, "weights.file"),
        ({"name": "other"}, "other"),
    ],
)
def test_a_damaged_manifest_names_the_place(tmp_path: Path, changes: dict[str, Any], named: str) -> None:
    home = install(tmp_path, manifest(**changes))
    with pytest.raises(ModelError, match=named) as error:
        load_manifest("toy", home)
    one_line(error)


def test_a_class_threshold_overrides_the_common_one(tmp_path: Path) -> None:
    thresholds = load_manifest("toy", install(tmp_path, manifest())).thresholds
    assert thresholds is not None
    assert (thresholds.of("person"), thresholds.of("car")) == (0.2, 0.3)


@pytest.mark.parametrize("task", ["read", "classify"])
def test_only_a_detector_needs_thresholds(tmp_path: Path, task: str) -> None:
    home = install(tmp_path, manifest(task=task, thresholds=None))
    assert weights("toy", home).read_bytes() == CONTENT
    with pytest.raises(ModelError, match="choose a detector") as error:
        build_reader(load_manifest("toy", home))
    one_line(error)


def test_a_detector_without_thresholds_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="a detector needs thresholds"):
        load_manifest("toy", install(tmp_path, manifest(thresholds=None)))


@pytest.mark.parametrize("name", list_manifests())
def test_what_ships_is_whole_and_may_ship(name: str) -> None:
    shipped = load_manifest(name)
    path = weights(name)
    assert path.stat().st_size <= 12_000_000
    assert {source.licence for source in shipped.training_data} <= {
        "CC BY 4.0",
        "MIT",
        "Apache-2.0",
        "AGPL-3.0-or-later",
    }
    assert any(metric.unseen for metric in shipped.metrics)
    assert re.search(rb"/(home|root|tmp|work)/", path.read_bytes()) is None


def test_the_pole_detector_ships_with_every_actor() -> None:
    assert [ActorClass[c.upper()] for c in load_manifest("pole").classes] == list(ActorClass)
