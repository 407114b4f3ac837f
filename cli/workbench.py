"""Puts a run together: detector, evidence store and case store of one folder of results."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from cases.devices import load_register
from cli.home import open_cases
from core.errors import ConfigError
from core.settings import Settings
from core.site import Site
from core.time import SystemClock
from evidence.seal import Vault
from models.registry import find_home
from pipeline.plates import load_plate_sight
from pipeline.process import Workbench
from vision.detect import load_detector


@contextmanager
def open_workbench(settings: Settings, sites: Sequence[Site] = ()) -> Iterator[Workbench]:
    """Yields everything a run works with; the detector is the one its sites name.

    Raises:
        ConfigError: the sites name different detectors.
    """
    name = _detector_of(sites)
    detector = load_detector(
        name,
        engine=settings.engine,
        precision=settings.precision,
        licences=settings.model_licences,
        home=find_home(name, settings.home / "models"),
    )
    clock = SystemClock()
    vault = Vault(settings.evidence_dir, settings.keys_dir, clock)
    with open_cases(settings, must_exist=False) as store:
        yield Workbench(
            settings=settings,
            detector=detector,
            vault=vault,
            cases=store,
            plates=load_plate_sight(),
            devices=load_register(settings.devices) if settings.devices else None,
            clock=clock,
        )


def _detector_of(sites: Sequence[Site]) -> str:
    names = sorted({site.camera.detector for site in sites}) or ["pole"]
    if len(names) > 1:
        raise ConfigError(f"these sites name different detectors ({', '.join(names)}); run each group by itself")
    return names[0]
