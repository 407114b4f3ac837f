"""From a finding to an evidence draft: the law's stills at full resolution, the clip, every fact pinned."""

from __future__ import annotations

import hashlib
import subprocess
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
from ulid import ULID

from core.catalogue import catalogue
from core.errors import SourceUndecodable
from core.observations import Candidate, Moment, SignalState
from core.plate import UNREADABLE
from core.site import FIRST_RULES, Point, Site
from core.time import NS_PER_S, at
from evidence.draft import Draft, StillImage, Subject
from ingest.footage import FootageFile
from models.registry import Manifest
from pipeline.footage import Footage
from pipeline.judge import Finding
from pipeline.plates import PlateSight, SubjectPlate
from rules.engine import VERSION as RULES_VERSION
from rules.scene import SiteView


def candidate_key(session: Footage, candidate: Candidate) -> str:
    """Returns the key that is the same for the same offence in the same footage, however often it is processed."""
    if candidate.stay_id is not None:  # the same in every session
        return hashlib.sha256(f"{candidate.violation_id}|{candidate.stay_id}".encode()).hexdigest()
    parts = (session.session_id, candidate.violation_id, candidate.region_id, candidate.track_id, candidate.onset_ns)
    return hashlib.sha256("|".join(str(p) for p in parts).encode()).hexdigest()


