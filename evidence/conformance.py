"""The package's check of itself against GA/T 832-2014, clause by clause, honest where the answer is no.

Source: GA/T 832-2014 道路交通安全违法行为图像取证技术规范, first pages: clock error <= 1.0 s; >= 2 panoramas taken at
different times (>= 1 with video); 24-bit colour; >= 1280x720; moving: clear displacement between pictures; stationary:
>= 10 s between them; panorama shows the whole vehicle and its plate. Clause numbers are not quoted: unconfirmed.
"""

from itertools import pairwise
from typing import Any

from core.catalogue import Violation
from core.observations import UNCLEAR
from core.time import seconds
from evidence.draft import Draft, StillImage

STANDARD = "GA/T 832-2014"
CLOCK_ERROR_MAX_S = 1.0
PICTURE_MIN_PX = (1280, 720)
STATIONARY_MIN_S = 10.0
DISPLACEMENT_MIN_BODY = 0.25
"""Displacement counts as clear from a quarter of the subject's own size (our choice; the standard gives no figure)."""
CLIP_AROUND_S = 5.0
"""The clip covers this much before the first and after the last picture (our package format)."""

Clause = dict[str, Any]


def check_conformance(draft: Draft, violation: Violation) -> dict[str, Any]:
    """Returns the verdict with every clause: ``ok`` is true, false or null (does not apply)."""
    clauses = [
        _clock(draft),
        _panoramas(draft),
        _picture_size(draft),
        _colour(draft),
        _interval(draft, violation),
        _whole_subject(draft),
        _lamp(draft, violation),
        _plate(draft, violation),
        _plate_agreement(draft),
        _clip(draft),
        _overlay(draft),
    ]
    return {"standard": STANDARD, "conforms": all(c["ok"] is not False for c in clauses), "clauses": clauses}


def _clause(name: str, is_met: bool | None, why: str) -> Clause:  # noqa: FBT001
    return {"clause": name, "ok": is_met, "why": why}


def _clock(draft: Draft) -> Clause:
    name = f"clock error at most {CLOCK_ERROR_MAX_S:.1f} s"
    uncertainty_s = draft.clock["uncertainty_s"]
    if not draft.is_clock_known:
        return _clause(name, False, "the time of the footage is not known")
    if uncertainty_s is None:
        return _clause(
            name, False, f"source '{draft.clock['source']}', its error against Beijing time was not measured"
        )
    return _clause(
        name, uncertainty_s <= CLOCK_ERROR_MAX_S, f"source '{draft.clock['source']}', error at most {uncertainty_s:g} s"
    )


def _panoramas(draft: Draft) -> Clause:
    instants = {s.pts_ns for s in draft.panoramas}
    return _clause(
        "two or more panoramas at different times",
        len(instants) >= 2,
        f"{len(instants)} taken" + (", and a video" if draft.clip is not None else ""),
    )


def _picture_size(draft: Draft) -> Clause:
    name = f"pictures at least {PICTURE_MIN_PX[0]}x{PICTURE_MIN_PX[1]}"
    small = [s for s in draft.panoramas if min(s.size_px) < PICTURE_MIN_PX[1] or max(s.size_px) < PICTURE_MIN_PX[0]]
    width, height = (small or list(draft.panoramas))[0].size_px
    return _clause(name, not small, f"{width}x{height}")


def _colour(draft: Draft) -> Clause:
    grey = [
        str(s.role)
        for s in draft.panoramas
        if bool((s.rgb[..., 0] == s.rgb[..., 1]).all() and (s.rgb[..., 1] == s.rgb[..., 2]).all())
    ]
    why = f"no colour in {', '.join(grey)}" if grey else "3 channels of 8 bit"
    return _clause("24-bit colour", not grey, why)


def _interval(draft: Draft, violation: Violation) -> Clause:
    required = violation.evidence.get("min_interval_s")
    stills = draft.panoramas
    if len(stills) < 2:
        return _clause("interval between pictures", False, "only one panorama")
    if required is not None:
        needed_s = max(STATIONARY_MIN_S, float(required)) if isinstance(required, int | float) else STATIONARY_MIN_S
        longest_s = max(seconds(b.pts_ns - a.pts_ns) for a, b in pairwise(stills))
        return _clause(
            f"standing: at least {needed_s:g} s between pictures", longest_s >= needed_s, f"{longest_s:.1f} s apart"
        )
    least = min(_displacement_body(a, b) for a, b in pairwise(stills))
    return _clause(
        "moving: clear displacement between pictures",
        least >= DISPLACEMENT_MIN_BODY,
        f"smallest displacement {least:.2f} of the subject's own size",
    )


