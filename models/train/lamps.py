"""Makes the lamp classifier: ``python -m models.train.lamps --corpus ../shared/train --out runs/lamps``.

1. data      human lamp boxes of shippable pictures, each cut out many times; drawn lamps; streets and vehicles
2. folds     one network without junction A/E, one without junction F: what an unseen place gives
3. all       the network that ships, trained on every place
4. describe  ONNX, manifest with the figures of the folds, ready to be copied to models/weights and models/manifests

Every step leaves its result under ``--out`` and is skipped when that exists. Seeded; a few minutes on one core.
"""

import argparse
import hashlib
import json
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from core import log
from models.lamp import CLASSES, HEIGHT_PX, WIDTH_PX, shows_light
from models.registry import Manifest, NetworkInput, TrainingSource, WeightsFile
from models.train import lamps_drawn, lamps_real
from models.train.export import OPSET
from models.train.lamps_measure import figures

Pixels = NDArray[np.uint8]
"""(N, 64, 32, 3) RGB."""

FOLDS: dict[str, tuple[str, ...]] = {"without_AE": ("AE",), "without_F": ("F",), "all": ()}
"""What each network does not see: whole places."""
CUTS_PER_LAMP = 12
BATCH = 96
REAL_SHARE = 0.55
UNREADABLE_WEIGHT = 0.5
"""A lamp that cannot be read is rarer on the road than in the drawings."""
LEARNING_RATE = 2e-3

