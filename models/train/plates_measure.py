"""Figures of a plate reader: how sure it may be, and how often it is right.

A text's probability becomes a confidence by a logistic curve fitted to rendered crops with other numbers; the least
confidence that may answer is where those crops prove at most ``WRONG_SHARE`` of the answers wrong. A reader that
cannot prove it answers nothing: its limit is 1.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from PIL import Image
from scipy.optimize import minimize

from core.observations import FloatArray
from core.plate import Layout, layout_of
from models.lattice import read_lattice
from models.plate_view import Outputs, look
from models.registry import Metric
from models.train.plates_network import HEIGHT_PX, WIDTH_PX
from models.train.plates_renders import Render, render

CALIBRATION_SEED, TEST_SEED = 1_000_003, 2_000_003
"""Numbers of the training's seeds never reach these."""

WRONG_SHARE = 0.005
"""Share of wrong answers allowed, as the upper end of a one-sided 95 % interval."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One crop's likeliest text with its probability, beside the truth ("": unreadable)."""

    truth: str
    text: str
    probability: float
    group: str

    @property
    def is_right(self) -> bool:
        """Returns whether text and truth agree."""
        return self.text == self.truth


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """How a probability becomes a confidence, and from which on an answer is given."""

    slope: float
    offset: float
    answer_from: float

    def confidence(self, probability: NDArray[np.float64]) -> NDArray[np.float64]:
        """Returns confidences.

        Shapes: (n,) in and out.
        """
        return np.asarray(1 / (1 + np.exp(-(self.slope * odds(probability) + self.offset))))


def odds(probability: NDArray[np.float64]) -> NDArray[np.float64]:
    """Returns the logarithm of the odds."""
    kept = np.clip(probability, 1e-9, 1 - 1e-9)
    return np.asarray(np.log(kept) - np.log(1 - kept))


def build_runner(weights: Path) -> Callable[[FloatArray], Outputs]:
    """Returns what runs the network on prepared crops."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session: Any = onnxruntime.InferenceSession(str(weights), sess_options=options, providers=["CPUExecutionProvider"])
    return lambda planes: tuple(session.run(("characters", "colour", "rows"), {"pictures": planes}))


def answers(run: Callable[[FloatArray], Outputs], renders: Iterable[Render]) -> list[Answer]:
    """Returns what a reader says to rendered crops."""
    found, waiting = list[Answer](), iter(renders)
    while batch := list(islice(waiting, 64)):
        characters = look(run, [made.rgb for made in batch], (WIDTH_PX, HEIGHT_PX))[0]
        for made, logits in zip(batch, characters, strict=True):
            readings = read_lattice(logits, best=1)
            text, probability = (readings[0].text, readings[0].probability) if readings else ("", 0.0)
            found.append(Answer(truth=made.text, text=text, probability=probability, group=group_of(made)))
    return found


def group_of(made: Render) -> str:
    """Returns under which heading a crop is counted."""
    if not made.text:
        return "unreadable"
    if made.is_double:
        return "motorcycle" if made.is_motorcycle else "double_row"
    layout = layout_of(made.text)
    if layout in {Layout.NEW_ENERGY_SMALL, Layout.NEW_ENERGY_LARGE}:
        return "new_energy"
    return "single_row" if layout is Layout.STANDARD else "special"


def renders(count: int, seed: int) -> Iterator[Render]:
    """Yields rendered crops of a seed."""
    return (render(number, seed) for number in range(count))


def real_crops(folder: Path) -> Iterator[Render]:
    """Yields real crops whose file name is the truth; for measuring, never for training."""
    for path in sorted(folder.glob("*.jpg")):
        picture = np.asarray(Image.open(path).convert("RGB"))
        yield Render(rgb=picture, middles=np.zeros((0, 2)), text=path.stem, colour=None)


def calibrate(found: list[Answer]) -> Curve:
    """Returns the curve fitted to a reader's answers."""
    said = [a for a in found if a.text]
    level = odds(np.array([a.probability for a in said]))
    right = np.array([a.is_right for a in said], np.float64)

    def loss(parameters: NDArray[np.float64]) -> float:
        value = parameters[0] * level + parameters[1]
        return float(np.mean(np.logaddexp(0, value) - right * value))

    slope, offset = (float(v) for v in minimize(loss, np.array([1.0, 0.0]), method="Nelder-Mead").x)
    curve = Curve(slope=slope, offset=offset, answer_from=0.0)
    confidence = curve.confidence(np.array([a.probability for a in said]))
    order = np.argsort(-confidence)
    allowed = np.flatnonzero(_at_most(np.cumsum(1 - right[order]), np.arange(1, len(order) + 1)) <= WRONG_SHARE)
    least = float(confidence[order][allowed[-1]]) if len(allowed) else 1.0
    return Curve(slope=round(slope, 4), offset=round(offset, 4), answer_from=round(least, 4))


def _at_most(wrong: NDArray[np.float64], of: NDArray[np.int64]) -> NDArray[np.float64]:
    """Returns the largest share of wrong answers that so many wrong ones still allow (Wilson, one-sided 95 %)."""
    z = 1.645
    share = wrong / of
    spread = z * np.sqrt(share * (1 - share) / of + z**2 / (4 * of**2))
    return np.asarray((share + z**2 / (2 * of) + spread) / (1 + z**2 / of))


def metrics(found: list[Answer], curve: Curve, *, name: str, labels: str) -> list[Metric]:
    """Returns the figures of a set, by group: right and wrong answers as shares of all its crops."""
    confidence = curve.confidence(np.array([a.probability for a in found]))
    rows = []
    for group in sorted({a.group for a in found}):
        chosen = [(a, c) for a, c in zip(found, confidence, strict=True) if a.group == group]
        for least in (0.0, curve.answer_from):
            said = [a for a, c in chosen if a.text and c >= least]
            correct = sum(a.is_right for a in said)
            rows.append(
                Metric(
                    set=name,
                    unseen=True,
                    labels=labels,
                    class_name=group,
                    n=len(chosen),
                    conf=least,
                    correct=round(correct / len(chosen), 4),
                    wrong=round((len(said) - correct) / len(chosen), 4),
                )
            )
    return rows
