"""``lukou sim``: a scene file from a seed; what is missing is said in one line."""

from importlib.util import find_spec
from pathlib import Path

import pytest

from cli.main import call
from sim.generator import draw_scene
from sim.scene import load_scene


def test_a_scene_is_printed_that_can_be_read_back(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert call(["sim", "scene", "--seed", "3", "--weather", "rain"]) == 0
    path = tmp_path / "scene.yaml"
    path.write_text(capfd.readouterr().out, encoding="utf-8")
    assert load_scene(path) == draw_scene(3, weather="rain")


@pytest.mark.parametrize("arguments", [["scene"], ["render"], ["render", "--seed", "1", "--weather", "hail"]])
def test_what_is_missing_is_said_in_one_line(arguments: list[str], capfd: pytest.CaptureFixture[str]) -> None:
    assert call(["sim", *arguments]) == 2
    lines = capfd.readouterr().err.strip().splitlines()
    assert len(lines) == 1
    assert "Traceback" not in lines[0]


@pytest.mark.skipif(find_spec("moderngl") is not None, reason="moderngl is installed: nothing is missing")
def test_rendering_without_the_extra_names_it(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert call(["sim", "render", "--seed", "1", "--out", str(tmp_path)]) == 2
    assert "lukou[sim]" in capfd.readouterr().err
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(find_spec("moderngl") is None, reason="moderngl (extra 'sim') is not installed")
def test_rendering_writes_clip_truth_site_and_scene(tmp_path: Path) -> None:
    scene = draw_scene(1)
    small = scene.model_copy(
        update={
            "duration_s": 0.36,
            "cast": [],
            "camera": scene.camera.model_copy(update={"picture_size_px": (640, 360)}),
        }
    )
    from sim.generator import dump_scene

    path = tmp_path / "in.yaml"
    path.write_text(dump_scene(small), encoding="utf-8")
    assert call(["sim", "render", str(path), "--draft", "--out", str(tmp_path / "out")]) == 0
    endings = {".".join(p.name.split(".")[1:]) for p in (tmp_path / "out").iterdir()}
    assert endings == {"mp4", "truth.json", "site.yaml", "scene.yaml"}
