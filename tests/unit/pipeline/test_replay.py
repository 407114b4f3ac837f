"""Replay: kept boxes under another site; cases paired by rule, time and place."""

import json
from pathlib import Path

import numpy as np
import pytest

from cli.noise import GRID_FPS
from cli.scoring import all_cases, observations_of
from core.errors import ConfigError
from pipeline.journal import Journal
from pipeline.kept import Kept, keep, read_journal, read_kept
from pipeline.replay import Event, compare, rejudge
from sim.trajectories import Film, film


def seen(name: str) -> Film:
    return film(all_cases([name])[0].scene, GRID_FPS)


def kept(shot: Film) -> Kept:
    return keep("S1", observations_of(shot))


def event(rule: str = "V01", onset_s: float = 10.0, x: float = 0.0, case_id: str | None = None) -> Event:
    times = range(int(onset_s * 1e9), int((onset_s + 2) * 1e9), 250_000_000)
    return Event(
        violation_id=rule,
        onset_ns=int(onset_s * 1e9),
        end_ns=int((onset_s + 2) * 1e9),
        boxes=dict.fromkeys(times, (x, 0.0, x + 100.0, 100.0)),
        case_id=case_id,
    )


def test_the_same_site_gives_the_same_verdict() -> None:
    shot = seen("v01_straight_on_in_red")
    (found,) = rejudge(kept(shot), shot.site)
    assert found.violation_id == "V01"
    assert compare([found], rejudge(kept(shot), shot.site)).stays == ((found, found),)


def test_a_line_moved_far_ahead_drops_the_case() -> None:
    shot = seen("v01_straight_on_in_red")
    before = rejudge(kept(shot), shot.site)
    beyond = shot.site.stop_lines[0].model_copy(update={"points_px": [(10.0, 5.0), (60.0, 5.0)]})
    after = rejudge(kept(shot), shot.site.model_copy(update={"stop_lines": [beyond]}))
    difference = compare(before, after)
    assert (difference.stays, difference.goes, difference.comes) == ((), tuple(before), ())


def test_a_shorter_threshold_adds_a_case() -> None:
    shot = seen("v08_strict_zone_shorter")
    before = rejudge(kept(shot), shot.site)
    zone = shot.site.no_stop_zones[0].model_copy(update={"confirm_s": 30.0})
    difference = compare(before, rejudge(kept(shot), shot.site.model_copy(update={"no_stop_zones": [zone]})))
    assert before == []
    assert [e.violation_id for e in difference.comes] == ["V08"]


def test_events_pair_by_rule_time_and_place() -> None:
    old = event(case_id="A")
    assert compare([old], [event(onset_s=10.5)]).stays
    assert not compare([old], [event("V02")]).stays
    assert not compare([old], [event(onset_s=60)]).stays
    assert not compare([old], [event(x=400.0)]).stays
    assert len(compare([old], [event(), event(onset_s=11)]).comes) == 1, "one case is one event"


def test_a_journal_is_read_as_written_and_not_touched(tmp_path: Path) -> None:
    shot = seen("v01_straight_on_in_red")
    journal = Journal(tmp_path / "S1.jsonl", {"session_id": "S1", "counts": ["analysed"]})
    for observation in observations_of(shot):
        journal.append(observation, {"analysed": 1})
    journal.close()
    with (tmp_path / "S1.jsonl").open("a") as file:
        file.write('{"t": 99')  # a crash in the middle of a line
    before = (tmp_path / "S1.jsonl").read_bytes()
    session_id, found = read_journal(tmp_path / "S1.jsonl")
    assert (session_id, len(found)) == ("S1", len(shot.times_ns))
    assert [e.violation_id for e in rejudge(read_kept(tmp_path / "S1.jsonl"), shot.site)] == ["V01"]
    assert (tmp_path / "S1.jsonl").read_bytes() == before


def test_kept_tracks_come_back_equal_and_go_with_their_journal(tmp_path: Path) -> None:
    shot, path, beside = seen("v01_one_runs_two_wait"), tmp_path / "S1.jsonl", tmp_path / "S1.tracks.npz"
    journal = Journal(path, {"session_id": "S1", "counts": ["analysed"]})
    for observation in observations_of(shot):
        journal.append(observation, {"analysed": 1})
    journal.close()
    first, stamp = read_kept(path), beside.stat().st_mtime_ns
    again = read_kept(path)
    assert beside.stat().st_mtime_ns == stamp, "worked out once"
    assert (again.session_id, again.lamps, again.end_ns) == (first.session_id, first.lamps, first.end_ns)
    for one, two in zip(first.tracks, again.tracks, strict=True):
        assert (one.track_id, one.class_id, one.class_share) == (two.track_id, two.class_id, two.class_share)
        assert np.array_equal(one.xyxy, two.xyxy)
        assert np.array_equal(one.pts_ns, two.pts_ns)
    beside.write_bytes(b"broken")
    assert len(read_kept(path).tracks) == len(first.tracks)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[: len(lines) // 2]))
    assert read_kept(path).end_ns < first.end_ns, "a changed journal is worked out anew"


@pytest.mark.parametrize(
    ("content", "message"),
    [(None, "nothing is kept"), ("", "no journal"), ("nonsense\n", "damaged in line 1"), ('{"a": 1}\n', "no journal")],
)
def test_what_is_no_journal_is_said_so(tmp_path: Path, content: str | None, message: str) -> None:
    path = tmp_path / "S1.jsonl"
    if content is not None:
        path.write_text(content)
    with pytest.raises(ConfigError, match=message):
        read_kept(path)


def test_a_site_of_another_picture_is_refused() -> None:
    shot = seen("v01_straight_on_in_red")
    with pytest.raises(ConfigError, match="640x360"):
        rejudge(kept(shot), shot.site.scaled_to(640, 360))


def test_rows_without_a_time_are_no_observations(tmp_path: Path) -> None:
    path = tmp_path / "S1.jsonl"
    path.write_text(json.dumps({"session_id": "S1"}) + "\n" + json.dumps({"end": True, "counts": {}}) + "\n")
    for _ in range(2):
        assert read_kept(path).tracks == ()
        assert read_kept(path).footage_s == 0
    assert rejudge(read_kept(path), seen("v01_straight_on_in_red").site) == []
