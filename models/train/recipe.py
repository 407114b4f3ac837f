"""Fine-tuning YOLO11n from COCO weights on a CPU: bf16 for the network (AMX), fp32 for the loss.

What was learnt: one thread, because two collapse when a neighbour uses a core; box decoding in bf16 is
off by pixels, so the loss sees fp32; the averaged weights (EMA) are the result, never the raw ones.
"""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from core import log
from core.observations import ActorClass
from models.train import torchvision_shim

COCO_CLASSES = 80
COCO_ROW = {
    ActorClass.PERSON: 0,
    ActorClass.BICYCLE: 1,
    ActorClass.MOTORCYCLE: 3,
    ActorClass.CAR: 2,
    ActorClass.BUS: 5,
    ActorClass.TRUCK: 7,
}
"""Row of the COCO classifier each of our classes starts from."""

GENTLE = {
    "mosaic": 0.6,
    "close_mosaic": 3,
    "hsv_h": 0.008,
    "hsv_s": 0.5,
    "hsv_v": 0.4,
    "scale": 0.5,
    "translate": 0.1,
    "fliplr": 0.5,
}
STRONG = {
    "mosaic": 0.8,
    "close_mosaic": 1,
    "hsv_h": 0.01,
    "hsv_s": 0.7,
    "hsv_v": 0.5,
    "scale": 0.6,
    "translate": 0.15,
    "fliplr": 0.5,
    "degrees": 2.0,
    "shear": 1.0,
    "perspective": 0.0003,
}
CLOSER = {
    "mosaic": 0.4,
    "close_mosaic": 0,
    "hsv_h": 0.01,
    "hsv_s": 0.6,
    "hsv_v": 0.5,
    "scale": 0.5,
    "translate": 0.15,
    "fliplr": 0.5,
    "degrees": 1.0,
}
OVERHEAD = {
    "mosaic": 0.3,
    "close_mosaic": 1,
    "hsv_h": 0.02,
    "hsv_s": 0.6,
    "hsv_v": 0.4,
    "scale": 0.3,
    "translate": 0.1,
    "fliplr": 0.5,
    "flipud": 0.5,
}
AUGMENTATIONS: dict[str, dict[str, float]] = {
    "gentle": GENTLE,
    "strong": STRONG,
    "closer": CLOSER,
    "overhead": OVERHEAD,
}

