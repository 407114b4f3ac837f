"""With every economy on and off the same offences are found; what nothing moves in is not looked at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest

from core.observations import ActorClass, Candidate, Detections, Picture
from core.site import Site
from core.source import Source
from pipeline.account import Account
from pipeline.cameras import Cameras
from pipeline.economy import Switches
from pipeline.sealer import Job
from tests.support.footage import make_clip
from tests.support.junction import SIZE_M, Place, PoleCamera
from tests.support.scripted import ScriptedDetector, open_workbench, wrong_way_site

CAMERA = PoleCamera(size_px=(320, 180), focal_px=233.0)
SECONDS, FPS = 50, 12.5
FAR = (0.0, 500.0)
CLOCK = ((2.0, 2.0), (60.0, 14.0))


def rider(start_s: float) -> Place:
    """Rides against the lane's direction for five seconds; before and after it is not there."""
    return lambda t: (-5.0, -6 + 4 * (t - start_s)) if start_s <= t <= start_s + 5 else FAR


RIDERS = [(ActorClass.MOTORCYCLE, rider(16.0)), (ActorClass.MOTORCYCLE, rider(37.3))]


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sensor noise, a running clock in the corner, and two riders with half a minute of nothing around them."""
    path = tmp_path_factory.mktemp("footage") / "quiet.mp4"
    rng = np.random.default_rng(5)
    ground = rng.integers(90, 130, (180, 320, 3)).astype(np.int16)
    with av.open(str(path), "w") as output:
        stream = output.add_stream("libx264", rate=Fraction(25, 2), options={"preset": "ultrafast", "g": "25"})
        stream.width, stream.height, stream.pix_fmt = 320, 180, "yuv420p"
        for number in range(int(SECONDS * FPS)):
            picture = ground + rng.integers(-3, 4, (180, 320, 3))
            picture[4:12, 4:58] = 40 + 150 * rng.integers(0, 2, (8, 54, 1))
            for who, place in RIDERS:
                draw(picture, who, place(number / FPS))
            frame = av.VideoFrame.from_ndarray(np.clip(picture, 0, 255).astype(np.uint8), format="rgb24")
            frame.pts, frame.time_base = number, Fraction(2, 25)
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    return path


def draw(picture: np.ndarray, who: ActorClass, place: tuple[float, float]) -> None:
    if place == FAR:
        return
    length, wide, tall = SIZE_M[who]
    corners = [
        (place[0] + a * wide / 2, place[1] + b * length / 2, z) for a in (-1, 1) for b in (-1, 1) for z in (0.0, tall)
    ]
    xy = CAMERA.project(corners)
    x1, y1 = np.clip(xy.min(axis=0), 0, (320, 180)).astype(int)
    x2, y2 = np.clip(xy.max(axis=0), 0, (320, 180)).astype(int)
    picture[y1:y2, x1:x2] = (200, 40, 40)


def watch(clip: Path, home: Path, switches: Switches) -> tuple[list[Candidate], Account, int]:
    bench = open_workbench(home, ScriptedDetector(RIDERS, CAMERA))
    bench = replace(bench, settings=bench.settings.model_copy(update={"clock": "operator"}))
    site = wrong_way_site(CAMERA).model_copy(update={"source": Source(url=str(clip), clocks_px=[CLOCK])})
    found: list[Candidate] = []

    def keep(job: Job, _case_id: str) -> None:
        found.append(job.finding.candidate)

    cameras = Cameras([site], bench, switches=switches, is_paced=False, on_case=keep)
    cameras.start()
    assert cameras.wait(50)
    assert cameras.stop() == 0
    camera = cameras.cameras[0]
    tally, account = camera.live.tally, camera.account
    assert account.waiting == 0
    assert tally.received - tally.decoded - tally.passed - tally.damaged <= 1
    assert (account.skipped, account.late, account.shed, account.failed) == (0, 0, 0, 0)
    bench.cases.close()
    return sorted(found, key=lambda c: c.onset_ns), account, tally.passed


def test_the_same_offences_with_every_economy_on_and_off(clip: Path, tmp_path: Path) -> None:
    plain, all_seen, _ = watch(clip, tmp_path / "plain", Switches(gate=False, rest=False))
    gated, gate_only, _ = watch(clip, tmp_path / "gated", Switches(gate=True, rest=False))
    rested, both, passed = watch(clip, tmp_path / "rested", Switches(gate=True, rest=True))
    assert [c.violation_id for c in plain] == ["V05", "V05"]
    for saving in (gated, rested):
        assert [c.violation_id for c in saving] == ["V05", "V05"]
        for one, other in zip(plain, saving, strict=True):
            times = [m.pts_ns / 1e9 for m in one.moments]
            assert [m.pts_ns / 1e9 for m in other.moments] == pytest.approx(times, abs=0.2)
    assert all_seen.detected == int(SECONDS * FPS)
    assert gate_only.detected < all_seen.detected / 2
    assert passed > 100
    assert both.detected < all_seen.detected / 2


def test_without_naming_its_clock_a_burnt_in_clock_keeps_the_camera_looking(clip: Path, tmp_path: Path) -> None:
    site = wrong_way_site(CAMERA).model_copy(update={"source": Source(url=str(clip))})
    bench = open_workbench(tmp_path, ScriptedDetector([], CAMERA))
    cameras = Cameras([site], bench, is_paced=False)
    cameras.start()
    assert cameras.wait(50)
    cameras.stop()
    assert cameras.cameras[0].account.gated == 0
    bench.cases.close()


@pytest.mark.parametrize("is_on", [True, False])
def test_while_a_rider_nears_a_line_every_second_picture_is_looked_at(tmp_path: Path, is_on: bool) -> None:
    """Played at its own speed: spare time of the network is used, and only where the switch says so."""
    clip = make_clip(tmp_path / "lane.mp4", fps=25, seconds=6, size=CAMERA.size_px, gop=25)
    seen: list[float] = []

    class Noting(ScriptedDetector):
        def detect(self, pictures: Sequence[Picture]) -> list[Detections]:
            seen.extend(p.pts_ns / 1e9 for p in pictures)
            return super().detect(pictures)

    bench = open_workbench(tmp_path, Noting([(ActorClass.MOTORCYCLE, rider(1.0))], CAMERA))
    line = {"id": "stop", "points_px": CAMERA.ground((-7, 2), (-2, 2)), "towards_px": CAMERA.ground((-5, 9))[0]}
    site = Site.model_validate({**wrong_way_site(CAMERA).model_dump(), "stop_lines": [line]})
    site = site.model_copy(update={"source": Source(url=str(clip))})
    cameras = Cameras([site], bench, switches=Switches(gate=False, rest=False, rush=is_on))
    cameras.start()
    assert cameras.wait(40)
    cameras.stop()
    bench.cases.close()
    short = [now for before, now in pairwise(sorted(seen)) if now - before < 0.1]
    assert bool(short) is is_on
    assert all(1.0 < t < 6.0 for t in short)
