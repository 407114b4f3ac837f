import io
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import pytest

from core.errors import ModelError
from models.boxes import build_reader
from models.pull import ASSETS, pull
from models.registry import check_licence, find_home, list_manifests, load_manifest, weights
from vision.detect import load_detector

NOW = datetime(2026, 11, 22, tzinfo=UTC)


def checkpoint() -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr("yolo11n/data.pkl", b"weights")
    return target.getvalue()


def test_official_weights_are_kept_with_their_licence(tmp_path: Path) -> None:
    asked = []

    def get(url: str) -> bytes:
        asked.append(url)
        return checkpoint()

    manifest = pull("yolo11n", tmp_path, NOW, get)
    assert asked == [f"{ASSETS}yolo11n.pt"]
    assert asked[0].startswith("https://")
    assert manifest.licence == "AGPL-3.0"
    assert (len(manifest.classes), manifest.classes[2], manifest.classes[79]) == (80, "car", "toothbrush")
    assert list_manifests(tmp_path) == ["yolo11n"]
    assert weights("yolo11n", tmp_path).read_bytes() == checkpoint()


def test_only_the_actors_of_coco_are_ever_read(tmp_path: Path) -> None:
    reader = build_reader(pull("yolo26n", tmp_path, NOW, lambda _: checkpoint()))
    read = {index for index, least in enumerate(reader.least) if least <= 1}
    assert read == {0, 1, 2, 3, 5, 7}  # COCO's person, bicycle, car, motorcycle, bus, truck
    assert reader.class_of[sorted(read)].tolist() == [0, 1, 3, 2, 4, 5]


def test_a_checkpoint_is_no_network_yet(tmp_path: Path) -> None:
    pull("yolo11n", tmp_path, NOW, lambda _: checkpoint())
    with pytest.raises(ModelError, match="lukou models export yolo11n"):
        load_detector("yolo11n", home=tmp_path)


@pytest.mark.parametrize("name", ["yolo12z", "../yolo11n", "yolo11n.pt", "pole"])
def test_only_official_names_are_asked_for(tmp_path: Path, name: str) -> None:
    def get(_: str) -> bytes:
        raise AssertionError("nothing may be fetched")

    with pytest.raises(ModelError, match="no official model"):
        pull(name, tmp_path, NOW, get)


def test_without_internet_one_line_says_what_to_do(tmp_path: Path) -> None:
    def get(_: str) -> bytes:
        raise OSError("Name or service not known")

    with pytest.raises(ModelError, match="needs internet") as error:
        pull("yolo11n", tmp_path, NOW, get)
    assert "\n" not in error.value.message
    assert list_manifests(tmp_path) == []


def test_a_login_page_is_no_checkpoint(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no checkpoint"):
        pull("yolo11n", tmp_path, NOW, lambda _: b"<html>please log in</html>")
    assert list_manifests(tmp_path) == []


def test_own_networks_are_found_beside_those_that_ship(tmp_path: Path) -> None:
    pull("yolo11n", tmp_path, NOW, lambda _: checkpoint())
    assert find_home("yolo11n", tmp_path) == tmp_path
    assert load_manifest("pole", find_home("pole", tmp_path)).name == "pole"


def test_a_licence_outside_the_list_is_refused_and_an_empty_list_allows_all(tmp_path: Path) -> None:
    manifest = pull("yolo11n", tmp_path, NOW, lambda _: checkpoint())
    check_licence(manifest, [])
    check_licence(manifest, ["MIT", "AGPL-3.0"])
    with pytest.raises(ModelError, match=r"under AGPL-3\.0"):
        check_licence(manifest, ["MIT"])
