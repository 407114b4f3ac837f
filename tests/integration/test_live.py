"""Live cameras: a real RTSP server that stalls, drops clients, changes size and loses packets; files as live."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import av
import numpy as np
import pytest

from core.source import Source
from ingest.coded import AnnexB
from ingest.live import LiveSource
from ingest.live_session import Mode
from tests.support.footage import make_clip, read_number
from tests.support.rtsp import rtsp_camera, wait_for
from tests.support.watcher import Notes

pytestmark = pytest.mark.timeout(180)


@contextmanager
def watching(url: str, spool: Path, **source: object) -> Iterator[tuple[LiveSource, Notes]]:
    notes = Notes()
    live = LiveSource("cam-1", Source.model_validate({"url": url, **source}), notes, spool=spool)
    live.start()
    yield live, notes
    live.stop()
    live.join(timeout=15)
    assert not live.is_alive()


@pytest.mark.parametrize("transport", ["tcp", "udp"])
def test_pictures_arrive_on_an_even_axis_and_evidence_is_cut_from_them(tmp_path: Path, transport: str) -> None:
    with rtsp_camera() as camera, watching(camera.url, tmp_path, transport=transport) as (live, notes):
        wait_for(lambda: len(notes.times) > 100)
        session, times = notes.sessions[0], np.array(notes.times[:100])
        steps = np.diff(times) / 1e6
        assert np.median(steps) == pytest.approx(40, abs=2)
        assert steps.min() > 4
        assert times[-1] <= session.now_ns()
        assert session.now_ns() - notes.times[-1] < 1e9
        start, end = int(times[50]), int(times[90])
        excerpt = session.excerpt(start, end)
        cut = excerpt.cut(start, end, tmp_path / "clip.mp4")
        assert cut.is_complete
        assert cut.start_ns <= start
        assert cut.end_ns >= end
        with av.open(str(cut.path)) as clip:
            assert sum(1 for _ in clip.decode(video=0)) == cut.picture_count
        assert [excerpt.still(int(t)).pts_ns for t in times[60:63]] == times[60:63].tolist()
        assert live.tally.received - live.tally.decoded - live.tally.damaged <= 2
    assert notes.lost_for == ["stopped"]


def test_a_silent_camera_and_a_broken_connection_are_connected_again(tmp_path: Path) -> None:
    with rtsp_camera() as camera, watching(camera.url, tmp_path, stall_s=1) as (live, notes):
        wait_for(lambda: len(notes.times) > 20)
        camera.say("stall")
        wait_for(lambda: "no picture for 1 s" in notes.lost_for)
        camera.say("resume")
        wait_for(lambda: live.tally.connects == 2, 25)
        camera.say("drop")
        wait_for(lambda: live.tally.connects == 3, 25)
        wait_for(lambda: len(notes.gaps) == 2)
        assert {s.session_id for s in notes.sessions} == {notes.sessions[0].session_id}
        assert (np.diff(notes.times) > 0).all()


def test_another_picture_size_begins_another_session(tmp_path: Path) -> None:
    with rtsp_camera("320x180") as camera, watching(camera.url, tmp_path) as (_, notes):
        wait_for(lambda: len(notes.times) > 20)
        camera.say("size 640x360")
        wait_for(lambda: len(notes.sessions) == 2)
        assert notes.lost_for == ["picture size changed"]
        assert [s.coding.width_px for s in notes.sessions] == [320, 640]
        assert notes.sessions[0].session_id != notes.sessions[1].session_id


def test_lost_packets_are_counted_and_the_camera_goes_on(tmp_path: Path) -> None:
    with rtsp_camera() as camera, watching(camera.url, tmp_path, transport="udp") as (live, notes):
        wait_for(lambda: len(notes.times) > 20)
        camera.say("lose 0.3")
        wait_for(lambda: live.tally.lost > 5, 40)
        camera.say("lose 0")
        seen = len(notes.times)
        wait_for(lambda: len(notes.times) > seen + 50, 40)
        assert live.tally.connects == 1


def test_a_dead_address_is_tried_again_and_again(tmp_path: Path) -> None:
    with watching(f"rtsp://127.0.0.1:{closed_port()}/live", tmp_path) as (_, notes):
        wait_for(lambda: len(notes.lost_for) >= 2)
    assert notes.times == []


def test_a_fault_in_the_camera_thread_costs_a_connection_not_the_camera(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "a.mp4", seconds=2)
    with watching(str(clip), tmp_path / "spool", is_looped=True) as (live, notes):
        wait_for(lambda: len(notes.times) > 5)
        notes.fault = ZeroDivisionError("killed")
        wait_for(lambda: live.tally.connects == 2)
        wait_for(lambda: len(notes.gaps) > 0)
        assert notes.lost_for[0] == "fault: ZeroDivisionError"


def test_a_file_is_played_at_its_own_speed_and_ends(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "a.mp4", fps=25, seconds=2, b_frames=2)
    began = time.monotonic()
    with watching(str(clip), tmp_path / "spool") as (live, notes):
        wait_for(lambda: live.is_finished)
        assert 1.7 < time.monotonic() - began < 6
        assert len(notes.times) >= 47  # the last B pictures stay in the decoder
        numbers = [read_number(notes.sessions[0].excerpt(0, 2 * 10**9).still(t).rgb) for t in notes.times[:30:7]]
        assert numbers == [0, 7, 14, 21, 28]


def test_a_damaged_packet_of_a_file_costs_that_packet_alone(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "a.mp4", fps=25, seconds=4, gop=25)
    with av.open(str(clip)) as reading:
        positions = [packet.pos for packet in reading.demux(video=0) if packet.size]
    written = bytearray(clip.read_bytes())
    written[positions[60] : positions[60] + 4] = b"\xff" * 4  # a length no packet has
    clip.write_bytes(written)
    notes = Notes()
    live = LiveSource("cam-1", Source(url=str(clip)), notes, is_paced=False)
    live.start()
    wait_for(lambda: live.is_finished)
    assert (live.tally.connects, live.tally.received, live.tally.damaged) == (1, 100, 1)
    assert notes.lost_for == ["stopped"]
    assert 95 * 4e7 < notes.times[-1] < 100 * 4e7


def test_a_file_may_describe_one_form_of_packets_and_hold_the_other(tmp_path: Path) -> None:
    """Seen in an AVI: the description says lengths, the packets have start codes."""
    clip = make_clip(tmp_path / "a.mp4", fps=25, seconds=1)
    with av.open(str(clip)) as reading:
        stream = reading.streams.video[0]
        with_lengths = next(packet for packet in reading.demux(stream) if packet.size)
        with_codes = next(iter(AnnexB(stream).packets(with_lengths)))
        assert bytes(with_codes) != bytes(with_lengths)
        assert [bytes(p) for p in AnnexB(stream).packets(with_codes)] == [bytes(with_codes)]


@pytest.mark.parametrize("wakes_on_scout", [True, False])
def test_key_frames_alone_are_decoded_and_everything_is_caught_up(tmp_path: Path, wakes_on_scout: bool) -> None:
    """Key frames every second; woken, no picture since the last key frame is missing."""
    clip = make_clip(tmp_path / "a.mp4", fps=25, seconds=4, gop=25)
    notes = Notes()
    notes.wakes_at = None if wakes_on_scout else 60
    live = LiveSource("cam-1", Source(url=str(clip)), notes)
    live.mode = Mode.KEYS
    live.start()
    wait_for(lambda: len(notes.scouts) == 2)
    notes.wakes_on_scout = wakes_on_scout
    wait_for(lambda: live.is_finished)
    shown = [round(t / 4e7) for t in notes.times]
    assert [round(t / 4e7) for t in notes.scouts] == [0, 25, 50]
    first = 26 if wakes_on_scout else 51  # the key frame before was scouted
    assert shown == list(range(first, first + len(shown)))
    assert shown[-1] >= 97
    tally = live.tally
    assert tally.received - tally.decoded - tally.passed - tally.damaged <= 2
    assert tally.passed == first - 1


def closed_port() -> int:
    return 9  # discard: nothing listens there in a test machine
