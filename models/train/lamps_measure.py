"""What the lamp classifier alone gives on places it never saw: figures for its manifest."""

import random
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from models.lamp import CLASSES, lamp_view
from models.registry import Metric
from models.train import lamps_real

SURE = 0.8
"""Share of the best answer from which a crop counts as decided in these figures."""
TESTED_BY = {"camA": "without_AE", "camE": "without_AE", "camF": "without_F", "place_d": "all", "uvhnael_16h30": "all"}
"""Which network never saw a place."""
LABELS = "human; some boxes hold no light, or only the countdown"


def figures(shared: Path, folder: Path) -> list[Metric]:
    """Returns right and wrong shares by place and state; the rest is undecided."""
    found: dict[tuple[str, str], list[str]] = defaultdict(list)
    for lamp, answer in _answers(shared, folder):
        found[lamp.place, lamp.state].append(answer)
    return [
        Metric(
            set=place,
            unseen=True,
            labels=LABELS + ("; used for choosing" if place == "place_d" else ""),
            class_name=state,
            n=len(answers),
            conf=SURE,
            correct=round(answers.count(state) / len(answers), 4),
            wrong=round(sum(a not in (state, "") for a in answers) / len(answers), 4),
        )
        for (place, state), answers in sorted(found.items())
    ]


def _answers(shared: Path, folder: Path) -> Iterator[tuple[lamps_real.Lamp, str]]:
    """Yields each labelled lamp and the colour the network decided on, "" where it did not."""
    import onnxruntime

    networks = {
        name: onnxruntime.InferenceSession(str(folder / f"{name}.onnx"), providers=["CPUExecutionProvider"])
        for name in set(TESTED_BY.values())
    }
    chance = random.Random(1)
    for lamp in lamps_real.corpus_lamps(shared):
        if lamp.place not in TESTED_BY:
            continue
        rgb = lamps_real.load(lamp.image)
        view = lamp_view(lamps_real.region(rgb, lamp.box, chance, most=0.2), lamps_real.layout_of(lamp, rgb))
        crop = view.transpose(2, 0, 1)[None].astype(np.float32) / 255
        shares = networks[TESTED_BY[lamp.place]].run(None, {"crops": crop})[0][0]
        best = int(shares.argmax())
        is_decided = shares[best] >= SURE and CLASSES[best] in lamps_real.LAMPS.values()
        yield lamp, CLASSES[best] if is_decided else ""
