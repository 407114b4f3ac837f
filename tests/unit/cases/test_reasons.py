import pytest

from cases.reasons import reason, reasons
from core.errors import ConfigError


def test_every_reason_of_review_and_of_order_157_has_both_labels() -> None:
    ours = ["J09", "J14"]  # of citizens' reports, where none of the others says it
    assert [r.id for r in reasons()] == [*(f"R{n:02d}" for n in range(1, 21)), *(f"C{n}" for n in range(1, 9)), *ours]
    assert all(r.zh and r.en for r in reasons())
    assert {r.kind for r in reasons() if r.id.startswith("C")} == {"cancel"}


def test_unknown_reason_is_refused() -> None:
    assert reason("R18").key == "minor_or_vulnerable"
    with pytest.raises(ConfigError, match="R01"):
        reason("R99")
