"""Open311 GeoReport v2, so that a city's existing app can hand in reports: /open311/v2, JSON and XML.

``api_key`` is a citizen's token (POST /api/v1/reporters). Photos come as multipart files named ``media``; addresses in
``media_url`` are refused: this server fetches nothing from where a stranger points.

Source: Open311 GeoReport API v2.
"""

from collections.abc import Callable, Coroutine, Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Literal
from xml.etree.ElementTree import Element, SubElement, tostring

from fastapi import APIRouter, Depends, File, Form, Query, Request, UploadFile
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from fastapi.routing import APIRoute
from pydantic import AwareDatetime
from starlette.exceptions import HTTPException
from ulid import ULID

from api.access import Parts
from api.citizens import handle_of_key, sized
from api.labels import Labels
from api.problems import STATUS, Problem
from api.reports_json import keep, parse_plate, parse_time
from cases.report import ENDED, NewReport, ReportRecord, ReportState, reportable
from core.catalogue import Violation, catalogue
from core.errors import ConfigError, LukouError

AGENCY = "交通警察 traffic police"
LISTED = 50
ATTRIBUTES = (
    ("occurred", "datetime", "true", "违法时间 when it happened"),
    ("plate", "string", "false", "号牌号码 plate, empty if there is none"),
)
Form_ = Literal["json", "xml"]
Row = Mapping[str, Any]


class Open311Route(APIRoute):
    """Answers every error in Open311's own shape: a list of code and description."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Returns the handler with its errors translated."""
        handle = super().get_route_handler()

        async def guarded(request: Request) -> Response:
            try:
                return await handle(request)
            except RequestValidationError as error:
                first = error.errors()[0]
                status, text = 400, f"{first['loc'][-1]}: {first['msg']}"
            except HTTPException as error:  # a body that is no form
                status, text = error.status_code, str(error.detail)
            except Problem as error:
                status, text = error.status, error.detail
            except LukouError as error:
                status, text = next(code for kind, code in STATUS if isinstance(error, kind)), error.message
            form: Form_ = "xml" if request.url.path.endswith(".xml") else "json"
            return _answer(form, "errors", "error", [{"code": status, "description": text}], status=status)

        return guarded


def _violation(service_code: str) -> Violation:
    found = next((violation for violation in reportable() if violation.id == service_code), None)
    if found is None:
        raise Problem(404, "no-such-service", "no such service_code; /open311/v2/services.json lists them")
    return found


def _service(violation: Violation) -> Row:
    return {
        "service_code": violation.id,
        "service_name": violation.short_zh,
        "description": violation.name_en,
        "metadata": "true",
        "type": "realtime",
        "keywords": "",
        "group": "交通违法",
    }


def _definition(service_code: str) -> dict[str, Any]:
    attributes = [
        {
            "variable": "true",
            "code": code,
            "datatype": datatype,
            "required": required,
            "datatype_description": "",
            "order": order,
            "description": description,
        }
        for order, (code, datatype, required, description) in enumerate(ATTRIBUTES, 1)
    ]
    return {"service_code": service_code, "attributes": attributes}


def _definition_xml(service_code: str) -> Element:
    root = Element("service_definition")
    SubElement(root, "service_code").text = service_code
    _fill(SubElement(root, "attributes"), "attribute", _definition(service_code)["attributes"])
    return root


def _request(report: ReportRecord) -> Row:
    claim = report.claim
    return {
        "service_request_id": report.report_id,
        "status": _status(report),
        "status_notes": _notes(report),
        "service_name": catalogue().get(claim.violation_id).short_zh,
        "service_code": claim.violation_id,
        "description": claim.note,
        "agency_responsible": AGENCY,
        "service_notice": "",
        "requested_datetime": report.submitted_utc.isoformat(timespec="seconds"),
        "updated_datetime": report.changed_utc.isoformat(timespec="seconds"),
        "expected_datetime": "",
        "address": claim.place,
        "address_id": "",
        "zipcode": "",
        "lat": claim.lat_deg,
        "long": claim.lon_deg,
        "media_url": "",
    }


def _receipt(report: ReportRecord) -> Row:
    return {
        "service_request_id": report.report_id,
        "service_notice": _notes(report),
        "account_id": report.reporter,
    }


