"""The device register: which cameras may lawfully produce evidence, and why another may not.

Source: 行政处罚法 art. 41 (legal and technical review, standards, sensible siting, clear signs, published location;
records of others are no evidence); Order 157 art. 15-16; domain §3.2. One YAML file per city, kept by its legal office.
"""

from collections.abc import Sequence
from datetime import date
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, model_validator

from core.document import load_document


class Part(BaseModel):
    """Base of everything in the register: unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Passed(Part):
    """A review or inspection: when it was passed, and by whom or under which number."""

    on: date
    by: str = Field(min_length=1)


class Certificate(Part):
    """A certificate with its validity, both days included."""

    number: str = Field(min_length=1)
    valid_from: date
    valid_to: date


class Publication(Part):
    """Where and when the device's location was published."""

    url: str = Field(min_length=1)
    on: date


class Device(Part):
    """One camera with everything art. 41 asks; what is left out counts as not there."""

    camera_id: str = Field(min_length=1)
    device_code: str = ""
    legal_review: Passed | None = Field(default=None, description="法制审核")
    technical_review: Passed | None = Field(default=None, description="技术审核")
    siting: Passed | None = Field(default=None, description="设置合理")
    signs: Passed | None = Field(default=None, description="标志明显")
    type_approval: Certificate | None = Field(default=None, description="型式检验或符合标准的证明")
    calibration: Certificate | None = Field(default=None, description="检定或校准证书")
    published: Publication | None = Field(default=None, description="设置地点已向社会公布")


class Register(Part):
    """Every device of a city."""

    devices: list[Device]

    @model_validator(mode="after")
    def _each_once(self) -> "Register":
        names = [device.camera_id for device in self.devices]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"camera {twice[0]} is in it twice")
        return self

    def failed_gates(self, camera_id: str, device_code: str, day: date) -> tuple[str, ...]:
        """Returns the gates a camera did not pass on a day, each with why; empty when its records are admissible."""
        device = next((d for d in self.devices if d.camera_id == camera_id), None)
        if device is None:
            return (f"register: no camera '{camera_id}' in it",)
        found = [
            *([] if device.device_code == device_code else [f"device_code: registered as '{device.device_code}'"]),
            *_not_passed(device, day),
            *_not_valid(device, day),
        ]
        if device.published is None:
            found.append("published: the location was never published")
        elif device.published.on > day:
            found.append(f"published: only on {device.published.on}")
        return tuple(found)


def _not_passed(device: Device, day: date) -> Sequence[str]:
    found = []
    for gate in ("legal_review", "technical_review", "siting", "signs"):
        passed: Passed | None = getattr(device, gate)
        if passed is None:
            found.append(f"{gate}: not in the register")
        elif passed.on > day:
            found.append(f"{gate}: only on {passed.on}")
    return found


def _not_valid(device: Device, day: date) -> Sequence[str]:
    found = []
    for gate in ("type_approval", "calibration"):
        certificate: Certificate | None = getattr(device, gate)
        if certificate is None:
            found.append(f"{gate}: no certificate in the register")
        elif not certificate.valid_from <= day <= certificate.valid_to:
            found.append(f"{gate}: {certificate.number} is valid {certificate.valid_from} to {certificate.valid_to}")
    return found


def load_register(path: Path) -> Register:
    """Returns the register in a YAML file.

    Raises:
        ConfigError: the file cannot be read or is no register; one line, with the place.
    """
    return load_document(path, Register, what="device register", start_from="sites/example.devices.yml")
