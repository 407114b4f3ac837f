"""A case as its page shows it: the record, the sealed facts and what this person may do with it."""

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from functools import lru_cache
from typing import Any

from api import sighting
from api.console import Console
from api.labels import Labels
from cases.blind import veiled
from cases.doubts import PROPOSES
from cases.objection import CHANNELS
from cases.reasons import reasons
from cases.records import CaseRecord, QueueRow, User
from cases.report import CITIZEN, codes
from cases.review import due_utc, may_take_back
from cases.states import (
    DECIDED,
    PERMISSION_OF_STAGE,
    PERMISSIONS,
    SIX_FACTS,
    STAGE_OF_STATE,
    STANDING,
    UNDECIDED,
    CaseState,
    Permission,
)
from core.catalogue import Violation, catalogue
from core.errors import LukouError
from core.plate import UNREADABLE
from display.law import law_line
from evidence.manifest import Manifest
from evidence.playable import PROXY
from evidence.seal import Vault
from evidence.standalone import MANIFEST
from evidence.verify import verify_package

LOCAL = timezone(timedelta(hours=8))
"""Beijing time, the only one in the country."""
MOMENT_NAMES = ("P1", "P2", "P3", "T0", "T1")

Rows = list[tuple[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Still:
    """One sealed picture."""

    name: str
    short: str
    when: str
    signal: str
    pts_ns: int | None


def local_time(moment: datetime | None) -> str:
    """Returns Beijing time to the second."""
    return f"{moment.astimezone(LOCAL):%Y-%m-%d %H:%M:%S}" if moment else ""


def position(pts_ns: int) -> str:
    """Returns a position in the footage as minutes and seconds.

    >>> position(83_450_000_000)
    '01:23.4'
    """
    tenths = pts_ns // 100_000_000
    return f"{tenths // 600:02d}:{tenths // 10 % 60:02d}.{tenths % 10}"


def when(case: CaseRecord | QueueRow) -> str:
    """Returns the time of a case: of the world if the clock was known, else in the footage."""
    return local_time(case.occurred_utc) or position(case.onset_ns)


def age(labels: Labels, since: datetime, now: datetime) -> str:
    """Returns how long something waits, in one unit."""
    minutes = int((now - since).total_seconds() // 60)
    if minutes < 1:
        return labels("age_now")
    if minutes < 60:
        return labels("age_minutes", n=minutes)
    return labels("age_hours", n=minutes // 60) if minutes < 48 * 60 else labels("age_days", n=minutes // 1440)


def cover(console: Console, case_id: str) -> str | None:
    """Returns the name of the picture a list shows for a case: the moment of the offence; None when damaged."""
    try:
        return _cover(console.vault, case_id)
    except LukouError:
        return None


@lru_cache(maxsize=20_000)  # sealed packages never change; what is damaged is not remembered
def _cover(vault: Vault, case_id: str) -> str | None:
    names = vault.names(case_id)
    return next((name for name in ("P2.jpg", "T1.jpg", "P1.jpg", "T0.jpg") if name in names), None)


def problems(console: Console, case: CaseRecord) -> tuple[str, ...]:
    """Returns what is wrong with a case's evidence, re-computed from the bytes on disk."""
    path = console.vault.path(case.case_id)
    verdict = verify_package(path, public_key_pem=console.vault.public_key_pem)
    if not verdict.is_valid:
        return verdict.problems
    found = hashlib.sha256((path / MANIFEST).read_bytes()).hexdigest()
    return () if found == case.manifest_sha256 else (f"{MANIFEST}: not the one this case was queued with",)


def blocked_because(case: CaseRecord | QueueRow, user: User, now_utc: datetime) -> str | None:
    """Returns the label of why this person cannot decide this case; None when they can."""
    if case.state in DECIDED:
        return "decided"
    if case.state not in STAGE_OF_STATE:
        closed = {CaseState.OBJECTED: "under_objection", CaseState.INADMISSIBLE: "inadmissible"}
        return closed.get(case.state, "rule_suspended")
    rights = PERMISSIONS[user.role]
    needed = PERMISSION_OF_STAGE[STAGE_OF_STATE[case.state]]
    if Permission.FIRST_REVIEW not in rights:
        return "no_right"
    if needed not in rights:
        return "officer_needed" if needed is Permission.SECOND_REVIEW else "supervisor_needed"
    if user.name in case.reviewers:
        return "own_review"
    is_held = case.hold is not None and case.hold.is_of_another(user.name, now_utc)
    return "held" if is_held else None


def build(console: Console, case: CaseRecord, user: User, labels: Labels) -> dict[str, Any]:
    """Returns the values of the case page."""
    violation, now = catalogue().get(case.violation_id), console.clock.now_utc()
    blocked, seen = blocked_because(case, user, now), veiled(case, user)
    try:
        manifest = console.vault.manifest(case.case_id)
        trouble = None
    except LukouError as error:
        manifest, trouble = None, error.message
    return {
        "case": seen,
        "is_hidden": len(seen.reviews) < len(case.reviews),
        "holder": case.hold.officer if case.hold is not None and blocked == "held" else "",
        "typed_first": not case.is_blind and any(r.plate for r in case.reviews),
        "may_take_back": _may_take_back(case, user, now),
        "violation": violation,
        "title": title(violation, labels),
        "when": when(case),
        "trouble": trouble,
        "has_clip": manifest is None or manifest.clip is not None,
        "played": PROXY if manifest is not None and manifest.proxy is not None else "CLIP.mp4",
        "failed_gates": manifest.device.get("failed_gates", []) if manifest else [],
        "has_plate_picture": manifest is not None and manifest.file("PLATE.jpg") is not None,
        "report": console.store.reports.of_case(case.case_id) if case.camera_id == CITIZEN else None,
        "stills": _stills(manifest) if manifest else [],
        "summary": _summary(case, manifest, violation, labels),
        "facts": _rows(_plain(manifest.rule.get("facts", {})), labels) if manifest else [],
        "sighting": sighting.shown(manifest, labels),
        "parameters": _rows(manifest.rule.get("parameters", {}), labels) if manifest else [],
        "origin": _origin(case, manifest, labels),
        "six_facts": SIX_FACTS,
        "cues": [(cue, labels.cue(cue)) for cue in case.cues],
        "reasons": [x for x in reasons() if x.kind != "report" or case.camera_id == CITIZEN],
        "proposed": _proposed(case, manifest, labels),
        "blocked": blocked,
        "is_standing": case.state in STANDING,
        "deadline": _deadline(case, now, labels),
        "may_answer": user.name not in case.reviewers,
        "grounds": [x for x in reasons() if x.kind == "cancel"],
        "channels": CHANNELS,
        "is_second": case.state in (CaseState.SECOND_REVIEW, CaseState.DISPUTED),
        "history": console.store.history(case.case_id),
        "holds": console.store.custody.holds(case.case_id),
        "screens": sorted({p.screen_id for p in console.store.publications()} | {"demo"}),
        "can_mask": console.board.can_mask,
        "hours": [h for h in (4, 8, 24, 48, 72) if h <= console.board.longest_h] or [console.board.longest_h],
        "script_labels": labels.for_scripts(),
        "local_time": local_time,
    }


def _may_take_back(case: CaseRecord, user: User, now: datetime) -> bool:
    if len(case.reviews) != 1 or case.first_reviewer != user.name:
        return False
    is_open = case.hold is not None and case.hold.is_of_another(user.name, now)
    return not is_open and may_take_back(case.state, case.reviews[0].decided_utc, now)


def _deadline(case: CaseRecord, now: datetime, labels: Labels) -> tuple[str, bool] | None:
    """Returns until when the next step is due, and whether that is past; None when nothing waits."""
    if case.objection is not None and case.objection.result is None:
        due = case.objection.due_utc
    elif case.state in (*UNDECIDED, CaseState.SUSPENDED):
        due = due_utc(case.created_utc)
    else:
        return None
    return labels("deadline_until", when=due_day(due)), now > due


def due_day(due: datetime) -> str:
    """Returns the last day of a period that ends at midnight."""
    return f"{(due - timedelta(seconds=1)).astimezone(LOCAL):%m-%d}"


def title(violation: Violation, labels: Labels) -> str:
    """Returns the short name of a violation."""
    return violation.short_zh if labels.language == "zh" else violation.name_en


def _stills(manifest: Manifest) -> list[Still]:
    found = [
        Still(
            name=image.name,
            short=image.name.removesuffix(".jpg"),
            when=image.captured[11:23] if image.captured else image.position,
            signal=image.signal or "",
            pts_ns=image.pts_ns,
        )
        for image in sorted(manifest.images, key=lambda i: (not i.name.startswith(MOMENT_NAMES), i.pts_ns))
    ]
    present = {still.name for still in found}
    wanted = ("SUBJECT.jpg", "PLATE.jpg", "COMPOSITE.jpg")
    extra = [name for name in wanted if name not in present and manifest.file(name) is not None]
    return found + [Still(name=n, short=n.removesuffix(".jpg"), when="", signal="", pts_ns=None) for n in extra]


def _proposed(case: CaseRecord, manifest: Manifest | None, labels: Labels) -> Rows:
    """Returns the codes a report might be rejected with, each with the fact behind it."""
    facts = manifest.rule.get("facts", {}) if manifest else {}
    found = [(codes()[code], name) for code, name in (PROPOSES[cue] for cue in case.cues if cue in PROPOSES)]
    return [
        (
            f"{code.id} {code.zh if labels.language == 'zh' else code.en}",
            f"{labels.fact(name)} {labels.value(name, facts.get(name))}",
        )
        for code, name in found
    ]


def _plain(facts: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in facts.items() if name != sighting.KEY}


def _rows(values: Mapping[str, Any], labels: Labels) -> Rows:
    ordered = sorted(values, key=labels.fact_order)
    return [(labels.fact(key), labels.value(key, values[key])) for key in ordered]


def _summary(case: CaseRecord, manifest: Manifest | None, violation: Violation, labels: Labels) -> Rows:
    time = when(case) if case.occurred_utc else f"{position(case.onset_ns)} · {labels('clock_unknown')}"
    rows = [
        (labels("occurred"), time),
        (labels("place"), case.place),
        (labels("direction"), case.direction or "—"),
        (labels("subject"), labels.word(case.subject)),
    ]
    if manifest is not None:
        share = manifest.subject.get("class_share")
        rows[3] = (labels("subject"), f"{labels.word(case.subject)}{f' {share:.0%}' if share is not None else ''}")
        typed = labels("plate_typed", plate=case.plate) if case.is_plate_typed else None
        rows.append((labels("plate"), typed or plate_line(manifest.subject, labels)))
        code = str(manifest.device.get("device_code") or labels.word(case.camera_id))
        rows.append((labels("device"), code))
    return [*rows, (labels("code"), violation.code.current or "—"), *_legal(violation, labels)]


def plate_line(subject: Mapping[str, Any], labels: Labels) -> str:
    """Returns the plate as the machine read it, how sure it was, and that a person must check it."""
    text, read = str(subject.get("plate", UNREADABLE)), subject.get("plate_read") or {}
    if text == UNREADABLE:
        return labels.word(text)
    if read.get("confidence") is None:
        return labels("plate_claimed", plate=text)
    colour = labels.word(f"plate_{read['colour']}") if read.get("colour") else labels.word("unknown")
    line = labels(
        "plate_machine", plate=text, colour=colour, share=f"{math.floor(1000 * read['confidence']) / 10:.1f} %"
    )
    return line if read.get("colour_agrees", True) else f"{line} · {labels('plate_colour_wrong')}"


def _legal(violation: Violation, labels: Labels) -> Rows:
    articles = ", ".join(str(article) for article in violation.law.get("rtsl", []))
    is_zh = labels.language == "zh"
    law = law_line(violation) if is_zh else f"Road Traffic Safety Law art. {articles}"
    fine = (violation.model_extra or {}).get("fine_cny") or {}
    parts = [labels(f"track_{violation.legal_track}")]
    if fine.get("legal_min") is not None:
        parts.append(labels("fine", low=fine["legal_min"], high=fine["legal_max"]))
    if violation.points:
        parts.append(labels("points", points=violation.points))
    return [(labels("law"), law), (labels("penalty"), " · ".join(parts))]


def _origin(case: CaseRecord, manifest: Manifest | None, labels: Labels) -> Rows:
    rows = [(labels("manifest"), case.manifest_sha256[:16]), (labels("chain"), case.entry_sha256[:16])]
    if manifest is None:
        return rows
    standard = manifest.conformance.standard
    files = ", ".join(str(entry["name"]) for entry in manifest.session.get("files", []))
    return [
        (labels("session"), files),
        (labels("rule"), f"{manifest.rule.get('id')} {manifest.rule.get('version')}"),
        (labels("model"), f"{manifest.model.get('name')} {manifest.model.get('version')}"),
        (labels("site"), f"{manifest.site.get('site_id')} · {labels.word(str(manifest.site.get('calibration')))}"),
        (labels("program"), f"{manifest.code.get('version')} {str(manifest.code.get('commit') or '')[:10]}"),
        (
            labels("conformance"),
            labels("conforms" if manifest.conformance.conforms else "conforms_not", standard=standard),
        ),
        *rows,
    ]
