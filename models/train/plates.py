"""Makes the plate reader from rendered plates alone: ``python -m models.train.plates --minutes 40``.

1. train      endless rendered crops, a quarter of each batch new; characters by CTC, helped by where each was drawn
2. export     ONNX, the averaged weights
3. calibrate  temperature and the confidence that may answer, on crops with other numbers
4. describe   weights and manifest, ready to be copied to models/weights and models/manifests

A checkpoint is written every minute; started again, the run goes on from it. The learning rate follows the time.
"""

import argparse
import hashlib
import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import DataLoader, IterableDataset

from core import log
from core.plate import CHARACTERS
from models.plate_view import folded, folded_x, stretched
from models.registry import Manifest, NetworkInput, TrainingSource, WeightsFile
from models.train import describe as describing
from models.train import plates_measure as measure
from models.train.plates_network import COLOURS, HEIGHT_PX, WIDTH_PX, PlateNetwork, targets
from models.train.plates_renders import render

BATCH = 32
FRESH = 0.25
"""Share of a batch nobody has seen; the rest comes again from the last ``POOL`` crops, in another light."""

DRILLS = 0.4
"""Share of crops full of Chinese characters; see ``draw_drill``."""

POOL = 12_000
PEAK_RATE = 1.5e-3
SAVE_EVERY_S = 60.0
AVERAGE = 0.998
"""Share of the averaged weights (EMA) that stays at a step."""

LATIN = 34
"""Classes up to this one are digits and letters; Chinese characters are harder and count more."""