logger = log.get(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to make from what."""

    shared: Path
    out: Path
    drawn: int
    steps: int
    seed: int


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs every step that has no result yet."""
    log.configure(level="info")
    cv2.setNumThreads(1)
    plan = _parse(arguments)
    plan.out.mkdir(parents=True, exist_ok=True)
    data = build_data(plan)
    for name, unseen in FOLDS.items():
        if not (plan.out / f"{name}.onnx").exists():
            train(plan, data, name, unseen)
    describe(plan, data)


def _parse(arguments: Sequence[str] | None) -> Plan:
    parser = argparse.ArgumentParser(prog="python -m models.train.lamps", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--corpus", type=Path, required=True, help="folder with corpus/ and place_d/")
    parser.add_argument("--out", type=Path, default=Path("runs/lamps"))
    parser.add_argument("--drawn", type=int, default=8000, help="drawn lamps")
    parser.add_argument("--steps", type=int, default=2200, help="training steps of each network")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args(arguments)
    return Plan(shared=given.corpus, out=given.out, drawn=given.drawn, steps=given.steps, seed=given.seed)


def build_data(plan: Plan) -> dict[str, Any]:
    """Returns all training crops: pixels, label and group ("drawn" or a place) of each, and the sources."""
    file = plan.out / "crops.npz"
    if not file.exists():
        pixels, labels, groups, sources = _collect(plan)
        np.savez(file, pixels=np.stack(pixels), labels=labels, groups=groups, sources=json.dumps(sources))
    with np.load(file) as table:
        return {name: table[name] for name in table.files}


def _collect(plan: Plan) -> tuple[list[Pixels], list[int], list[str], list[list[Any]]]:
    chance = random.Random(plan.seed)
    streets, vehicles = lamps_real.backgrounds(plan.shared, chance, 300)
    pixels: list[Pixels] = [*streets, *vehicles]
    labels = [CLASSES.index("unreadable")] * len(pixels)
    groups = ["drawn"] * len(pixels)
    found: Counter[tuple[str, str]] = Counter()
    for lamp in lamps_real.corpus_lamps(plan.shared):
        if not lamp.may_train:
            continue
        rgb = lamps_real.load(lamp.image)
        seen = [v for v in lamps_real.views(lamp, rgb, chance, CUTS_PER_LAMP) if shows_light(v, lamp.state)]
        pixels += seen
        labels += [CLASSES.index(lamp.state)] * len(seen)
        groups += [lamps_real.TRAINING_GROUPS[lamp.place]] * len(seen)
        found[lamp.source, lamp.licence] += bool(seen)
    for _ in range(plan.drawn):
        picture, answer = lamps_drawn.drawn_lamp(chance, streets)
        pixels.append(picture)
        labels.append(CLASSES.index(answer))
        groups.append("drawn")
    logger.info("crops_made", real=len(pixels) - plan.drawn, drawn=plan.drawn)
    return pixels, labels, groups, [[*key, count] for key, count in sorted(found.items())]


def build_network() -> Any:
    """Returns the network: four ReLU convolutions, then one layer over what is left of the picture."""
    import torch
    from torch import nn

    layers: list[Any] = []
    for before, after in ((3, 16), (16, 32), (32, 48), (48, 64)):
        layers += [nn.Conv2d(before, after, 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(after), nn.ReLU()]
    head = nn.Linear(64 * (HEIGHT_PX // 16) * (WIDTH_PX // 16), len(CLASSES))
    network: torch.nn.Module = nn.Sequential(*layers, nn.Flatten(), nn.Dropout(0.2), head)
    return network


def train(plan: Plan, data: dict[str, Any], name: str, unseen: tuple[str, ...]) -> None:
    """Trains one network on every place but the unseen ones and exports it."""
    import torch

    torch.manual_seed(plan.seed)
    torch.set_num_threads(1)
    numbers = np.random.default_rng(plan.seed)
    network = build_network()
    optimiser = torch.optim.AdamW(network.parameters(), lr=LEARNING_RATE, weight_decay=1e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, LEARNING_RATE, total_steps=plan.steps)
    real, drawn = _shares(data, unseen)
    network.train()
    for step in range(plan.steps):
        rows = np.concatenate([_drawn_lots(numbers, real, REAL_SHARE), _drawn_lots(numbers, drawn, 1 - REAL_SHARE)])
        x = _augmented(torch.from_numpy(data["pixels"][rows]).permute(0, 3, 1, 2).float() / 255)
        y = torch.from_numpy(data["labels"][rows].astype(np.int64))
        loss = torch.nn.functional.cross_entropy(network(x), y, label_smoothing=0.02)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
        if step % 250 == 0:
            logger.info("trained", network=name, step=step, loss=round(loss.item(), 4))
    _export(network.eval(), plan.out / f"{name}.onnx")


def _shares(data: dict[str, Any], unseen: tuple[str, ...]) -> tuple[tuple[Any, Any], tuple[Any, Any]]:
    """Returns (rows, their chance) of photographed and of drawn crops; every state of every place equally often."""
    groups, labels = data["groups"], data["labels"]
    sides = []
    for is_drawn in (False, True):
        rows = np.flatnonzero(((groups == "drawn") == is_drawn) & ~np.isin(groups, unseen))
        kinds, number = np.unique(np.char.add(groups[rows], labels[rows].astype(str)), return_inverse=True)
        weight = 1 / np.sqrt(np.bincount(number, minlength=len(kinds)))[number]
        weight[labels[rows] == CLASSES.index("unreadable")] *= UNREADABLE_WEIGHT
        sides.append((rows, weight / weight.sum()))
    return sides[0], sides[1]


def _drawn_lots(numbers: np.random.Generator, side: tuple[Any, Any], share: float) -> Any:
    rows, weight = side
    return numbers.choice(rows, size=round(BATCH * share), p=weight)


def _augmented(x: Any) -> Any:
    """Returns the batch as other cameras would have shown it: light, contrast, gamma, colours, noise, mirrored."""
    import torch

    count = len(x)
    gain = torch.empty(count, 1, 1, 1).uniform_(0.7, 1.35)
    gamma = torch.empty(count, 1, 1, 1).uniform_(0.7, 1.4)
    cast = torch.empty(count, 3, 1, 1).uniform_(0.88, 1.12)
    lift = torch.empty(count, 1, 1, 1).uniform_(-0.08, 0.12)
    noise = torch.randn_like(x) * torch.empty(count, 1, 1, 1).uniform_(0, 0.04)
    colour = torch.empty(count, 1, 1, 1).uniform_(0.6, 1.3)
    flipped = torch.where(torch.rand(count, 1, 1, 1) < 0.5, x, x.flip(3))
    grey = flipped.mean(dim=1, keepdim=True)
    x = (grey + colour * (flipped - grey)).clamp_min(1e-4)
    return (x**gamma * gain * cast + lift + noise).clamp(0, 1)


def _export(network: Any, target: Path) -> None:
    """Saves the network as ONNX: any number of crops (N, 3, 64, 32) in, shares of the five answers out."""
    import torch

    raw = target.with_suffix(".raw.onnx")
    torch.onnx.export(
        torch.nn.Sequential(network, torch.nn.Softmax(dim=1)),
        (torch.zeros(1, 3, HEIGHT_PX, WIDTH_PX),),
        str(raw),
        input_names=["crops"],
        output_names=["shares"],
        dynamic_axes={"crops": {0: "count"}, "shares": {0: "count"}},
        opset_version=OPSET,
        dynamo=False,
    )
    _clean(raw, target)
    raw.unlink()


def _clean(source: Path, target: Path) -> None:
    """Saves an ONNX file without metadata (it names the maker's folders)."""
    import onnx

    model = onnx.load(str(source))
    del model.metadata_props[:]
    model.doc_string = model.graph.doc_string = model.producer_name = model.producer_version = ""
    for node in model.graph.node:
        node.doc_string = ""
        del node.metadata_props[:]
    onnx.checker.check_model(model)
    onnx.save(model, str(target))


def describe(plan: Plan, data: dict[str, Any]) -> None:
    """Writes weights and manifest; the figures are the folds', each on the places it never saw."""
    content = (plan.out / "all.onnx").read_bytes()
    note = "images counts human lamp boxes"
    found = json.loads(str(data["sources"]))
    sources = [TrainingSource(source=name, licence=licence, images=n, note=note) for name, licence, n in found]
    sources.append(TrainingSource(source="own drawings", licence="AGPL-3.0-or-later", images=plan.drawn))
    manifest = Manifest(
        name="lamp",
        version=datetime.now(UTC).strftime("%Y.%m.%d"),
        task="classify",
        classes=list(CLASSES),
        input=NetworkInput(width=WIDTH_PX, height=HEIGHT_PX, stride=HEIGHT_PX),
        licence="AGPL-3.0-or-later",
        initial_weights="none, random",
        training_data=sources,
        metrics=figures(plan.shared, plan.out),
        weights=WeightsFile(file="lamp.onnx", sha256=hashlib.sha256(content).hexdigest(), size=len(content)),
        created=datetime.now(UTC).replace(microsecond=0),
        recipe={"command": "python -m models.train.lamps", "seed": plan.seed, "steps": plan.steps, "batch": BATCH},
    )
    (plan.out / "lamp.onnx").write_bytes(content)
    text = manifest.model_dump_json(by_alias=True, exclude_none=True, indent=1)
    (plan.out / "lamp.json").write_text(text + "\n", encoding="utf-8")
    logger.info("model_described", name="lamp", sha256=manifest.sha256)


if __name__ == "__main__":
    main()
