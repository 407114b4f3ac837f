"""A feed followed while it is written: begun lines wait, a new file is taken up, a moment not settled is unknown."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from core.observations import SignalState
from ingest.live_feed import EARLIER_BYTES, MOST_KEPT, LiveFeed
from tests.support.rtsp import wait_for

pytestmark = pytest.mark.timeout(180)

START = datetime(2026, 11, 23, 0, 15, tzinfo=UTC)


class Hand:
    """A clock moved by hand."""

    def __init__(self) -> None:
        self.now = START + timedelta(hours=1)

    def now_utc(self) -> datetime:
        return self.now


def line(t_s: float, state: str, signal: str = "near") -> str:
    return json.dumps({"signal": signal, "utc": when(t_s).isoformat(), "state": state}) + "\n"


def when(t_s: float) -> datetime:
    return START + timedelta(seconds=t_s)


@pytest.fixture
def clock() -> Hand:
    return Hand()


@pytest.fixture
def feed(tmp_path: Path, clock: Hand) -> Iterator[LiveFeed]:
    feed = LiveFeed(tmp_path / "feed.jsonl", ["near"], clock)
    yield feed
    feed.stop()


def heard(feed: LiveFeed) -> int:
    return feed.counts["messages"]


def test_lines_are_taken_as_they_are_finished_and_a_new_file_from_its_start(feed: LiveFeed, tmp_path: Path) -> None:
    path = tmp_path / "feed.jsonl"
    feed.start()
    with path.open("w", encoding="utf-8") as file:
        file.write(line(0, "red") + line(1, "green")[:20])
        file.flush()
        wait_for(lambda: heard(feed) == 1)
        file.write(line(1, "green")[20:] + "no json\n" + line(1, "green", "far"))
        file.flush()
        wait_for(lambda: heard(feed) == 2)
    assert feed.state_at("near", when(0.5), 0.0) is SignalState.RED
    assert feed.state_at("near", when(1.5), 0.0) is SignalState.GREEN
    path.rename(tmp_path / "yesterday.jsonl")
    path.write_text(line(2, "yellow"), encoding="utf-8")
    wait_for(lambda: heard(feed) == 3)
    wait_for(lambda: feed.counts["unknown_signal"] == 1)
    assert feed.counts["bad_lines"] == 1


def test_of_a_long_file_only_the_end_is_read(feed: LiveFeed, tmp_path: Path) -> None:
    lines = [line(t, "red") for t in range(3000)]
    (tmp_path / "feed.jsonl").write_text("".join(lines), encoding="utf-8")
    feed.start()
    wait_for(lambda: feed.state_at("near", when(2999.5), 0.0) is SignalState.RED)
    assert feed.counts["bad_lines"] == 0
    assert 0 < heard(feed) <= EARLIER_BYTES / len(lines[0])


def test_a_moment_whose_change_may_still_be_told_is_unknown(feed: LiveFeed, clock: Hand) -> None:
    feed.take(line(0, "green").encode())
    feed.take(line(5, "green").encode())
    clock.now = when(5.2)
    assert feed.state_at("near", when(5), 0.3) is SignalState.UNKNOWN
    assert feed.state_at("near", when(5), 0.1) is SignalState.GREEN
    clock.now = when(5.4)
    assert feed.state_at("near", when(5), 0.3) is SignalState.GREEN


def test_hours_of_messages_are_forgotten(feed: LiveFeed) -> None:
    for second in range(2 * MOST_KEPT):
        feed.take(line(second, "red").encode())
    assert len(feed._messages["near"]) <= MOST_KEPT
    newest_s = 2 * MOST_KEPT - 1
    assert feed._messages["near"][-1].utc == when(newest_s)
