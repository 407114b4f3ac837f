"""Puts a run together: detector, evidence store and case store of one folder of results."""

from collections.abc import Iterator
from contextlib import contextmanager

from cli.home import open_cases
from core.settings import Settings
from core.time import SystemClock
from evidence.seal import Vault
from pipeline.process import Workbench
from vision.detect import load_detector


@contextmanager
def open_workbench(settings: Settings) -> Iterator[Workbench]:
    """Yields everything a run works with."""
    detector = load_detector(engine=settings.engine)
    clock = SystemClock()
    vault = Vault(settings.evidence_dir, settings.keys_dir, clock)
    with open_cases(settings, must_exist=False) as store:
        yield Workbench(settings=settings, detector=detector, vault=vault, cases=store, clock=clock)
