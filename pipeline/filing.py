"""Sealing and filing one finding, once, whatever happens in between."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from cases.records import NewCase
from core.site import Site
from core.time import at
from evidence.draft import Draft
from evidence.wording import place_zone
from pipeline.footage import Footage
from pipeline.judge import Finding
from pipeline.package import build_draft, candidate_key, case_id

if TYPE_CHECKING:
    from pipeline.process import Workbench


def file_finding(finding: Finding, footage: Footage, site: Site, bench: Workbench) -> bool:
    """Seals and files a finding; False when both were done before. After any error it may be called again.

    Raises:
        StoreError: the disk or database refuses.
        SourceError: the pictures cannot be had any more.
    """
    candidate, vault = finding.candidate, bench.vault
    key = candidate_key(footage, candidate)
    if bench.cases.knows(key):
        return False
    name = case_id(footage, candidate)
    if vault.path(name).exists():
        sealed = vault.sealed(name)
    else:
        clips = bench.settings.home / "tmp"
        draft = build_draft(finding, footage, site, bench.detector.model, clips, plates=bench.plates)
        sealed = vault.seal(_with_gates(draft, bench))
    manifest = vault.manifest(name)
    first_ns = next(m.pts_ns for m in candidate.moments if m.pts_ns not in finding.kept)
    start_utc = footage.start_utc
    return bench.cases.add_case(
        NewCase(
            case_id=name,
            candidate_key=key,
            session_id=footage.session_id,
            violation_id=candidate.violation_id,
            site_id=site.site_id,
            camera_id=site.camera.camera_id,
            place=site.place,
            direction=site.direction,
            occurred_utc=at(start_utc, first_ns) if start_utc else None,
            onset_ns=finding.from_ns,
            subject=candidate.subject.name,
            manifest_sha256=sealed.manifest_sha256,
            entry_sha256=sealed.entry_sha256,
            cues=tuple(manifest.rule["cues"]),
            plate=str(manifest.subject["plate"]),
            is_admissible=not manifest.device.get("failed_gates"),
        )
    )


def _with_gates(draft: Draft, bench: Workbench) -> Draft:
    """Returns the draft with the legality gates its camera failed that day; as it is without a register."""
    if bench.devices is None:
        return draft
    moment = draft.panoramas[0].captured_utc or bench.clock.now_utc()
    day = moment.astimezone(place_zone(draft.time_zone)).date()
    failed = bench.devices.failed_gates(draft.device["camera_id"], draft.device["device_code"], day)
    return replace(draft, device={**draft.device, "failed_gates": list(failed)})
