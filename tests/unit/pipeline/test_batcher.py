"""Who is looked at next, what is given up, and what a failing network costs."""

import threading
import time
from collections import Counter
from collections.abc import Sequence
from typing import Any, cast

import numpy as np
import pytest

from core.observations import Detections, Picture
from pipeline.account import Watch
from pipeline.batcher import Batcher, Look, Seat
from tests.support.rtsp import wait_for

pytestmark = pytest.mark.timeout(180)

NO_WATCH = cast("Watch", None)


class Network:
    """Waits for ``go`` before each batch and keeps what it was given."""

    def __init__(self) -> None:
        self.go = threading.Semaphore(0)
        self.batches: list[list[int]] = []
        self.fails = 0

    def detect(self, pictures: Sequence[Picture]) -> list[Detections]:
        self.go.acquire()
        if self.fails:
            self.fails -= 1
            raise RuntimeError("no memory")
        self.batches.append([p.pts_ns for p in pictures])
        return [nothing(p.pts_ns) for p in pictures]


def nothing(pts_ns: int) -> Detections:
    return Detections(
        pts_ns=pts_ns,
        xyxy=np.zeros((0, 4), np.float32),
        confidence=np.zeros(0, np.float32),
        class_id=np.zeros(0, np.int64),
    )


def look(number: int, *, is_after_gap: bool = False) -> Look:
    picture = Picture(pts_ns=number, rgb=np.zeros((2, 2, 3), np.uint8), source_size_px=(2, 2))
    return Look(picture=picture, lamps={}, is_after_gap=is_after_gap, watch=NO_WATCH)


def make(network: Network, **settings: int) -> tuple[Batcher, Counter[str]]:
    return Batcher(cast("Any", network), **{"workers": 1, **settings}), Counter()


def seated(batcher: Batcher, late: Counter[str], name: str) -> Seat:
    return batcher.seat(name, lambda count: late.update({name: count}))


def numbers(seat: Seat) -> list[int]:
    return [item.picture.pts_ns for item, _ in seat.results]


def test_the_newest_win_and_the_displaced_are_counted() -> None:
    batcher, late = make(Network(), depth=3)
    seat = seated(batcher, late, "a")
    for n in range(10):
        batcher.offer(seat, look(n))
    assert [item.picture.pts_ns for item in seat.waiting] == [7, 8, 9]
    assert late == {"a": 7}


def test_a_gap_before_a_displaced_picture_is_a_gap_before_the_next() -> None:
    batcher, late = make(Network(), depth=2)
    seat = seated(batcher, late, "a")
    for n in range(5):
        batcher.offer(seat, look(n, is_after_gap=n == 1))
    assert [item.is_after_gap for item in seat.waiting] == [True, False]


def test_a_busy_camera_does_not_keep_another_waiting() -> None:
    network = Network()
    batcher, late = make(network, batch=2)
    busy, quiet = seated(batcher, late, "busy"), seated(batcher, late, "quiet")
    for n in range(10):
        batcher.offer(busy, look(n))
    batcher.offer(quiet, look(100))
    batcher.start()
    for _ in range(6):
        network.go.release()
    wait_for(lambda: len(network.batches) == 6)
    assert network.batches[0] == [0, 100]
    assert [n for batch in network.batches for n in batch if n < 100] == list(range(10))
    batcher.stop()


def test_results_come_in_order_with_several_workers() -> None:
    network = Network()
    batcher, late = make(network, workers=3, batch=2)
    seat = seated(batcher, late, "a")
    batcher.start()
    for n in range(12):
        batcher.offer(seat, look(n), may_wait_s=5)
        network.go.release()
    wait_for(lambda: len(seat.results) == 12)
    assert numbers(seat) == list(range(12))
    assert [f.result(timeout=5).pts_ns for _, f in seat.results] == list(range(12))
    for _ in range(3):
        network.go.release()
    batcher.stop()


def test_a_failing_network_costs_its_pictures_and_is_tried_again() -> None:
    network = Network()
    network.fails = 1
    batcher, late = make(network, batch=1)
    seat = seated(batcher, late, "a")
    batcher.start()
    batcher.offer(seat, look(1))
    batcher.offer(seat, look(2))
    network.go.release()
    network.go.release()
    wait_for(lambda: batcher.looks == 1)
    (_, first), (_, second) = seat.results
    assert isinstance(first.exception(), RuntimeError)
    assert second.result().pts_ns == 2
    assert batcher.failures == 1
    batcher.stop()


def test_a_camera_that_catches_up_waits_instead_of_losing_pictures() -> None:
    network = Network()
    batcher, late = make(network, depth=2, batch=1)
    seat = seated(batcher, late, "a")
    batcher.start()
    done = threading.Event()

    def offer_all() -> None:
        for n in range(8):
            batcher.offer(seat, look(n), may_wait_s=10)
        done.set()

    threading.Thread(target=offer_all, daemon=True).start()
    for _ in range(8):
        time.sleep(0.01)
        network.go.release()
    assert done.wait(10)
    wait_for(lambda: batcher.looks == 8)
    assert numbers(seat) == list(range(8))
    assert not late
    batcher.stop()
