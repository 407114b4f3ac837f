"""Open311 GeoReport v2: a city's app finds the services, hands in a report and follows it; JSON and XML."""

from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from api.openapi import document
from tests.integration.test_report_api import app_of, work_off
from tests.support.citizens import PLACE_DEG, photos
from tests.support.console import Office, TestClient

BASE = "/open311/v2"
PHOTOS = photos(1)
FIELDS = {
    "service_code": "V06",
    "attribute[occurred]": "2026-11-22T15:10:00+08:00",
    "attribute[plate]": "苏C12345",
    "lat": str(PLACE_DEG[0]),
    "long": str(PLACE_DEG[1]),
    "address_string": "钟吾路与大桥路交叉口",
    "description": "逆行 <b>",
}


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return Office(tmp_path)


def key_of(office: Office) -> str:
    return str(app_of(office).headers["authorization"]).removeprefix("Bearer ")


def send(client: TestClient, key: str, contents: list[bytes], form: str = "json", **changes: str) -> Any:
    files = [("media", (f"{n}.jpg", content)) for n, content in enumerate(contents)]
    return client.post(f"{BASE}/requests.{form}", data={"api_key": key, **FIELDS, **changes}, files=files)


def test_app_finds_what_may_be_reported_and_what_it_needs(office: Office) -> None:
    client = office.visitor()
    listed = client.get(f"{BASE}/services.json").json()
    named = {service["service_code"]: service["service_name"] for service in listed}
    assert named["V06"] == "机动车逆行"
    tree = ET.fromstring(client.get(f"{BASE}/services.xml").text)
    assert [service.findtext("service_code") for service in tree.iter("service")] == list(named)
    found = client.get(f"{BASE}/services/V06.json").json()
    assert {a["code"]: a["required"] for a in found["attributes"]} == {"occurred": "true", "plate": "false"}
    assert client.get(f"{BASE}/services/V04.json").status_code == 404  # not for citizens
    assert client.get(f"{BASE}/services.html").status_code == 400


def test_report_through_an_app_is_followed_to_its_end(office: Office) -> None:
    client, key = office.visitor(), key_of(office)
    answer = send(client, key, PHOTOS)
    assert answer.status_code == 201, answer.text
    [made] = answer.json()
    assert office.store.reports.get(made["service_request_id"]).claim.plate == "苏C12345"
    work_off(office)
    address = f"{BASE}/requests/{made['service_request_id']}"
    [shown] = client.get(f"{address}.json", params={"api_key": key}).json()
    assert (shown["status"], shown["service_code"], shown["address"]) == ("open", "V06", FIELDS["address_string"])
    assert "已受理" in shown["status_notes"]
    tree = ET.fromstring(client.get(f"{address}.xml", params={"api_key": key}).text)
    assert tree.findtext("request/description") == FIELDS["description"]
    office.clock.forward(seconds=1)
    again = send(client, key, photos(7))  # the same offence once more
    work_off(office)
    listed = client.get(f"{BASE}/requests.json", params={"api_key": key, "status": "closed"}).json()
    assert [row["service_request_id"] for row in listed] == [again.json()[0]["service_request_id"]]
    [token] = client.get(f"{BASE}/tokens/{made['service_request_id']}.json", params={"api_key": key}).json()
    assert token["service_request_id"] == made["service_request_id"]


def test_report_with_one_photo_waits_for_the_others(office: Office) -> None:
    client, key = office.visitor(), key_of(office)
    [made] = send(client, key, PHOTOS[:1]).json()
    assert "补足" in made["service_notice"]
    address = f"/api/v1/reports/{made['service_request_id']}/media"
    files = [("files", (f"{n}.jpg", content)) for n, content in enumerate(PHOTOS[1:])]
    answer = client.post(address, files=files, headers={"authorization": f"Bearer {key}"})
    assert answer.json()["state"] == "SUBMITTED"


@pytest.mark.parametrize(
    ("changes", "status", "says"),
    [
        ({"media_url": "http://169.254.169.254/latest"}, 422, "not fetched"),
        ({"service_code": "V77"}, 404, "service_code"),
        ({"attribute[plate]": "ABC"}, 422, "no plate"),
        ({"attribute[occurred]": "yesterday"}, 422, "no time"),
        ({"lat": "north"}, 400, "lat"),
        ({"api_key": "guess"}, 403, "api_key"),
    ],
)
@pytest.mark.parametrize("form", ["json", "xml"])
def test_refusals_in_the_shape_of_the_standard(
    office: Office, changes: dict[str, str], status: int, says: str, form: str
) -> None:
    answer = send(office.visitor(), key_of(office), PHOTOS, form, **changes)
    assert answer.status_code == status
    if form == "json":
        [error] = answer.json()
        assert (error["code"], says in error["description"]) == (status, True)
    else:
        tree = ET.fromstring(answer.text)
        assert says in (tree.findtext("error/description") or "")
    assert office.store.reports.totals().received == 0


