"""A city's own law over the catalogue: which offences count there, local codes and fines, other thresholds.

One YAML per area, ``overlay/<area6>.yaml`` (GB/T 2260 code). Switches and thresholds reach every site of the
area (a site's own entries win); codes and fines are checked against the catalogue's limits and kept for the
case work, which does not read them yet. The privacy floor of the exposure screens cannot be lowered.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from core.catalogue import catalogue
from core.document import load_document
from core.errors import ConfigError
from core.site import Part, RuleSwitch, Site

FLOOR = ("mask_face", "mask_plate", "mask_minor_whole_body", "requires_officer_approval")
"""What no city may switch off. Source: violations.yaml defaults.exposure (Video Reg. art. 22)."""


class LocalRule(Part):
    """One offence in this area. ``basis`` names the local article; an offence without a national code needs one."""

    enabled: bool | None = None
    code: str | None = Field(default=None, pattern=r"^\d{4,5}$", description="local violation code")
    fine_typical_cny: float | None = Field(default=None, ge=0)
    basis: str = Field(default="", description="local article, e.g. 'Zhejiang e-bike regulations art. 17'")
    parameters: dict[str, Any] = Field(default_factory=dict)


class Exposure(Part):
    """What the public screens must keep; a city may only be stricter."""

    mask_face: bool = True
    mask_plate: bool = True
    mask_minor_whole_body: bool = True
    requires_officer_approval: bool = True
    max_display_h: Annotated[float, Field(gt=0)] | None = None

    @model_validator(mode="after")
    def _keeps_the_floor(self) -> Self:
        for name in FLOOR:
            if not getattr(self, name):
                raise ValueError(f"{name} cannot be switched off: it is the privacy floor; remove the line")
        longest_h = float(catalogue().defaults["exposure"]["max_display_h"])
        if self.max_display_h is not None and self.max_display_h > longest_h:
            raise ValueError(f"max_display_h is at most {longest_h:g} h, got {self.max_display_h:g}")
        return self


class Overlay(Part):
    """One area's file."""

    schema_version: Literal[1] = 1
    area6: str = Field(pattern=r"^\d{6}$", description="GB/T 2260 code of the area")
    name: str = Field(min_length=1)
    is_demo: bool = Field(default=False, description="true: an example, not the law of the place")
    rules: dict[str, LocalRule] = Field(default_factory=dict)
    exposure: Exposure = Exposure()

    @field_validator("rules")
    @classmethod
    def _fits_the_catalogue(cls, rules: dict[str, LocalRule]) -> dict[str, LocalRule]:
        for violation_id, local in rules.items():
            _check(violation_id, local)
        return rules

    def applied_to(self, site: Site) -> Site:
        """Returns the site with this area's switches and thresholds; what the site file says itself stays."""
        merged = dict(site.rules)
        for violation_id, local in self.rules.items():
            own = site.rules.get(violation_id)
            enabled = site.is_enabled(violation_id) if local.enabled is None else local.enabled
            merged[violation_id] = RuleSwitch(
                enabled=enabled if own is None else own.enabled,
                parameters={**local.parameters, **(own.parameters if own else {})},
            )
        return Site.model_validate({**site.model_dump(), "rules": {k: v.model_dump() for k, v in merged.items()}})


def load_overlay(path: Path) -> Overlay:
    """Returns the overlay a YAML file describes.

    Raises:
        ConfigError: bad file, unknown offence or parameter, fine beyond the law, a lowered privacy floor, wrong name.
    """
    overlay = load_document(path, Overlay, what="overlay", start_from="overlay/")
    if path.stem != overlay.area6:
        raise ConfigError(
            f"overlay {path} says area6 {overlay.area6}; name the file {overlay.area6}.yaml", path=str(path)
        )
    return overlay


def _check(violation_id: str, local: LocalRule) -> None:
    try:
        entry = catalogue().get(violation_id)
    except ConfigError as error:
        raise ValueError(error.message) from error
    if local.enabled and entry.code.current is None and not local.basis:
        raise ValueError(f"{violation_id} has no national code: name the local article under basis to enable it")
    for key in local.parameters:
        if key not in entry.detect:
            raise ValueError(f"{violation_id} has no parameter '{key}'; it has {', '.join(sorted(entry.detect))}")
    fine = (entry.model_extra or {}).get("fine_cny")
    if local.fine_typical_cny is None:
        return
    if fine is None:
        raise ValueError(f"{violation_id} carries no fine; remove fine_typical_cny")
    if not fine["legal_min"] <= local.fine_typical_cny <= fine["legal_max"]:
        raise ValueError(
            f"{violation_id}: a fine of {local.fine_typical_cny:g} yuan is outside the law's "
            f"{fine['legal_min']} to {fine['legal_max']}"
        )
