"""The violation catalogue V01-V26, loaded from ``data/violations.yaml``: data, never re-typed in code."""

from functools import cache
from importlib.resources import files
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from ruamel.yaml import YAML

from core.errors import ConfigError


class Code(BaseModel):
    """National violation code (GA/T 16.31); ``current`` is None where only local codes exist."""

    model_config = ConfigDict(extra="allow")
    current: str | None = None


class Violation(BaseModel):
    """One catalogue entry; ``detect`` holds the detector's parameters by name."""

    model_config = ConfigDict(extra="allow", frozen=True)

    id: str
    key: str
    name_zh: str
    short_zh: str
    name_en: str
    subject: Literal["motor", "nonmotor", "pedestrian"]
    legal_track: Literal["penalty", "notice_then_penalty", "education", "workorder"]
    code: Code
    points: int
    law: dict[str, Any]
    detect: dict[str, Any]
    evidence: dict[str, Any]
    exclude: list[str] = Field(default_factory=list)


class Catalogue(BaseModel):
    """The whole table."""

    model_config = ConfigDict(extra="allow", frozen=True)

    schema_version: int
    catalogue_date: str
    defaults: dict[str, Any]
    global_exclusions: list[str]
    exclusion_kinds: dict[str, list[str]]
    violations: list[Violation]

    def get(self, violation_id: str) -> Violation:
        """Returns one entry.

        Raises:
            ConfigError: no such id.
        """
        for entry in self.violations:
            if entry.id == violation_id:
                return entry
        raise ConfigError(f"no violation '{violation_id}' in the catalogue; ids run V01 to V26", got=violation_id)


@cache
def catalogue() -> Catalogue:
    """Returns the catalogue that ships with this version."""
    text = (files("core") / "data" / "violations.yaml").read_text(encoding="utf-8")
    return Catalogue.model_validate(YAML(typ="safe", pure=True).load(text))
