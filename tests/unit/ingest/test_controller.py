"""A controller's feed: what can be used, what is counted, what stays unknown."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from core.errors import ConfigError
from core.observations import SignalState
from ingest.controller import parse_message, read_feed

START = datetime(2026, 11, 22, 0, 15, tzinfo=UTC)
R, Y, G, U = (SignalState(s) for s in ("red", "yellow", "green", "unknown"))


def line(t_s: float, state: str, *, signal: str = "near", **more: object) -> str:
    utc = (START + timedelta(seconds=t_s)).isoformat()
    return json.dumps({"signal": signal, "utc": utc, "state": state, "source": "controller", **more})


def feed_file(folder: Path, *lines: str) -> Path:
    path = folder / "feed.jsonl"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def every_second(first_s: int, last_s: int, state: str) -> list[str]:
    return [line(t, state) for t in range(first_s, last_s)]


def when(t_s: float) -> datetime:
    return START + timedelta(seconds=t_s)


def test_state_holds_until_the_next_message(tmp_path: Path) -> None:
    feed = read_feed(
        feed_file(tmp_path, line(0, "red"), line(8, "green"), line(15, "yellow"), line(18, "red")), ["near"]
    )
    assert [feed.state_at("near", when(t), 0.0) for t in (0, 7.9, 8, 14, 16, 19)] == [R, R, G, G, Y, R]
    assert feed.counts == {"messages": 4}


def test_nothing_is_known_before_the_first_message_and_after_ten_silent_seconds(tmp_path: Path) -> None:
    feed = read_feed(feed_file(tmp_path, line(5, "red"), line(40, "red")), ["near"])
    assert [feed.state_at("near", when(t), 0.0) for t in (4, 14, 16, 39, 41, 51)] == [U, R, U, U, R, U]
    assert feed.counts["silences"] == 1


def test_nothing_is_known_while_the_clocks_may_differ(tmp_path: Path) -> None:
    lines = [*every_second(0, 10, "green"), *every_second(10, 20, "red")]
    feed = read_feed(feed_file(tmp_path, *lines), ["near"])
    assert [feed.state_at("near", when(t), 0.4) for t in (9.5, 9.7, 10.3, 10.5)] == [G, U, U, R]
    unsure = read_feed(feed_file(tmp_path, *lines, line(20, "red", uncertainty_s=2.0)), ["near"])
    assert unsure.state_at("near", when(20.5), 0.4) is R


def test_bad_lines_are_counted_and_the_rest_is_used(tmp_path: Path) -> None:
    path = feed_file(
        tmp_path,
        line(0, "red"),
        "{not json",
        "[1, 2]",
        line(1, "purple"),
        '{"signal": "near", "state": "red"}',
        '{"signal": "near", "state": "red", "utc": "2026-11-22T08:15:00"}',
        line(2, "red", uncertainty_s=-1),
        line(3, "red", signal="far"),
        line(5, "red"),
        line(4, "green"),
        "",
    )
    feed = read_feed(path, ["near"])
    assert feed.counts == {"messages": 2, "bad_lines": 6, "unknown_signal": 1, "backwards": 1}
    assert feed.state_at("near", when(6), 0.0) is R


@pytest.mark.parametrize("lines", [[""], ["garbage"], [line(0, "red", signal="far")]])
def test_feed_that_says_nothing_is_refused_in_one_line(tmp_path: Path, lines: list[str]) -> None:
    with pytest.raises(ConfigError, match=r"feed\.jsonl says nothing about near .*docs/signals\.md") as caught:
        read_feed(feed_file(tmp_path, *lines), ["near"])
    assert "\n" not in caught.value.message


def test_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        read_feed(tmp_path / "none.jsonl", ["near"])


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("211", R),
        ("112", G),
        ("121", Y),
        ("113", G),
        ("131", SignalState.FLASHING_YELLOW),
        ("111", SignalState.OFF),
        ("221", U),
        ("311", U),
        ("202", U),
    ],
)
def test_ga1049_lamp_status(status: str, state: SignalState) -> None:
    """GA/T 1049.2 LampStatus: red, yellow, green; 0 none, 1 off, 2 on, 3 flashing. Domain law, section 9.2."""
    assert parse_message({"signal": "a", "utc": START.isoformat(), "ga1049": status}).state is state


@pytest.mark.parametrize(
    ("code", "state"),
    [
        (0x10, R),
        (0x20, G),
        (0x21, G),
        (0x30, Y),
        (0x31, SignalState.FLASHING_YELLOW),
        (0x01, SignalState.OFF),
        (0x40, U),
    ],
)
def test_gb20999_lamp_group_state(code: int, state: SignalState) -> None:
    assert parse_message({"signal": "a", "utc": START.isoformat(), "gb20999": code}).state is state


@pytest.mark.parametrize("bad", [{"ga1049": "21"}, {"ga1049": "9xx"}, {"gb20999": 0x99}, {"state": None}])
def test_unknown_codes_are_refused(bad: dict[str, object]) -> None:
    with pytest.raises(ConfigError, match="no state of a signal"):
        parse_message({"signal": "a", "utc": START.isoformat(), **bad})
