"""What every test shares: reproducible property tests, and what to do where a resource is missing."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
from hypothesis import settings

from cases import blind
from tests.support import people, postgresql

collect_ignore = ["support/rtsp_server.py"]
"""Runs under the system's Python, which has GStreamer's bindings; this one must not import it."""

ROOT = Path(__file__).resolve().parent.parent
SHARED = ROOT.parent / "shared"

settings.register_profile("lukou", derandomize=True, deadline=None, max_examples=60)
settings.load_profile("lukou")


def _missing(marker: str) -> str | None:
    """Returns what a marked test lacks here, None when it can run."""
    if marker == "browser" and not (shutil.which("chromium") or shutil.which("chromium-browser")):
        return "no chromium; install it: apt-get install chromium"
    if marker == "data" and not (SHARED / "data" / "video").is_dir():
        return f"real footage is not at {SHARED / 'data'}: it may not be shipped"
    return None


def _must_be_here(marker: str) -> bool:
    """Tells whether a missing resource is a failure here. Real footage is only ever beside a complete workplace."""
    return os.environ.get("CI", "").lower() in {"1", "true"} and (marker != "data" or SHARED.is_dir())


def pytest_runtest_setup(item: pytest.Item) -> None:
    for marker in ("browser", "data"):
        if item.get_closest_marker(marker) is None:
            continue
        reason = _missing(marker)
        if reason is not None:
            (pytest.fail if _must_be_here(marker) else pytest.skip)(reason)


@pytest.fixture(autouse=True)
def _own_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test reads or writes the developer's own results or settings."""
    for name in [name for name in os.environ if name.startswith("LUKOU_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("LUKOU_HOME", str(tmp_path_factory.mktemp("home")))


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[postgresql.Cluster]:
    programs = postgresql.binaries()
    if programs is None:
        reason = "no PostgreSQL; install it: apt-get install postgresql"
        (pytest.fail if _must_be_here("postgresql") else pytest.skip)(reason)
    with postgresql.running(programs) as cluster:
        yield cluster


@pytest.fixture
def on_postgresql(postgresql_server: postgresql.Cluster) -> Iterator[None]:
    """Every store this test opens is on PostgreSQL instead of in a file."""
    with people.hosted(people.PostgresqlHost(postgresql_server)):
        yield


@pytest.fixture(scope="session", autouse=True)
def _nothing_drawn() -> Iterator[None]:
    """No case is reviewed blind by chance; the tests of it draw for themselves."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(blind, "SHARE", 0.0)
        yield


@pytest.fixture(autouse=True)
def _own_log() -> Iterator[None]:
    """No test leaves its captured stderr behind as the place logs go to."""
    yield
    structlog.reset_defaults()
