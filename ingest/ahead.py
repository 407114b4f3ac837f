"""Producing items in a thread of their own, a few ahead of their consumer."""

from __future__ import annotations

import queue
import threading
from collections.abc import Generator, Iterator
from typing import Generic, TypeVar

Item = TypeVar("Item")

WAIT_S = 0.2


class _Producer(threading.Thread, Generic[Item]):
    """Fills a bounded queue from a generator; ends when that ends, fails, or ``stopped`` is set."""

    def __init__(self, source: Generator[Item, None, None], depth: int) -> None:
        super().__init__(name="lukou-decode", daemon=True)
        self.items: queue.Queue[Item | None] = queue.Queue(maxsize=depth)
        self.stopped = threading.Event()
        self.failure: Exception | None = None
        self._source = source

    def run(self) -> None:
        """Produces until there is nothing left or nobody wants more."""
        try:
            for item in self._source:
                if not self._put(item):
                    break
        except Exception as error:  # noqa: BLE001 - handed to the consumer, which raises it
            self.failure = error
        finally:
            self._source.close()
            self._put(None)

    def _put(self, item: Item | None) -> bool:
        while not self.stopped.is_set():
            try:
                self.items.put(item, timeout=WAIT_S)
            except queue.Full:
                continue
            return True
        return False


def read_ahead(source: Generator[Item, None, None], depth: int) -> Iterator[Item]:
    """Yields what ``source`` yields, produced up to ``depth`` items ahead; its errors are raised here."""
    producer = _Producer(source, depth)
    producer.start()
    try:
        while (item := producer.items.get()) is not None:
            yield item
        if producer.failure is not None:
            raise producer.failure
    finally:
        producer.stopped.set()
        producer.join()
