"""The server is killed while citizens send and officers decide: what was acknowledged is there afterwards."""

import hashlib
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx
import pytest

from api.uploads import PIECE_TYPE
from cases.media import MediaStore
from cases.states import CaseState
from tests.integration.test_report_api import FIELDS
from tests.support.citizens import PASSWORD as CITIZENS_PASSWORD
from tests.support.citizens import jpeg, street
from tests.support.console import csrf_of
from tests.support.people import PASSWORD, StandingClock, new_case, open_store, store_with_people

pytestmark = [pytest.mark.slow, pytest.mark.enable_socket, pytest.mark.timeout(180)]
SERVER = """
import sys
from pathlib import Path
from api.app import create_app
from api.server import serve
from cases.store import CaseStore
from core.settings import Settings
from evidence.seal import Vault

settings = Settings(home=Path(sys.argv[1]))
vault = Vault(settings.evidence_dir, settings.keys_dir)
app = create_app(settings, CaseStore.open(settings.database), vault)
serve(app, "127.0.0.1", 0, ready=lambda url: print(url, flush=True))
"""
ROUNDS = 2
CASES = 160
ENOUGH = 4
"""Of each kind must be acknowledged before the kill, so that the round says something."""
PHOTO = jpeg(street(1, size_px=(320, 240)))


class Acknowledged:
    """What the server said it has."""

    def __init__(self) -> None:
        self.reports: dict[str, list[str]] = {}
        self.pieces: dict[str, tuple[str, bytes]] = {}
        self.reviewed: list[str] = []

    def is_enough(self) -> bool:
        return min(len(self.reports), len(self.pieces), len(self.reviewed)) >= ENOUGH


@contextmanager
def server(home: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Yields a server in a process of its own, and its address."""
    root = Path(__file__).parents[2]
    process = subprocess.Popen([sys.executable, "-c", SERVER, str(home)], cwd=root, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        lines = iter(process.stdout.readline, "")
        url = next(line for line in lines if line.startswith("http")).strip().rstrip("/")
        yield process, url
    finally:
        process.kill()
        process.communicate()


def send_reports(url: str, done: Acknowledged, mark: str) -> None:
    """Sends reports with files no other has, until the server is gone or the day's limit is reached."""
    with httpx.Client(base_url=url, timeout=20) as client:
        token = client.post("/api/v1/reporters", json={"password": CITIZENS_PASSWORD}).json()["token"]
        client.headers["authorization"] = f"Bearer {token}"
        for number in range(20):
            contents = [PHOTO + os.urandom(100_000) for _ in range(3)]
            files = [("files", (f"{index}.jpg", content)) for index, content in enumerate(contents)]
            claim = {**FIELDS, "occurred": f"{time.strftime('%Y-%m-%dT%H:%M:%S+00:00', time.gmtime())}"}
            answer = client.post("/api/v1/reports", data={**claim, "place": f"{mark}/{number}"}, files=files)
            assert answer.status_code == 201, answer.text
            done.reports[answer.json()["report_id"]] = [hashlib.sha256(content).hexdigest() for content in contents]


def send_pieces(url: str, done: Acknowledged, _mark: str) -> None:
    """Sends files in pieces of 50 kB."""
    with httpx.Client(base_url=url, timeout=20, headers={"tus-resumable": "1.0.0"}) as client:
        token = client.post("/api/v1/reporters", json={"password": CITIZENS_PASSWORD}).json()["token"]
        client.headers["authorization"] = f"Bearer {token}"
        for _ in range(10):
            content = os.urandom(500_000)
            begun = client.post("/api/v1/uploads", headers={"upload-length": str(len(content))})
            address = begun.headers["location"]
            for offset in range(0, len(content), 50_000):
                headers = {"upload-offset": str(offset), "content-type": PIECE_TYPE}
                piece = content[offset : offset + 50_000]
                assert client.patch(address, content=piece, headers=headers).status_code == 204
                done.pieces[address] = (token, content[: offset + 50_000])


def reject_cases(url: str, done: Acknowledged, mark: str) -> None:
    """Rejects the cases of this round, one after the other."""
    with httpx.Client(base_url=url, timeout=20) as client:
        form = {"name": "li", "password": PASSWORD, "csrf": csrf_of(client.get("/login").text)}
        assert client.post("/login", data=form).status_code == 303
        client.headers["x-csrf-token"] = csrf_of(client.get("/queue").text)
        for number in range(CASES // ROUNDS):
            case_id = new_case(int(mark) * CASES // ROUNDS + number).case_id
            body = {"decision": "reject", "reason": "R02", "note": mark}
            answer = client.post(f"/api/v1/cases/{case_id}/review", json=body)
            assert answer.status_code == 200, answer.text
            done.reviewed.append(case_id)


def work_until_killed(url: str, process: subprocess.Popen[str], done: Acknowledged, mark: str) -> None:
    """Lets everybody work, and kills the server in the middle of it."""
    refused: list[BaseException] = []

    def work(job: Callable[[str, Acknowledged, str], None]) -> None:
        try:
            with suppress(httpx.TransportError):
                job(url, done, mark)
        except BaseException as error:  # noqa: BLE001 - told to the test, which fails
            refused.append(error)

    jobs = (send_reports, send_reports, send_pieces, reject_cases)
    threads = [threading.Thread(target=work, args=(job,)) for job in jobs]
    for thread in threads:
        thread.start()
    end = time.monotonic() + 30
    while not (done.is_enough() or refused) and time.monotonic() < end:
        time.sleep(0.01)
    process.kill()
    for thread in threads:
        thread.join()
    assert refused == []
    assert done.is_enough()


def test_nothing_acknowledged_is_lost_when_the_server_is_killed(tmp_path: Path) -> None:
    store = store_with_people(tmp_path, StandingClock())
    for number in range(CASES):
        store.add_case(new_case(number, candidate_key=f"key/{number}"))
    store.close()
    rounds = []
    for mark in range(ROUNDS):
        done = Acknowledged()
        with server(tmp_path) as (process, url):
            work_until_killed(url, process, done, str(mark))
        rounds.append(done)
    store = open_store(tmp_path, StandingClock())
    media = MediaStore(tmp_path / "reports")
    assert store.verify_audit() == []
    for done in rounds:
        for report_id, hashes in done.reports.items():
            kept = [medium.sha256 for medium in store.reports.get(report_id).media]
            assert kept == hashes
            assert [hashlib.sha256(media.path(name).read_bytes()).hexdigest() for name in kept] == hashes
        assert CaseState.QUEUED not in {store.get(case_id).state for case_id in done.reviewed}
    store.close()
    with server(tmp_path) as (_process, url), httpx.Client(base_url=url, timeout=20) as client:
        for done in rounds:
            for address, (token, content) in done.pieces.items():
                headers = {"tus-resumable": "1.0.0", "authorization": f"Bearer {token}"}
                assert int(client.head(address, headers=headers).headers["upload-offset"]) >= len(content)
                [path] = (tmp_path / "reports" / "uploads").glob(f"*/{address.rpartition('/')[2]}.*")
                assert path.read_bytes().startswith(content)
