"""Footage of every kind through a whole session: which pictures come, and when."""

import hashlib
import random
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import pytest

from core.errors import ConfigError, SourceError, SourceUndecodable, SourceUnreachable
from core.time import NS_PER_S
from ingest.session import Session, open_session
from tests.support.footage import data_file, make_clip, make_sound, read_number, rewrite_stamps

MS = 1_000_000
VFR = [0, 0.04, 0.09, 0.19, 0.2, 0.31, 0.5, 0.52, 0.6, 0.75, 0.76, 0.9, 1.1, 1.12, 1.3]
KINDS = [
    ("a.mp4", {}),
    ("b.mp4", {"b_frames": 2}),
    ("open.mp4", {"b_frames": 2, "options": {"preset": "ultrafast", "bf": "2", "x264-params": "open-gop=1"}}),
    ("refresh.mp4", {"options": {"preset": "superfast", "x264-params": "intra-refresh=1:keyint=10:bframes=0"}}),
    ("c.mkv", {"b_frames": 2}),
    ("d.ts", {"b_frames": 2}),
    ("d.mov", {"b_frames": 3}),
    ("e.avi", {"codec": "mjpeg"}),
    ("f.avi", {"codec": "libx264", "b_frames": 2}),
    ("g.avi", {"codec": "mpeg4"}),
    ("h.mp4", {"codec": "libx265", "b_frames": 2, "options": {"x265-params": "log-level=none"}}),
    ("i.mkv", {"codec": "ffv1", "pix_fmt": "yuv422p10le"}),
    ("j.mpg", {"codec": "mpeg2video", "b_frames": 2}),
    ("k.h264", {"b_frames": 2}),
    ("l.flv", {}),
    ("m.webm", {"codec": "libvpx", "options": {"deadline": "realtime", "cpu-used": "8"}}),
]


def opened(*paths: Path, **kwargs: Any) -> Session:
    return open_session(paths, camera_id="C1", **kwargs)


def numbers(session: Session, detect_hz: float = 1000.0, from_ns: int = 0) -> list[tuple[int, int]]:
    return [(f.pts_ns, read_number(f.rgb())) for f in session.frames(detect_hz=detect_hz, from_ns=from_ns)]


@pytest.mark.parametrize(("name", "kwargs"), KINDS, ids=[name for name, _ in KINDS])
def test_every_kind_gives_every_picture_at_its_time(tmp_path: Path, name: str, kwargs: dict[str, Any]) -> None:
    session = opened(make_clip(tmp_path / name, 25, 2, **kwargs))
    got = numbers(session)
    assert [n for _, n in got] == list(range(50))
    assert [t for t, _ in got] == pytest.approx([n * 40 * MS for n in range(50)], abs=MS)
    assert session.duration_s == pytest.approx(2.0, abs=0.002)
    assert session.fps == pytest.approx(25, abs=0.05)
    assert (session.width_px, session.height_px) == (160, 96)
    assert session.counts.decoded == session.counts.analysed == 50
    assert session.counts.damaged == session.counts.lost == 0


@pytest.mark.parametrize(("name", "kwargs"), KINDS, ids=[name for name, _ in KINDS])
def test_every_picture_can_be_fetched_again_exactly(tmp_path: Path, name: str, kwargs: dict[str, Any]) -> None:
    session = opened(make_clip(tmp_path / name, 25, 2, gop=10, **kwargs))
    shown = {f.pts_ns: f.rgb() for f in session.frames(detect_hz=1000)}
    for pts_ns in random.Random(1).sample(sorted(shown), 8):
        still = session.still(pts_ns)
        assert still.pts_ns == pts_ns
        assert still.file_index == 0
        assert (still.rgb == shown[pts_ns]).all()
    between = sorted(shown)[7]
    assert session.still(between + 15 * MS).pts_ns == between  # the picture on show then


@pytest.mark.parametrize(("name", "kwargs"), KINDS, ids=[name for name, _ in KINDS])
def test_resuming_gives_the_same_pictures(tmp_path: Path, name: str, kwargs: dict[str, Any]) -> None:
    session = opened(make_clip(tmp_path / name, 25, 2, gop=7, **kwargs))
    whole = numbers(session, 8.0)
    assert len(whole) == 17
    for start in (0, 1, 5, 6, 7, 8, 12, 16):
        for from_ns in (whole[start][0], whole[start][0] - 30 * MS):
            assert numbers(session, 8.0, from_ns) == whole[start:]
        assert numbers(session, 8.0, whole[start][0] + 1) == whole[start + 1 :]  # its slot is done with


