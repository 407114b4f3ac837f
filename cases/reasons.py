"""Why a case was not upheld: R01-R20 of review, C1-C8 of Order 157 art. 22, J09 and J14 of citizens' reports alone."""

from functools import cache
from importlib.resources import files
from typing import Literal

from pydantic import BaseModel, ConfigDict
from ruamel.yaml import YAML

from core.errors import ConfigError


class Reason(BaseModel):
    """One reason with its labels."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str
    kind: Literal["reject", "cancel", "report"]
    key: str
    zh: str
    en: str


@cache
def reasons() -> tuple[Reason, ...]:
    """Returns every reason, in the order of the picker."""
    text = (files("cases") / "data" / "reasons.yaml").read_text(encoding="utf-8")
    rows = YAML(typ="safe", pure=True).load(text)["reasons"]
    return tuple(Reason.model_validate(row) for row in rows)


def reason(reason_id: str) -> Reason:
    """Returns one reason.

    Raises:
        ConfigError: no such id.
    """
    for entry in reasons():
        if entry.id == reason_id:
            return entry
    raise ConfigError(f"no reason '{reason_id}'; use R01 to R20, C1 to C8 or, for a report, J09 or J14", got=reason_id)


def check_ground(ground: str | None) -> None:
    """Refuses what is no statutory ground to cancel a case.

    Raises:
        ConfigError: none, or no such ground.
    """
    if ground is None or reason(ground).kind != "cancel":
        raise ConfigError("name the ground: C1 to C8 of Order 157 art. 22")
