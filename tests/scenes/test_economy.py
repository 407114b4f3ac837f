"""Real clips and the demo give the same offences, within 0.2 s, with every economy on and off (issue 5, line 3)."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.real_clips import DATA, SITES, Clip, load_clips
from cli.workbench import open_workbench
from core.observations import Candidate
from core.settings import Settings
from core.site import load_site
from core.source import Source
from pipeline.account import Account
from pipeline.cameras import Cameras
from pipeline.economy import Switches
from pipeline.sealer import Job

DEMO = Path(__file__).resolve().parents[2] / "sim" / "demo"
OFF = Switches(gate=False, rest=False, rush=False)
Event = tuple[str, tuple[float, ...]]


def watch(video: Path, site_file: Path, home: Path, switches: Switches) -> tuple[list[Event], Account]:
    """Returns what a clip gives as a live camera, read as fast as it can be looked at, and its account."""
    site = load_site(site_file).model_copy(update={"source": Source(url=str(video))})
    found: list[Candidate] = []

    def keep(job: Job, _case_id: str) -> None:
        found.append(job.finding.candidate)

    with open_workbench(Settings(home=home, clock="operator"), [site]) as bench:
        cameras = Cameras([site], bench, switches=switches, is_paced=False, on_case=keep)
        cameras.start()
        assert cameras.wait(500)
        assert cameras.stop() == 0
    events = [(c.violation_id, tuple(m.pts_ns / 1e9 for m in c.moments)) for c in found]
    return sorted(events, key=lambda event: (event[0], event[1])), cameras.cameras[0].account


def check(video: Path, site_file: Path, home: Path) -> None:
    plain, every = watch(video, site_file, home / "plain", OFF)
    saved, some = watch(video, site_file, home / "saved", Switches())
    print(f"{video.name}: {len(plain)} offences; looked at {every.detected} pictures, {some.detected} with economy")
    assert [rule for rule, _ in saved] == [rule for rule, _ in plain]
    for (_, times), (_, others) in zip(plain, saved, strict=True):
        assert others == pytest.approx(times, abs=0.2)


@pytest.mark.data
@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("clip", load_clips(), ids=lambda clip: clip.clip_id)
def test_a_real_clip_gives_the_same(clip: Clip, tmp_path: Path) -> None:
    check(DATA / clip.video, SITES / f"{clip.clip_id}.site.yaml", tmp_path)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_demo_gives_the_same(tmp_path: Path) -> None:
    check(DEMO / "junction.mp4", DEMO / "junction.site.yaml", tmp_path)
