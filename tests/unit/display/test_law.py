import pytest

from core.catalogue import Violation, catalogue
from display.law import general_slogans, law_line, slogan


@pytest.mark.parametrize("violation", catalogue().violations, ids=lambda v: v.id)
def test_every_violation_has_law_and_advice(violation: Violation) -> None:
    line = law_line(violation)
    assert line.startswith(
        ("《中华人民共和国道路交通安全法》第", "《中华人民共和国道路交通安全法实施条例》第", "地方性")
    )
    assert line.startswith("地方性") == (violation.id == "V17")
    assert slogan(violation)


def test_slogans_by_kind() -> None:
    assert "逆行" in slogan(catalogue().get("V05"))
    assert len(general_slogans()) >= 5