logger = log.get(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to make, how long, where."""

    out: Path
    minutes: float
    seed: int
    threads: int
    measured: int
    note: str
    real: Path | None
    start: Path | None

    @property
    def checkpoint(self) -> Path:
        """Where the run is kept."""
        return self.out / "last.pt"


class Renders(IterableDataset):  # type: ignore[misc]  # torch is not installed for the checks
    """Endless crops from a number on."""

    def __init__(self, start: int, seed: int) -> None:
        self._start, self._seed = start, seed

    def __iter__(self) -> Iterator[Any]:
        """Yields crop, text as class numbers, places, weights, colour and rows."""
        cv2.setNumThreads(1)
        number, pool, pick = self._start, list[Any](), np.random.default_rng((self._seed, self._start, 1))
        while True:
            if len(pool) < POOL // 4 or pick.random() < FRESH:
                fresh = sample(number, self._seed)
                number += 1
                if len(pool) < POOL:
                    pool.append(fresh)
                else:
                    pool[int(pick.integers(POOL))] = fresh
                yield fresh
            else:
                crop, *truth = pool[int(pick.integers(len(pool)))]
                yield moved(crop, pick), *truth


def sample(number: int, seed: int) -> tuple[Tensor, Tensor, Tensor, Tensor, int, int]:
    """Returns one crop with everything the losses need; of two rows it is mostly shown folded, else to be told so.

    Colour and rows are -1 where there is nothing to learn about them.
    """
    made = render(number, seed, drill_share=DRILLS)
    text, places, view = made.text, made.middles[:, 0], stretched
    rows = -1 if made.colour is None else int(made.is_double)
    if made.is_double and number % 4:
        places, view, rows = folded_x(places, is_upper=np.arange(len(places)) < 2), folded, -1
    elif made.is_double:
        text, places = "", places[:0]
    classes, weights = targets(text, places)
    numbers = torch.tensor([CHARACTERS.index(c) + 1 for c in text], dtype=torch.long)
    colour = -1 if made.colour is None else COLOURS.index(made.colour)
    picture = view(made.rgb, WIDTH_PX, HEIGHT_PX).transpose(2, 0, 1)
    return torch.from_numpy(np.ascontiguousarray(picture)), numbers, classes, weights, colour, rows


def moved(picture: Tensor, pick: np.random.Generator) -> Tensor:
    """Returns a crop seen again: a little elsewhere, in another light."""
    shown = picture.numpy().transpose(1, 2, 0)
    across, down = pick.uniform(-3, 3), pick.uniform(-2, 2)
    shift = np.array([[pick.uniform(0.95, 1.05), 0, across], [pick.uniform(-0.03, 0.03), 1, down]])
    shown = cv2.warpAffine(shown, shift, (WIDTH_PX, HEIGHT_PX), borderMode=cv2.BORDER_REPLICATE)
    lit = shown * pick.uniform(0.75, 1.25, 3).astype(np.float32) + np.float32(pick.normal(0, 8))
    return torch.from_numpy(np.clip(lit, 0, 255).astype(np.uint8).transpose(2, 0, 1).copy())


def collate(rows: Sequence[Any]) -> tuple[Tensor, ...]:
    """Returns a batch; texts are joined, their lengths follow."""
    pictures, texts, classes, weights, colours, doubles = zip(*rows, strict=True)
    lengths = torch.tensor([len(t) for t in texts])
    return (
        torch.stack(pictures),
        torch.cat(texts),
        lengths,
        torch.stack(classes),
        torch.stack(weights),
        torch.tensor(colours),
        torch.tensor(doubles),
    )


def loss_of(network: nn.Module, batch: tuple[Tensor, ...], progress: float) -> Tensor:
    """Returns the loss: CTC, the places while they help, colour and rows."""
    pictures, texts, lengths, classes, weights, colours, doubles = batch
    with torch.autocast("cpu", dtype=torch.bfloat16):
        characters, colour, rows = network((pictures.float() / 255).contiguous(memory_format=torch.channels_last))
    likely = functional.log_softmax(characters.float(), -1)
    steps = torch.full((len(pictures),), likely.shape[1])
    read = functional.ctc_loss(likely.transpose(0, 1), texts, steps, lengths, reduction="none", zero_infinity=True)
    placed = functional.nll_loss(likely.transpose(1, 2), classes, reduction="none")
    placed = (placed * weights * (1 + 4 * (classes > 0) + 15 * (classes > LATIN))).sum(1)
    total = read.mean() + (0.5 if progress < 0.6 else 0.1) * placed.mean()
    for said, truth in ((colour, colours), (rows, doubles)):
        if (truth >= 0).any():
            total = total + 0.3 * functional.cross_entropy(said.float(), truth, ignore_index=-1)
    return total


def rate(progress: float) -> float:
    """Returns the learning rate: a short rise, then half a cosine."""
    if progress < 0.02:
        return PEAK_RATE * max(0.02, progress / 0.02)
    return PEAK_RATE * max(0.005, 0.5 * (1 + math.cos(math.pi * (progress - 0.02) / 0.98)))


def train(plan: Plan) -> tuple[PlateNetwork, int]:
    """Runs or goes on with the training; returns the averaged network and how many crops it was shown."""
    torch.set_num_threads(plan.threads)
    torch.manual_seed(plan.seed)
    network, averaged = PlateNetwork(), PlateNetwork()
    if plan.start is not None:
        network.load_state_dict(torch.load(plan.start, weights_only=True)["averaged"])
    averaged.load_state_dict(network.state_dict())
    network = network.to(memory_format=torch.channels_last)
    optimiser = torch.optim.AdamW(network.parameters(), lr=PEAK_RATE, weight_decay=0.02)
    state: dict[str, Any] = {"step": 0, "spent_s": 0.0}
    if plan.checkpoint.exists():
        state = torch.load(plan.checkpoint, weights_only=True)
        network.load_state_dict(state["network"])
        averaged.load_state_dict(state["averaged"])
        optimiser.load_state_dict(state["optimiser"])
    step, spent_s = int(state["step"]), float(state["spent_s"])
    loader = DataLoader(
        Renders(step * BATCH, plan.seed), batch_size=BATCH, collate_fn=collate, num_workers=1, prefetch_factor=8
    )
    batches, began, saved, smooth = iter(loader), time.monotonic() - spent_s, time.monotonic(), 0.0
    while (spent_s := time.monotonic() - began) < plan.minutes * 60:
        progress = spent_s / (plan.minutes * 60)
        for group in optimiser.param_groups:
            group["lr"] = rate(progress)
        optimiser.zero_grad(set_to_none=True)
        loss = loss_of(network, next(batches), progress)
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), 5.0)
        optimiser.step()
        step += 1
        _average(averaged, network, min(AVERAGE, step / (step + 20)))
        smooth = float(loss.detach()) if smooth == 0 else 0.98 * smooth + 0.02 * float(loss.detach())
        if step % 200 == 0:
            logger.info("step_done", step=step, crops=step * BATCH, spent_s=round(spent_s), loss=round(smooth, 3))
        if time.monotonic() - saved > SAVE_EVERY_S:
            saved = time.monotonic()
            _save(plan, network, averaged, optimiser, {"step": step, "spent_s": spent_s})
    _save(plan, network, averaged, optimiser, {"step": step, "spent_s": spent_s})
    return averaged, step * BATCH


def _average(averaged: nn.Module, network: nn.Module, keep: float) -> None:
    with torch.no_grad():
        for old, new in zip(averaged.state_dict().values(), network.state_dict().values(), strict=True):
            if old.dtype.is_floating_point:
                old.lerp_(new, 1 - keep)
            else:
                old.copy_(new)


def _save(plan: Plan, network: nn.Module, averaged: nn.Module, optimiser: Any, state: dict[str, Any]) -> None:
    whole = {
        "network": network.state_dict(),
        "averaged": averaged.state_dict(),
        "optimiser": optimiser.state_dict(),
        **state,
    }
    partial = plan.checkpoint.with_suffix(".part")
    torch.save(whole, partial)
    partial.replace(plan.checkpoint)


def export(network: nn.Module, target: Path) -> None:
    """Writes the network as ONNX for any number of crops."""
    torch.onnx.export(
        network.eval(),
        (torch.zeros(1, 3, HEIGHT_PX, WIDTH_PX),),
        str(target),
        input_names=["pictures"],
        output_names=["characters", "colour", "rows"],
        dynamic_axes={name: {0: "n"} for name in ("pictures", "characters", "colour", "rows")},
        opset_version=17,
        dynamo=False,
    )


def describe(plan: Plan, weights: Path, crops: int) -> Manifest:
    """Returns the manifest: calibration and figures, measured on the exported file."""
    run = measure.build_runner(weights)
    curve = measure.calibrate(measure.answers(run, measure.renders(plan.measured, measure.CALIBRATION_SEED)))
    found = measure.answers(run, measure.renders(plan.measured, measure.TEST_SEED))
    metrics = measure.metrics(found, curve, name="rendered", labels="exact; every degradation of the generator")
    if plan.real is not None:
        found = measure.answers(run, measure.real_crops(plan.real))
        metrics += measure.metrics(found, curve, name="real_crops", labels="file names; 94 x 24 px, blue, mostly 皖A")
    content = weights.read_bytes()
    return Manifest(
        name="plate_reader",
        version=datetime.now(UTC).strftime("%Y.%m.%d"),
        task="read",
        classes=list(CHARACTERS),
        input=NetworkInput(width=WIDTH_PX, height=HEIGHT_PX, stride=8),
        licence="AGPL-3.0-or-later",
        initial_weights="none",
        training_data=[
            TrainingSource(
                source="own renders (models/train/plates_renders.py); typefaces Noto CJK, Liberation, DejaVu, "
                "Droid Sans Fallback, WenQuanYi Micro Hei, LXGW WenKai",
                licence="AGPL-3.0-or-later",
                images=crops,
            )
        ],
        metrics=metrics,
        weights=WeightsFile(file="plate_reader.onnx", sha256=hashlib.sha256(content).hexdigest(), size=len(content)),
        created=datetime.now(UTC).replace(microsecond=0),
        recipe={
            "code": "models/train/plates.py",
            "minutes": plan.minutes,
            "threads": plan.threads,
            "seed": plan.seed,
            "batch": BATCH,
            "fresh_share": FRESH,
            "peak_rate": PEAK_RATE,
            "precision": "bf16 autocast, fp32 loss and file",
            "drill_share": DRILLS,
            "calibrated_on": plan.measured,
            "note": plan.note,
            "calibration": asdict(curve),
        },
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs every step; the training goes on from its checkpoint."""
    log.configure(level="info")
    cv2.setNumThreads(1)
    parser = argparse.ArgumentParser(prog="python -m models.train.plates", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--out", type=Path, default=Path("runs/plate_reader"))
    parser.add_argument("--minutes", type=float, default=40.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1, help="1 on a shared machine")
    parser.add_argument("--measured", type=int, default=6000, help="rendered crops to calibrate on, and to test on")
    parser.add_argument("--note", default="", help="what else the manifest should say about this run")
    parser.add_argument("--real", type=Path, help="folder of real crops named by their text, for measuring only")
    parser.add_argument("--start", type=Path, help="checkpoint whose averaged weights to start from")
    given = parser.parse_args(arguments)
    plan = Plan(**vars(given))
    plan.out.mkdir(parents=True, exist_ok=True)
    network, crops = train(plan)
    export(network, plan.out / "plate_reader.onnx")
    describing.save(describe(plan, plan.out / "plate_reader.onnx", crops), plan.out / "plate_reader.json")


if __name__ == "__main__":
    main()
