"""The bundled clip, its ground truth and its site belong together and hold what the demo promises."""

import json
from pathlib import Path
from typing import Any

import av
import pytest

from core.observations import ActorClass
from core.site import load_site
from sim.scene import load_scene
from sim.sites import build_site

FOLDER = Path("sim/demo")
REQUIRED = {"V01": "car", "V02": "car", "V03": "ebike", "V04": "person", "V05": "ebike", "V08": "car"}
TRAPS = {
    "entered_on_yellow",
    "cleared_on_red",
    "right_turn_on_red",
    "queued_on_red",
    "waited_on_red",
    "own_green",
    "pushed_bike",
    "finished_on_red",
    "stopped_briefly",
}


@pytest.fixture(scope="module")
def truth() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((FOLDER / "junction.truth.json").read_text(encoding="utf-8"))
    return found


def event(truth: dict[str, Any], violation_id: str) -> dict[str, Any]:
    found: list[dict[str, Any]] = [e for e in truth["events"] if e["violation_id"] == violation_id]
    assert len(found) == 1
    return found[0]


def test_the_clip_is_small_full_hd_and_says_it_is_synthetic(truth: dict[str, Any]) -> None:
    path = FOLDER / "junction.mp4"
    assert path.stat().st_size <= 8 * 2**20
    assert (FOLDER / "junction.truth.json").stat().st_size < 1.5 * 2**20
    with av.open(str(path)) as clip:
        stream = clip.streams.video[0]
        assert (stream.codec_context.name, stream.width, stream.height) == ("h264", 1920, 1080)
        assert stream.duration is not None
        assert stream.time_base is not None
        seconds = float(stream.duration * stream.time_base)
        assert "SYNTHETIC" in clip.metadata["comment"]
    assert 30 <= seconds <= 60
    assert seconds == pytest.approx(truth["duration_s"], abs=0.2)
    assert truth["synthetic"] is True


def test_the_picture_is_marked_synthetic() -> None:
    """White letters on dark outline stand at the top right of every frame, where the sky and walls are grey."""
    with av.open(str(FOLDER / "junction.mp4")) as clip:
        frame = next(clip.decode(video=0)).to_ndarray(format="gray")
    corner = frame[36:90, 1480:1890]
    assert (corner > 235).mean() > 0.08
    assert (corner < 40).mean() > 0.08


def test_each_offence_happens_once_and_each_trap_is_there(truth: dict[str, Any]) -> None:
    assert {e["violation_id"]: e["subject"] for e in truth["events"]} == REQUIRED
    assert len(truth["events"]) == len(REQUIRED)
    assert {t["kind"] for t in truth["traps"]} >= TRAPS
    assert not {e["track"] for e in truth["events"]} & {t["track"] for t in truth["traps"]}


def test_offences_keep_the_laws_times(truth: dict[str, Any]) -> None:
    motor, crosswalk = ({c: t for t, c in truth["signals"][s]} for s in ("S-near", "S-ped-left"))
    ped_red = truth["signals"]["S-ped-left"][-1]
    assert ped_red[1] == "red"
    assert event(truth, "V01")["t_start_s"] >= motor["red"] + 2.0
    assert event(truth, "V03")["t_start_s"] >= motor["red"] + 2.0
    assert event(truth, "V04")["t_start_s"] >= ped_red[0] + 2.0
    assert ped_red[0] > crosswalk["green"]
    overrun, parked, wrong_way = (event(truth, v) for v in ("V02", "V08", "V05"))
    green_again = [t for t, c in truth["signals"]["S-near"] if c == "green"][-1]
    assert overrun["t_end_s"] > green_again
    assert green_again - overrun["t_start_s"] > 11.0
    assert parked["t_end_s"] - parked["t_start_s"] >= 28.0
    assert wrong_way["t_end_s"] - wrong_way["t_start_s"] >= 3.0


def test_offenders_are_large_enough_and_seen_at_their_onset(truth: dict[str, Any]) -> None:
    numbers = {track["id"]: index for index, track in enumerate(truth["tracks"])}
    for offence in truth["events"]:
        assert offence["bbox"] is not None
        _, top, _, bottom = offence["bbox"]
        assert bottom - top >= 60
        rows = [
            row[5]
            for t, boxes in truth["boxes"]
            for row in boxes
            if row[0] == numbers[offence["track"]] and 0 <= t - offence["t_start_s"] < 1.0
        ]
        assert rows
        assert min(rows) >= 0.5, offence


def test_boxes_lie_in_the_picture_and_classes_are_known(truth: dict[str, Any]) -> None:
    names = {c.name.lower() for c in ActorClass}
    assert {track["class"] for track in truth["tracks"]} <= names
    for _, boxes in truth["boxes"]:
        for track, x1, y1, x2, y2, visibility in boxes:
            assert 0 <= track < len(truth["tracks"])
            assert 0 <= x1 < x2 <= 1920
            assert 0 <= y1 < y2 <= 1080
            assert 0 < visibility <= 1


def test_the_bundled_site_is_the_scenes_site(truth: dict[str, Any]) -> None:
    site = load_site(FOLDER / "junction.site.yaml")
    assert site == build_site(load_scene(Path("sim/scenes/demo.yaml")))
    assert {s.id for s in site.signals} == set(truth["signals"])
    assert all(zone.confirm_s == 20 for zone in site.no_stop_zones)
