from pathlib import Path

import pytest

from cli.workbench import open_workbench
from core.errors import ConfigError, ModelError
from core.settings import Settings
from core.site import Site, load_site

EXAMPLE = Path(__file__).parents[3] / "sites/example.site.yaml"


def site(detector: str) -> Site:
    example = load_site(EXAMPLE)
    return example.model_copy(update={"camera": example.camera.model_copy(update={"detector": detector})})


def test_a_site_that_names_none_is_seen_by_the_pole_detector(tmp_path: Path) -> None:
    with open_workbench(Settings(home=tmp_path), [load_site(EXAMPLE)]) as bench:
        assert bench.detector.model.name == "pole"


def test_the_site_names_its_detector(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no model 'roof'"), open_workbench(Settings(home=tmp_path), [site("roof")]):
        pass


def test_one_run_has_one_detector(tmp_path: Path) -> None:
    sites = [site("pole"), site("roof")]
    with pytest.raises(ConfigError, match="pole, roof"), open_workbench(Settings(home=tmp_path), sites):
        pass


def test_a_licence_the_deployment_does_not_allow_stops_the_run(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, model_licences=["MIT"])
    with pytest.raises(ModelError, match="allows only MIT"), open_workbench(settings, [site("pole")]):
        pass
