"""Clips hold the original pictures, to the bit, at the right times."""

import random
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from core.errors import ConfigError, SourceUndecodable, SourceUnreachable, StoreError
from core.time import NS_PER_S
from ingest.clip import Cut, build_stamps
from ingest.session import Session, open_session
from tests.support.footage import data_file, decode_all, decode_planes, make_clip, read_number

MS = 1_000_000
OPEN_GOP = {"preset": "ultrafast", "bf": "2", "x264-params": "open-gop=1:b-adapt=0"}
KINDS = [
    ("a.mp4", {}, ".mp4"),
    ("b.mp4", {"b_frames": 2}, ".mp4"),
    ("open.mp4", {"b_frames": 2, "options": OPEN_GOP}, ".mp4"),
    ("open.ts", {"b_frames": 2, "options": OPEN_GOP}, ".mp4"),
    ("c.mkv", {"b_frames": 3}, ".mp4"),
    ("d.ts", {"b_frames": 2}, ".mp4"),
    ("f.avi", {"b_frames": 2}, ".mp4"),
    ("g.avi", {"codec": "mpeg4"}, ".mp4"),
    ("h.mp4", {"codec": "libx265", "b_frames": 2, "options": {"x265-params": "log-level=none"}}, ".mp4"),
    ("e.avi", {"codec": "mjpeg"}, ".mp4"),
    ("i.mkv", {"codec": "ffv1", "pix_fmt": "yuv422p10le"}, ".mp4"),
    ("k.h264", {"b_frames": 2}, ".mp4"),
    ("p.mov", {"codec": "prores_ks", "pix_fmt": "yuv422p10le"}, ".mkv"),
    ("m.wmv", {"codec": "wmv2"}, ".nut"),
    ("l.flv", {}, ".mp4"),
]


def opened(*paths: Path) -> Session:
    return open_session(paths, camera_id="C1")


def original(session: Session, *paths: Path) -> dict[int, Any]:
    """Session time -> planes: our times, FFmpeg's pictures in the order it shows them."""
    pictures = {}
    for file, path in zip(session.files, paths, strict=True):
        shown = sorted(f.pts_ns for f in opened(path).frames(detect_hz=1000))
        for pts_ns, planes in zip(shown, decode_planes(path), strict=True):
            pictures[file.offset_ns + pts_ns] = planes
    return pictures


def check(cut: Cut, pictures: dict[int, Any], tolerance_ns: int = 600_000) -> list[int]:
    """Every picture of the clip is the original's picture of that session time, and none is missing between."""
    times = np.array(sorted(pictures))
    got = decode_all(cut.path)
    assert got[0][0] == 0  # player time 0 is cut.start_ns
    matched = []
    for t_s, planes in got:
        at = cut.start_ns + t_s * NS_PER_S
        nearest = int(times[np.argmin(np.abs(times - at))])
        assert abs(nearest - at) <= tolerance_ns
        assert np.array_equal(planes, pictures[nearest])
        matched.append(nearest)
    assert matched == [t for t in times if matched[0] <= t <= matched[-1]]
    assert len(matched) == cut.picture_count
    assert matched[0] == cut.start_ns
    return matched


@pytest.mark.parametrize(("name", "kwargs", "suffix"), KINDS, ids=[k[0] for k in KINDS])
def test_a_clip_holds_the_original_pictures_to_the_bit(
    tmp_path: Path, name: str, kwargs: dict[str, Any], suffix: str
) -> None:
    path = make_clip(tmp_path / name, 25, 3, gop=12, **kwargs)
    session = opened(path)
    pictures = original(session, path)
    times = sorted(pictures)
    rng = random.Random(2)
    spans = [(0, times[5]), (times[60], session.end_ns + NS_PER_S), (-NS_PER_S, 0)]
    spans += [tuple(sorted(rng.sample(range(session.end_ns), 2))) for _ in range(6)]
    for number, (start_ns, end_ns) in enumerate(spans):
        cut = session.cut(start_ns, end_ns, tmp_path / f"clip{number}.mp4")
        assert cut.path == tmp_path / f"clip{number}{suffix}"
        assert cut.is_complete
        matched = check(cut, pictures)
        assert matched[0] <= max(0, start_ns) < matched[0] + 0.6 * NS_PER_S
        wanted = [t for t in times if start_ns <= t <= end_ns]
        assert not wanted or matched[-1] >= wanted[-1]
        assert matched[-1] <= max(end_ns, 0) + 0.2 * NS_PER_S
        assert cut.end_ns == pytest.approx(matched[-1] + 40 * MS, abs=MS)


def test_the_packets_are_the_original_bytes(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "a.mp4", 25, 2, gop=10, b_frames=2)
    cut = opened(path).cut(900 * MS, 1300 * MS, tmp_path / "clip.mp4")

    def packets(file: Path) -> list[bytes]:
        with av.open(str(file)) as reading:
            return [bytes(p) for p in reading.demux(video=0) if p.size]

    kept, whole = packets(cut.path), packets(path)
    assert any(whole[n : n + len(kept)] == kept for n in range(len(whole)))


def test_a_clip_starts_with_a_key_frame_and_its_index_is_in_front(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "a.mp4", 25, 2, gop=10, b_frames=2)
    cut = opened(path).cut(900 * MS, 1300 * MS, tmp_path / "clip.mp4")
    assert (cut.start_ns, cut.codec) == (800 * MS, "h264")
    data = cut.path.read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")
    with av.open(str(cut.path)) as reading:
        assert next(reading.demux(video=0)).is_keyframe
        assert not reading.streams.audio


