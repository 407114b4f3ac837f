"""The networks that ship, each with a manifest: what it was made from, under which licence, what it can do.

``manifests/<name>.json`` describes ``weights/<name>.onnx``. Weights whose sha256 differs from the
manifest's are refused: a case names the manifest, so the manifest must name the bytes that judged.
"""

import hashlib
import re
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from core.errors import ManifestMismatch, ModelError

HOME = Path(__file__).parent
NAME_PATTERN = r"^[a-z0-9][a-z0-9_-]*$"


class Part(BaseModel):
    """Base of everything in a manifest: unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class NetworkInput(Part):
    """What the network takes: ``width`` x ``height`` is the largest picture, sides are multiples of ``stride``."""

    width: int = Field(gt=0, description="largest width of a picture, px")
    height: int = Field(gt=0, description="largest height of a picture, px")
    stride: int = Field(gt=0, description="both sides of the input are multiples of this, px")
    layout: Literal["NCHW"] = "NCHW"
    values: Literal["rgb_0_1"] = Field(default="rgb_0_1", description="float32 RGB, 0 to 1")


class Thresholds(Part):
    """Where the detector draws its lines."""

    confidence: float = Field(gt=0, lt=1, description="lowest confidence of a box")
    per_class: dict[str, float] = Field(default={}, description="classes that use another confidence")
    nms_iou: float = Field(gt=0, lt=1, description="two boxes of one kind overlapping more are one actor")
    rider_share: float = Field(
        default=0.75, gt=0, le=1, description="a person with more than this share inside a two-wheeler is its rider"
    )

    def of(self, class_name: str) -> float:
        """Returns the lowest confidence a box of this class needs."""
        return self.per_class.get(class_name, self.confidence)


class TrainingSource(Part):
    """Pictures the weights were trained on."""

    source: str
    licence: str
    images: int = Field(ge=0)
    note: str = ""


class Metric(Part):
    """One measured figure row: this class on this set at this confidence.

    Detectors have ``recall``, ``precision`` and ``ap50``; readers and classifiers ``correct`` and ``wrong``,
    the rest being "unreadable".
    """

    set: str
    unseen: bool = Field(description="no picture of this place was used in training")
    labels: str = Field(description="who drew the boxes, and what they left out")
    class_name: str = Field(alias="class")
    n: int = Field(ge=0, description="true boxes, or crops")
    conf: float
    recall: float | None = None
    precision: float | None = None
    ap50: float | None = None
    false_per_image: float | None = Field(default=None, description="false alarms a picture")
    correct: float | None = Field(default=None, ge=0, le=1, description="share of the crops answered rightly")
    wrong: float | None = Field(default=None, ge=0, le=1, description="share of the crops answered wrongly")

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class WeightsFile(Part):
    """The file beside the manifest."""

    file: str = Field(pattern=r"^[a-z0-9][a-z0-9_.-]*$")
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    size: int = Field(gt=0, description="bytes")


class Manifest(Part):
    """A network, whole."""

    name: str = Field(pattern=NAME_PATTERN)
    version: str
    task: Literal["detect", "read", "classify"]
    classes: list[str] = Field(min_length=1)
    input: NetworkInput
    thresholds: Thresholds | None = Field(default=None, description="of a detector; others say theirs in the recipe")
    licence: str
    initial_weights: str
    training_data: list[TrainingSource]
    metrics: list[Metric]
    weights: WeightsFile
    precision: Literal["bf16", "fp32"] | None = Field(
        default=None, description="arithmetic the network was made for; none: the engine's own choice"
    )
    created: datetime
    recipe: dict[str, Any]

    @model_validator(mode="after")
    def _has_thresholds(self) -> Self:
        if self.task == "detect" and self.thresholds is None:
            raise ValueError("a detector needs thresholds")
        return self

    @property
    def sha256(self) -> str:
        """Hash of the weights, the one evidence pins."""
        return self.weights.sha256


def list_manifests(home: Path = HOME) -> list[str]:
    """Returns the names of all networks that ship."""
    return sorted(path.stem for path in (home / "manifests").glob("*.json"))


def load_manifest(name: str, home: Path = HOME) -> Manifest:
    """Returns the manifest of a network.

    Raises:
        ModelError: no such network, or the manifest is damaged; one line.
    """
    if not re.fullmatch(NAME_PATTERN, name):
        raise ModelError(f"'{name}' is no model name; names are lower case, e.g. pole", name=name)
    path = home / "manifests" / f"{name}.json"
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        known = ", ".join(list_manifests(home)) or "none"
        raise ModelError(f"no model '{name}' is installed; installed: {known}", name=name) from error
    try:
        manifest = Manifest.model_validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(p) for p in first["loc"]) or "file"
        raise ModelError(f"manifest of model '{name}': {place}: {first['msg']}; reinstall lukou", name=name) from error
    if manifest.name != name:
        raise ModelError(f"manifest {name}.json describes '{manifest.name}'; rename one of them", name=name)
    return manifest


def find_home(name: str, own: Path) -> Path:
    """Returns the folder a network lies in: ``own`` (pulled and exported ones) if it is there, else what ships."""
    return own if (own / "manifests" / f"{name}.json").is_file() else HOME


def check_licence(manifest: Manifest, allowed: Sequence[str]) -> None:
    """Refuses a network under a licence the installation does not allow; an empty list allows every licence.

    Raises:
        ModelError: the licence is not in the list; one line.
    """
    if allowed and manifest.licence not in allowed:
        raise ModelError(
            f"model '{manifest.name}' is under {manifest.licence}, and LUKOU_MODEL_LICENCES allows only "
            f"{', '.join(allowed)}; choose another model or change the setting",
            name=manifest.name,
            licence=manifest.licence,
        )


def weights(name: str, home: Path = HOME) -> Path:
    """Returns the weights of a network after checking that they are the bytes its manifest names.

    Raises:
        ModelError: no such network, or its weights file is missing.
        ManifestMismatch: the bytes differ from the manifest's.
    """
    manifest = load_manifest(name, home)
    path = home / "weights" / manifest.weights.file
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ModelError(f"weights of model '{name}' are missing ({path.name}); reinstall lukou", name=name) from error
    got = hashlib.sha256(content).hexdigest()
    if got != manifest.weights.sha256 or len(content) != manifest.weights.size:
        raise ManifestMismatch(
            f"weights of model '{name}' are not the ones its manifest names "
            f"(sha256 {got[:12]}, expected {manifest.weights.sha256[:12]}); reinstall lukou",
            name=name,
            expected=manifest.weights.sha256,
            got=got,
        )
    return path


def save(manifest: Manifest, path: Path) -> None:
    """Writes a manifest as JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(manifest.model_dump_json(by_alias=True, indent=1) + "\n", encoding="utf-8")
