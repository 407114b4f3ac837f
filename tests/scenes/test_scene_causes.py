"""Why something was missed: the part of what was seen whose replacement by the truth puts it right is the cause."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.scenes import Judged, Plan, Result, _Again, _Truth, plans, totals
from cli.truth import Expected, Sighting
from core.observations import Detections, SignalState
from core.site import Site, load_site
from core.time import NS_PER_S
from pipeline.observation import Observation

DEMO = Path("sim/demo")
HZ = 8


@pytest.fixture(scope="module")
def data() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((DEMO / "junction.truth.json").read_text(encoding="utf-8"))
    return found


@pytest.fixture(scope="module")
def site() -> Site:
    return load_site(DEMO / "junction.site.yaml")


@pytest.fixture(scope="module")
def event(data: dict[str, Any]) -> Expected:
    """The car that runs the red light."""
    (row,) = (e for e in data["events"] if e["violation_id"] == "V01")
    number = [t["id"] for t in data["tracks"]].index(row["track"])
    seen = [
        Sighting(t_s=t, xyxy=(b[1], b[2], b[3], b[4])) for t, boxes in data["boxes"] for b in boxes if b[0] == number
    ]
    return Expected(
        event_id="E",
        violation_id="V01",
        start_s=row["t_start_s"],
        end_s=row["t_end_s"],
        group="vehicle",
        sightings=tuple(s for s in seen if abs(s.t_s - row["t_start_s"]) < 3),
    )


def everything(truth: _Truth) -> list[Observation]:
    empty = Detections(
        pts_ns=0, xyxy=np.zeros((0, 4), np.float32), confidence=np.zeros(0, np.float32), class_id=np.zeros(0, np.int64)
    )
    blank = [
        Observation(detections=replace(empty, pts_ns=int(k * NS_PER_S / HZ)), lamps={}, is_after_gap=False)
        for k in range(1, 40 * HZ)
    ]
    return truth.seen_rightly(blank, boxes=True, lamps=True)


def without_lamps(seen: Sequence[Observation]) -> list[Observation]:
    return [replace(one, lamps=dict.fromkeys(one.lamps, SignalState.UNKNOWN)) for one in seen]


def without_boxes(seen: Sequence[Observation]) -> list[Observation]:
    def cut(one: Observation) -> Observation:
        found = one.detections
        kept = found.class_id < 0
        return replace(
            one,
            detections=replace(
                found, xyxy=found.xyxy[kept], confidence=found.confidence[kept], class_id=found.class_id[kept]
            ),
        )

    return [cut(one) for one in seen]


def test_causes(data: dict[str, Any], site: Site, event: Expected) -> None:
    truth = _Truth(data, site)
    seen = everything(truth)
    causes = {
        "lamp": _Again(site, without_lamps(seen), truth).miss(event, [event]).cause,
        "detector": _Again(site, without_boxes(seen), truth).miss(event, [event]).cause,
        "detector and lamp": _Again(site, without_boxes(without_lamps(seen)), truth).miss(event, [event]).cause,
    }
    assert causes == {name: name for name in causes}


def test_what_the_truth_does_not_give_either_is_the_rules_fault(
    data: dict[str, Any], site: Site, event: Expected
) -> None:
    truth = _Truth(data, site)
    elsewhere = replace(event, start_s=30.0, end_s=34.0, sightings=())
    assert _Again(site, everything(truth), truth).miss(elsewhere, [elsewhere]).cause == "rule"


def test_readings_are_counted(data: dict[str, Any], site: Site) -> None:
    truth = _Truth(data, site)
    seen = everything(truth)
    assert truth.lamp_shares(seen) == (1.0, 0.0)
    assert truth.lamp_shares(without_lamps(seen)) == (None, 1.0)
    assert truth.detected_share(seen) == 1.0
    assert truth.detected_share(without_boxes(seen)) == 0.0


def test_the_set_holds_every_weather_on_both_cameras() -> None:
    found = plans()
    assert len(found) >= 24
    assert {(p.camera, p.weather) for p in found} == {
        (camera, weather) for camera in ("pole", "gantry") for weather in ("day", "night", "rain", "dusk", "haze")
    }
    assert len({p.seed for p in found}) == len(found)
    assert Plan(seed=7, camera="pole", weather="day").name == "0007-pole-day"


def test_totals_count_by_offence_and_cause() -> None:
    missed = Judged(violation_id="V05", at_s=3.0, cause="tracker", detected=0.9, note="two_wheeler")
    wrong = replace(missed, violation_id="V01", cause="lamp")
    one = Result(
        plan=plans()[0],
        hits=("V01", "V01", "V05"),
        misses=(missed, replace(missed, cause="detector")),
        false_alarms=(wrong,),
        undecided={},
        lamps_right=1.0,
        lamps_undecided=0.0,
        detected=1.0,
        realtime_factor=1.0,
    )
    assert totals([one]) == [
        {"rule": "V01", "hits": 2, "misses": {}, "false_alarms": {"lamp": 1}},
        {"rule": "V05", "hits": 1, "misses": {"tracker": 1, "detector": 1}, "false_alarms": {}},
    ]