@pytest.mark.parametrize("b_frames", [0, 2])
@pytest.mark.parametrize("suffix", ["mp4", "mkv", "ts"])
def test_a_clip_runs_over_a_file_border(tmp_path: Path, suffix: str, b_frames: int) -> None:
    first = make_clip(tmp_path / f"1.{suffix}", 25, 1.2, gop=10, b_frames=b_frames)
    second = make_clip(tmp_path / f"2.{suffix}", 25, 1.2, gop=10, b_frames=b_frames, first_number=30)
    session = opened(first, second)
    cut = session.cut(900 * MS, 1900 * MS, tmp_path / "clip.mp4")
    assert cut.is_complete
    matched = check(cut, original(session, first, second))
    assert matched[0] == pytest.approx(800 * MS, abs=MS)
    assert matched[-1] >= 1880 * MS
    with av.open(str(cut.path)) as reading:
        numbers = [read_number(f.to_ndarray(format="rgb24")) for f in reading.decode(video=0)]
    assert numbers == list(range(20, 20 + len(numbers)))


def test_files_of_another_setting_do_not_share_a_clip(tmp_path: Path) -> None:
    first = make_clip(tmp_path / "1.mp4", 25, 1.2, gop=10)
    second = make_clip(tmp_path / "2.mp4", 25, 1.2, gop=10, b_frames=2, options={"profile": "high", "cabac": "1"})
    session = opened(first, second)
    cut = session.cut(1000 * MS, 2000 * MS, tmp_path / "clip.mp4")
    assert not cut.is_complete
    assert cut.start_ns == 1200 * MS  # the second file shows more of it
    check(cut, original(session, first, second))


def test_uneven_timing_survives(tmp_path: Path) -> None:
    times = [0, 0.04, 0.09, 0.19, 0.2, 0.31, 0.5, 0.52, 0.6, 0.75, 0.76, 0.9, 1.1, 1.12, 1.3]
    path = make_clip(tmp_path / "v.mp4", pts=times, gop=4, b_frames=2)
    session = opened(path)
    cut = session.cut(550 * MS, 950 * MS, tmp_path / "clip.mp4")
    check(cut, original(session, path), tolerance_ns=20_000)


def test_a_damaged_stretch_does_not_stop_the_clip(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "a.mkv", 25, 3, size=(320, 192), gop=10)
    data = bytearray(path.read_bytes())
    for spot in range(len(data) // 3, len(data) // 2, 900):
        data[spot : spot + 40] = random.Random(spot).randbytes(40)
    path.write_bytes(data)
    session = opened(path)
    cut = session.cut(500 * MS, 2500 * MS, tmp_path / "clip.mp4")
    assert cut.end_ns > 2400 * MS


@pytest.mark.parametrize("span", [(5, 5), (9, 4), (-9, -4), (3 * NS_PER_S, 4 * NS_PER_S)])
def test_a_span_without_footage_is_refused(tmp_path: Path, span: tuple[int, int]) -> None:
    session = opened(make_clip(tmp_path / "a.mp4", 25, 1))
    with pytest.raises(ConfigError, match=r"session runs from 0 to 1\.000 s"):
        session.cut(*span, tmp_path / "clip.mp4")


def test_packets_no_container_can_hold_are_refused(tmp_path: Path) -> None:
    session = opened(make_clip(tmp_path / "a.avi", 25, 1, codec="rawvideo"))
    with pytest.raises(SourceUndecodable, match=r"no clip can be cut from .*a\.avi.*convert it"):
        session.cut(0, NS_PER_S, tmp_path / "clip.mp4")
    assert not list(tmp_path.glob("clip*"))


def test_a_disk_that_refuses_is_named(tmp_path: Path) -> None:
    session = opened(make_clip(tmp_path / "a.mp4", 25, 1))
    with pytest.raises(StoreError, match=r"cannot write clip .*clip\.mp4"):
        session.cut(0, NS_PER_S, tmp_path / "nowhere" / "clip.mp4")


def test_footage_that_is_gone_is_named(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "a.mp4", 25, 1)
    session = opened(path)
    path.unlink()
    with pytest.raises(SourceUnreachable, match=r"a\.mp4' is gone"):
        session.cut(0, NS_PER_S, tmp_path / "clip.mp4")


def test_a_full_disk_leaves_no_half_clip(tmp_path: Path) -> None:
    session = opened(make_clip(tmp_path / "a.mp4", 25, 1))
    with pytest.raises(StoreError, match="cannot write clip"):
        session.cut(0, NS_PER_S, _full_disk(tmp_path))


def _full_disk(tmp_path: Path) -> Path:
    (tmp_path / "full.mp4").symlink_to("/dev/full")
    return tmp_path / "full.mp4"


def test_decode_times_never_pass_show_times() -> None:
    t_ns = np.array([0, 3, 1, 2, 7, 5, 4, 6, 8], dtype=np.int64) * 40 * MS
    pts, dts = build_stamps(t_ns, Fraction(1, 90_000))
    assert pts.tolist() == [n * 3600 for n in (0, 3, 1, 2, 7, 5, 4, 6, 8)]
    assert np.all(np.diff(dts) > 0)
    assert np.all(dts <= pts)


@pytest.mark.data
@pytest.mark.parametrize("name", ["uvhnael_16h30.mp4", "mirsa_traffic.mp4", "ot_testvideo_1.mkv", "rahat_traffic.avi"])
def test_clips_of_real_footage(tmp_path: Path, name: str) -> None:
    path = data_file(f"video/{name}")
    session = opened(path)
    pictures = original(session, path)
    cut = session.cut(session.end_ns // 2, session.end_ns * 7 // 10, tmp_path / "clip.mp4")
    check(cut, pictures, tolerance_ns=700_000)
