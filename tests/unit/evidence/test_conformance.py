"""GA/T 832 self-check: each clause true, false or not applicable for the right reason."""

from pathlib import Path
from typing import Any

import pytest

from core.catalogue import catalogue
from core.observations import Role, SignalState
from evidence.conformance import check_conformance
from tests.support.drafts import draft, picture, still

HD = (1920, 1080)


def clause(folder: Path, words: str, *, violation: str = "V01", **changes: Any) -> tuple[bool | None, str]:
    """Returns ok and why of the one clause whose name holds the words."""
    verdict = check_conformance(draft(folder, violation_id=violation, **changes), catalogue().get(violation))
    (found,) = [c for c in verdict["clauses"] if words in c["clause"]]
    return found["ok"], found["why"]


def pair(gap_s: float, *, x_px: tuple[float, float] = (20, 20), **changes: Any) -> tuple[Any, ...]:
    return (
        still(Role.T0_OVERVIEW, 6.0, x_px=x_px[0], **changes),
        still(Role.T1_OVERVIEW, 6.0 + gap_s, x_px=x_px[1], **changes),
    )


@pytest.mark.parametrize(("uncertainty_s", "expected"), [(0.2, True), (1.0, True), (1.1, False), (None, False)])
def test_clock_error_is_at_most_one_second(tmp_path: Path, uncertainty_s: float | None, expected: bool) -> None:
    assert clause(tmp_path, "clock", clock={"source": "ntp", "uncertainty_s": uncertainty_s})[0] is expected


def test_unknown_clock_does_not_conform(tmp_path: Path) -> None:
    stills = pair(12, captured_utc=None)
    assert clause(tmp_path, "clock", stills=stills, start_utc=None) == (False, "the time of the footage is not known")
    assert clause(tmp_path, "overlay", stills=stills, start_utc=None) == (False, "missing: time")


@pytest.mark.parametrize(
    ("size_px", "expected"),
    [((1280, 720), True), ((720, 1280), True), (HD, True), ((1279, 720), False), ((1920, 719), False)],
)
def test_picture_size(tmp_path: Path, size_px: tuple[int, int], expected: bool) -> None:
    stills = pair(12, rgb=picture(1, size_px=size_px))
    assert clause(tmp_path, "1280x720", stills=stills)[0] is expected


def test_grey_picture_has_no_colour(tmp_path: Path) -> None:
    grey = picture(1)
    grey[..., 1] = grey[..., 2] = grey[..., 0]
    assert clause(tmp_path, "colour")[0] is True
    assert clause(tmp_path, "colour", stills=pair(12, rgb=grey))[0] is False


@pytest.mark.parametrize(
    ("violation", "gap_s", "expected"),
    [("V02", 10.0, True), ("V02", 9.9, False), ("V08", 10.0, True), ("V08", 9.9, False)],
)
def test_standing_needs_ten_seconds(tmp_path: Path, violation: str, gap_s: float, expected: bool) -> None:
    assert clause(tmp_path, "standing", violation=violation, stills=pair(gap_s))[0] is expected


@pytest.mark.parametrize(("x_px", "expected"), [((20, 26), True), ((20, 24), False)])
def test_moving_needs_clear_displacement(tmp_path: Path, x_px: tuple[float, float], expected: bool) -> None:
    # the subject is 20 px long: 6 px are 0.30, 4 px are 0.20 of it; a quarter is asked for
    assert clause(tmp_path, "moving", stills=pair(2, x_px=x_px))[0] is expected


def test_cut_subject_is_no_panorama(tmp_path: Path) -> None:
    assert clause(tmp_path, "whole subject")[0] is True
    is_met, why = clause(tmp_path, "whole subject", stills=pair(2, x_px=(76, 10)))
    assert (is_met, "T0_overview" in why, "T1_overview" in why) == (False, True, False)


def test_lamp_must_be_readable_where_the_catalogue_asks(tmp_path: Path) -> None:
    assert clause(tmp_path, "lamp")[0] is True
    dark = (
        still(Role.P1_BEFORE, 6.0),
        still(Role.P2_DURING, 7.0, signal=SignalState.UNKNOWN),
        still(Role.P3_AFTER, 8.0),
    )
    assert clause(tmp_path, "lamp", stills=dark) == (False, "not read in P2_during")
    assert clause(tmp_path, "lamp", stills=dark[::2]) == (False, "not read in P2_during")
    assert clause(tmp_path, "lamp", violation="V08")[0] is None


@pytest.mark.parametrize(
    ("violation", "plate", "expected"),
    [("V01", None, False), ("V01", "UNREADABLE", False), ("V01", "浙A12345", True), ("V04", None, None)],
)
def test_plate(tmp_path: Path, violation: str, plate: str | None, expected: bool | None) -> None:
    subject = {"class_name": "car", "class_share": 0.9} | ({"plate": plate} if plate else {})
    assert clause(tmp_path, "plate legible", violation=violation, subject=subject)[0] is expected


def test_clip_around_the_pictures(tmp_path: Path) -> None:
    assert clause(tmp_path, "video")[0] is True  # 1 s to 14 s around 6.0 s and 8.9 s
    assert clause(tmp_path, "video", clip_start_ns=2 * 10**9)[0] is False
    assert clause(tmp_path, "video", clip_is_complete=False)[0] is False


def test_verdict_is_no_as_soon_as_one_clause_is(tmp_path: Path) -> None:
    stills = tuple(
        still(r, t, x_px=x, rgb=picture(1, size_px=HD))
        for r, t, x in ((Role.P1_BEFORE, 6.0, 10), (Role.P2_DURING, 7.4, 30), (Role.P3_AFTER, 8.9, 55))
    )
    subject = {"class_name": "car", "class_share": 0.9, "plate": "浙A12345"}
    violation = catalogue().get("V01")
    assert check_conformance(draft(tmp_path, stills=stills, subject=subject), violation)["conforms"] is True
    assert check_conformance(draft(tmp_path, stills=stills), violation)["conforms"] is False


@pytest.mark.parametrize(
    ("looks", "agreeing", "colour_agrees", "expected"),
    [(3, 3, True, True), (1, 1, True, True), (3, 2, True, False), (3, 3, False, False)],
)
def test_plate_must_read_alike_everywhere(
    tmp_path: Path, looks: int, agreeing: int, colour_agrees: bool, expected: bool
) -> None:
    read = {"looks": looks, "agreeing_looks": agreeing, "colour_agrees": colour_agrees}
    subject = {"class_name": "car", "plate": "苏CA1234", "plate_read": read}
    assert clause(tmp_path, "same in every picture", subject=subject)[0] is expected


def test_unread_plate_cannot_disagree(tmp_path: Path) -> None:
    assert clause(tmp_path, "same in every picture")[0] is None
