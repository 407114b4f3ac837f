"""Resumable uploads as tus 1.0 tells them: pieces, offsets, broken connections, limits, and the report they go into."""

import io
import threading
from pathlib import Path

import pytest

from api.uploads import PIECE_TYPE
from cases.media import MediaStore
from cases.uploads import OPEN_MAX, UploadStore
from core.errors import CaseNotFound, ConfigError, NotAllowed, StoreError, WrongState
from tests.integration.test_report_api import FIELDS, app_of
from tests.support.citizens import photos
from tests.support.console import Office, TestClient
from tests.support.people import StandingClock

ADDRESS = "/api/v1/uploads"
PHOTO = photos(1)[0]
SENDER = "C234567892"


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return Office(tmp_path)


@pytest.fixture
def app(office: Office) -> TestClient:
    client = app_of(office)
    client.headers["tus-resumable"] = "1.0.0"
    return client


@pytest.fixture
def uploads(tmp_path: Path) -> UploadStore:
    return UploadStore(tmp_path / "uploads", StandingClock())


def begin(app: TestClient, length: int) -> str:
    answer = app.post(ADDRESS, headers={"upload-length": str(length)})
    assert answer.status_code == 201, answer.text
    return answer.headers["location"]


def piece(app: TestClient, address: str, offset: int, content: bytes, **headers: str) -> tuple[int, str | None]:
    """Sends a piece; returns status and the offset the server names."""
    sent = {"upload-offset": str(offset), "content-type": PIECE_TYPE, **headers}
    answer = app.patch(address, content=content, headers=sent)
    return answer.status_code, answer.headers.get("upload-offset")


def send(app: TestClient, content: bytes) -> str:
    """Sends a file in two pieces; returns the upload's id."""
    address, half = begin(app, len(content)), len(content) // 2
    assert piece(app, address, 0, content[:half]) == (204, str(half))
    assert piece(app, address, half, content[half:]) == (204, str(len(content)))
    return address.rpartition("/")[2]


def test_server_tells_what_it_speaks(office: Office) -> None:
    answer = office.visitor().options(ADDRESS)
    assert answer.status_code == 204
    assert answer.headers["tus-version"] == "1.0.0"
    assert set(answer.headers["tus-extension"].split(",")) >= {"creation", "expiration"}
    assert answer.headers["tus-max-size"] == "100000000"


def test_file_in_pieces_is_the_file_in_the_report(office: Office, app: TestClient) -> None:
    names = [send(app, content) for content in photos(1)]
    answer = app.post("/api/v1/reports", data={**FIELDS, "uploads": names})
    assert answer.status_code == 201, answer.text
    report = office.store.reports.get(answer.json()["report_id"])
    media = office.app.state.console.media
    assert [media.path(medium.sha256).read_bytes() for medium in report.media] == photos(1)
    assert app.head(f"{ADDRESS}/{names[0]}").status_code == 404  # used up
    again = send(app, PHOTO)  # the same bytes are in the store already
    both = {"uploads": [again], **FIELDS, "plate": "苏C54321"}
    files = [("files", (f"{n}.jpg", content)) for n, content in enumerate(photos(2)[:2])]
    assert app.post("/api/v1/reports", data=both, files=files).json()["files"] == 3


def test_answer_that_got_lost_can_be_asked_for_again(app: TestClient) -> None:
    body = {**FIELDS, "uploads": [send(app, content) for content in photos(1)]}
    first, again = (app.post("/api/v1/reports", data=body, headers={"idempotency-key": "k"}) for _ in range(2))
    assert (again.status_code, again.json()) == (201, first.json())


def test_head_tells_where_to_go_on(app: TestClient) -> None:
    address = begin(app, 1000)
    assert piece(app, address, 0, b"x" * 300) == (204, "300")
    answer = app.head(address)
    assert (answer.headers["upload-offset"], answer.headers["upload-length"]) == ("300", "1000")
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["upload-expires"] == "Mon, 23 Nov 2026 08:00:00 GMT"


@pytest.mark.parametrize(
    ("offset", "content", "headers", "status"),
    [
        (0, b"again", {}, 409),
        (700, b"a hole", {}, 409),
        (300, b"x" * 701, {}, 413),
        (300, b"x", {"content-type": "image/jpeg"}, 415),
        (300, b"x", {"tus-resumable": "0.2.2"}, 412),
        (300, b"x", {"upload-offset": "-1"}, 422),
    ],
)
def test_pieces_that_do_not_fit_change_nothing(
    app: TestClient, offset: int, content: bytes, headers: dict[str, str], status: int
) -> None:
    address = begin(app, 1000)
    piece(app, address, 0, b"x" * 300)
    assert piece(app, address, offset, content, **headers)[0] == status
    assert app.head(address).headers["upload-offset"] == "300"


@pytest.mark.parametrize("length", ["0", "100000001", "-5", "many"])
def test_lengths_no_report_can_have(app: TestClient, length: str) -> None:
    answer = app.post(ADDRESS, headers={"upload-length": length})
    assert answer.status_code == 422
    assert answer.headers["tus-resumable"] == "1.0.0"


