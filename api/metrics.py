"""``/metrics``: counters of the running cameras for Prometheus; no picture, plate, place or person, camera ids only."""

from collections.abc import Iterator
from typing import Any

from fastapi import APIRouter, Response
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

from api.access import Parts
from core.status import read_status

router = APIRouter()

PICTURES = (
    "received",
    "decoded",
    "passed",
    "damaged",
    "lost",
    "skipped",
    "gated",
    "late",
    "shed",
    "failed",
    "detected",
)
"""What became of pictures, as ``docs/live.md`` explains."""


class Cameras:
    """Turns the running cameras' state into metrics."""

    def __init__(self, status: dict[str, Any] | None) -> None:
        self._status = status

    def collect(self) -> Iterator[Metric]:
        """Yields every metric; only ``lukou_up`` where no camera runs."""
        status = self._status
        is_running = bool(status and status["is_running"])
        yield GaugeMetricFamily("lukou_up", "1 while cameras are being watched", value=float(is_running))
        if status is None or not is_running:
            return
        yield from self._of_cameras(status["cameras"])
        yield from self._of_machine(status)

    @staticmethod
    def _of_cameras(cameras: list[dict[str, Any]]) -> Iterator[Metric]:
        pictures = CounterMetricFamily(
            "lukou_pictures", "pictures of a camera by what became of them", labels=("camera", "fate")
        )
        cases = CounterMetricFamily("lukou_cases", "cases filed", labels=("camera",))
        unseen = CounterMetricFamily("lukou_unseen_seconds", "seconds nobody looked", labels=("camera",))
        connects = CounterMetricFamily("lukou_connects", "connections made", labels=("camera",))
        age = GaugeMetricFamily("lukou_picture_age_seconds", "age of the newest picture looked at", labels=("camera",))
        live = GaugeMetricFamily("lukou_camera_live", "1 while pictures come and are looked at", labels=("camera",))
        clock = GaugeMetricFamily("lukou_clock_trusted", "1 while penalties may rest on its time", labels=("camera",))
        for camera in cameras:
            name = camera["id"]
            for fate in PICTURES:
                pictures.add_metric((name, fate), camera[fate])
            cases.add_metric((name,), camera["cases"])
            unseen.add_metric((name,), camera["unseen_s"])
            connects.add_metric((name,), camera["connects"])
            age.add_metric((name,), float("nan") if camera["age_s"] is None else camera["age_s"])
            live.add_metric((name,), float(camera["state"] == "live"))
            clock.add_metric((name,), float(camera["clock"]["is_trusted"]))
        yield from (pictures, cases, unseen, connects, age, live, clock)

    @staticmethod
    def _of_machine(status: dict[str, Any]) -> Iterator[Metric]:
        sealing, network = status["sealing"], status["network"]
        yield GaugeMetricFamily("lukou_cases_waiting", "cases not sealed yet", value=sealing["waiting"])
        yield CounterMetricFamily("lukou_cases_given_up", "cases that could not be sealed", value=sealing["given_up"])
        yield CounterMetricFamily("lukou_store_refusals", "times disk or database refused", value=sealing["retries"])
        yield CounterMetricFamily("lukou_network_failures", "batches the network failed on", value=network["failures"])
        yield GaugeMetricFamily("lukou_network_busy", "share of time the network ran", value=network["busy_share"])
        if "resident_mb" in status.get("memory", {}):
            yield GaugeMetricFamily(
                "lukou_resident_bytes", "memory of the cameras' process", value=status["memory"]["resident_mb"] * 2**20
            )


@router.get("/metrics")
def metrics(parts: Parts) -> Response:
    """Returns the metrics in Prometheus' text form."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(Cameras(read_status(parts.settings.home, parts.clock)))
    return Response(generate_latest(registry), media_type=CONTENT_TYPE_PLAIN_0_0_4)
