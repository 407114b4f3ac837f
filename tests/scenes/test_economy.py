"""Real clips and the demo give the same offences, within 0.2 s, with every economy on and off (issue 5, line 3)."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
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
STILL_S = 14
"""A camera rests after ten still seconds."""
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


def check(video: Path, site_file: Path, home: Path) -> tuple[Account, Account]:
    plain, every = watch(video, site_file, home / "plain", OFF)
    saved, some = watch(video, site_file, home / "saved", Switches())
    print(f"{video.name}: {len(plain)} offences; looked at {every.detected} pictures, {some.detected} with economy")
    assert [rule for rule, _ in saved] == [rule for rule, _ in plain]
    for (_, times), (_, others) in zip(plain, saved, strict=True):
        assert others == pytest.approx(times, abs=0.2)
    return every, some


def with_stillness(video: Path, target: Path) -> Path:
    """Writes a clip with its first and its last picture held for a while, under sensor noise."""
    rng = np.random.default_rng(11)
    with av.open(str(video)) as reading, av.open(str(target), "w") as output:
        first = reading.streams.video[0]
        rate = first.average_rate or Fraction(25)
        pictures = [frame.to_ndarray(format="yuv420p") for frame in reading.decode(first)]
        held = round(STILL_S * rate)
        stream = output.add_stream("libx264", rate=rate, options={"preset": "veryfast", "g": "50", "crf": "18"})
        stream.width, stream.height, stream.pix_fmt = first.width, first.height, "yuv420p"
        for number, picture in enumerate([*[pictures[0]] * held, *pictures, *[pictures[-1]] * held]):
            noisy = np.clip(picture + rng.integers(-2, 3, picture.shape, np.int16), 0, 255).astype(np.uint8)
            frame = av.VideoFrame.from_ndarray(noisy, format="yuv420p")
            frame.pts, frame.time_base = number, 1 / rate
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    return target


@pytest.mark.data
@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("clip", load_clips(), ids=lambda clip: clip.clip_id)
def test_a_real_clip_gives_the_same(clip: Clip, tmp_path: Path) -> None:
    check(DATA / clip.video, SITES / f"{clip.clip_id}.site.yaml", tmp_path)


@pytest.mark.data
@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_real_clip_with_stillness_around_it_gives_the_same(tmp_path: Path) -> None:
    """The real clips are busy throughout; held still before and after, the camera rests and must wake in time.

    At least five still seconds on each side cost one look a second instead of eight.
    """
    clip = with_stillness(DATA / "video" / "ahmad_youtube.mp4", tmp_path / "still.mp4")
    every, some = check(clip, SITES / "ahmad_youtube.site.yaml", tmp_path)
    assert every.detected - some.detected > 2 * 5 * 7


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_demo_gives_the_same(tmp_path: Path) -> None:
    check(DEMO / "junction.mp4", DEMO / "junction.site.yaml", tmp_path)