def _token(report: ReportRecord) -> Row:
    return {"token": report.report_id, "service_request_id": report.report_id}


def _status(report: ReportRecord) -> str:
    return "closed" if report.state in ENDED else "open"


def _notes(report: ReportRecord) -> str:
    return Labels("zh")(f"report_{report.state.value}")


def _answer(form: Form_, root: str, item: str, rows: Sequence[Row], *, status: int = 200) -> Response:
    if form == "json":
        return JSONResponse([dict(row) for row in rows], status_code=status)
    element = Element(root)
    _fill(element, item, rows)
    return _xml(element, status=status)


def _fill(parent: Element, item: str, rows: Sequence[Row]) -> None:
    for row in rows:
        element = SubElement(parent, item)
        for name, value in row.items():
            SubElement(element, name).text = "" if value is None else _printable(str(value))


def _printable(text: str) -> str:
    """Returns a text without the control characters XML cannot hold."""
    return "".join(sign for sign in text if sign.isprintable() or sign in "\t\n")


def _xml(root: Element, *, status: int = 200) -> Response:
    return Response(_text(root), status_code=status, media_type="text/xml; charset=utf-8")


def _text(root: Element) -> str:
    content: bytes = tostring(root, encoding="utf-8", xml_declaration=True)
    return content.decode()


def _told(root: str, item: str, *rows: Row) -> dict[str, Any]:
    """Returns the OpenAPI answer of rows like these: their schema, and the rows as example, as JSON and XML."""
    kinds = {str: {"type": "string"}, int: {"type": "integer"}, float: {"type": ["number", "null"]}}
    schema = {
        "type": "array",
        "items": {
            "type": "object",
            "required": list(rows[0]),
            "properties": {name: kinds[type(value)] for name, value in rows[0].items()},
        },
    }
    element = Element(root)
    _fill(element, item, rows)
    return _content(schema, [dict(row) for row in rows], element)


def _content(schema: Mapping[str, Any], example: object, element: Element) -> dict[str, Any]:
    return {
        "description": "rows of GeoReport v2",
        "content": {
            "application/json": {"schema": schema, "example": example},
            "text/xml": {"schema": {"type": "string"}, "example": _text(element)},
        },
    }


NOTED = datetime(2026, 11, 22, 0, 15, tzinfo=UTC)
EXAMPLE = ReportRecord(
    report_id="01KANXD2Q0V9J5W8R3T6Y1Z4B7",
    reporter="C2345ABCDE",
    claim=NewReport(
        violation_id="V06",
        plate="苏C12345",
        occurred_utc=NOTED,
        place="钟吾路与大桥路交叉口",
        lat_deg=34.372,
        lon_deg=118.352,
        note="逆行约 100 米",
    ),
    state=ReportState.ACCEPTED,
    code=None,
    detail="",
    duplicate_of=None,
    case_id="01KANXD2Q0V9J5W8R3T6Y1Z4B7",
    media=(),
    submitted_utc=NOTED,
    changed_utc=NOTED,
)
"""What the OpenAPI document shows."""
REFUSED: Row = {"code": 404, "description": "no such service_code; /open311/v2/services.json lists them"}
router = APIRouter(
    prefix="/open311/v2",
    route_class=Open311Route,
    tags=["Open311 GeoReport v2"],
    responses={"default": _told("errors", "error", REFUSED) | {"description": "Open311's own list of errors"}},
)


def by_query(request: Request, api_key: str = "") -> str:
    """Returns the handle behind the key of a look-up."""
    return handle_of_key(request, api_key)


def by_form(request: Request, api_key: Annotated[str, Form()] = "") -> str:
    """Returns the handle behind the key of a new request."""
    return handle_of_key(request, api_key)


Asker = Annotated[str, Depends(by_query)]
Sender = Annotated[str, Depends(by_form)]


@router.get("/services.{form}", responses={200: _told("services", "service", *map(_service, reportable()[:2]))})
def services(form: Form_) -> Response:
    """Lists what may be reported."""
    return _answer(form, "services", "service", [_service(violation) for violation in reportable()])


