"""Pages that show how things stand: the cameras' health, and how many cases there were where and when."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from api import case_view
from api.access import CaseReader, Parts
from api.labels import Labels
from cases.figures import Tally
from cases.records import RunRecord
from core.catalogue import catalogue
from core.status import read_status

router = APIRouter()
RUNS = 60
"""Sessions looked at for lamps at fault and time nobody looked. Source: some days of a few cameras."""
PLACES = 12
CHART_PX = (640, 140)


@router.get("/cameras")
def cameras(request: Request, console: Parts, _user: CaseReader) -> Response:
    """Shows every camera: whether it is seen now, how old its picture is, its clock, its lamps."""
    runs = console.store.runs(RUNS)
    status = read_status(console.settings.home, console.clock)
    values = {
        "status": status,
        "cameras": {} if status is None else {camera["id"]: camera for camera in status["cameras"]},
        "past": _by_camera(runs),
        "local_time": case_view.local_time,
    }
    return console.page(request, "cameras.html", values)


@router.get("/figures")
def figures(
    request: Request, console: Parts, _user: CaseReader, days: Annotated[int, Query(ge=1, le=366)] = 30
) -> Response:
    """Shows how many cases there were by offence, place, hour and day."""
    found = console.kept.get(("figures", days), lambda: console.store.figures(days))
    labels = console.labels(request)
    values = {
        "days": days,
        "periods": (1, 7, 30, 90),
        "total": found.total,
        "violations": _rows({_title(key, labels): tally for key, tally in found.by_violation.items()}),
        "places": _rows({labels.word(place): tally for place, tally in list(found.by_place.items())[:PLACES]}),
        "more_places": max(0, len(found.by_place) - PLACES),
        "by_hour": columns({str(hour): tally for hour, tally in enumerate(found.by_hour)}),
        "by_day": columns({day[5:]: tally for day, tally in found.by_day.items()}),
        "chart_px": CHART_PX,
    }
    return console.page(request, "figures.html", values)


def columns(tallies: dict[str, Tally]) -> list[dict[str, Any]]:
    """Returns the columns of a chart in pixels: three stacked pieces each, and the label below."""
    width_px, height_px = CHART_PX
    most = max((tally.total for tally in tallies.values()), default=0) or 1
    step_px = width_px / max(1, len(tallies))
    found = []
    for index, (label, tally) in enumerate(tallies.items()):
        top_px = float(height_px)
        pieces = []
        for kind in ("standing", "dropped", "open"):
            piece_px = getattr(tally, kind) / most * height_px
            top_px -= piece_px
            pieces.append({"kind": kind, "y": round(top_px, 1), "height": round(piece_px, 1)})
        found.append(
            {
                "label": label,
                "x": round(index * step_px, 1),
                "width": round(step_px * 0.8, 1),
                "pieces": pieces,
                "tally": tally,
                "is_labelled": index % max(1, len(tallies) // 8) == 0,
            }
        )
    return found


def _rows(tallies: dict[str, Tally]) -> list[dict[str, Any]]:
    most = max((tally.total for tally in tallies.values()), default=0) or 1
    return [
        {
            "label": label,
            "tally": tally,
            "widths": {kind: round(100 * getattr(tally, kind) / most, 2) for kind in ("standing", "dropped", "open")},
        }
        for label, tally in tallies.items()
    ]


def _title(violation_id: str, labels: Labels) -> str:
    return f"{violation_id} {case_view.title(catalogue().get(violation_id), labels)}"


def _by_camera(runs: list[RunRecord]) -> dict[str, dict[str, Any]]:
    """Returns, per camera, its latest session, the lamps at fault and the seconds nobody looked, over what is kept."""
    found: dict[str, dict[str, Any]] = {}
    for run in runs:
        entry = found.setdefault(run.camera_id, {"latest": run, "faults": set(), "unseen_s": 0.0, "footage_s": 0.0})
        entry["faults"] |= {(fault.signal_id, fault.kind) for fault in run.signal_faults}
        entry["unseen_s"] += sum(span.to_ns - span.from_ns for span in run.unseen) / 1e9
        entry["footage_s"] += run.footage_s
    return found
