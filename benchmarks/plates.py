"""How well plates are read: ours and a public reader on the same crops, in one run.

    python benchmarks/plates.py [--data ../shared/data] [--rendered 300] [--out benchmarks/results/plates.json]

Real crops: 500 of 94 x 24 px, blue, file name is the truth (LPRNet_Pytorch, Apache-2.0). Our training never saw them;
what the public reader was trained on is not known. Rendered crops are our generator's, with numbers no training used.
"exact": the likeliest text is the truth. "answered" and "wrong": what is left at the confidence Lukou answers from.
"""

import argparse
import json
import platform
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import cv2
import numpy as np
import onnxruntime
from numpy.typing import NDArray
from PIL import Image

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from core.plate import Colour, Layout, layout_of  # noqa: E402
from models.train.plates_drawing import KINDS, Sheet  # noqa: E402
from models.train.plates_renders import render_sheet  # noqa: E402
from models.train.plates_weather import photograph  # noqa: E402
from pipeline.plates import cut_out  # noqa: E402
from sim.plates import draw_plate, plate_of  # noqa: E402
from vision.plates import load_plate_reader  # noqa: E402

Crop = NDArray[np.uint8]
PEER_CHARACTERS = (
    "#京沪津渝冀晋蒙辽吉黑苏浙皖闽赣鲁豫鄂湘粤桂琼川贵云藏陕甘青宁新学警港澳挂使领民航危"
    "0123456789ABCDEFGHJKLMNPQRSTUVWXYZ险品"
)
"""Classes of the public reader, blank first, from its own repository."""


PHOTOS = (
    ("hyperlpr_test_img.jpg", (1750, 745, 1865, 855), "苏ED51712"),
    ("we0091234_Quicker_20220930_180856.png", (421, 301, 663, 428), "川A8H458"),
    ("we0091234_single_green.jpg", (400, 517, 659, 610), "沪AF71017"),
    ("we0091234_Quicker_20220930_181044.png", (353, 203, 448, 242), "粤B6R678"),
    ("we0091234_double_yellow.jpg", (211, 231, 287, 270), "京EA5331"),
    ("we0091234_moto.png", (296, 205, 397, 279), "沪AN9241"),
    ("wegli_mercedes.jpg", (1752, 2414, 2300, 2575), ""),
    ("hyperlpr_1.jpg", (154, 217, 177, 228), ""),
)
"""Plates in photos: boxes and texts by eye; empty where a reader of Chinese plates must say unreadable."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One reader on one set."""

    reader: str
    set: str
    crops: int
    exact: int
    answered: int
    wrong: int
    ms_per_crop: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A reader's likeliest text, and whether it would answer with it."""

    text: str
    answers: bool


