"""Scenes are watched several ways; each picture goes through the network once."""

import pytest

import cli.workbench
from tests.support.remembered import load_remembering


@pytest.fixture(autouse=True)
def _each_picture_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A network gives the same for the same picture in any batch (tests/unit/vision), so nothing is lost by this."""
    monkeypatch.setattr(cli.workbench, "load_detector", load_remembering)
