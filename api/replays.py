"""Pages of saved replays: what a changed site would add, drop or change, beside the sealed pictures."""

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from api import case_view
from api.access import CaseReader, Parts
from api.console import Console
from api.labels import Labels
from cases.replays import CHANGES, ReplayedEvent, list_replays, load_replay
from core.catalogue import catalogue
from core.errors import LukouError

router = APIRouter()
MOMENT_FILES = {"P1_before": "P1", "P2_during": "P2", "P3_after": "P3", "T0_overview": "T0", "T1_overview": "T1"}
SHOWN = 200
"""Events on one page; the counts tell the rest."""


@router.get("/replays")
def replays(request: Request, console: Parts, _user: CaseReader) -> Response:
    """Lists the saved replays."""
    found = list_replays(console.settings.home / "replays")
    values = {"replays": found, "changes": CHANGES, "local_time": case_view.local_time}
    return console.page(request, "replays.html", values)


@router.get("/replays/{replay_name}")
def replay_page(replay_name: str, request: Request, console: Parts, _user: CaseReader) -> Response:
    """Shows one replay: each event before and after, with the values that decided it."""
    replay, labels = load_replay(console.settings.home / "replays", replay_name), console.labels(request)
    ordered = sorted(replay.events, key=lambda event: (CHANGES.index(event.change), event.session_id, event.onset_ns))
    values = {
        "replay": replay,
        "changes": CHANGES,
        "rows": [_row(console, event, labels) for event in ordered[:SHOWN]],
        "hidden": max(len(ordered) - SHOWN, 0),
        "local_time": case_view.local_time,
        "position": case_view.position,
    }
    return console.page(request, "replay.html", values)


def _row(console: Console, event: ReplayedEvent, labels: Labels) -> dict[str, Any]:
    return {
        "event": event,
        "title": case_view.title(catalogue().get(event.violation_id), labels),
        "subject": labels.word(event.subject) if event.subject else "",
        "when": case_view.position(event.onset_ns),
        "stills": _stills(console, event.case_id),
        "moments": [
            (labels(f"moment_{MOMENT_FILES[m.role]}"), case_view.position(m.pts_ns), m.signal)
            for m in event.moments
            if m.role in MOMENT_FILES
        ],
        "facts": _facts(event, labels),
        "cues": [labels.cue(cue) for cue in event.cues],
    }


def _stills(console: Console, case_id: str | None) -> list[str]:
    """Returns the names of the sealed moments of a case; nothing where the evidence cannot be read."""
    if case_id is None:
        return []
    try:
        names = console.vault.names(case_id)
    except LukouError:
        return []
    return [f"{name}.jpg" for name in MOMENT_FILES.values() if f"{name}.jpg" in names]


def _facts(event: ReplayedEvent, labels: Labels) -> list[tuple[str, str, str, bool]]:
    """Returns (name, before, after, is different) of every value that decided, in the order of the case page."""
    before, after = event.before or {}, event.after or {}
    keys = sorted(before.keys() | after.keys(), key=labels.fact_order)
    return [
        (
            labels.fact(key),
            labels.value(key, before[key]) if key in before else "",
            labels.value(key, after[key]) if key in after else "",
            event.before is not None and event.after is not None and before.get(key) != after.get(key),
        )
        for key in keys
    ]
