import hashlib
import json
import shutil
from importlib.util import find_spec
from pathlib import Path

import pytest

from cli.main import call
from models.registry import HOME, list_manifests


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """A folder of results with an own copy of the pole detector under another name."""
    home = tmp_path / "models"
    for folder in ("manifests", "weights"):
        (home / folder).mkdir(parents=True)
    data = json.loads((HOME / "manifests/pole.json").read_text(encoding="utf-8")) | {"name": "mine", "licence": "MIT"}
    (home / "manifests/mine.json").write_text(json.dumps(data))
    shutil.copyfile(HOME / "weights/pole.onnx", home / "weights/pole.onnx")
    return tmp_path


def test_list_shows_what_ships_and_what_is_own(own: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(["models", "list", "--out", str(own), "--json"]) == 0
    rows = {row["name"]: row for row in json.loads(capsys.readouterr().out)}
    assert set(rows) == {*list_manifests(), "mine"}
    assert (rows["mine"]["licence"], rows["mine"]["state"]) == ("MIT", "whole")


def test_changed_bytes_are_named(own: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (own / "models/weights/pole.onnx").write_bytes(b"other bytes")
    assert call(["models", "show", "mine", "--out", str(own), "--json"]) == 0
    assert "not the ones its manifest names" in json.loads(capsys.readouterr().out)["state"]


def test_show_lists_licences_of_the_training_pictures(own: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(["models", "show", "pole", "--out", str(own)]) == 0
    text = capsys.readouterr().out
    assert "AGPL-3.0-or-later" in text
    assert "CC BY 4.0" in text
    assert hashlib.sha256((HOME / "weights/pole.onnx").read_bytes()).hexdigest() in text


@pytest.mark.parametrize(
    ("line", "code", "said"),
    [
        (["show", "nothing"], 3, "no model 'nothing'"),
        (["pull", "pole"], 3, "no official model"),
        (["export", "missing.pt"], 2, "is missing"),
        (["evaluate", "--corpus", "nowhere"], 2, "no labelled pictures"),
    ],
)
def test_what_cannot_be_is_one_line(
    line: list[str], code: int, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(["models", *line, "--out", str(tmp_path)]) == code
    error = capsys.readouterr().err
    assert said in error
    assert len(error.splitlines()) == 1


def test_a_forbidden_licence_stops_the_export(
    own: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LUKOU_MODEL_LICENCES", '["MIT"]')
    assert call(["models", "export", "pole", "--out", str(own)]) == 3
    assert "LUKOU_MODEL_LICENCES allows only MIT" in capsys.readouterr().err


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_an_exported_network_keeps_its_bytes_and_names_its_arithmetic(
    own: Path, precision: str, capsys: pytest.CaptureFixture[str]
) -> None:
    line = ["models", "export", "mine", "--precision", precision, "--corpus", "nowhere", "--out", str(own)]
    assert call(line) == 0
    assert "accuracy was not measured" in capsys.readouterr().err
    made = json.loads((own / f"models/manifests/mine-{precision}.json").read_text(encoding="utf-8"))
    assert (made["precision"], made["licence"], made["metrics"]) == (precision, "MIT", [])
    assert made["recipe"]["exported_from"] == "mine"
    assert call(["models", "show", f"mine-{precision}", "--out", str(own), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["state"] == "whole"


@pytest.mark.skipif(find_spec("torch") is not None, reason="the extra train is installed here")
@pytest.mark.parametrize("line", [["train", "pole", "--renders", "."], ["export", "pole", "--precision", "int8"]])
def test_without_the_extra_it_says_which(line: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "corpus").mkdir()
    (tmp_path / "corpus/manifest.csv").write_text("image,source,camera,split,licence\n")
    home = [] if line[0] == "train" else ["--out", str(tmp_path)]
    assert call(["models", *line, "--corpus", str(tmp_path), *home]) == 3
    assert "lukou[train]" in capsys.readouterr().err