def test_nobody_sees_anothers_report(office: Office) -> None:
    client, key, other = office.visitor(), key_of(office), key_of(office)
    [made] = send(client, key, PHOTOS).json()
    assert client.get(f"{BASE}/requests.json", params={"api_key": other}).json() == []
    address = f"{BASE}/requests/{made['service_request_id']}.json"
    assert client.get(address, params={"api_key": other}).status_code == 404
    assert client.get(address).status_code == 403
    client.headers["authorization"] = f"Bearer {key}"
    assert client.get(address).status_code == 403  # the standard knows the key alone


def test_control_characters_make_no_broken_xml(office: Office) -> None:
    client, key = office.visitor(), key_of(office)
    [made] = send(client, key, PHOTOS, description="a\x01b\x0b]]>&").json()
    address = f"{BASE}/requests/{made['service_request_id']}.xml"
    tree = ET.fromstring(client.get(address, params={"api_key": key}).text)
    assert tree.findtext("request/description") == "ab]]>&"


PATHS = {path: found for path, found in document("test")["paths"].items() if path.startswith(BASE)}


@pytest.mark.parametrize("form", ["json", "xml"])
def test_body_that_is_no_form_is_refused_in_the_same_shape(office: Office, form: str) -> None:
    kind = {"content-type": "multipart/form-data; boundary=x"}
    answer = office.visitor().post(f"{BASE}/requests.{form}", content=b"--y nothing", headers=kind)
    assert answer.status_code == 400
    if form == "xml":
        assert ET.fromstring(answer.text).findtext("error/code") == "400"
    else:
        assert answer.json()[0]["code"] == 400


class TestDocument:
    """What `lukou openapi` says about Open311 is what the server answers."""

    def test_every_route_is_in_it(self) -> None:
        assert set(PATHS) == {
            f"{BASE}/services.{{form}}",
            f"{BASE}/services/{{service_code}}.{{form}}",
            f"{BASE}/requests.{{form}}",
            f"{BASE}/requests/{{request_id}}.{{form}}",
            f"{BASE}/tokens/{{token}}.{{form}}",
        }

    def test_examples_say_the_same_as_json_and_xml(self) -> None:
        for path, operations in PATHS.items():
            for operation in operations.values():
                for status, answer in operation["responses"].items():
                    as_json = answer["content"]["application/json"]["example"]
                    root = ET.fromstring(answer["content"]["text/xml"]["example"])
                    if "service_code" in path and status == "200":
                        assert root.findtext("service_code") == as_json["service_code"]
                        continue
                    rows = [{part.tag: part.text or "" for part in row} for row in root]
                    assert rows == [{name: str(value) for name, value in row.items()} for row in as_json]

    def test_answers_have_the_fields_and_kinds_it_names(self, office: Office) -> None:
        client, key = office.visitor(), key_of(office)
        made = send(client, key, PHOTOS)
        request_id, asked = made.json()[0]["service_request_id"], {"api_key": key}
        bare = client.post(f"{BASE}/requests.json", data={"api_key": key, **FIELDS, "lat": "", "long": ""})
        assert bare.status_code == 201, bare.text
        answers = {
            ("services.{form}", "get", "200"): client.get(f"{BASE}/services.json"),
            ("requests.{form}", "post", "201"): made,
            ("requests.{form}", "get", "200"): client.get(f"{BASE}/requests.json", params=asked),
            ("requests/{request_id}.{form}", "get", "200"): client.get(
                f"{BASE}/requests/{request_id}.json", params=asked
            ),
            ("tokens/{token}.{form}", "get", "200"): client.get(f"{BASE}/tokens/{request_id}.json", params=asked),
            ("services.{form}", "get", "default"): client.get(f"{BASE}/services/V04.json"),
        }
        kinds = {"string": str, "integer": int, "number": float, "null": type(None)}
        for (path, method, status), answer in answers.items():
            schema = PATHS[f"{BASE}/{path}"][method]["responses"][status]["content"]["application/json"]["schema"]
            named = schema["items"]["properties"]
            assert answer.json()
            for row in answer.json():
                assert set(row) == set(named)
                for name, value in row.items():
                    allowed = named[name]["type"]
                    assert type(value) in {kinds[k] for k in ([allowed] if isinstance(allowed, str) else allowed)}
