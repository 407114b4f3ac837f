"""Parts that fail for as long as a test says, and a run in which each of them does."""

from __future__ import annotations

import sqlite3
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from cases.records import QueueFilter
from core.errors import StoreError
from core.observations import ActorClass, Detections, Picture
from core.source import Source
from evidence.seal import Vault
from evidence.verify import verify_store
from ingest.connection import Connection
from pipeline.cameras import Cameras
from pipeline.economy import Switches
from tests.support.footage import make_clip
from tests.support.junction import Place, PoleCamera
from tests.support.rtsp import wait_for
from tests.support.scripted import ScriptedDetector, open_workbench, wrong_way_site

CAMERA = PoleCamera(size_px=(320, 180), focal_px=233.0)
FIRST_S, EVERY_S, RIDE_S = 1.0, 4.0, 4.5
FAR = (0.0, 500.0)


class ShakyDetector(ScriptedDetector):
    """Fails while ``is_broken``."""

    is_broken = False

    def detect(self, pictures: Sequence[Picture]) -> list[Detections]:
        if self.is_broken:
            raise RuntimeError("the network is gone")
        return super().detect(pictures)


class FullVault(Vault):
    """A disk that is full while ``is_full``."""

    is_full = False

    def seal(self, draft: Any) -> Any:
        if self.is_full:
            raise StoreError("no space left; free some")
        return super().seal(draft)


def rider(start_s: float) -> Place:
    lane_x = -5.0 if int(start_s / EVERY_S) % 2 else -4.3
    return lambda t: (lane_x, -6 + 4 * (t - start_s)) if start_s <= t <= start_s + RIDE_S else FAR


def riders(seconds: float, every_s: float = EVERY_S) -> list[tuple[ActorClass, Place]]:
    count = int((seconds - FIRST_S - RIDE_S) / every_s) + 1
    return [(ActorClass.MOTORCYCLE, rider(FIRST_S + every_s * number)) for number in range(count)]


def start(clip: Path, home: Path, count: int, actors: Any, *, is_paced: bool = True) -> Cameras:
    bench = open_workbench(home, ShakyDetector(actors, CAMERA))
    settings = bench.settings.model_copy(update={"clock": "operator"})
    bench = replace(bench, settings=settings, vault=FullVault(settings.evidence_dir, settings.keys_dir))
    site = wrong_way_site(CAMERA).model_copy(update={"source": Source(url=str(clip), is_looped=is_paced)})
    sites = [
        site.model_copy(update={"camera": site.camera.model_copy(update={"camera_id": f"cam-{number}"})})
        for number in range(count)
    ]
    cameras = Cameras(sites, bench, switches=Switches(gate=False, rest=False), is_paced=is_paced)
    cameras.start()
    return cameras


@contextmanager
def locked(home: Path) -> Iterator[None]:
    other = sqlite3.connect(home / "lukou.db", isolation_level=None, timeout=20)
    other.execute("BEGIN EXCLUSIVE")
    yield
    other.execute("ROLLBACK")
    other.close()


@contextmanager
def killed_decoder(cameras: Cameras, gone_s: float) -> Iterator[None]:
    """The first camera's decoder fails at every picture, for so long."""
    usual, until = Connection._decode, time.monotonic() + gone_s

    def broken(self: Connection, kept: Any) -> None:
        if self._source is cameras.cameras[0].live and time.monotonic() < until:
            raise ZeroDivisionError("the decoder was killed")
        usual(self, kept)

    Connection._decode = broken  # type: ignore[method-assign]
    try:
        yield
    finally:
        Connection._decode = usual  # type: ignore[method-assign]


def suffer(home: Path, *, gone_s: float, count: int = 2) -> dict[str, Any]:
    """Runs cameras while disk, database, network and a decoder fail for so long each; returns what came of it."""
    seconds = 42 + 5 * gone_s
    clip = make_clip(home / "lane.mp4", fps=12.5, seconds=seconds, size=CAMERA.size_px, gop=25)
    cameras = start(clip, home / "out", count, riders(seconds))
    bench, first = cameras._bench, cameras.cameras[0]
    again_s: dict[str, float] = {}

    def until_well(what: str, is_well: Callable[[], bool]) -> None:
        began = time.monotonic()
        wait_for(is_well, 60)
        again_s[what] = round(time.monotonic() - began, 1)

    def fail_store() -> None:
        refused = cameras.sealer.retries
        wait_for(lambda: cameras.sealer.retries > refused, 60)
        time.sleep(gone_s)

    wait_for(lambda: cameras.sealer.sealed > 0, 40)
    bench.vault.is_full = True
    fail_store()
    bench.vault.is_full = False
    until_well("disk", lambda: cameras.sealer.waiting == 0)

    with locked(home / "out"):
        fail_store()
    until_well("database", lambda: cameras.sealer.waiting == 0)

    bench.detector.is_broken = True
    time.sleep(gone_s)
    bench.detector.is_broken = False
    seen = first.account.detected
    until_well("network", lambda: first.account.detected > seen)

    with killed_decoder(cameras, gone_s):
        time.sleep(gone_s)
        until_well("decoder", lambda: first.state == "live" and first.live.tally.decoded > 0)
        end_ns = max(c.watch.session.end_ns for c in cameras.cameras) + 9e9
        wait_for(lambda: all(c.watch.session.end_ns > end_ns for c in cameras.cameras), 60)
    left = cameras.stop()
    told = outcome(cameras, seconds)
    bench.cases.close()
    return {
        "gone_s": gone_s,
        "cameras": count,
        **told,
        "given_up": cameras.sealer.given_up + left,
        "refusals": cameras.sealer.retries,
        "well_again_after_s": again_s,
        "is_evidence_whole": verify_store(home / "out" / "evidence").is_valid,
    }


def outcome(cameras: Cameras, seconds: float) -> dict[str, Any]:
    """Returns who was filed, of the riders nobody failed to look at."""
    cases = cameras._bench.cases.queue(QueueFilter(limit=1000))
    lost = doubled = 0
    watched: dict[str, int] = {}
    for camera in cameras.cameras:
        found = Counter(ride_of(c.onset_ns) for c in cases if c.camera_id == camera.camera_id)
        doubled += sum(number - 1 for number in found.values())
        last_s = camera.watch.session.end_ns / 1e9 - RIDE_S - EVERY_S
        rides = [FIRST_S + EVERY_S * n for n in range(len(riders(seconds)))]
        seen = [ride for ride in rides if ride < last_s and not touches(ride, camera.watch.holes)]
        lost += len(set(seen) - set(found))
        watched[camera.camera_id] = len(seen)
    return {
        "cases": len(cases),
        "cases_lost": lost,
        "cases_doubled": doubled,
        "rides_watched": watched,
        "unaccounted": sum(c.account.waiting for c in cameras.cameras),
        "not_looked_at": {
            c.camera_id: [(round(h.from_ns / 1e9, 1), round(h.to_ns / 1e9, 1), h.reason) for h in c.watch.holes]
            for c in cameras.cameras
        },
    }


def ride_of(onset_ns: int) -> float:
    return FIRST_S + EVERY_S * int((onset_ns / 1e9 - FIRST_S) / EVERY_S)


def touches(start_s: float, holes: Sequence[Any]) -> bool:
    """Tells whether somebody failed to look while this rider was in sight."""
    return any(hole.from_ns / 1e9 < start_s + RIDE_S and hole.to_ns / 1e9 > start_s for hole in holes)
