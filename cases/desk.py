"""The desk where citizens' reports arrive: inspects the files, finds duplicates, seals what is usable, queues the case.

One report after the other, oldest first. A crash anywhere leaves the report SUBMITTED or its package sealed; the next
round goes on from there: the case has the report's id, so nothing becomes double.
"""

import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import numpy as np
from PIL import Image

from cases.doubts import Doubt, find_doubts, is_stationary, picture_times
from cases.duplicates import WITHIN, same_claim, same_pictures
from cases.media import MediaStore
from cases.records import NewCase
from cases.report import CITIZEN, Medium, NewReport, ReportRecord, check_claim
from cases.sighting import Sighting, Witness
from cases.store import CaseStore
from core import log
from core.catalogue import catalogue
from core.errors import AlreadySealed, LukouError
from core.observations import Role
from core.plate import UNREADABLE
from evidence.draft import (
    Attachment,
    ClockPin,
    CodePin,
    Device,
    Draft,
    ModelPin,
    Rule,
    SessionPin,
    SitePin,
    SourceFile,
    StillImage,
    Subject,
)
from evidence.seal import Sealed, Vault
from evidence.upload import VIDEO_ENDINGS, InspectedStill, Inspection, inspect
from evidence.wording import place_zone

_MOVING = (Role.P1_BEFORE, Role.P2_DURING, Role.P3_AFTER)
_STANDING = (Role.T0_OVERVIEW, Role.P2_DURING, Role.T1_OVERVIEW)
Prescreen = Callable[[Sequence[Path], NewReport], frozenset[str]]
"""Looks at derived stills and a claim, returns cues: ``pipeline.prescreen`` has one, handed in by whoever can see."""
_log = log.get(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    """What the machine noticed about a report: cues for the reviewer, and the values behind them."""

    cues: list[str]
    facts: dict[str, object]
    boxes: list[list[float]]


class ReportDesk:
    """Works off submitted reports; safe to run in one thread of one process at a time.

    ``rest_share``: after each report it rests this share of the time that took, and leaves the processor to others.
    """

    def __init__(
        self,
        store: CaseStore,
        vault: Vault,
        media: MediaStore,
        *,
        prescreen: Prescreen | None = None,
        witness: Witness | None = None,
        time_zone: str = "Asia/Shanghai",
        rest_share: float = 0.0,
    ) -> None:
        self._store = store
        self._prescreen = prescreen
        self._witness = witness
        self._vault = vault
        self._media = media
        self._time_zone = time_zone
        self._rest_share = rest_share
        media.clear_work()

    def work_off(self) -> int:
        """Returns how many waiting reports were dealt with; one that fails is left for the next round."""
        done = 0
        for report in self._store.reports.waiting():
            began = time.monotonic()
            try:
                self._deal_with(report)
            except LukouError as error:
                _log.warning("report_postponed", report_id=report.report_id, kind=type(error).__name__)
            else:
                done += 1
            time.sleep(self._rest_share * (time.monotonic() - began))
        return done

    def _deal_with(self, report: ReportRecord) -> None:
        check_claim(report.claim)
        with self._media.workroom() as name:
            folder = Path(name)
            inspections = inspect([self._media.path(m.sha256) for m in report.media], folder / "stills")
            faults = [f"{n}:{found.refused}" for n, found in enumerate(inspections, 1) if found.refused]
            if faults:
                self._store.reports.ask_again(report.report_id, " ".join(faults))
                return
            media = [_with_findings(*pair) for pair in zip(report.media, inspections, strict=True)]
            earlier = self._earlier(report, media)
            if earlier is not None:
                self._store.reports.refuse(report.report_id, "J08", media, duplicate_of=earlier)
                return
            signs = {key for medium in media for key, _ in medium.signs}
            doubts = find_doubts(
                report.claim, inspections, office=self._store.reports.office, time_zone=self._time_zone
            )
            signs |= {doubt.cue for doubt in doubts}
            cues = sorted(signs | self._contradictions(report, inspections))
            seen = _seen(report, cues, doubts, self._sighting(report, inspections))
            sealed = self._seal(report, inspections, media, seen, folder)
        self._store.add_case(_case(report, sealed, cues))
        self._store.reports.accept(report.report_id, sealed.case_id, media)

    def _earlier(self, report: ReportRecord, media: Sequence[Medium]) -> str | None:
        found = same_claim(report, self._store.reports.earlier(report, WITHIN))
        found = found or self._store.reports.seen_by_camera(report, WITHIN)
        return found or same_pictures([m.phash for m in media], self._store.reports.marks(before=report))

    def _contradictions(self, report: ReportRecord, inspections: Sequence[Inspection]) -> frozenset[str]:
        """Returns what our networks see otherwise than it is claimed; nothing when they cannot look."""
        if self._prescreen is None:
            return frozenset()
        try:
            return self._prescreen([still.path for found in inspections for still in found.stills], report.claim)
        except LukouError as error:
            _log.warning("prescreen_failed", report_id=report.report_id, kind=type(error).__name__)
            return frozenset()

    def _sighting(self, report: ReportRecord, inspections: Sequence[Inspection]) -> Sighting | None:
        """Returns what the rules of a site with the same view find in a video; None for photos."""
        [medium, *others] = report.media
        if self._witness is None or others or medium.ending not in VIDEO_ENDINGS:
            return None
        video = self._media.path(medium.sha256)
        return self._witness(video, medium.ending, inspections[0].duration_s, report.claim)

    def _seal(
        self,
        report: ReportRecord,
        inspections: Sequence[Inspection],
        media: Sequence[Medium],
        seen: _Seen,
        folder: Path,
    ) -> Sealed:
        draft = self._draft(report, inspections, media, seen, folder)
        try:
            return self._vault.seal(draft)
        except AlreadySealed:  # a crash came between sealing and queueing
            return self._vault.sealed(report.report_id)

    def _draft(
        self,
        report: ReportRecord,
        inspections: Sequence[Inspection],
        media: Sequence[Medium],
        seen: _Seen,
        folder: Path,
    ) -> Draft:
        claim = report.claim
        stills = self._stills(report, inspections)
        names = [f"ORIGINAL-{number}.{medium.ending}" for number, medium in enumerate(media, 1)]
        clip = self._clip(media, folder)
        originals = [
            SourceFile(name=n, size_bytes=m.size_bytes, sha256=m.sha256) for n, m in zip(names, media, strict=True)
        ]
        duration_ns = round(inspections[0].duration_s * 1e9)
        return Draft(
            case_id=report.report_id,
            violation_id=claim.violation_id,
            device=Device(camera_id=CITIZEN, device_code=""),
            place=claim.place,
            direction="",
            stills=stills,
            clip=clip,
            clip_start_ns=0,
            clip_end_ns=max(duration_ns, 1),
            track=_track(stills, seen.boxes),
            subject=Subject(class_name=catalogue().get(claim.violation_id).subject, plate=claim.plate or UNREADABLE),
            rule=Rule(
                id=claim.violation_id,
                version="citizen report",
                parameters={},
                facts={"reported": self._local(claim.occurred_utc)}
                | ({"report_note": claim.note} if claim.note else {})
                | seen.facts,
                cues=seen.cues,
            ),
            site=SitePin(site_id=CITIZEN, sha256="0" * 64, calibration="none"),
            model=ModelPin(name="none", version="", sha256=""),
            code=CodePin(version="", commit=None),
            session=SessionPin(session_id=report.report_id, files=originals),
            clock=ClockPin(source="citizen's camera", uncertainty_s=None),
            start_utc=stills[0].captured_utc,
            time_zone=self._time_zone,
            attachments=tuple(
                Attachment(name=name, path=self._media.path(medium.sha256))
                for name, medium in zip(names, media, strict=True)
                if clip is None or medium.ending not in VIDEO_ENDINGS
            ),
        )

    def _clip(self, media: Sequence[Medium], folder: Path) -> Path | None:
        """Returns a copy of the one video for CLIP.mp4, byte for byte; None for photos and other containers."""
        if media[0].ending not in ("mp4", "mov"):
            return None
        copy = folder / "clip.mp4"
        shutil.copyfile(self._media.path(media[0].sha256), copy)
        return copy

    def _stills(self, report: ReportRecord, inspections: Sequence[Inspection]) -> tuple[StillImage, ...]:
        """Returns the three pictures of the package: of the video, or first, middle and last of the photos."""
        found = [still for inspection in inspections for still in inspection.stills]
        chosen = [0, len(found) // 2, len(found) - 1] if len(found) >= len(_MOVING) else list(range(len(found)))
        roles = _STANDING if is_stationary(catalogue().get(report.claim.violation_id)) else _MOVING
        times = picture_times(inspections, self._time_zone)
        return tuple(
            _still(role, found[index], _instant_ns(found[index], index, times), None if times is None else times[index])
            for role, index in zip(roles, chosen, strict=False)
        )

    def _local(self, moment: datetime) -> str:
        return f"{moment.astimezone(place_zone(self._time_zone)):%Y-%m-%d %H:%M}"


def _with_findings(medium: Medium, found: Inspection) -> Medium:
    return replace(medium, phash=found.phash, signs=tuple((sign.key, sign.detail) for sign in found.signs))


def _seen(report: ReportRecord, cues: list[str], doubts: Sequence[Doubt], sighting: Sighting | None) -> _Seen:
    facts: dict[str, object] = {name: value for doubt in doubts for name, value in doubt.facts.items()}
    if sighting is None:
        return _Seen(cues=cues, facts=facts, boxes=[])
    boxes = sighting.boxes(report.claim.violation_id)
    return _Seen(cues=cues, facts={**facts, "sighting": sighting.as_fact()}, boxes=boxes)


def _instant_ns(still: InspectedStill, index: int, times: Sequence[datetime] | None) -> int:
    """Returns the place of a still on the package's time line; without a clock photos count one second apart."""
    if times is not None:
        return round((times[index] - times[0]).total_seconds() * 1e9)
    return round((still.at_s or index) * 1e9)


def _still(role: Role, found: InspectedStill, pts_ns: int, captured_utc: datetime | None) -> StillImage:
    with Image.open(found.path) as picture:
        rgb = np.asarray(picture.convert("RGB"))
    box = (0.0, 0.0, float(found.width_px), float(found.height_px))
    return StillImage(role=role, pts_ns=pts_ns, rgb=rgb, xyxy=box, captured_utc=captured_utc)


def _track(stills: Sequence[StillImage], boxes: list[list[float]]) -> dict[str, object]:
    width, height = stills[0].size_px
    moments = [{"role": str(still.role), "pts_ns": still.pts_ns} for still in stills]
    return {
        "clip_start_ns": 0,
        "width": width,
        "height": height,
        "boxes": boxes,
        "lines": [],
        "signal": None,
        "moments": moments,
    }


def _case(report: ReportRecord, sealed: Sealed, cues: Sequence[str]) -> NewCase:
    claim = report.claim
    return NewCase(
        case_id=sealed.case_id,
        candidate_key=f"report/{report.report_id}",
        session_id=report.report_id,
        violation_id=claim.violation_id,
        site_id=CITIZEN,
        camera_id=CITIZEN,
        place=claim.place,
        direction="",
        occurred_utc=claim.occurred_utc,
        onset_ns=0,
        subject=catalogue().get(claim.violation_id).subject,
        manifest_sha256=sealed.manifest_sha256,
        entry_sha256=sealed.entry_sha256,
        cues=tuple(cues),
        plate=claim.plate or UNREADABLE,
    )
