"""Lamps of a run: picture and feed into timelines, the same from a journal."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from core.errors import ConfigError
from core.observations import Detections, SignalState
from core.site import Site
from ingest.controller import read_feed
from pipeline.lamps import Lamps
from pipeline.observation import Observation
from pipeline.sight import Sight
from vision.lamp import LampReader

START = datetime(2026, 11, 22, 0, 15, tzinfo=UTC)
RED, GREEN, UNKNOWN = SignalState.RED, SignalState.GREEN, SignalState.UNKNOWN


class ShownFrame:
    """A frame that is one colour all over."""

    def __init__(self, t_s: float, rgb: tuple[int, int, int]) -> None:
        self.pts_ns = round(t_s * 1e9)
        self._rgb = rgb

    def crop(self, region_px: tuple[float, float, float, float]) -> np.ndarray:
        """A lamp on top of a dark housing."""
        picture = np.full((60, 20, 3), 20, np.uint8)
        picture[4:16, 4:16] = self._rgb
        return picture


def site(source: str, *, uncertainty_s: float | None = 0.1) -> Site:
    return Site.model_validate(
        {
            "site_id": "x",
            "place": "test road",
            "camera": {"camera_id": "c", "picture_size_px": (100, 100)},
            "clock": {"source": "ntp", "uncertainty_s": uncertainty_s},
            "signals": [{"id": "near", "region_px": (0, 0, 20, 60), "source": source, "feed_id": "phase 2"}],
        }
    )


def feed_file(folder: Path) -> Path:
    path = folder / "feed.jsonl"
    rows = [
        {"signal": "phase 2", "utc": (START + timedelta(seconds=t)).isoformat(), "state": "green"} for t in range(30)
    ]
    path.write_text("\n".join(json.dumps(r) for r in rows), encoding="utf-8")
    return path


def observed(lamps: Lamps, t_s: float) -> Observation:
    frame = ShownFrame(t_s, (255, 40, 35))
    nothing = Detections(
        pts_ns=frame.pts_ns,
        xyxy=np.zeros((0, 4), np.float32),
        confidence=np.zeros(0, np.float32),
        class_id=np.zeros(0, np.int64),
    )
    return Observation(detections=nothing, lamps=lamps.seen(frame), feed=lamps.told(frame.pts_ns), is_after_gap=False)


@pytest.mark.parametrize(
    ("source", "state"),
    [("video", SignalState.RED), ("controller", SignalState.GREEN), ("both", SignalState.FAULT)],
)
def test_the_site_says_whom_to_believe(tmp_path: Path, source: str, state: SignalState) -> None:
    """The picture shows red, the controller says green, for ten seconds."""
    lamps = Lamps(site(source), LampReader(), feed=read_feed(feed_file(tmp_path), ["phase 2"]), start_utc=START)
    live, kept = Sight(["near"]), Sight(["near"])
    for t in np.arange(1, 11, 0.125):
        observation = observed(lamps, float(t))
        live.add(observation)
        kept.add(Observation.from_row(json.loads(json.dumps(observation.as_row()))))
    timeline = live.timelines()["near"]
    assert timeline.state_at(round(5e9)) is state
    assert timeline.source == source
    assert kept.timelines() == live.timelines()
    assert kept.faults() == live.faults()
    assert [f.kind for f in live.faults()] == (["sources_disagree"] if source == "both" else [])


def test_feed_readings_pin_the_run(tmp_path: Path) -> None:
    feed = read_feed(feed_file(tmp_path), ["phase 2"])
    with_feed = Lamps(site("both"), LampReader(), feed=feed, start_utc=START)
    assert with_feed.pins["feed"] == feed.sha256
    assert with_feed.counts == {"messages": 30}
    assert Lamps(site("video"), LampReader()).pins == {**with_feed.pins, "feed": ""}


@pytest.mark.parametrize(
    ("has_feed", "start", "uncertainty_s", "message"),
    [
        (False, START, 0.1, "needs the controller's feed; give --signals"),
        (True, None, 0.1, "matched to the footage by time; give --start"),
        (True, START, None, "clock.uncertainty_s"),
    ],
)
def test_a_feed_that_cannot_be_matched_is_refused(
    tmp_path: Path, has_feed: bool, start: datetime | None, uncertainty_s: float | None, message: str
) -> None:
    feed = read_feed(feed_file(tmp_path), ["phase 2"]) if has_feed else None
    with pytest.raises(ConfigError, match=message):
        Lamps(site("both", uncertainty_s=uncertainty_s), LampReader(), feed=feed, start_utc=start)