@pytest.mark.parametrize("fps", [2, 5, 6, 8, 12.5, 16, 23.976, 25, 30, 50, 60])
def test_frame_rates_from_2_to_60(tmp_path: Path, fps: float) -> None:
    session = opened(make_clip(tmp_path / "a.mp4", fps, 4))
    times = [f.pts_ns for f in session.frames(detect_hz=8)]
    assert session.fps == pytest.approx(fps, rel=0.002)
    rate = (len(times) - 1) / (times[-1] / NS_PER_S)
    assert rate >= min(8, fps) * 0.999
    counts = session.counts
    assert counts.decoded == counts.analysed + counts.skipped == session.frame_count == round(4 * fps)


def test_uneven_timing_is_kept(tmp_path: Path) -> None:
    session = opened(make_clip(tmp_path / "v.mp4", pts=VFR))
    assert numbers(session) == [(pytest.approx(t * NS_PER_S, abs=MS), n) for n, t in enumerate(VFR)]
    assert session.counts.lost == 0


def test_time_starts_at_the_first_picture_wherever_the_file_starts(tmp_path: Path) -> None:
    session = opened(make_clip(tmp_path / "late.ts", pts=[7.0, 7.04, 7.08, 7.2]))
    assert [t for t, _ in numbers(session)] == [0, 40 * MS, 80 * MS, 200 * MS]


def test_two_files_are_one_session(tmp_path: Path) -> None:
    first = make_clip(tmp_path / "1.mp4", 25, 1.2, b_frames=2)
    second = make_clip(tmp_path / "2.mp4", 25, 1.0, b_frames=2, first_number=30)
    session = opened(first, second)
    got = numbers(session)
    assert got == [(pytest.approx(n * 40 * MS, abs=1000), n) for n in range(55)]
    assert session.files[1].offset_ns == 1200 * MS
    assert session.duration_s == pytest.approx(2.2)
    assert read_number(session.still(got[33][0]).rgb) == 33
    assert session.still(got[33][0]).file_index == 1
    sparse = numbers(session, 8.0)
    assert numbers(session, 8.0, sparse[11][0]) == sparse[11:]
    assert not any(f.is_after_gap for f in session.frames(detect_hz=8))


def test_the_given_order_counts(tmp_path: Path) -> None:
    first, second = (make_clip(tmp_path / f"{n}.mp4", 25, 0.4, first_number=10 * n) for n in (0, 1))
    assert [n for _, n in numbers(opened(second, first))] == [*range(10, 20), *range(10)]


@pytest.mark.parametrize(
    ("other", "word"),
    [({"size": (192, 96)}, "picture size 192x96"), ({"codec": "mpeg4"}, "codec mpeg4")],
)
def test_files_that_do_not_belong_together_are_refused_by_name(
    tmp_path: Path, other: dict[str, Any], word: str
) -> None:
    first, second = make_clip(tmp_path / "one.mp4", 25, 0.4), make_clip(tmp_path / "two.mp4", 25, 0.4, **other)
    with pytest.raises(SourceError, match=r"two\.mp4.*" + word) as caught:
        opened(first, second)
    assert "\n" not in caught.value.message


def test_a_hole_is_counted_and_flagged(tmp_path: Path) -> None:
    times = [n * 0.04 for n in range(25)] + [6 + n * 0.04 for n in range(25)]
    session = opened(make_clip(tmp_path / "hole.mp4", pts=times))
    flagged = [f.pts_ns for f in session.frames(detect_hz=8) if f.is_after_gap]
    assert flagged == [6 * NS_PER_S]
    assert session.counts.lost == 125  # 0.96 s -> 6 s at 25 per second: 126 steps
    assert next(session.frames(detect_hz=8, from_ns=6 * NS_PER_S)).is_after_gap


def test_a_stream_joined_in_the_middle_starts_with_its_first_decodable_picture(tmp_path: Path) -> None:
    data = make_clip(tmp_path / "a.ts", 25, 2, gop=20, b_frames=2).read_bytes()
    late = tmp_path / "late.ts"
    late.write_bytes(data[188 * 30 + 77 :])
    got = numbers(opened(late))
    assert got[0] == (0, 20)
    assert [n for _, n in got] == list(range(20, 50))


def test_what_an_edit_list_hides_stays_hidden(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "a.mp4", 25, 2, gop=25, b_frames=2)
    edited = tmp_path / "edited.mp4"
    with av.open(str(path)) as reading, av.open(str(edited), "w", options={"avoid_negative_ts": "disabled"}) as output:
        stream = output.add_stream_from_template(reading.streams.video[0])
        hidden = round(0.4 / reading.streams.video[0].time_base)
        for packet in reading.demux(reading.streams.video[0]):
            if packet.size:
                packet.stream, packet.pts, packet.dts = stream, packet.pts - hidden, packet.dts - hidden
                output.mux_one(packet)
    got = numbers(opened(edited))
    assert [n for _, n in got] == list(range(10, 50))
    assert got[0][0] == 0


