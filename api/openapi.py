"""The JSON interface as OpenAPI 3.1, told by the routes themselves: ``lukou openapi`` prints it."""

from typing import Any

from fastapi.openapi.utils import get_openapi

from api import cases_json, identity, open311, reports_json, uploads
from api.problems import MEDIA_TYPE

PARTS = (cases_json, identity, open311, reports_json, uploads)
"""Modules whose routes other programs may call; Open311 brings its own answers and its own shape of errors."""
PROBLEM = {
    "type": "object",
    "description": "RFC 9457 problem",
    "required": ["type", "title", "status", "detail", "instance"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "one line that says what to do"},
        "instance": {"type": "string"},
    },
}


def document(version: str) -> dict[str, Any]:
    """Returns the OpenAPI document of every route under /api/v1 and /open311/v2."""
    routes = [route for part in PARTS for route in part.router.routes]
    found = get_openapi(title="Lukou 路口", version=version, openapi_version="3.1.0", routes=routes)
    found["components"].setdefault("schemas", {})["Problem"] = PROBLEM
    found["components"]["schemas"].pop("HTTPValidationError", None)
    found["components"]["schemas"].pop("ValidationError", None)
    problem = {"description": "Problem", "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}}
    for operations in found["paths"].values():
        for operation in operations.values():
            operation["responses"].pop("422", None)
            operation["responses"].setdefault("default", problem)
    return found
