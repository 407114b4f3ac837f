"""Signal lamps on labelled pictures: colour reader alone, network alone, both together.

    python benchmarks/lamps.py [--corpus DIR] [--folds DIR] [--json]

Each human lamp box is cut out once, a little wrongly as an engineer would draw the region. Places A, E and F were
trained on, so they are judged with the networks of ``python -m models.train.lamps`` that never saw them (``--folds``,
its ``--out``); without them those places are left out. Place D chose the thresholds; the others and the clips were
looked at beside it.
"""

import argparse
import json
import random
import statistics
import sys
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from core.observations import SignalState  # noqa: E402  # run as a script, the repository is not on the path yet
from core.site import Signal  # noqa: E402
from models.lamp import CLASSES, lamp_view, shows_light  # noqa: E402
from models.train.lamps_measure import SURE  # noqa: E402
from models.train.lamps_real import LAMPS, Lamp, corpus_lamps, layout_of, load, region, vehicle_pieces  # noqa: E402
from vision.lamp import LampReader, fused  # noqa: E402
from vision.lamp_colour import read_colour  # noqa: E402

DATA = ROOT.parent / "shared" / "train"
PLACES = {
    "place_d": ("D, day, thresholds chosen here", "all"),
    "camA": ("A, day, unseen", "without_AE"),
    "camE": ("E = A by night, unseen", "without_AE"),
    "camF": ("F, night, unseen", "without_F"),
    "uvhnael_16h30": ("clip uvhnael, day, unseen", "all"),
    "ahmad_youtube": ("clip ahmad_youtube, unseen", "all"),
}
READERS = ("colour", "network", "fused")
LIT = (SignalState.RED, SignalState.YELLOW, SignalState.GREEN)


@dataclass(slots=True)
class Tally:
    """Answers of one reader at one place."""

    right: int = 0
    wrong: int = 0
    undecided: int = 0
    errors: dict[str, int] = field(default_factory=lambda: defaultdict(int))

    def add(self, truth: str, answer: SignalState) -> None:
        """Counts one answer."""
        if answer not in LIT:
            self.undecided += 1
        elif answer.value == truth:
            self.right += 1
        else:
            self.wrong += 1
            self.errors[f"{truth} read as {answer.value}"] += 1

    @property
    def count(self) -> int:
        """Lamps asked about."""
        return self.right + self.wrong + self.undecided


class Folds(LampReader):
    """The networks that never saw a place, the shipped one for the others."""

    def __init__(self, folder: Path | None) -> None:
        import onnxruntime

        super().__init__()
        self._folder = folder
        self._runs = onnxruntime.InferenceSession

    def of(self, name: str) -> bool:
        """Uses one network from now on; False when it is not there."""
        file = None if self._folder is None else self._folder / f"{name}.onnx"
        if file is not None and file.exists():
            self._session = self._runs(str(file), providers=["CPUExecutionProvider"])
            return True
        return name == "all"


def measure(corpus: Path, folds: Path | None) -> dict[str, dict[str, Tally]]:
    """Returns tallies by place and reader; "... lit" leaves out boxes without any light of their colour."""
    reader, chance = Folds(folds), random.Random(1)  # noqa: S311  # crops, not secrets
    found: dict[str, dict[str, Tally]] = defaultdict(lambda: {name: Tally() for name in READERS})
    by_place: dict[str, list[Lamp]] = defaultdict(list)
    for lamp in corpus_lamps(corpus):
        by_place[lamp.place].append(lamp)
    for place, (label, network) in PLACES.items():
        if not reader.of(network):
            continue
        for lamp in by_place[place]:
            crop, layout = cut(lamp, chance)
            view = lamp_view(crop, layout)
            answers = answer(reader, crop, view, layout)
            for name in [label] + ([f"{label}, lit"] if shows_light(view, lamp.state) else []):
                for key, state in answers.items():
                    found[name][key].add(lamp.state, state)
    return found


