"""From a checkpoint to the file and manifest of ``parts`` that ship.

    python -m models.train.parts_export --checkpoint runs/last.pt --about notes --version 2026.11.22 --out runs

The folder of notes holds ``recipe.json``, ``sources.json`` (what the weights were made from, in the manifest's words)
and ``metrics.json``, which ``python -m benchmarks.parts`` writes.
"""

import argparse
import hashlib
import json
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from models.registry import Manifest, Metric, NetworkInput, Thresholds, TrainingSource, WeightsFile, save
from models.train.describe import INITIAL_WEIGHTS, LICENCE
from models.train.export import OPSET, slim
from models.train.parts import NAMES, SIZE_PX, build
from models.train.recipe import load_libraries


def export(checkpoint: Path, target: Path) -> Path:
    """Saves a checkpoint as ONNX and returns the file."""
    torch = load_libraries()
    torch.set_num_threads(1)
    model = build(checkpoint).float().eval().fuse()
    head = model.model[-1]
    head.export, head.format, head.dynamic = True, "onnx", True
    sizes = {"images": {0: "batch", 2: "height", 3: "width"}, "output0": {0: "batch", 2: "anchors"}}
    with tempfile.TemporaryDirectory() as folder, torch.no_grad():
        plain = Path(folder) / "plain.onnx"
        torch.onnx.export(
            model,
            torch.zeros(1, 3, SIZE_PX, SIZE_PX),
            str(plain),
            opset_version=OPSET,
            input_names=["images"],
            output_names=["output0"],
            dynamic_axes=sizes,
            dynamo=False,
        )
        slim(plain, target)
    return target


def describe(weights: Path, folder: Path, version: str) -> Manifest:
    """Returns the manifest of a weights file; ``folder`` holds metrics.json, sources.json and recipe.json."""
    content = weights.read_bytes()

    def read(name: str) -> list[dict[str, object]]:
        path = folder / name
        return json.loads(path.read_text(encoding="utf-8")) if path.exists() else []

    return Manifest(
        name="parts",
        version=version,
        task="detect",
        classes=list(NAMES),
        input=NetworkInput(width=SIZE_PX, height=SIZE_PX, stride=32),
        thresholds=Thresholds(confidence=0.25, nms_iou=0.45),
        licence=LICENCE,
        initial_weights=INITIAL_WEIGHTS,
        training_data=[TrainingSource.model_validate(row) for row in read("sources.json")],
        metrics=[Metric.model_validate(row) for row in read("metrics.json")],
        weights=WeightsFile(file="parts.onnx", sha256=hashlib.sha256(content).hexdigest(), size=len(content)),
        created=datetime.now(tz=UTC).replace(microsecond=0),
        recipe=dict(json.loads((folder / "recipe.json").read_text(encoding="utf-8"))),
    )


def main() -> None:
    """Runs the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoint", type=Path, required=True)
    parser.add_argument("--about", type=Path, required=True, help="folder with metrics, sources and recipe")
    parser.add_argument("--version", required=True)
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    weights = export(given.checkpoint, given.out / "parts.onnx")
    save(describe(weights, given.about, given.version), given.out / "parts.json")


if __name__ == "__main__":
    main()
