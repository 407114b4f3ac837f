"""A device that fails one gate of 行政处罚法 art. 41 on the day of the offence produces no admissible record."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from cases.devices import Register, load_register
from cases.states import CaseState, Decision
from core.errors import ConfigError, WrongState
from tests.support.people import ACCEPT, REJECT, new_case, store_with_people

DAY = date(2026, 11, 22)
EXAMPLE = Path(__file__).resolve().parents[3] / "sites" / "example.devices.yml"


def device(**changes: Any) -> dict[str, Any]:
    passed = {"on": "2026-11-22", "by": "法制大队"}
    certificate = {"number": "N1", "valid_from": "2026-11-22", "valid_to": "2026-11-22"}
    sound = {
        "camera_id": "cam",
        "device_code": "3203",
        **dict.fromkeys(("legal_review", "technical_review", "siting", "signs"), passed),
        **dict.fromkeys(("type_approval", "calibration"), certificate),
        "published": {"url": "https://example.org", "on": "2026-11-22"},
    }
    return {**sound, **changes}


def failed(day: date = DAY, code: str = "3203", **changes: Any) -> tuple[str, ...]:
    return Register.model_validate({"devices": [device(**changes)]}).failed_gates("cam", code, day)


def test_device_that_passes_every_gate_on_the_first_and_last_day() -> None:
    assert failed() == ()


@pytest.mark.parametrize(
    "gate", ["legal_review", "technical_review", "siting", "signs", "type_approval", "calibration", "published"]
)
def test_each_missing_gate_fails_by_itself(gate: str) -> None:
    assert [reason.split(":")[0] for reason in failed(**{gate: None})] == [gate]


def test_day_before_everything_and_day_after_the_certificates() -> None:
    before = [reason.split(":")[0] for reason in failed(date(2026, 11, 21))]
    assert before == [
        "legal_review",
        "technical_review",
        "siting",
        "signs",
        "type_approval",
        "calibration",
        "published",
    ]
    assert [reason.split(":")[0] for reason in failed(date(2026, 11, 23))] == ["type_approval", "calibration"]


def test_other_code_and_unknown_camera_fail() -> None:
    assert failed(code="3204") == ("device_code: registered as '3203'",)
    register = Register.model_validate({"devices": [device()]})
    assert register.failed_gates("other", "3203", DAY) == ("register: no camera 'other' in it",)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("devices: [", "not valid YAML"),
        ("devices: [{camera_id: a, sings: x}]", "sings"),
        ("devices: [{camera_id: a}, {camera_id: a}]", "twice"),
    ],
)
def test_wrong_register_is_refused_in_one_line(tmp_path: Path, text: str, reason: str) -> None:
    (tmp_path / "r.yml").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=reason) as caught:
        load_register(tmp_path / "r.yml")
    assert "\n" not in caught.value.message
    with pytest.raises(ConfigError, match="device register"):
        load_register(tmp_path / "none.yml")


def test_example_register_admits_its_camera() -> None:
    assert load_register(EXAMPLE).failed_gates("rm-js-south", "320381000000011234", DAY) == ()


def test_inadmissible_case_is_kept_and_never_decided(tmp_path: Path) -> None:
    store = store_with_people(tmp_path)
    case = new_case(1, is_admissible=False)
    assert store.add_case(case)
    assert store.get(case.case_id).state is CaseState.INADMISSIBLE
    assert store.next_for("fu") is None
    for person, review in (("fu", ACCEPT), ("li", ACCEPT), ("fu", REJECT)):
        with pytest.raises(WrongState, match="INADMISSIBLE"):
            store.decide(case.case_id, person, review)
    assert Decision.ACCEPT.value not in {r.decision.value for r in store.get(case.case_id).reviews}
    assert store.verify_audit() == []
