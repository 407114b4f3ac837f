"""The metrics page: what the running cameras say of themselves, nothing about anybody."""

from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from core.status import write_status
from core.time import SystemClock
from tests.support.console import Office, TestClient

CAMERA = {
    "id": "rm-js-south",
    "url": "rtsp://10.0.0.5/ch1",
    "state": "live",
    "received": 100,
    "decoded": 90,
    "passed": 8,
    "damaged": 1,
    "lost": 2,
    "skipped": 60,
    "gated": 5,
    "late": 3,
    "shed": 0,
    "failed": 0,
    "detected": 22,
    "cases": 4,
    "unseen_s": 1.5,
    "connects": 2,
    "age_s": 0.2,
    "clock": {"is_trusted": False, "error_s": None, "why": "x"},
}
STATUS = {
    "up_s": 10.0,
    "cameras": [CAMERA],
    "network": {"looks": 22, "failures": 1, "busy_share": 0.5},
    "sealing": {"waiting": 1, "sealed": 4, "retries": 2, "given_up": 0, "refusal": "", "p95_s": 3.0},
    "memory": {"resident_mb": 300.0, "own_mb": 200.0},
    "alerts": [],
}


def metrics(office: Office) -> tuple[dict[tuple[str, ...], float], str]:
    with TestClient(office.app) as client:
        answer = client.get("/metrics")
    assert answer.status_code == 200
    found = {}
    for family in text_string_to_metric_families(answer.text):
        for sample in family.samples:
            found[(sample.name, *sample.labels.values())] = sample.value
    return found, answer.text


def test_without_cameras_it_says_so(tmp_path: Path) -> None:
    found, _ = metrics(Office(tmp_path))
    assert found == {("lukou_up",): 0.0}


def test_counters_of_a_camera(tmp_path: Path) -> None:
    office = Office(tmp_path)
    write_status(office.app.state.console.settings.home, STATUS, SystemClock())
    found, text = metrics(office)
    assert found["lukou_up",] == 1.0
    assert found["lukou_pictures_total", "rm-js-south", "detected"] == 22
    assert found["lukou_pictures_total", "rm-js-south", "passed"] == 8
    assert found["lukou_unseen_seconds_total", "rm-js-south"] == 1.5
    assert found["lukou_clock_trusted", "rm-js-south"] == 0
    assert found["lukou_cases_waiting",] == 1
    assert found["lukou_resident_bytes",] == 300 * 2**20
    assert "10.0.0.5" not in text
