"""The short form of benchmarks/soak.py: connecting again and again leaves no thread and no open file behind."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from core.source import Source
from ingest.live import LiveSource
from tests.support.footage import make_clip
from tests.support.rtsp import wait_for
from tests.support.watcher import Notes

pytestmark = pytest.mark.timeout(180)


def test_twelve_connections_leave_nothing_behind(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "a.mp4", fps=25, seconds=0.6)
    notes = Notes()
    live = LiveSource("cam-1", Source(url=str(clip), is_looped=True), notes, spool=tmp_path / "spool")
    live.start()
    wait_for(lambda: live.tally.connects >= 3, 30)
    threads, files = threading.active_count(), open_files()
    wait_for(lambda: live.tally.connects >= 12, 50)
    assert threading.active_count() <= threads
    assert open_files() <= files + 1
    live.stop()
    live.join(timeout=10)
    assert len({s.session_id for s in notes.sessions}) == 1


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))
