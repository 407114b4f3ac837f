"""Nothing that could identify a person reaches the log, not even when something breaks."""

import pytest

from core import log

SECRET = "苏C12345"


def broken(plate: str) -> None:
    raise ValueError(len(plate))


@pytest.mark.parametrize("as_json", [True, False])
def test_traceback_names_places_and_no_values(capsys: pytest.CaptureFixture[str], *, as_json: bool) -> None:
    log.configure(level="info", as_json=as_json)
    try:
        broken(SECRET)
    except ValueError:
        log.get("tests").exception("reading_failed", case_id="c1", plate=SECRET)
    written = capsys.readouterr().err
    assert "reading_failed" in written
    assert "in broken" in written
    assert "c1" in written
    assert SECRET not in written
    assert SECRET.encode("unicode_escape").decode() not in written
