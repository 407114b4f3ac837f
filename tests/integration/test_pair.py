"""Two streams of one camera: what is seen in the small one is found at that moment, at full size, in the main one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from core.source import Source
from ingest.frame import Frame
from ingest.live import LiveSource
from ingest.live_session import LiveSession, Mode
from ingest.pair import WAITING, MainStream, SubStream
from tests.support.rtsp import rtsp_camera, wait_for
from tests.support.watcher import Notes

pytestmark = pytest.mark.timeout(180)

MAIN_PX = (1280, 720)
FRAME_S = 0.04


class Bright(Notes):
    """Keeps brightness and shapes of the pictures seen while the main stream is there."""

    def __init__(self) -> None:
        super().__init__()
        self.light: list[tuple[int, float]] = []
        self.shapes: set[tuple[int, ...]] = set()
        self.is_open = False

    def opened(self, session: LiveSession) -> None:
        super().opened(session)
        self.is_open = True

    def lost(self, reason: str) -> None:
        super().lost(reason)
        self.is_open = False

    def frame(self, frame: Frame) -> None:
        super().frame(frame)
        if not self.is_open:
            return
        self.light.append((frame.pts_ns, float(frame.crop((0, 0, *frame.size_px)).mean())))
        self.shapes.add((*frame.size_px, *frame.crop((640, 360, 1280, 720)).shape))


@contextmanager
def pair(main_url: str, sub_url: str, notes: Notes, spool: Path) -> Iterator[tuple[LiveSource, LiveSource]]:
    kept = MainStream()
    watching = SubStream(notes, kept)
    main = LiveSource("cam-1", Source(url=main_url, stall_s=1), kept, spool=spool)
    main.mode = Mode.NONE
    sub = LiveSource("cam-1", Source(url=sub_url, stall_s=1), watching)
    watching.main_source, watching.sub_source = main, sub
    for source in (main, sub):
        source.start()
    yield main, sub
    for source in (main, sub):
        source.stop()
    for source in (main, sub):
        source.join(timeout=15)


def test_the_same_moment_is_found_in_both_streams(tmp_path: Path) -> None:
    notes = Bright()
    with rtsp_camera() as server, pair(server.main, server.sub, notes, tmp_path) as (main, _):
        wait_for(lambda: len(notes.light) > 150, 40)
        light = notes.light[25:150]
        turns = [(t, now > 128) for (_, before), (t, now) in pairwise(light) if abs(now - before) > 99]
        assert len(turns) >= 3
        session = notes.sessions[0]
        assert session.coding.width_px == MAIN_PX[0]
        wait_for(lambda: session.end_ns > turns[-1][0] + 5e8)
        excerpt = session.excerpt(turns[0][0] - 10**9, turns[-1][0] + 10**9)
        for t_ns, is_white in turns:
            around = [excerpt.still(t_ns + int(s * 1e9)).rgb for s in (-3 * FRAME_S, 3 * FRAME_S)]
            assert around[0].shape == (*MAIN_PX[::-1], 3)
            assert [rgb.mean() > 128 for rgb in around] == [not is_white, is_white]
        assert main.tally.decoded == 0
    assert notes.shapes == {(*MAIN_PX, 90, 160, 3)}
    assert (np.diff(notes.times) > 0).all()


def test_without_the_main_stream_nothing_counts_as_seen(tmp_path: Path) -> None:
    """The address of the main stream is dead: pictures arrive, but nothing in them could be proved."""
    notes = Notes()
    with rtsp_camera() as server, pair(server.main.replace("main", "gone"), server.sub, notes, tmp_path) as (_, sub):
        wait_for(lambda: sub.tally.decoded > 30, 40)
    assert notes.sessions == []


def test_a_lost_main_stream_is_told_and_taken_up_again(tmp_path: Path) -> None:
    notes = Notes()
    with rtsp_camera() as server, pair(server.main, server.sub, notes, tmp_path) as (main, _):
        wait_for(lambda: len(notes.sessions) == 1 and len(notes.times) > 20, 40)
        main.watcher.lost("ended")
        wait_for(lambda: WAITING in notes.lost_for)
        main.watcher.opened(notes.sessions[0])
        wait_for(lambda: len(notes.sessions) == 2)
        assert notes.sessions[0] is notes.sessions[1]


@pytest.mark.parametrize(("sub_ahead_s", "expected_s"), [(0.4, 0.4), (None, 0.0), (90.0, 0.0)])
def test_the_cameras_own_clock_corrects_the_delay(sub_ahead_s: float | None, expected_s: float) -> None:
    """The main stream arrives 0.4 s after the small one: a picture of second 1 there is found at second 1.4 here."""

    class Stream:
        def __init__(self, ahead_s: float | None) -> None:
            self.ahead_ns = None if ahead_s is None else int(ahead_s * 1e9)

    watching = SubStream(Notes(), MainStream())
    watching.main_source, watching.sub_source = Stream(0.0), Stream(sub_ahead_s)  # type: ignore[assignment]
    assert watching._delay_ns() == pytest.approx(expected_s * 1e9)
