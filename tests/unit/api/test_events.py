"""An open page hears that cases came in."""

import json
from pathlib import Path

import httpx
import pytest

from tests.support.browser import served
from tests.support.console import Office


@pytest.mark.enable_socket
def test_stream_tells_the_present_state_and_then_every_change(tmp_path: Path) -> None:
    office = Office(tmp_path)
    office.case(1)
    cookie = office.login("li").cookies["lukou_session"]
    with (
        served(office) as url,
        httpx.stream("GET", f"{url}/api/v1/events", cookies={"lukou_session": cookie}, timeout=30) as answer,
    ):
        assert answer.headers["content-type"].startswith("text/event-stream")
        told = (json.loads(line[6:]) for line in answer.iter_lines() if line.startswith("data: "))
        first = next(told)
        assert first["states"]["QUEUED"] == 1
        office.case(2)
        second = next(told)
        assert second["states"]["QUEUED"] == 2
        assert second["seq"] > first["seq"]


def test_nobody_hears_anything_without_a_login(tmp_path: Path) -> None:
    assert Office(tmp_path).visitor().get("/api/v1/events").status_code == 401