logger = log.get(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One run of the trainer."""

    name: str
    data: Path
    init: Path
    out: Path
    hours: float
    epochs: int = 40
    size_px: int = 512
    batch: int = 16
    learning_rate: float = 8e-4
    augmentation: Literal["gentle", "strong", "closer", "overhead"] = "gentle"
    freeze: int = 0
    """First layers that stay as they are: on rendered pictures alone, those that learnt real ones should."""
    threads: int = 1
    seed: int = 0

    @property
    def folder(self) -> Path:
        """Folder of the run."""
        return self.out / self.name

    @property
    def result(self) -> Path:
        """Checkpoint a finished stage leaves."""
        return self.folder / "done.pt"


def load_libraries() -> Any:
    """Imports torch and ultralytics offline and returns torch."""
    os.environ.update(YOLO_OFFLINE="1", YOLO_AUTOINSTALL="0")
    torchvision_shim.install()
    import torch
    from ultralytics import settings

    settings.update({"sync": False})
    return torch


def run(stage: Stage) -> Path:
    """Trains one stage and returns its checkpoint; a finished stage is left as it is.

    An interrupted one goes on from the averaged weights of its newest checkpoint.
    """
    if stage.result.exists():
        return stage.result
    torch = load_libraries()
    torch.set_num_threads(stage.threads)
    last = stage.folder / "weights" / "last.pt"
    init = last if last.exists() else stage.init
    logger.info("stage_started", stage=stage.name, init=init.name, hours=stage.hours)
    trainer = _trainer(stage, init)
    trainer.train()
    shutil.copyfile(last, stage.result)
    return stage.result


def load_model(path: Path) -> Any:
    """Returns a trainable YOLO11n: from a checkpoint of ours, or from COCO weights with our six classes.

    The class branch keeps its COCO width, so every layer is reused; only the last 1x1 convolutions become
    six rows taken from the COCO rows.
    """
    import torch
    from ultralytics.nn.tasks import DetectionModel

    stored = torch.load(path, map_location="cpu", weights_only=False)
    if "ema" in stored or "model" in stored:
        model = (stored.get("ema") or stored["model"]).float()
        model.criterion = None
        for parameter in model.parameters():
            parameter.requires_grad_(requires_grad=True)
        return model
    model = DetectionModel("yolo11n.yaml", nc=COCO_CLASSES, verbose=False)
    model.load_state_dict(stored)
    head = model.model[-1]
    rows = [COCO_ROW[actor] for actor in ActorClass]
    for branch in head.cv3:
        old = branch[2]
        branch[2] = torch.nn.Conv2d(old.in_channels, len(rows), 1)
        with torch.no_grad():
            branch[2].weight.copy_(old.weight[rows])
            branch[2].bias.copy_(old.bias[rows])
    head.nc = model.nc = model.yaml["nc"] = len(rows)
    head.no = head.nc + 4 * head.reg_max
    model.names = {int(actor): actor.name.lower() for actor in ActorClass}
    return model


def blend(parts: dict[Path, float], target: Path) -> Path:
    """Saves the weighted mean of several checkpoints' averaged weights; shares sum to 1.

    Robustness that costs nothing at run time: a share of the initial COCO weights brings back what few rows
    of the corpus show (people on foot).
    """
    torch = load_libraries()
    models = [load_model(path) for path in parts]
    states = [model.state_dict() for model in models]
    mean = {
        key: sum(share * state[key] for share, state in zip(parts.values(), states, strict=True))
        if value.is_floating_point()
        else value
        for key, value in states[0].items()
    }
    models[0].load_state_dict(mean)
    torch.save({"model": models[0], "ema": None, "train_args": {}}, target)
    return target


def _trainer(stage: Stage, init: Path) -> Any:
    import torch
    from ultralytics.models.yolo.detect import DetectionTrainer
    from ultralytics.nn import tasks

    tasks.BaseModel.loss = tasks.DetectionModel.loss = _loss

    class Trainer(DetectionTrainer):  # type: ignore[misc]
        def get_model(self, cfg: Any = None, weights: Any = None, verbose: bool = True) -> Any:  # noqa: ARG002, FBT001, FBT002
            return load_model(init).train().to(memory_format=torch.channels_last)

        def preprocess_batch(self, batch: Any) -> Any:
            batch = super().preprocess_batch(batch)
            batch["img"] = batch["img"].contiguous(memory_format=torch.channels_last)
            torch.set_num_threads(stage.threads)
            return batch

        def plot_training_labels(self) -> None:
            return

    return Trainer(overrides=_settings(stage))


def _settings(stage: Stage) -> dict[str, Any]:
    return {
        **AUGMENTATIONS[stage.augmentation],
        "model": "yolo11n.yaml",
        "data": str(stage.data),
        "imgsz": stage.size_px,
        "epochs": stage.epochs,
        "time": stage.hours,
        "batch": stage.batch,
        "nbs": stage.batch,
        "device": "cpu",
        "workers": 1,
        "cache": "ram",
        "freeze": stage.freeze or None,
        "optimizer": "AdamW",
        "lr0": stage.learning_rate,
        "lrf": 0.05,
        "cos_lr": True,
        "warmup_epochs": 0.5,
        "warmup_bias_lr": 0.0,
        "amp": False,
        "val": False,
        "plots": False,
        "project": str(stage.out.resolve()),
        "name": stage.name,
        "exist_ok": True,
        "patience": 100,
        "seed": stage.seed,
        "deterministic": False,
    }


def _loss(model: Any, batch: Any, preds: Any = None) -> Any:
    """Replaces Ultralytics' loss: the network in bf16, the rest in fp32."""
    import torch

    if getattr(model, "criterion", None) is None:
        model.criterion = model.init_criterion()
    if preds is None:
        with torch.autocast("cpu", dtype=torch.bfloat16):
            preds = model.forward(batch["img"])
    return model.criterion(_to_fp32(preds), batch)


def _to_fp32(value: Any) -> Any:
    import torch

    if torch.is_tensor(value):
        return value.float() if value.is_floating_point() else value
    if isinstance(value, dict):
        return {key: _to_fp32(v) for key, v in value.items()}
    return type(value)(_to_fp32(v) for v in value) if isinstance(value, list | tuple) else value
