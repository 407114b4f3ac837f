"""The case store is tested on both databases; what looks into SQLite's file itself is marked so."""

import pytest


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    is_file = metafunc.definition.get_closest_marker("sqlite") is not None
    metafunc.parametrize("database", ["sqlite"] if is_file else ["sqlite", "postgresql"], indirect=True)


@pytest.fixture(autouse=True)
def database(request: pytest.FixtureRequest) -> str:
    """Names the database this test runs on."""
    if request.param == "postgresql":
        request.getfixturevalue("on_postgresql")
    return str(request.param)