def covers(corpus: Path, reader: LampReader) -> dict[str, tuple[int, int]]:
    """Returns how often a piece of a vehicle or of a street of place D, as if it hid the lamp, is read as a colour."""
    found = {}
    for name, pieces in vehicle_pieces(corpus / "place_d", random.Random(5)).items():  # noqa: S311
        signals = [Signal(id="s", region_px=(0, 0, 1, 1))] * len(pieces)
        states = reader.read(signals, pieces)
        found[name] = (sum(state in LIT for state in states), len(pieces))
    return found


def cut(lamp: Lamp, chance: random.Random) -> tuple[NDArray[np.uint8], str]:
    """Returns the region of a lamp as an engineer would draw it, and its layout."""
    rgb = load(lamp.image)
    return region(rgb, lamp.box, chance, most=0.2), layout_of(lamp, rgb)


def answer(reader: LampReader, crop: NDArray[np.uint8], view: NDArray[np.uint8], layout: str) -> dict[str, SignalState]:
    """Returns what each reader says."""
    shares = reader.shares([view])[0]
    colour = read_colour(crop, layout)
    best = CLASSES[int(shares.argmax())]
    alone = SignalState(best) if shares.max() >= SURE and best in LAMPS.values() else SignalState.UNKNOWN
    return {"colour": colour, "network": alone, "fused": fused(colour, shares, view)}


def cost_ms(rounds: int = 300) -> dict[str, float]:
    """Returns the median milliseconds a lamp costs, by size of its region and signals read together."""
    reader, numbers = LampReader(), np.random.default_rng(0)
    found = {}
    for width, height, count in ((16, 48, 1), (16, 48, 4), (60, 180, 1)):
        crops = [numbers.integers(0, 255, (height, width, 3), dtype=np.uint8) for _ in range(count)]
        signals = [Signal(id=str(i), region_px=(0, 0, width, height)) for i in range(count)]
        times = []
        for _ in range(rounds):
            began = time.perf_counter()
            reader.read(signals, crops)
            times.append((time.perf_counter() - began) * 1000 / count)
        found[f"{width}x{height} px, {count} together"] = round(statistics.median(times), 3)
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints the table."""
    parser = argparse.ArgumentParser(description="Measures the lamp readers on labelled pictures.")
    parser.add_argument("--corpus", type=Path, default=DATA, help="folder with corpus/ and place_d/")
    parser.add_argument("--folds", type=Path, help="folder of the networks that left a place out")
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args(arguments)
    cv2.setNumThreads(1)
    if not (options.corpus / "corpus").is_dir():
        print(f"no labelled pictures at {options.corpus}; give --corpus", file=sys.stderr)
        return 2
    found, cost = measure(options.corpus, options.folds), cost_ms()
    hidden = covers(options.corpus, LampReader())
    if options.json:
        rows = {p: {r: {**_facts(t)} for r, t in readers.items()} for p, readers in found.items()}
        print(json.dumps({"places": rows, "ms_per_lamp": cost, "covers_read_as_colour": hidden}, indent=2))
        return 0
    for place, readers in found.items():
        print(f"\n== {place}: {readers['fused'].count} lamps")
        for name, tally in readers.items():
            facts = _facts(tally)
            errors = ", ".join(f"{text} {n}x" for text, n in sorted(tally.errors.items()))
            print(f"  {name:8} right of decided {facts['right']:.3f}  undecided {facts['undecided']:.3f}  {errors}")
    print("\nread as a colour though hidden: " + ", ".join(f"{k} {n} of {total}" for k, (n, total) in hidden.items()))
    print("\nms per lamp: " + ", ".join(f"{name} {value}" for name, value in cost.items()))
    return 0


def _facts(tally: Tally) -> dict[str, float]:
    decided = tally.right + tally.wrong
    return {
        "lamps": tally.count,
        "right": round(tally.right / decided, 4) if decided else 0.0,
        "wrong": tally.wrong,
        "undecided": round(tally.undecided / max(tally.count, 1), 4),
    }


if __name__ == "__main__":
    sys.exit(main())
