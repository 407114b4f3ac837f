"""Continuous recording: every packet, in files that play, the oldest deleted; a disk that refuses harms nobody else."""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import av
import pytest

import ingest.recorder
from core.source import Recording, Source
from ingest.live import LiveSource
from ingest.recorder import Recorder
from tests.support.footage import make_clip
from tests.support.watcher import Notes

FPS, SECONDS = 25, 6.0


def watched(tmp_path: Path, recorder: Recorder, b_frames: int = 0) -> tuple[LiveSource, Notes]:
    clip = make_clip(tmp_path / "a.mp4", fps=FPS, seconds=SECONDS, gop=FPS, b_frames=b_frames)
    notes = Notes()
    live = LiveSource("cam-1", Source(url=str(clip)), notes, is_paced=False)
    live.recorder = recorder
    recorder.start()
    live.start()
    live.join(timeout=30)
    recorder.stop()
    assert not live.is_alive()
    assert not recorder.is_alive()
    return live, notes


def shown_s(path: Path) -> list[float]:
    with av.open(str(path)) as container:
        return [float(frame.time) for frame in container.decode(video=0) if frame.time is not None]


@pytest.mark.parametrize("b_frames", [0, 3])
def test_every_picture_is_recorded_at_its_time(tmp_path: Path, b_frames: int) -> None:
    recorder = Recorder(tmp_path / "cam-1", Recording(), segment_s=2.0)
    live, notes = watched(tmp_path, recorder, b_frames)
    files = recorder.files()
    assert len(files) == 3
    start_utc = notes.sessions[0].start_utc
    times: list[float] = []
    for path in files:
        begins = datetime.strptime(path.stem, "%Y%m%dT%H%M%S.%fZ").replace(tzinfo=UTC)
        times += [(begins - start_utc).total_seconds() + t for t in shown_s(path)]
    assert len(times) == live.tally.received == FPS * SECONDS
    seen = [t / 1e9 for t in notes.times]  # of a stream with B pictures the decoder keeps the last ones
    assert len(seen) >= len(times) - b_frames
    assert times[: len(seen)] == pytest.approx(seen, abs=0.002)
    assert recorder.dropped == 0
    assert all(path.stat().st_mode & 0o077 == 0 for path in files)


def test_the_oldest_go_when_there_is_too_much(tmp_path: Path) -> None:
    folder = tmp_path / "cam-1"
    folder.mkdir()
    for hour in range(4):
        (folder / f"20260101T{hour:02}0000.000000Z.mkv").write_bytes(b"x" * 400_000)
    recorder = Recorder(folder, Recording(gigabytes=0.001))
    watched(tmp_path, recorder)
    assert [path.name[9:11] for path in recorder.files()][:2] == ["02", "03"]
    assert len(recorder.files()) == 3


def test_the_oldest_go_when_they_are_too_old(tmp_path: Path) -> None:
    folder = tmp_path / "cam-1"
    folder.mkdir()
    for days in (1.5, 0.5):
        path = folder / f"2026010{int(4 - days)}T000000.000000Z.mkv"
        path.write_bytes(b"x")
        os.utime(path, (time.time() - days * 86400,) * 2)
    recorder = Recorder(folder, Recording(days=1))
    watched(tmp_path, recorder)
    assert [path.name[:8] for path in recorder.files()[:-1]] == ["20260103"]


def test_a_full_disk_keeps_its_last_space_for_evidence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "cam-1"
    folder.mkdir()
    (folder / "20260101T000000.000000Z.mkv").write_bytes(b"x")
    monkeypatch.setattr(ingest.recorder.shutil, "disk_usage", lambda _: SimpleNamespace(free=1 << 30))
    recorder = Recorder(folder, Recording())
    live, notes = watched(tmp_path, recorder)
    assert recorder.files() == []
    assert "GB free" in recorder.refusal
    assert recorder.dropped == live.tally.received
    assert live.tally.decoded == FPS * SECONDS
    assert notes.sessions[0].ring.groups(0, int(SECONDS * 1e9))


def test_a_file_cut_short_by_a_crash_still_plays(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "cam-1", Recording())
    watched(tmp_path, recorder)
    (path,) = recorder.files()
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) * 2 // 3])
    assert len(shown_s(path)) > FPS * SECONDS / 2
