"""Every second nobody looked is written down, with its reason."""

from types import SimpleNamespace
from typing import Any, cast

import pytest

from ingest.live_session import Tally
from pipeline.account import MOST_HOLES, Account, Watch

S = 10**9


def make() -> tuple[Watch, Account]:
    account = Account()
    session = cast("Any", SimpleNamespace(now_ns=lambda: 0, end_ns=0))
    return Watch(session, cast("Any", None), cast("Any", None), account, Tally()), account


def test_a_hole_is_from_the_last_picture_seen_to_the_next_and_names_its_reason() -> None:
    watch, account = make()
    for n in range(8):
        watch.seen(n * S // 8)
    watch.blame("no picture for 5 s")
    watch.blame("ended")
    watch.seen(9 * S)
    watch.seen(int(9.9 * S))
    watch.seen(12 * S)
    assert [(h.from_ns, h.to_ns, h.reason) for h in watch.holes] == [
        (7 * S // 8, 9 * S, "no picture for 5 s"),
        (int(9.9 * S), 12 * S, "no picture"),
    ]
    assert account.unseen_s == pytest.approx(9 - 7 / 8 + 2.1)


def test_a_session_nobody_saw_the_beginning_of_has_a_hole_there() -> None:
    watch, _ = make()
    watch.seen(3 * S)
    assert [(h.from_ns, h.to_ns) for h in watch.holes] == [(0, 3 * S)]


def test_a_camera_lost_at_the_end_was_not_looked_at_until_then() -> None:
    watch, account = make()
    watch.seen(S)
    watch.session.now_ns = lambda: 9 * S
    watch.blame("no route to host")
    watch.close(is_lost=True)
    assert [(h.from_ns, h.to_ns, h.reason) for h in watch.holes] == [(S, 9 * S, "no route to host")]
    assert account.unseen_s == 8


def test_the_list_of_holes_is_bounded_and_no_second_is_forgotten() -> None:
    watch, account = make()
    for n in range(0, 2 * (MOST_HOLES + 50), 2):
        watch.seen(n * S)
    assert len(watch.holes) == MOST_HOLES
    assert watch.holes[-1].to_ns == (2 * (MOST_HOLES + 50) - 2) * S
    assert account.unseen_s == pytest.approx(2 * (MOST_HOLES + 49))


def test_the_late_share_is_of_the_last_seconds_only() -> None:
    account = Account()
    for second in range(20):
        account.note(float(second))
        account.detected += 4 if second >= 10 else 8
        account.late += 4 if second >= 10 else 0
    account.note(20.0)
    assert account.late_share(5.0) == pytest.approx(0.5)
    assert account.late_share(20.0) == pytest.approx(40 / 160)


def test_what_is_waiting_is_what_has_no_end_yet() -> None:
    account = Account(handed=10, skipped=3, gated=2, late=1, detected=2, failed=1)
    assert account.waiting == 1


def test_a_failure_of_the_network_is_remembered_for_a_while() -> None:
    account = Account()
    assert not account.has_failed(10.0)
    account.note(0.0)
    account.failed = 2
    account.note(1.0)
    assert account.has_failed(10.0)
    for second in range(2, 20):
        account.note(float(second))
    assert not account.has_failed(10.0)
