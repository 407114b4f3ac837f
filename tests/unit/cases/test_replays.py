"""Saved replays come back as written; names and damaged files are refused in one line."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from cases.replays import Replay, ReplayedEvent, ReplayedMoment, checked_name, list_replays, load_replay, save_replay
from core.errors import CaseNotFound, ConfigError, StoreError


def replay(name: str = "new-line", day: int = 20) -> Replay:
    moment = ReplayedMoment(role="P1_before", pts_ns=1_000_000_000, signal="red")
    event = ReplayedEvent(
        change="appears",
        violation_id="V01",
        session_id="S1",
        onset_ns=1_000_000_000,
        moments=(moment,),
        after={"a_s": 1},
    )
    return Replay(
        name=name,
        made_utc=datetime(2026, 11, day, tzinfo=UTC),
        site_id="s",
        camera_id="c",
        site_sha256="0" * 64,
        sessions=("S1",),
        footage_s=60.0,
        wall_s=0.5,
        events=(event,),
    )


def test_a_replay_comes_back_equal(tmp_path: Path) -> None:
    save_replay(tmp_path / "replays", replay())
    assert load_replay(tmp_path / "replays", "new-line") == replay()
    assert [replay().count(change) for change in ("appears", "stays")] == [1, 0]


def test_the_newest_comes_first_and_damage_is_left_out(tmp_path: Path) -> None:
    for name, day in (("old", 1), ("new", 20), ("middle", 10)):
        save_replay(tmp_path, replay(name, day))
    (tmp_path / "broken.json").write_text("{")
    assert [r.name for r in list_replays(tmp_path)] == ["new", "middle", "old"]
    with pytest.raises(StoreError, match="damaged"):
        load_replay(tmp_path, "broken")


@pytest.mark.parametrize("name", ["", "../x", "A", "a b", "-a", "a" * 41])
def test_a_name_is_a_file_name(name: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no name of a replay"):
        checked_name(name)
    with pytest.raises(CaseNotFound):
        load_replay(tmp_path, name)