def main(arguments: Sequence[str] | None = None) -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--rendered", type=int, default=300, help="rendered crops of each kind")
    parser.add_argument("--out", type=Path)
    given = parser.parse_args(arguments)
    cv2.setNumThreads(1)
    sets = {
        "real, blue, 94 x 24 px": real(given.data / "plates"),
        "real photos": photos(given.data / "photos"),
        "simulator's own plates": simulated(given.rendered),
        **rendered(given.rendered),
    }
    readers = {"lukou": ours(), "peer (GPL, public)": peer(given.data / "weights" / "cnplate_rec_color.onnx")}
    rows = [
        measure(name, read, label, crops)
        for label, crops in sets.items()
        for name, read in readers.items()
        if name == "lukou" or label.startswith("real")
    ]
    for row in rows:
        wrong = row.wrong / max(1, row.answered)
        print(
            f"{row.set:32} {row.reader:18} exact {row.exact:4}/{row.crops} {row.exact / row.crops:6.1%}"
            f"   answered {row.answered / row.crops:6.1%}   wrong of these {wrong:6.2%}   {row.ms_per_crop:.1f} ms"
        )
    if given.out:
        found = {"machine": platform.processor() or platform.machine(), "rows": [asdict(row) for row in rows]}
        given.out.write_text(json.dumps(found, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def real(folder: Path) -> list[tuple[str, Crop]]:
    """Returns real crops with their truth."""
    return [(path.stem, np.asarray(Image.open(path).convert("RGB"))) for path in sorted(folder.glob("*.jpg"))]


def photos(folder: Path) -> list[tuple[str, Crop]]:
    """Returns the plates of the photos with their truth."""
    return [(text, cut_out(np.asarray(Image.open(folder / name).convert("RGB")), box)) for name, box, text in PHOTOS]


def simulated(count: int) -> list[tuple[str, Crop]]:
    """Returns plates drawn by the scene generator, another hand than the reader's teacher, as seen on the road."""
    made = []
    pick = np.random.default_rng(4_000_003)
    for number in range(4 * count):
        plate = plate_of(f"bench {number}", ("car", "bus", "truck", "motorcycle")[number % 4])
        if plate is not None and layout_of(plate.text) is not None:
            picture = np.asarray(draw_plate(plate.text, plate.rear), np.float32)
            made.append((plate.text, photograph(picture, pick)[0]))
    return made[:count]


def rendered(count: int) -> dict[str, list[tuple[str, Crop]]]:
    """Returns rendered crops by kind of plate; every kind of the generator."""
    sets: dict[str, list[tuple[str, Crop]]] = {}
    for index, (_, draw) in enumerate(KINDS):
        pick = np.random.default_rng((3_000_003, index))
        made = [(sheet.text, render_sheet(sheet, pick).rgb) for sheet in (draw(pick) for _ in range(count))]
        sets[f"rendered, {kind_of(draw(pick))}"] = made
    return sets


def kind_of(sheet: Sheet) -> str:
    """Returns the name of a kind of plate."""
    rows = "motorcycle" if sheet.is_motorcycle else "double row" if sheet.is_double else ""
    parts = (sheet.colour.value if isinstance(sheet.colour, Colour) else "", rows)
    name = "" if sheet.layout is Layout.STANDARD else sheet.layout.value
    return " ".join(part for part in (name, *parts) if part)


def ours() -> Callable[[Sequence[Crop]], list[Said]]:
    """Returns Lukou's reader."""
    reader = load_plate_reader()

    def read(crops: Sequence[Crop]) -> list[Said]:
        return [
            Said(text=found.readings[0].text if found.readings else "", answers=found.is_readable)
            for found in reader.read(crops)
        ]

    return read


def peer(path: Path) -> Callable[[Sequence[Crop]], list[Said]]:
    """Returns the public reader: 168 x 48 px BGR, greedy CTC, answers with whatever it finds."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(path), sess_options=options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name

    def read_one(crop: Crop) -> Said:
        sized = cv2.resize(crop[..., ::-1], (168, 48)).astype(np.float32)
        planes = ((sized / 255 - 0.588) / 0.193).transpose(2, 0, 1)[None]
        text = "".join(greedy(np.asarray(session.run(None, {name: planes})[0])[0].argmax(-1)))
        return Said(text=text, answers=bool(text))

    return lambda crops: [read_one(crop) for crop in crops]


def greedy(numbers: NDArray[np.int64]) -> Iterator[str]:
    """Yields the characters of the likeliest path."""
    last = 0
    for number in numbers.tolist():
        if number not in (0, last):
            yield PEER_CHARACTERS[number]
        last = number


def measure(name: str, read: Callable[[Sequence[Crop]], list[Said]], label: str, crops: list[tuple[str, Crop]]) -> Row:
    """Returns one reader's figures on one set."""
    began = time.process_time()
    said = read([crop for _, crop in crops])
    spent = time.process_time() - began
    right = [
        found.text == truth or (truth == "" and not found.answers)
        for found, (truth, _) in zip(said, crops, strict=True)
    ]
    return Row(
        reader=name,
        set=label,
        crops=len(crops),
        exact=sum(right),
        answered=sum(found.answers for found in said),
        wrong=sum(found.answers and not ok for found, ok in zip(said, right, strict=True)),
        ms_per_crop=round(1000 * spent / max(1, len(crops)), 2),
    )


if __name__ == "__main__":
    main()
