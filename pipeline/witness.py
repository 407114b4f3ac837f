"""Which site could a citizen's video show? Those near the claimed place are compared with it, in a process with limits.

A site needs a position (``camera.position_deg``) and a reference picture: ``NAME.jpg`` or ``NAME.png`` beside its file,
or the first picture of the camera's latest case, as in the site editor.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from cases.duplicates import between_m
from cases.records import QueueFilter
from cases.report import NewReport
from cases.sighting import NOT_NEAR, NOT_SEEN, Sighting
from cases.store import CaseStore
from core import log
from core.errors import ConfigError, LukouError
from core.site import Site, load_site
from evidence.seal import Vault

NEAR_M = 200.0
"""A claimed place this near to a camera may show its view. Source: domain §4.3 (one place is 200 m)."""
SITES_MOST = 4
"""So many sites are compared, the nearest first: a junction has one camera for each way in."""
ANSWER_MAX_S = 900.0
FIRST_PICTURES = ("P1.jpg", "T0.jpg")
_log = log.get(__name__)


class SiteWitness:
    """Asks the site files of one folder."""

    def __init__(self, sites_dir: Path, store: CaseStore, vault: Vault, *, detect_hz: float) -> None:
        self._sites_dir = sites_dir
        self._store = store
        self._vault = vault
        self._detect_hz = detect_hz

    def __call__(self, video: Path, ending: str, duration_s: float, claim: NewReport) -> Sighting:
        """Returns what the rules of the site with this view find in the video, or why no site speaks."""
        with tempfile.TemporaryDirectory(prefix="lukou-witness-") as name:
            views = list(self._views(claim, Path(name)))
            if not views:
                return Sighting(why=NOT_NEAR)
            request = Path(name) / "request.json"
            asked = {
                "video": str(video),
                "ending": ending,
                "duration_s": duration_s,
                "detect_hz": self._detect_hz,
                "views": views,
            }
            request.write_text(json.dumps(asked), encoding="utf-8")
            return _answer(request)

    def _views(self, claim: NewReport, folder: Path) -> Iterator[dict[str, str]]:
        for path, site in self._near(claim)[:SITES_MOST]:
            try:
                reference = self._reference(path, site, folder / f"{path.stem}.jpg")
            except LukouError as error:
                _log.warning("reference_left_out", site=path.stem, reason=error.message)
                continue
            if reference is not None:
                yield {"site": str(path.resolve()), "reference": str(reference.resolve())}

    def _near(self, claim: NewReport) -> list[tuple[Path, Site]]:
        """Returns the sites near a claimed place, the nearest first."""
        if claim.lat_deg is None or claim.lon_deg is None:
            return []
        found: list[tuple[float, Path, Site]] = []
        for path in sorted(self._sites_dir.glob("*.yaml")):
            try:
                site = load_site(path)
            except ConfigError as error:
                _log.warning("site_left_out", site=path.stem, reason=error.message)
                continue
            if site.camera.position_deg is not None:
                apart_m = between_m(site.camera.position_deg, (claim.lat_deg, claim.lon_deg))
                found += [(apart_m, path, site)] if apart_m <= NEAR_M else []
        return [(path, site) for _, path, site in sorted(found, key=lambda near: near[0])]

    def _reference(self, path: Path, site: Site, target: Path) -> Path | None:
        for ending in (".jpg", ".png"):
            if path.with_suffix(ending).is_file():
                return path.with_suffix(ending)
        for row in self._store.rows(QueueFilter(camera_id=site.camera.camera_id, is_report=False, limit=1)):
            for name in FIRST_PICTURES:
                if name in self._vault.names(row.case_id):
                    target.write_bytes(self._vault.read(row.case_id, name))
                    return target
        return None


def _answer(request: Path) -> Sighting:
    """Returns what the process says; a look that fails says nothing about the report."""
    command = [sys.executable, "-P", "-m", "pipeline.testimony", str(request)]
    root = Path(__file__).parents[1]
    environment = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "PATH": ""}
    try:
        done = subprocess.run(
            command,
            cwd=root,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=ANSWER_MAX_S,
            check=True,
        )
        answer = json.loads(done.stdout.splitlines()[-1])
        return Sighting(**{**answer, "findings": tuple(answer["findings"])})
    except (subprocess.SubprocessError, ValueError, IndexError) as error:
        _log.warning("sighting_failed", kind=type(error).__name__)
        return Sighting(why=NOT_SEEN)


def load_witness(sites_dir: Path | None, store: CaseStore, vault: Vault, *, detect_hz: float) -> SiteWitness | None:
    """Returns who compares videos with the sites of a folder; None when there is no folder."""
    return None if sites_dir is None else SiteWitness(sites_dir, store, vault, detect_hz=detect_hz)
