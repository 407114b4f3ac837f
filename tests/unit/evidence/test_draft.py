"""Drafts that cannot become evidence are refused when they are made, in one line."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.errors import EvidenceError
from core.observations import Role
from evidence.draft import Draft
from tests.support.drafts import draft, still


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"rgb": np.zeros((4, 4), np.uint8)}, r"must be \(H, W, 3\) uint8, got \(4, 4\) uint8"),
        ({"rgb": np.zeros((4, 4, 3), np.float32)}, "float32"),
        ({"xyxy": (5, 5, 5, 9)}, "no area"),
        ({"captured_utc": datetime(2026, 11, 22)}, "no time zone"),  # noqa: DTZ001
    ],
)
def test_bad_still(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(EvidenceError, match=message):
        still(Role.P1_BEFORE, 1.0, **changes)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"case_id": "../../etc"}, "no ULID"),
        ({"case_id": "01kwk000000000000000000001"}, "no ULID"),
        ({"stills": ()}, "no overview still"),
        ({"stills": (still(Role.PLATE_CLOSEUP, 1.0),)}, "no overview still"),
        ({"stills": (still(Role.P1_BEFORE, 1.0), still(Role.P1_BEFORE, 2.0))}, "only once|appear once"),
        ({"stills": (still(Role.P1_BEFORE, 1.0), still(Role.P2_DURING, 2.0, captured_utc=None))}, "all or none"),
        ({"clip_end_ns": 0}, "ends before it begins"),
    ],
)
def test_bad_draft(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(EvidenceError, match=message) as caught:
        draft(tmp_path, **changes)
    assert "\n" not in caught.value.message


def test_panoramas_are_in_order_of_time(tmp_path: Path) -> None:
    late, early = still(Role.P2_DURING, 9.0), still(Role.P1_BEFORE, 3.0)
    made: Draft = draft(tmp_path, stills=(late, still(Role.PLATE_CLOSEUP, 1.0), early))
    assert [s.role for s in made.panoramas] == [Role.P1_BEFORE, Role.P2_DURING]
    assert made.is_clock_known
    assert late.captured_utc is not None
    assert late.captured_utc.tzinfo is UTC