def test_pictures_without_show_times_are_never_sought_by_them(tmp_path: Path) -> None:
    reels = [opened(make_clip(tmp_path / name, 25, 0.4))._reels[0] for name in ("a.avi", "a.h264", "a.mp4", "a.ts")]
    assert [reel.stamps.is_regular for reel in reels] == [False, False, True, True]


def test_a_files_own_hash_is_of_all_its_bytes(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "a.mp4", 25, 0.4)
    assert opened(path).files[0].sha256() == hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize("b_frames", [0, 2])
def test_a_clock_that_restarts_within_a_file_is_followed_on(tmp_path: Path, b_frames: int) -> None:
    parts = [make_clip(tmp_path / f"{n}.ts", 25, 2, b_frames=b_frames, first_number=50 * n) for n in (0, 1)]
    both = tmp_path / "both.ts"
    both.write_bytes(b"".join(part.read_bytes() for part in parts))
    session = opened(both)
    got = numbers(session)
    assert [n for _, n in got] == list(range(100))
    assert [t for t, _ in got] == pytest.approx([n * 40 * MS for n in range(100)], abs=MS)
    assert session.counts.reordered_pts == 1
    assert read_number(session.still(got[73][0]).rgb) == 73
    assert numbers(session, 8.0, 2500 * MS) == [pair for pair in numbers(session, 8.0) if pair[0] >= 2500 * MS]


def test_b_pictures_without_their_order_are_shown_right(tmp_path: Path) -> None:
    source = make_clip(tmp_path / "a.mp4", 25, 1, b_frames=2)
    session = opened(rewrite_stamps(source, tmp_path / "b.mkv", [n * 512 for n in range(25)]))
    assert [n for _, n in numbers(session)] == list(range(25))
    assert session.counts.reordered_pts > 0


