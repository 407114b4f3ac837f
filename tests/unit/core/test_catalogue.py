"""The catalogue is data, whole and loaded as it stands."""

import pytest

from core.catalogue import catalogue
from core.errors import ConfigError


def test_all_26_violations_in_order() -> None:
    assert [v.id for v in catalogue().violations] == [f"V{n:02d}" for n in range(1, 27)]


def test_thresholds_come_from_the_table() -> None:
    assert catalogue().get("V01").detect["red_guard_s"] == 0.5
    assert catalogue().get("V08").detect["t_confirm_s"]["general"] == 300
    assert catalogue().get("V04").code.current == "3001"


def test_unknown_id_says_what_there_is() -> None:
    with pytest.raises(ConfigError, match="V01 to V26"):
        catalogue().get("V00")