def case_id(session: Footage, candidate: Candidate) -> str:
    """Returns the case's ULID: time of the offence, or its place in the footage, and the candidate key; no chance."""
    start_ms = int(session.start_utc.timestamp() * 1000) if session.start_utc else 0
    stamp = (start_ms + candidate.onset_ns // 1_000_000).to_bytes(6, "big")
    return str(ULID.from_bytes(stamp + bytes.fromhex(candidate_key(session, candidate))[:10]))


def build_draft(
    finding: Finding, session: Footage, site: Site, model: Manifest, clip_dir: Path, *, plates: PlateSight | None = None
) -> Draft:
    """Returns everything the vault seals: decodes the stills again and cuts the clip out of the original packets.

    Without ``plates`` nobody looks for the subject's plate and it is sealed as unreadable.
    """
    candidate = finding.candidate
    defaults = catalogue().defaults
    start_ns = max(0, finding.from_ns - int(float(defaults["clip_pre_s"]) * NS_PER_S))
    end_ns = min(session.end_ns, candidate.end_ns + int(float(defaults["clip_post_s"]) * NS_PER_S))
    name = case_id(session, candidate)
    clip_dir.mkdir(parents=True, exist_ok=True)
    stills = tuple(_still(session, finding, index) for index in range(len(candidate.moments)))
    plate = plates.look(candidate.subject, stills) if plates else None
    closeup = plate.closeup if plate else None
    cut = session.cut(start_ns, end_ns, clip_dir / f"{name}.mp4")
    return Draft(
        case_id=name,
        violation_id=candidate.violation_id,
        device={"camera_id": site.camera.camera_id, "device_code": site.camera.device_code},
        place=site.place,
        direction=site.direction,
        stills=stills if closeup is None else (*stills, closeup),
        clip=cut.path,
        clip_start_ns=cut.start_ns,
        clip_end_ns=cut.end_ns,
        clip_is_complete=cut.is_complete,
        track=_track(finding, session, site, cut.start_ns, cut.end_ns),
        subject=_subject(finding, plate),
        rule={
            "id": candidate.violation_id,
            "version": RULES_VERSION,
            "parameters": candidate.parameters,
            "facts": candidate.facts,
            "cues": list(dict.fromkeys([*candidate.cues, *(plate.cues if plate else ())])),
        },
        site={
            "site_id": site.site_id,
            "sha256": site.sha256(),
            "calibration": SiteView.of(site).ground.scale_source,
        },
        model={"name": model.name, "version": model.version, "sha256": model.weights.sha256},
        code={"version": code_version(), "commit": code_commit()},
        session={
            "session_id": session.session_id,
            "files": [{"name": f.name, "size_bytes": f.size_bytes, "sha256": _hash(f)} for f in session.files],
        },
        clock={"source": site.clock.source, "uncertainty_s": site.clock.uncertainty_s},
        signal=_signal(finding),
        start_utc=session.start_utc,
        time_zone=site.time_zone,
    )


def _subject(finding: Finding, plate: SubjectPlate | None) -> Subject:
    """Returns who it was: class, how sure, and the plate as the machine read it."""
    found = Subject(
        class_name=finding.candidate.subject.name,
        class_share=round(finding.history.class_share, 3),
        plate=plate.read.text if plate else UNREADABLE,
    )
    if plate:
        found["plate_read"] = plate.facts
    return found


@cache
def _hash(file: FootageFile) -> str:
    """Returns the sha256 of a whole footage file, read once per run."""
    return file.sha256()


def _still(session: Footage, finding: Finding, index: int) -> StillImage:
    moment = finding.candidate.moments[index]
    still = None if moment.pts_ns in finding.kept else session.still(moment.pts_ns)
    if still is not None and still.pts_ns != moment.pts_ns:
        raise SourceUndecodable(
            f"the picture at {moment.pts_ns / NS_PER_S:.2f} s of the footage cannot be decoded again; check the file",
            pts_ns=moment.pts_ns,
        )
    return StillImage(
        role=moment.role,
        pts_ns=moment.pts_ns,
        rgb=still.rgb if still is not None else finding.kept[moment.pts_ns],
        xyxy=moment.xyxy,
        captured_utc=at(session.start_utc, moment.pts_ns) if session.start_utc else None,
        signal=moment.signal,
        stream_pts=still.stream_pts if still is not None else None,
        file_index=still.file_index if still is not None else None,
    )


def _signal(finding: Finding) -> Any:
    timeline = finding.signals.get(finding.candidate.signal_id or "")
    if timeline is None:
        return None
    reds = [m.pts_ns for m in finding.candidate.moments if m.signal is SignalState.RED]
    at_ns = reds[-1] if reds else finding.candidate.moments[-1].pts_ns
    return {
        "id": timeline.signal_id,
        "red_onset_ns": timeline.since_at(at_ns),
        "is_onset_seen": timeline.is_onset_seen(at_ns),
        "source": timeline.source,
    }


def _track(finding: Finding, session: Footage, site: Site, start_ns: int, end_ns: int) -> dict[str, Any]:
    """Returns TRACK.json: what the console draws over the clip."""
    history = finding.history
    rows = np.flatnonzero((history.pts_ns >= start_ns) & (history.pts_ns <= end_ns))
    timeline = finding.signals.get(finding.candidate.signal_id or "")
    return {
        "clip_start_ns": start_ns,
        "width": session.width_px,
        "height": session.height_px,
        "boxes": [[int(history.pts_ns[r]), *(round(float(v), 1) for v in history.xyxy[r])] for r in rows],
        "lines": _lines(site, finding.candidate),
        "signal": None
        if timeline is None
        else {
            "id": timeline.signal_id,
            "states": [[t, s.value] for t, s in zip(timeline.since_ns, timeline.states, strict=True)],
            "until_ns": timeline.until_ns,
        },
        "moments": [{"role": m.role.value, "pts_ns": m.pts_ns} for m in _shown(finding)],
    }


def _shown(finding: Finding) -> list[Moment]:
    """Returns the moments the clip can show."""
    return [m for m in finding.candidate.moments if m.pts_ns not in finding.kept]


def _lines(site: Site, candidate: Candidate) -> list[dict[str, Any]]:
    """Returns the site parts the offence is about, in footage pixels."""
    parts: list[tuple[str, str, list[Point]]] = [
        *(("stop_line", s.id, s.points_px) for s in site.stop_lines),
        *(("crosswalk", c.id, c.polygon_px) for c in site.crosswalks),
        *(("zone", z.id, z.polygon_px) for z in site.no_stop_zones),
        *(("direction", z.id, z.polygon_px) for z in site.direction_zones),
    ]
    if (
        candidate.violation_id not in FIRST_RULES
    ):  # the first rules are about the parts above, whatever else has that id
        parts += [("zone", lane.id, lane.polygon_px) for lane in site.lanes]
        parts += [("zone", box.id, box.polygon_px) for box in site.boxes]
        parts += [("zone", turn.id, turn.polygon_px) for turn in site.no_u_turn_zones]
        parts += [("zone", spot.id, spot.polygon_px) for spot in site.nonmotor_zones]
        parts += [("zone", place.id, place.polygon_px) for place in site.long_stay_zones]
        parts += [("barrier", fence.id, fence.points_px) for fence in site.barriers]
        parts += [("solid_line", mark.id, mark.points_px) for mark in site.solid_lines]
    return [
        {"id": part_id, "kind": kind, "points": [[float(x), float(y)] for x, y in points]}
        for kind, part_id, points in parts
        if part_id == candidate.region_id
    ]


def code_version() -> str:
    """Returns the installed version of Lukou."""
    try:
        return version("lukou")
    except PackageNotFoundError:
        return "unknown"


@cache
def code_commit() -> str | None:
    """Returns the commit the program runs from; None outside a checkout."""
    root = Path(__file__).resolve().parent.parent
    if not (root / ".git").exists():
        return None
    try:
        done = subprocess.run(
            ["/usr/bin/env", "git", "rev-parse", "HEAD"],
            cwd=root,
            capture_output=True,
            text=True,
            timeout=5,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