def _displacement_body(before: StillImage, after: StillImage) -> float:
    """Returns the farthest move of a corner of the box, in sizes of the box (so that driving away counts, too)."""
    a, b = before.xyxy, after.xyxy
    size = max(a[2] - a[0], a[3] - a[1], b[2] - b[0], b[3] - b[1])
    return max(abs(x - y) for x, y in zip(a, b, strict=True)) / size


def _whole_subject(draft: Draft) -> Clause:
    cut = []
    for still in draft.panoramas:
        width, height = still.size_px
        x1, y1, x2, y2 = still.xyxy
        if x1 <= 0 or y1 <= 0 or x2 >= width or y2 >= height:
            cut.append(str(still.role))
    why = f"cut by the picture's edge in {', '.join(cut)}" if cut else "inside every panorama"
    return _clause("panorama shows the whole subject", not cut, why)


def _lamp(draft: Draft, violation: Violation) -> Clause:
    name = "lamp readable in the pictures that need it"
    needed = violation.evidence.get("lamp_readable_in") or []
    if not needed:
        return _clause(name, None, "this offence is not decided by a lamp")
    bad = [str(s.role) for s in draft.panoramas if s.role in needed and s.signal in {None, *UNCLEAR}]
    missing = [role for role in needed if role not in [str(s.role) for s in draft.panoramas]]
    if bad or missing:
        return _clause(name, False, f"not read in {', '.join(bad + missing)}")
    return _clause(name, True, f"read in {', '.join(needed)}")


def _plate(draft: Draft, violation: Violation) -> Clause:
    name = "plate legible"
    if violation.subject == "pedestrian":
        return _clause(name, None, "a person on foot has none")
    plate = draft.subject.get("plate", "UNREADABLE")
    if plate == "UNREADABLE":
        return _clause(name, False, "the plate was not read; a person must confirm the identity")
    return _clause(name, True, "read by machine; a person must confirm it")


def _plate_agreement(draft: Draft) -> Clause:
    name = "plate the same in every picture it is read in"
    read = draft.subject.get("plate_read")
    if read is None or draft.subject.get("plate", "UNREADABLE") == "UNREADABLE":
        return _clause(name, None, "the machine read no plate")
    looks, agreeing = read["looks"], read["agreeing_looks"]
    why = f"read alike in {agreeing} of {looks} pictures"
    if not read["colour_agrees"]:
        why += "; a text that is never issued in the colour seen"
    return _clause(name, agreeing == looks and bool(read["colour_agrees"]), why)


def _clip(draft: Draft) -> Clause:
    name = f"video covers {CLIP_AROUND_S:.0f} s around the pictures (package format)"
    if draft.clip is None:
        return _clause(name, None, "the originals are photos")
    shown = [s.pts_ns for s in draft.panoramas if s.pts_ns >= 0] or [draft.panoramas[-1].pts_ns]
    first, last = shown[0], shown[-1]  # pictures of days before the session (V11) are in no video
    before_s, after_s = seconds(first - draft.clip_start_ns), seconds(draft.clip_end_ns - last)
    is_met = min(before_s, after_s) >= CLIP_AROUND_S and draft.clip_is_complete
    why = f"{before_s:.1f} s before the first and {after_s:.1f} s after the last picture"
    if not draft.clip_is_complete:
        why += "; the footage has a break, part of the clip is missing"
    return _clause(name, is_met, why)


def _overlay(draft: Draft) -> Clause:
    missing = []
    if not draft.is_clock_known:
        missing.append("time")
    if not draft.place:
        missing.append("place")
    if not draft.direction:
        missing.append("direction")
    if not draft.device["device_code"]:
        missing.append("device number")
    why = f"missing: {', '.join(missing)}" if missing else "time, place, direction, device number, anti-forgery code"
    return _clause("overlay information complete", not missing, why)
