"""The demo gives exactly its known answer (issue 2, "done when" 2), from the bundled files alone."""

import json
from pathlib import Path

import pytest

from cli.demo import bundled
from cli.known import load_answer
from cli.main import call
from core.site import load_site

PROMISED = {"V01", "V02", "V03", "V04", "V05", "V08"}
SMALL_MB = 8


def test_demo_shows_every_promised_offence_and_look_alike() -> None:
    _, site_file, answer_file = bundled()
    answer = load_answer(answer_file, load_site(site_file).time_zone)
    assert {e.violation_id for e in answer.expected if e.is_required} >= PROMISED
    assert len(answer.traps) >= 10
    assert all(e.sightings for e in answer.expected)


def test_demo_footage_is_small_and_marked_synthetic() -> None:
    video, _, _ = bundled()
    assert video.stat().st_size <= SMALL_MB * 1_000_000
    assert b"SYNTHETIC" in video.read_bytes()


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_demo_finds_exactly_the_known_answer(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(["demo", "--no-serve", "--out", str(tmp_path / "demo"), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["answer"]["is_right"]
    assert len(told["answer"]["hits"]) == len(told["cases"]) >= len(PROMISED)
    assert told["answer"]["misses"] == told["answer"]["false_alarms"] == told["answer"]["traps_sprung"] == []
    assert call(["verify", "--out", str(tmp_path / "demo")]) == 0
