"""Training the network for heads and plates: YOLO11n from COCO weights, on windows of 256 px.

    python -m models.train.parts --init weights.pt --folders renders crops --plates 1200 --hours 0.4 --out runs/parts

Resumable: a run goes on from the averaged weights of its checkpoint. The network runs in bf16, the loss in fp32.
"""

import argparse
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np

from core import log
from models.train.parts_windows import Sample, Window, draw_sample, windows_of
from models.train.recipe import load_libraries

SIZE_PX = 256
COCO_ROWS = (0, 11)
"""Rows of the COCO classifier to start from: person for heads, stop sign for plates."""

NAMES = ("head", "plate")
EMA_DECAY = 0.995
FROZEN = 4
"""First layers that stay as COCO made them: edges and textures are the same, and they cost most to train."""

SMALL_PX, SMALL_UNTIL = 192, 0.6
"""Pictures are this small for the first share of the time: nearly twice as many are seen."""

logger = log.get(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One training."""

    init: Path
    out: Path
    hours: float
    batch: int = 32
    learning_rate: float = 1.2e-3
    seed: int = 0


def build(init: Path) -> Any:
    """Returns a YOLO11n with two classes, from a checkpoint of ours or from COCO weights."""
    import torch
    from ultralytics.nn.tasks import DetectionModel

    stored = torch.load(init, map_location="cpu", weights_only=True)
    ours = stored.get("parts")
    model = DetectionModel("yolo11n.yaml", nc=80, verbose=False)
    if ours is None:
        model.load_state_dict(stored)
    head = model.model[-1]
    for branch in head.cv3:
        old = branch[2]
        branch[2] = torch.nn.Conv2d(old.in_channels, len(NAMES), 1)
        with torch.no_grad():
            branch[2].weight.copy_(old.weight[list(COCO_ROWS)])
            branch[2].bias.copy_(old.bias[list(COCO_ROWS)])
    head.nc = model.nc = model.yaml["nc"] = len(NAMES)
    head.no = head.nc + 4 * head.reg_max
    if ours is not None:
        model.load_state_dict(ours)
    model.names = dict(enumerate(NAMES))
    model.args = SimpleNamespace(box=7.5, cls=0.5, dfl=1.5)
    return model


def train(run: Run, windows: Sequence[Window], plates: Sequence[bytes]) -> Path:
    """Trains for the given time and returns the checkpoint with the averaged weights."""
    torch = load_libraries()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    torch.manual_seed(run.seed)
    last = run.out / "last.pt"
    course = _Course(run, build(last if last.exists() else run.init), torch)
    pick = np.random.default_rng((run.seed, int(last.exists())))
    shares = np.array([w.weight for w in windows])
    shares /= shares.sum()
    run.out.mkdir(parents=True, exist_ok=True)
    start = noted = time.monotonic()
    while (gone := (time.monotonic() - start) / (run.hours * 3600)) < 1:
        size = SIZE_PX if gone > SMALL_UNTIL else SMALL_PX
        samples = [draw_sample(windows, shares, plates, pick) for _ in range(run.batch)]
        loss = course.step(collate(samples, size, torch), gone)
        if time.monotonic() - noted > 60:
            noted = time.monotonic()
            course.save(last)
            logger.info("step_done", step=course.steps, gone=round(gone, 3), loss=round(loss / run.batch, 3))
    course.save(last)
    return last


class _Course:
    """A network on its way: optimiser, learning rate and averaged weights."""

    def __init__(self, run: Run, model: Any, torch: Any) -> None:
        self._run, self._torch = run, torch
        self._model = model.train().to(memory_format=torch.channels_last)
        for parameter in model.model[:FROZEN].parameters():
            parameter.requires_grad_(requires_grad=False)
        free = [p for p in model.parameters() if p.requires_grad]
        groups = [
            {"params": [p for p in free if p.ndim > 1], "weight_decay": 5e-4},
            {"params": [p for p in free if p.ndim <= 1], "weight_decay": 0.0},
        ]
        self._optimiser = torch.optim.AdamW(groups, lr=run.learning_rate)
        self._criterion = model.init_criterion()
        self._mean = {key: value.detach().clone() for key, value in model.state_dict().items()}
        self.steps = 0

    def step(self, batch: dict[str, Any], gone: float) -> float:
        """Learns from one batch and returns the loss; ``gone`` is the share of the time that has passed."""
        torch = self._torch
        warm = min(1.0, (self.steps + 1) / 60)
        for group in self._optimiser.param_groups:
            group["lr"] = self._run.learning_rate * warm * (0.04 + 0.96 * (1 + math.cos(math.pi * gone)) / 2)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            outputs = self._model(batch["img"].contiguous(memory_format=torch.channels_last))
        loss = self._criterion(_to_fp32(outputs), batch)[0].sum()
        self._optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self._model.parameters(), 10.0)
        self._optimiser.step()
        self.steps += 1
        self._average()
        return float(loss.detach())

    def _average(self) -> None:
        decay = min(EMA_DECAY, (1 + self.steps) / (10 + self.steps))
        with self._torch.no_grad():
            for key, value in self._model.state_dict().items():
                if value.dtype.is_floating_point:
                    self._mean[key].lerp_(value, 1 - decay)
                else:
                    self._mean[key].copy_(value)

    def save(self, path: Path) -> None:
        """Writes the averaged weights."""
        self._torch.save({"parts": self._mean, "steps": self.steps}, path)


def collate(samples: Sequence[Sample], size_px: int, torch: Any) -> dict[str, Any]:
    """Returns a batch as the loss wants it: pictures 0-1, boxes as centre and size in shares of the picture."""
    shown = [cv2.resize(s.rgb, (size_px, size_px), interpolation=cv2.INTER_AREA) for s in samples]
    pictures = torch.from_numpy(np.stack(shown)).permute(0, 3, 1, 2).float() / 255
    xyxy = np.concatenate([s.xyxy for s in samples]) / SIZE_PX
    boxes = np.concatenate([(xyxy[:, :2] + xyxy[:, 2:]) / 2, xyxy[:, 2:] - xyxy[:, :2]], axis=1).astype(np.float32)
    index = np.concatenate([np.full(len(s.kind), i, dtype=np.float32) for i, s in enumerate(samples)])
    kind = np.concatenate([s.kind for s in samples]).astype(np.float32)
    return {
        "img": pictures,
        "bboxes": torch.from_numpy(boxes),
        "cls": torch.from_numpy(kind)[:, None],
        "batch_idx": torch.from_numpy(index),
    }


def _to_fp32(value: Any) -> Any:
    import torch

    if torch.is_tensor(value):
        return value.float() if value.is_floating_point() else value
    if isinstance(value, dict):
        return {key: _to_fp32(v) for key, v in value.items()}
    return type(value)(_to_fp32(v) for v in value) if isinstance(value, list | tuple) else value


def draw_plates(count: int, seed: int = 77) -> list[bytes]:
    """Returns drawn plates of every kind, as PNG."""
    from models.train.plates_drawing import draw_plate, draw_sheet

    found = []
    for number in range(count):
        pick = np.random.default_rng((seed, number))
        drawn = draw_plate(draw_sheet(pick), pick)
        small = cv2.resize(np.clip(drawn, 0, 255).astype(np.uint8), None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
        found.append(cv2.imencode(".png", small[:, :, ::-1])[1].tobytes())
    return found


def main() -> None:
    """Runs the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--init", type=Path, required=True)
    parser.add_argument("--folders", type=Path, nargs="+", required=True)
    parser.add_argument("--weights", type=float, nargs="+", help="how often each folder's windows are drawn")
    parser.add_argument("--plates", type=int, default=1200)
    parser.add_argument("--hours", type=float, default=0.5)
    parser.add_argument("--rate", type=float, default=1.2e-3)
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    weights = given.weights or [1.0] * len(given.folders)
    windows = [w for f, share in zip(given.folders, weights, strict=True) for w in windows_of(f, weight=share)]
    logger.info("windows_read", count=len(windows), heads=sum(int((w.kind == 0).sum()) for w in windows))
    run = Run(init=given.init, out=given.out, hours=given.hours, learning_rate=given.rate)
    train(run, windows, draw_plates(given.plates))


if __name__ == "__main__":
    main()