def test_upload_is_its_senders_alone(office: Office, app: TestClient) -> None:
    name = send(app, PHOTO)
    other = app_of(office)
    other.headers["tus-resumable"] = "1.0.0"
    assert other.head(f"{ADDRESS}/{name}").status_code == 404
    assert piece(other, f"{ADDRESS}/{name}", 0, b"x")[0] == 404
    assert other.delete(f"{ADDRESS}/{name}").status_code == 404
    files = [("files", (f"{n}.jpg", content)) for n, content in enumerate(photos(2)[:2])]
    assert other.post("/api/v1/reports", data={**FIELDS, "uploads": [name]}, files=files).status_code == 404
    assert app.delete(f"{ADDRESS}/{name}").status_code == 204
    assert app.head(f"{ADDRESS}/{name}").status_code == 404


@pytest.mark.parametrize("name", ["..", "%2e%2e%2fsession.key", "*", "01M827B9ZPZ46TDKAVAP8M0001"])
def test_made_up_names_lead_nowhere(app: TestClient, name: str) -> None:
    assert app.head(f"{ADDRESS}/{name}").status_code in (404, 405)


@pytest.mark.parametrize(
    ("content", "says"), [(b"<svg xmlns='http://www.w3.org/2000/svg'/>", "JPEG"), (PHOTO[:-400], "whole")]
)
def test_what_is_no_picture_or_not_whole_makes_no_report(app: TestClient, content: bytes, says: str) -> None:
    address = begin(app, len(PHOTO) if says == "whole" else len(content))
    piece(app, address, 0, content)
    names = [send(app, photos(1)[1]), send(app, photos(1)[2]), address.rpartition("/")[2]]
    answer = app.post("/api/v1/reports", data={**FIELDS, "uploads": names})
    assert answer.status_code == 422
    assert says in answer.json()["detail"]
    assert app.head(address).status_code == 200  # it can still be mended


def test_broken_connection_loses_no_byte_that_arrived(office: Office, app: TestClient) -> None:
    """A client announces 1000 bytes, sends 400 and is gone."""
    from starlette.types import Message, Receive, Scope, Send

    address = begin(app, 1000)

    async def broken(scope: Scope, _receive: Receive, send: Send) -> None:
        pieces: list[Message] = [
            {"type": "http.request", "body": b"x" * 400, "more_body": True},
            {"type": "http.disconnect"},
        ]

        async def receive() -> Message:
            return pieces.pop(0)

        await office.app(scope, receive, send)

    breaking = TestClient(broken)
    breaking.headers = app.headers
    piece(breaking, address, 0, b"x" * 1000)
    assert app.head(address).headers["upload-offset"] == "400"
    assert piece(app, address, 400, b"x" * 600) == (204, "1000")


def test_quota_and_its_end(uploads: UploadStore) -> None:
    for _ in range(OPEN_MAX):
        first = uploads.create(SENDER, 10)
    with pytest.raises(NotAllowed):
        uploads.create(SENDER, 10)
    uploads.create("C999999999", 10)
    uploads.remove(SENDER, first.upload_id)
    with pytest.raises(NotAllowed):
        [uploads.create(SENDER, 100_000_000) for _ in range(2)]


def test_old_uploads_are_forgotten_and_cleared(uploads: UploadStore, tmp_path: Path) -> None:
    clock = StandingClock()
    uploads = UploadStore(tmp_path / "u", clock)
    old = uploads.create(SENDER, 10)
    clock.forward(hours=23)
    young = uploads.create(SENDER, 10)
    assert uploads.sweep() == 0
    clock.forward(hours=1)
    with pytest.raises(CaseNotFound):
        uploads.get(SENDER, old.upload_id)
    assert uploads.sweep() == 1
    assert [path.name for path in (tmp_path / "u").glob("*/*")] == [young.path.name]


def test_nearly_full_disk_takes_nothing_more(
    uploads: UploadStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cases.uploads.DISK_RESERVE_BYTES", 1 << 60)
    with pytest.raises(StoreError, match="room"):
        uploads.create(SENDER, 10)
    with pytest.raises(StoreError, match="room"):
        MediaStore(tmp_path / "reports").add(io.BytesIO(PHOTO))


def test_two_requests_never_write_to_one_upload(uploads: UploadStore) -> None:
    upload = uploads.create(SENDER, 10)
    part = uploads.open(SENDER, upload.upload_id, 0)
    refused = []

    def second() -> None:
        with pytest.raises(WrongState) as caught:
            uploads.open(SENDER, upload.upload_id, 0)
        refused.append(caught.value.message)

    thread = threading.Thread(target=second)
    thread.start()
    thread.join()
    assert "being written" in refused[0]
    part.write(b"12345")
    with pytest.raises(ConfigError, match="announced"):
        part.write(b"678901")
    part.close()
    assert uploads.get(SENDER, upload.upload_id).offset == 5
    uploads.open(SENDER, upload.upload_id, 5).close()
