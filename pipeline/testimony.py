"""The process that judges a citizen's video by a site's rules: ``python -m pipeline.testimony REQUEST.json``.

It limits its own memory and time before it opens the file, as ``evidence.inspector`` does, and prints one line of JSON.
A site speaks only if nearly every picture of the video registers on its reference picture.
"""

import json
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image

from cases.sighting import OTHER_VIEW, Sighting
from core.observations import SignalState, Undecided
from core.site import Site, load_site
from core.time import NS_PER_S
from evidence.inspector import limit
from pipeline.judge import Finding, Judge
from pipeline.observation import Observation
from pipeline.warped import Rgb, WarpedFrame, frames, warped
from vision.detect import Detector, load_detector
from vision.lamp import LampReader
from vision.register import Matrix, Registrar

MEMORY_BYTES = 4 << 30
"""Address space, the networks' libraries included; about 0.5 GB of it are used."""
CPU_S = 600
STEADY_SHARE = 0.8
"""So many of the video's pictures must register."""
PROBES = 6
BESIDE_S = 1
"""The offender is marked in the video this long before and after the offence, seconds."""
BATCH = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """One site and what its camera sees."""

    site: Site
    registrar: Registrar

    @property
    def size_px(self) -> tuple[int, int]:
        """Width and height of the site's picture."""
        return self.site.camera.picture_size_px


def load_view(site: Path, reference: Path) -> View:
    """Returns a site with its reference picture at the size the site was drawn on.

    Raises:
        ConfigError: the site file is wrong.
        OSError: the picture cannot be read.
    """
    drawn = load_site(site)
    with Image.open(reference) as picture:
        rgb = np.asarray(picture.convert("RGB").resize(drawn.camera.picture_size_px), np.uint8)
    return View(site=seen_alone(drawn), registrar=Registrar(rgb))


def seen_alone(site: Site) -> Site:
    """Returns the site without its controller's feed: no citizen's clock can be matched to it."""
    signals = [
        s.model_copy(update={"source": "video", "region_px": None if s.source == "controller" else s.region_px})
        for s in site.signals
    ]
    return site.model_copy(update={"signals": signals})


def testify(video: Path, ending: str, views: list[View], *, duration_s: float, detect_hz: float) -> Sighting:
    """Returns what the first site that has this view finds in the video."""
    probes = list(islice(frames(video, ending, detect_hz=PROBES / duration_s), PROBES))
    for view in views:
        if sum(view.registrar.homography(rgb) is not None for _, rgb in probes) >= max(1, STEADY_SHARE * len(probes)):
            return _judged(view, frames(video, ending, detect_hz=detect_hz))
    return Sighting(why=OTHER_VIEW)


def _judged(view: View, pictures: Iterator[tuple[int, Rgb]]) -> Sighting:
    shown = 0

    def counted() -> Iterator[tuple[int, Rgb]]:
        nonlocal shown
        for picture in pictures:
            shown += 1
            yield picture

    judge, detector, reader = Judge(view.site), load_detector(view.site.camera.detector), LampReader()
    outcomes: list[Finding | Undecided] = []
    ways: dict[int, Matrix] = {}
    stream = warped(counted(), view.registrar, view.size_px)
    while batch := list(islice(stream, BATCH)):
        for observation in _observed(batch, view, detector, reader):
            outcomes += judge.add(observation)
        ways |= {frame.pts_ns: np.asarray(np.linalg.inv(frame.onto), np.float64) for frame in batch}
    if len(ways) < STEADY_SHARE * shown:
        return Sighting(why=OTHER_VIEW)
    return _told(view.site, [*outcomes, *judge.finish()], ways)


def _observed(batch: list[WarpedFrame], view: View, detector: Detector, reader: LampReader) -> Iterator[Observation]:
    size_px = detector.picture_size(*view.size_px)
    found = detector.detect([frame.picture(size_px) for frame in batch])
    for frame, detections in zip(batch, found, strict=True):
        raw = Observation(detections=detections, lamps=_lamps(frame, view, reader), is_after_gap=frame.is_after_gap)
        yield Observation.from_row(raw.as_row())


def _lamps(frame: WarpedFrame, view: View, reader: LampReader) -> Mapping[str, SignalState]:
    signals = [s for s in view.site.signals if s.region_px is not None]
    crops = [frame.crop(s.region_px) for s in signals if s.region_px is not None]
    return dict(zip((s.id for s in signals), reader.read(signals, crops), strict=True))


def _told(site: Site, outcomes: list[Finding | Undecided], ways: Mapping[int, Matrix]) -> Sighting:
    undecided: dict[str, Counter[str]] = defaultdict(Counter)
    findings: list[dict[str, Any]] = []
    for outcome in outcomes:
        if isinstance(outcome, Undecided):
            undecided[outcome.violation_id][outcome.reason] += 1
            continue
        candidate = outcome.candidate
        findings.append(
            {
                "violation_id": candidate.violation_id,
                "from_s": round(candidate.onset_ns / NS_PER_S, 2),
                "to_s": round(candidate.end_ns / NS_PER_S, 2),
                "subject": candidate.subject.name,
                "facts": dict(candidate.facts),
                "cues": list(candidate.cues),
                "boxes": _boxes(outcome, ways),
            }
        )
    return Sighting(
        site_id=site.site_id,
        place=site.place,
        findings=tuple(sorted(findings, key=lambda found: (found["from_s"], found["violation_id"]))),
        undecided={rule: dict(reasons) for rule, reasons in undecided.items()},
    )


def _boxes(finding: Finding, ways: Mapping[int, Matrix]) -> list[list[float]]:
    """Returns the track around the offence in the video's own pixels; ``ways`` lead there from the site's picture."""
    first = finding.candidate.onset_ns - BESIDE_S * NS_PER_S
    last = finding.candidate.end_ns + BESIDE_S * NS_PER_S
    found = []
    for pts_ns, box in zip(finding.history.pts_ns.tolist(), finding.history.xyxy.tolist(), strict=True):
        if first <= pts_ns <= last and pts_ns in ways:
            x1, y1, x2, y2 = box
            corners = np.array([(x1, y1, 1), (x2, y1, 1), (x2, y2, 1), (x1, y2, 1)], np.float64) @ ways[pts_ns].T
            points = corners[:, :2] / corners[:, 2:]
            found.append([pts_ns, *(round(float(v), 1) for v in (*points.min(axis=0), *points.max(axis=0)))])
    return found


def run() -> None:
    """Answers one request: video, ending, duration_s, detect_hz, views (site, reference)."""
    limit(MEMORY_BYTES, CPU_S)
    cv2.setNumThreads(1)
    asked = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    views = [load_view(Path(view["site"]), Path(view["reference"])) for view in asked["views"]]
    video = Path(asked["video"])
    found = testify(video, asked["ending"], views, duration_s=asked["duration_s"], detect_hz=asked["detect_hz"])
    sys.stdout.write(json.dumps(asdict(found)) + "\n")


if __name__ == "__main__":
    run()
