import threading
from collections.abc import Generator

import pytest

from ingest.ahead import read_ahead


def test_everything_comes_in_order() -> None:
    assert list(read_ahead((n for n in range(100)), 3)) == list(range(100))


def test_an_error_reaches_the_consumer_after_what_came_before() -> None:
    def source() -> Generator[int, None, None]:
        yield 1
        raise ValueError("broken")

    got = read_ahead(source(), 3)
    assert next(got) == 1
    with pytest.raises(ValueError, match="broken"):
        next(got)


def test_a_consumer_that_stops_early_ends_the_thread_and_closes_the_source() -> None:
    closed = []

    def source() -> Generator[int, None, None]:
        try:
            yield from range(1000)
        finally:
            closed.append(True)

    got = read_ahead(source(), 2)
    assert next(got) == 0
    got.close()
    assert closed == [True]
    assert not [t for t in threading.enumerate() if t.name == "lukou-decode"]