def test_damage_is_counted_and_passed_over(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "a.mkv", 25, 4, size=(320, 192), gop=10)
    data = bytearray(path.read_bytes())
    rng = random.Random(5)
    for _ in range(25):
        spot = rng.randrange(len(data) // 10, len(data) * 9 // 10)
        data[spot : spot + 60] = rng.randbytes(60)
    path.write_bytes(data)
    session = opened(path)
    got = [f.pts_ns for f in session.frames(detect_hz=8)]
    assert got == sorted(set(got))
    assert got[-1] > 3 * NS_PER_S
    assert session.counts.damaged > 0
    assert session.counts.decoded < 100


def test_an_index_in_front_of_cut_off_pictures_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "a.mp4", 25, 4, options={"movflags": "faststart", "preset": "ultrafast"})
    data = _fast_start(path)
    short = tmp_path / "short.mp4"
    short.write_bytes(data[: len(data) // 2])
    nxt = make_clip(tmp_path / "next.mp4", 25, 0.4)
    session = opened(short, nxt)
    frames = [(f.pts_ns, f.is_after_gap) for f in session.frames(detect_hz=8)]
    assert session.files[0].is_cut_short
    assert session.files[1].offset_ns == 4 * NS_PER_S  # the world's clock went on
    assert [t for t, gap in frames if gap] == [4 * NS_PER_S]
    counts = session.counts
    assert counts.lost > 20
    assert counts.lost + counts.decoded + counts.damaged == pytest.approx(110, abs=2)


def _fast_start(path: Path) -> bytes:
    target = path.with_name("fast.mp4")
    with av.open(str(path)) as reading, av.open(str(target), "w", options={"movflags": "faststart"}) as output:
        stream = output.add_stream_from_template(reading.streams.video[0])
        for packet in reading.demux(reading.streams.video[0]):
            if packet.size:
                packet.stream = stream
                output.mux_one(packet)
    return target.read_bytes()


def test_session_id_is_of_the_bytes_not_the_name(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "a.mp4", 25, 0.4)
    other = make_clip(tmp_path / "b.mp4", 25, 0.4, first_number=3)
    start = datetime(2026, 11, 22, tzinfo=UTC)
    first = opened(path, start_utc=start).session_id
    assert first.startswith("S")
    assert len(first) == 17
    ids = {
        opened(other, start_utc=start).session_id,
        opened(path).session_id,
        opened(path, other, start_utc=start).session_id,
        open_session([path], camera_id="C2", start_utc=start).session_id,
    }
    assert len(ids) == 4
    assert first not in ids
    assert opened(path.rename(tmp_path / "renamed.mp4"), start_utc=start).session_id == first


def test_the_time_a_file_claims_is_a_hint_only(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "a.mp4", 25, 0.4, metadata={"creation_time": "2024-05-01T10:00:00Z"})
    session = opened(path)
    assert session.start_utc is None
    assert session.creation_utc_hint == datetime(2024, 5, 1, 10, tzinfo=UTC)


def bad_file(tmp_path: Path, kind: str) -> Path:
    path = tmp_path / "bad.mp4"
    if kind == "folder":
        path.mkdir()
    elif kind == "empty":
        path.touch()
    elif kind == "text":
        path.write_text("this is a shopping list\n" * 50, encoding="utf-8")
    elif kind == "sound":
        make_sound(path)
    elif kind == "no moov":
        whole = make_clip(tmp_path / "whole.mp4", 25, 1).read_bytes()
        path.write_bytes(whole[: len(whole) * 6 // 10])
    elif kind == "no pictures":
        source = make_clip(tmp_path / "whole.mkv", 25, 0.4)
        data = bytearray(source.read_bytes())
        begin = data.index(b"\x1f\x43\xb6\x75") + 24  # first cluster: blank the pictures, keep the container
        data[begin:] = bytes(b ^ 0x5A if n % 7 else b for n, b in enumerate(data[begin:]))
        path = tmp_path / "bad.mkv"
        path.write_bytes(data)
    return path


@pytest.mark.parametrize(
    ("kind", "error", "words"),
    [
        ("missing", SourceUnreachable, "check the path"),
        ("folder", SourceUnreachable, "name the video files in it"),
        ("empty", SourceUndecodable, "empty.*copy it"),
        ("text", SourceUndecodable, "not video.*right file"),
        ("sound", SourceUndecodable, "only audio.*choose the video"),
        ("no moov", SourceUndecodable, r"cut short.*\(moov\).*copy it"),
        ("no pictures", SourceUndecodable, "no picture.*copy it"),
    ],
)
def test_bad_files_are_refused_with_one_line_that_says_what_to_do(
    tmp_path: Path, kind: str, error: type[SourceError], words: str
) -> None:
    with pytest.raises(error, match=words) as caught:
        opened(bad_file(tmp_path, kind))
    assert "\n" not in caught.value.message
    assert "bad.m" in caught.value.message


def test_a_file_that_may_not_be_read_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = make_clip(tmp_path / "a.mp4", 25, 0.4)

    def refuse(*_args: object, **_kwargs: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("pathlib.Path.open", refuse)
    with pytest.raises(SourceUnreachable, match=r"no permission.*chmod"):
        opened(path)


def test_no_files_and_a_start_without_zone_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceUnreachable, match="no footage given"):
        opened()
    with pytest.raises(ConfigError, match="time zone"):
        opened(make_clip(tmp_path / "a.mp4", 25, 0.4), start_utc=datetime(2026, 1, 1))  # noqa: DTZ001


@pytest.mark.data
def test_the_damaged_real_clip_is_read_to_its_end() -> None:
    session = opened(data_file("video/rahat_traffic.avi"))
    times = [f.pts_ns for f in session.frames(detect_hz=8)]
    assert all(b > a for a, b in pairwise(times))
    assert len(times) == 247
    assert session.counts.lost == 247  # its header promises 494
    assert session.counts.reordered_pts > 0
    assert times[-1] / NS_PER_S == pytest.approx(30.75)


@pytest.mark.data
@pytest.mark.parametrize(
    ("name", "fps", "duration_s", "count"),
    [
        ("uvhnael_16h30.mp4", 6.0, 63.98, 384),
        ("ahmad_youtube.mp4", 25, 5.16, 129),
        ("ot_testvideo_1.mkv", 20, 5.0, 100),
        ("roxa_crosswalk.mp4", 11, 12.97, 143),
        ("intel_car-detection.mp4", 12.5, 30.16, 377),
    ],
)
def test_real_clips(name: str, fps: float, duration_s: float, count: int) -> None:
    session = opened(data_file(f"video/{name}"))
    assert session.fps == pytest.approx(fps, rel=0.01)
    assert session.duration_s == pytest.approx(duration_s, abs=0.06)
    whole = [f.pts_ns for f in session.frames(detect_hz=8)]
    assert session.counts.decoded == count
    assert session.counts.damaged == session.counts.lost == 0
    middle = len(whole) // 2
    assert [f.pts_ns for f in session.frames(detect_hz=8, from_ns=whole[middle])] == whole[middle:]
