"""Structured log: past-tense snake_case events, ids only; plates, faces, names and tokens never pass."""

import logging
import sys
from collections.abc import MutableMapping
from typing import Any, cast

import structlog

FORBIDDEN_KEYS = frozenset({"plate", "face", "name", "token", "password", "secret", "phone", "owner", "reporter"})


def drop_private(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Returns the event without any key that could identify a person."""
    for key in [k for k in event if k.lower() in FORBIDDEN_KEYS]:
        del event[key]
    return event


def configure(*, level: str = "warning", as_json: bool = False) -> None:
    """Sets up structlog on stderr, once per process; a traceback names places in the code, never values."""
    for_people = structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            cast("Any", drop_private),
            *([structlog.processors.format_exc_info, structlog.processors.JSONRenderer()] if as_json else [for_people]),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, level.upper())),
        logger_factory=structlog.PrintLoggerFactory(file=sys.stderr),
    )


def get(module: str) -> Any:
    """Returns the logger of a module."""
    return structlog.get_logger(module=module)