@router.get(
    "/services/{service_code}.{form}",
    responses={200: _content({"type": "object"}, _definition("V06"), _definition_xml("V06"))},
)
def definition(service_code: str, form: Form_) -> Response:
    """Tells what a report of this kind needs beside the photos."""
    _violation(service_code)
    return JSONResponse(_definition(service_code)) if form == "json" else _xml(_definition_xml(service_code))


@router.post(
    "/requests.{form}",
    status_code=201,
    dependencies=[Depends(sized)],
    responses={201: _told("service_requests", "request", _receipt(EXAMPLE))},
)
def create(
    form: Form_,
    console: Parts,
    handle: Sender,
    service_code: Annotated[str, Form(max_length=8, examples=["V06"])],
    occurred: Annotated[str, Form(alias="attribute[occurred]", max_length=40, examples=["2026-11-22T08:15:00+08:00"])],
    plate: Annotated[str, Form(alias="attribute[plate]", max_length=20, examples=["苏C12345"])] = "",
    lat: Annotated[float | None, Form(ge=-90, le=90, examples=[34.372])] = None,
    long: Annotated[float | None, Form(ge=-180, le=180, examples=[118.352])] = None,
    address_string: Annotated[str, Form(max_length=300, examples=["钟吾路与大桥路交叉口"])] = "",
    description: Annotated[str, Form(max_length=1000)] = "",
    media_url: Annotated[str, Form(max_length=2000, description="refused: nothing is fetched", examples=[""])] = "",
    media: Annotated[Sequence[UploadFile], File(description="the photos themselves")] = (),
) -> Response:
    """Hands in a report; with too few photos it waits for the rest as a draft."""
    if media_url:
        raise ConfigError("media_url is not fetched; send the photos themselves as multipart files named media")
    _violation(service_code)
    where = f"{lat:.5f}, {long:.5f}" if lat is not None and long is not None else ""
    token = str(ULID())
    console.store.reports.admit(handle, token)
    claim = NewReport(
        violation_id=service_code,
        plate=parse_plate(plate),
        occurred_utc=parse_time(occurred),
        place=address_string or where,
        lat_deg=lat,
        lon_deg=long,
        note=description,
    )
    found = console.store.reports.submit(handle, token, claim, keep(console, handle, media, ()), is_draft=True)
    console.wake_desk()
    row = _receipt(found)
    return _answer(form, "service_requests", "request", [row], status=201)


@router.get("/requests.{form}", responses={200: _told("service_requests", "request", _request(EXAMPLE))})
def requests(
    form: Form_,
    console: Parts,
    handle: Asker,
    service_request_id: Annotated[str, Query(max_length=1400)] = "",
    service_code: Annotated[str, Query(max_length=400)] = "",
    status: Literal["", "open", "closed"] = "",
    start_date: AwareDatetime | None = None,
    end_date: AwareDatetime | None = None,
) -> Response:
    """Lists the sender's own reports, newest first; everybody else's are nobody's business."""
    ids, codes = ({part for part in text.split(",") if part} for text in (service_request_id, service_code))
    found = [
        report
        for report in console.store.reports.of_reporter(handle, limit=LISTED)
        if (not ids or report.report_id in ids)
        and (not codes or report.claim.violation_id in codes)
        and status in ("", _status(report))
        and (start_date is None or report.submitted_utc >= start_date)
        and (end_date is None or report.submitted_utc <= end_date)
    ]
    return _answer(form, "service_requests", "request", [_request(report) for report in found])


@router.get("/requests/{request_id}.{form}", responses={200: _told("service_requests", "request", _request(EXAMPLE))})
def request_(request_id: str, form: Form_, console: Parts, handle: Asker) -> Response:
    """Returns one of the sender's own reports."""
    found = console.store.reports.get(request_id, handle)
    return _answer(form, "service_requests", "request", [_request(found)])


@router.get("/tokens/{token}.{form}", responses={200: _told("service_requests", "request", _token(EXAMPLE))})
def token_(token: str, form: Form_, console: Parts, handle: Asker) -> Response:
    """Returns the report behind a token; here every report has its id at once, and that is the token."""
    found = console.store.reports.get(token, handle)
    return _answer(form, "service_requests", "request", [_token(found)])
