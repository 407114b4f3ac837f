"""Whatever the OpenAPI document allows, and much it does not, gets an answer below 500 in the one shape of errors.

Open311 has its own shape, in JSON and XML: a list of code and description.
"""

import json
from collections.abc import Iterator
from typing import Any
from xml.etree import ElementTree as ET

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from api.openapi import document
from api.problems import MEDIA_TYPE
from api.uploads import PIECE_TYPE
from tests.support import people
from tests.support.console import Office, TestClient

EXAMPLES = 12
OPEN311 = "/open311/v2"
schemathesis.serializer.alias(PIECE_TYPE, "application/octet-stream")
DOCUMENT = document("test")
OPERATIONS = {
    operation.ok().label: operation.ok() for operation in schemathesis.openapi.from_dict(DOCUMENT).get_all_operations()
}


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def office(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[Office]:
    if request.param == "sqlite":
        yield Office(tmp_path_factory.mktemp("office"))
        return
    with people.hosted(people.PostgresqlHost(request.getfixturevalue("postgresql_server"))):
        yield Office(tmp_path_factory.mktemp("office"))


@pytest.fixture(scope="module")
def clients(office: Office) -> list[TestClient]:
    """An officer and a citizen."""
    citizen = office.visitor()
    token = citizen.post("/api/v1/reporters", json={"password": "long enough"}).json()["token"]
    citizen.headers.update({"authorization": f"Bearer {token}", "tus-resumable": "1.0.0"})
    return [office.login("li"), citizen]


@pytest.fixture(scope="module")
def known(office: Office, clients: list[TestClient]) -> dict[str, list[str]]:
    """Ids that exist, so that the handlers behind the look-ups are reached too."""
    shown, publication = office.published(2)
    upload = clients[1].post("/api/v1/uploads", headers={"upload-length": "1000"}).headers["location"]
    return {
        "case_id": [office.case(1), shown, office.accepted(3)],
        "publication_id": [publication],
        "report_id": ["0" * 26],
        "service_code": ["V06"] * 3,
        "upload_id": [upload.rpartition("/")[2]] * 3,
    }


def test_document_is_openapi_31_and_names_every_json_route() -> None:
    assert DOCUMENT["openapi"] == "3.1.0"
    assert {"/api/v1/reports", f"{OPEN311}/requests.{{form}}"} <= set(DOCUMENT["paths"])
    for path, operations in DOCUMENT["paths"].items():
        for operation in operations.values():
            assert operation["summary"]
            kinds = {"application/json", "text/xml"} if path.startswith(OPEN311) else {MEDIA_TYPE}
            assert set(operation["responses"]["default"]["content"]) == kinds


def key_of(client: TestClient) -> str:
    return str(client.headers["authorization"]).removeprefix("Bearer ")


def assert_open311_error(status: int, kind: str, text: str) -> None:
    if kind.startswith("text/xml"):
        [error] = ET.fromstring(text)
        found = {part.tag: part.text or "" for part in error}
    else:
        [found] = json.loads(text)
    assert set(found) == {"code", "description"}
    assert int(found["code"]) == status


@pytest.mark.slow
@pytest.mark.timeout(240)
@pytest.mark.parametrize("label", sorted(OPERATIONS))
def test_no_request_breaks_the_server(label: str, clients: list[TestClient], known: dict[str, list[str]]) -> None:
    operation = OPERATIONS[label]

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(), pick=st.integers(0, 5), who=st.sampled_from([0, 0, 1]))
    def ask(case: Any, pick: int, who: int) -> None:
        for name in case.path_parameters or {}:
            if pick < len(known.get(name, [])):
                case.path_parameters[name] = known[name][pick]
        wanted = case.as_transport_kwargs(base_url="http://testserver")
        passed = {key: wanted[key] for key in ("method", "url", "params", "json", "data", "files") if key in wanted}
        if isinstance(passed.get("data"), bytes | str):
            passed["content"] = passed.pop("data")
        passed["headers"] = {n: v for n, v in (case.headers or {}).items() if n.lower().startswith("upload-")}
        if OPEN311 in label and pick % 2:  # half of them with a key that opens
            given = "data" if isinstance(passed.get("data"), dict) else "params"
            passed[given] = {**(passed.get(given) or {}), "api_key": key_of(clients[1])}
        answer = clients[who].request(**passed)
        assert answer.status_code < 500, answer.text
        if answer.status_code >= 400 and OPEN311 not in label:
            assert answer.headers["content-type"] == MEDIA_TYPE
        elif answer.status_code >= 400:
            assert_open311_error(answer.status_code, answer.headers["content-type"], answer.text)

    ask()
