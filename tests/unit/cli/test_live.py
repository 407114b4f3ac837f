"""The commands for live cameras: what they refuse, show and restart."""

import io
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from rich.console import Console

from cli.main import call
from cli.plan import Rates
from cli.top import view
from cli.up import Part
from core.status import write_status
from core.time import SystemClock
from tests.support.footage import make_clip
from tests.support.rtsp import wait_for
from tests.unit.api.test_metrics import CAMERA, STATUS

pytestmark = pytest.mark.timeout(180)

ROOT = Path(__file__).resolve().parents[3]
SITE = """
schema_version: 1
site_id: s
place: p
camera: {camera_id: cam-1, picture_size_px: [320, 180]}
"""
LIVE = {**CAMERA, "decoding": "keys", "undecided": 3}


def test_folders_without_cameras_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(["run", str(tmp_path / "none")]) == 2
    assert call(["run", str(tmp_path)]) == 2
    (tmp_path / "a.yaml").write_text(SITE)
    assert call(["run", str(tmp_path)]) == 2
    told = capsys.readouterr().err
    assert "no folder" in told
    assert "no site file" in told
    assert "has no source" in told


def test_a_file_as_live_runs_to_its_end_and_every_picture_is_accounted_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    clip = make_clip(tmp_path / "a.mp4", fps=12.5, seconds=3, size=(320, 180))
    sites = tmp_path / "sites"
    sites.mkdir()
    (sites / "a.yaml").write_text(f"{SITE}source: {{url: {clip}}}\n")
    assert call(["run", str(sites), "--out", str(tmp_path / "out"), "--json"]) == 0
    status = json.loads(capsys.readouterr().out)
    camera = status["cameras"][0]
    assert camera["state"] == "stopped"
    assert camera["received"] in range(36, 39)
    assert camera["waiting"] == 0
    fates = ("skipped", "gated", "late", "shed", "failed", "detected")
    assert camera["handed"] == sum(camera[name] for name in fates) > 20


def test_top_says_that_nothing_ever_ran(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(["top", "--out", str(tmp_path), "--once"]) == 2
    assert "lukou run" in capsys.readouterr().err


def test_top_shows_rates_between_two_moments_and_every_alert(tmp_path: Path) -> None:
    before = {**STATUS, "is_running": True, "cameras": [LIVE]}
    now = {
        **before,
        "up_s": 12.0,
        "cameras": [{**LIVE, "received": 150, "detected": 38}],
        "alerts": ["rm-js-south: no penalty cases, x"],
    }
    text = io.StringIO()
    Console(file=text, width=200).print(view(now, before))
    assert "25.0" in text.getvalue()
    assert "8.0" in text.getvalue()
    assert "live, resting" in text.getvalue()
    assert "! rm-js-south: no penalty cases, x" in text.getvalue()


def test_top_prints_what_was_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_status(tmp_path, {**STATUS, "cameras": [LIVE]}, SystemClock())
    assert call(["top", "--out", str(tmp_path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["cameras"][0]["id"] == "rm-js-south"


def test_a_part_that_ends_is_started_again_with_growing_pauses() -> None:
    part = Part("version", ["--version"])
    pauses = []
    now = 0.0
    for _ in range(3):
        part.keep(now)
        assert part.process is not None
        part.process.wait(timeout=30)
        part.keep(now)
        pauses.append(part.due - now)
        now = part.due
    assert pauses == [1.0, 2.0, 5.0]
    assert part.restarts == 3


@pytest.mark.timeout(180)
def test_up_runs_cameras_and_console_and_ends_both(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "a.mp4", fps=5, seconds=40, size=(320, 180))
    sites, home = tmp_path / "sites", tmp_path / "out"
    sites.mkdir()
    (sites / "a.yaml").write_text(f"{SITE}source: {{url: {clip}}}\n")
    command = [sys.executable, "-m", "cli", "up", str(sites), "--out", str(home), "--port", "0"]
    with (
        (tmp_path / "told").open("w") as told,
        subprocess.Popen(
            command, cwd=ROOT, stdout=told, stderr=told, env={**os.environ, "LUKOU_CLOCK": "operator"}
        ) as run,
    ):
        wait_for(lambda: "console at" in (tmp_path / "told").read_text(), 80)
        wait_for((home / "live.json").exists, 80)
        time.sleep(0.5)
        run.terminate()
        assert run.wait(timeout=40) == 0
    children = subprocess.run(["pgrep", "-f", str(sites)], capture_output=True, text=True, check=False)
    assert children.stdout == ""


def test_a_plan_counts_what_a_camera_needs() -> None:
    rates = Rates(decode_ms=5.0, scale_ms=1.0, detect_ms=15.0)
    assert rates.busy(8.0) == pytest.approx(0.253)
    assert rates.still() == pytest.approx(0.0185)


def test_plan_measures_here(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    clip = make_clip(tmp_path / "a.mp4", fps=25, seconds=2, size=(320, 180))
    assert call(["plan", "--cameras", "4", "--clip", str(clip), "--seconds", "2", "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["detect_ms"] > facts["scale_ms"] > 0
    assert facts["carries_mixed"] >= facts["carries_busy"]
    assert facts["cores_needed_busy"] > 0
