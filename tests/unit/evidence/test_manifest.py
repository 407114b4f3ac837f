"""Canonical JSON and the manifest's form."""

import json
from datetime import UTC, datetime
from enum import Enum
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from core.errors import EvidenceError
from evidence import standalone
from evidence.manifest import canonical_bytes, parse_manifest, plain
from evidence.wording import position_text
from tests.support.drafts import case_id, filled_vault

TEXTS = st.text(st.characters(codec="utf-8"))
ASCII = st.text(st.characters(min_codepoint=32, max_codepoint=126))
SMALL = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(ASCII, inner, max_size=3),
    max_leaves=8,
)


@given(SMALL)
def test_standalone_canonical_form_is_rfc_8785(value: Any) -> None:
    """The verifier has no rfc8785 library: for what it compares, its own form must be the same, byte for byte."""
    assert standalone.canonical(value) == rfc8785.dumps(value)


def test_example_of_rfc_8785() -> None:
    # RFC 8785 section 3.2.2, the numbers of its sample input
    numbers = [333333333.33333329, 1e30, 4.50, 2e-3, 0.000000000000000000000000001]
    assert canonical_bytes({"numbers": numbers}) == b'{"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27]}'


def test_plain_turns_what_the_pipeline_holds_into_json() -> None:
    class Colour(Enum):
        RED = "red"

    value = {
        "a": np.float64(1.5),
        "b": np.arange(3),
        "c": (1, Colour.RED),
        "d": Path("/secret/folder/x.mp4"),
        "e": datetime(2026, 11, 22, tzinfo=UTC),
        "f": {"z", "y"},
    }
    wanted = {
        "a": 1.5,
        "b": [0, 1, 2],
        "c": [1, "red"],
        "d": "x.mp4",
        "e": "2026-11-22T00:00:00.000+00:00",
        "f": ["y", "z"],
    }
    assert plain(value) == wanted


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 2**60])
def test_what_json_cannot_hold_is_refused(value: float) -> None:
    with pytest.raises(EvidenceError, match="canonical JSON"):
        canonical_bytes({"x": value})


def test_unknown_keys_and_schemas_are_refused(tmp_path: Path) -> None:
    content = json.loads(filled_vault(tmp_path, 1).read(case_id(1), "manifest.json"))
    assert parse_manifest(json.dumps(content).encode()).case_id == case_id(1)
    for change in ({"extra": 1}, {"schema": "lukou.evidence/9"}, {"case_id": None}):
        with pytest.raises(EvidenceError, match="not a manifest of schema"):
            parse_manifest(json.dumps(content | change).encode())


@pytest.mark.parametrize(
    ("pts_ns", "text"), [(0, "00:00:00.000"), (59_999_999_999, "00:00:59.999"), (36 * 10**14, "1000:00:00.000")]
)
def test_position(pts_ns: int, text: str) -> None:
    assert position_text(pts_ns) == text
