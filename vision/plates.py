"""Reading number plates: crops in, texts with a confidence out, or UNREADABLE.

The network was trained on rendered plates alone (docs/models/plate_reader.md). Its answer is confined to what may stand
on a plate (``core.plate``), its probability turned into a confidence that was measured, and below the manifest's limit
the answer is UNREADABLE. A reader never says more than it saw: a plate is answered whole or not at all.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from core.errors import ModelError
from core.observations import FloatArray
from core.plate import UNREADABLE, Colour, Layout, Plate, layout_of
from models.lattice import Reading, read_lattice, softmax
from models.plate_view import Outputs, look
from models.registry import HOME, Manifest, load_manifest, weights
from vision.detect_onnx import LOAD_ERRORS

COLOURS = tuple(Colour)
"""The network's colours, in the order of its outputs."""

SMALLEST_PX = (24, 8)
"""A crop narrower or lower than this shows nobody a character: it is unreadable without being looked at."""

BATCH = 32
"""Crops run at once at most: a long list costs no more memory than a short one."""

SURE_COLOUR = 0.9
"""A colour less likely than this is not named, so that dusk does not contradict a plate."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlateRead:
    """What one crop says.

    ``characters`` are the probabilities of the text's characters. ``readings`` are what the network held possible, for
    voting over several crops, and never to be shown: they may be wrong.
    """

    text: str
    confidence: float
    characters: tuple[float, ...] = ()
    colour: Colour | None = None
    is_double: bool = False
    readings: tuple[Reading, ...] = ()

    @property
    def is_readable(self) -> bool:
        """Returns whether a plate was read."""
        return self.text != UNREADABLE

    @property
    def layout(self) -> Layout | None:
        """Returns the kind of plate; None when unreadable."""
        return layout_of(self.text) if self.is_readable else None

    @property
    def contradicts_colour(self) -> bool:
        """Returns whether plates with this text are never issued in this colour."""
        layout = self.layout
        return layout is not None and not Plate(text=self.text, layout=layout, colour=self.colour).is_consistent


NOTHING = PlateRead(text=UNREADABLE, confidence=0.0)
"""A crop in which there is nothing to read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """How the network's probability becomes a confidence, and from which on it answers."""

    slope: float
    offset: float
    answer_from: float

    @classmethod
    def of(cls, manifest: Manifest) -> "Calibration":
        """Returns what was measured for a network.

        Raises:
            ModelError: the manifest is of no reader.
        """
        found = manifest.recipe.get("calibration")
        if manifest.task != "read" or not isinstance(found, dict):
            raise ModelError(f"model '{manifest.name}' reads no plates; choose plate_reader", name=manifest.name)
        return cls(**found)

    def confidence(self, probability: float) -> float:
        """Returns how often an answer with this probability was right."""
        odds = np.log(max(probability, 1e-9)) - np.log(max(1 - probability, 1e-9))
        return float(1 / (1 + np.exp(-(self.slope * odds + self.offset))))


class PlateReader:
    """Reads crops of plates; the same crop gives the same text whatever it is read together with."""

    def __init__(self, manifest: Manifest, path: Path, *, threads: int = 1) -> None:
        self._manifest = manifest
        self.calibration = Calibration.of(manifest)
        self._size_px = (manifest.input.width, manifest.input.height)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        try:
            self._session: Any = onnxruntime.InferenceSession(
                path.read_bytes(), sess_options=options, providers=["CPUExecutionProvider"]
            )
        except (OSError, *LOAD_ERRORS) as error:
            raise ModelError(f"ONNX Runtime cannot load {path.name}; reinstall lukou", file=path.name) from error

    @property
    def model(self) -> Manifest:
        """The manifest of the network in use."""
        return self._manifest

    def read(self, crops: Sequence[NDArray[Any]]) -> list[PlateRead]:
        """Returns what each crop says, in order.

        Shapes: crops (h, w, 3) RGB, 0 to 255, any size; values that are no number count as black.

        Raises:
            ModelError: a crop has another shape.
        """
        views = [readable(crop) for crop in crops]
        seen = [index for index, view in enumerate(views) if view is not None]
        reads = [NOTHING] * len(crops)
        for start in range(0, len(seen), BATCH):
            chosen = seen[start : start + BATCH]
            outputs = look(self._run, [cast("NDArray[np.uint8]", views[index]) for index in chosen], self._size_px)
            for index, characters, colour, rows in zip(chosen, *outputs, strict=True):
                reads[index] = build_read(characters, colour, rows, self.calibration)
        return reads

    def _run(self, planes: FloatArray) -> Outputs:
        characters, colour, rows = self._session.run(("characters", "colour", "rows"), {"pictures": planes})
        return characters, colour, rows


def build_read(characters: FloatArray, colour: FloatArray, rows: FloatArray, calibration: Calibration) -> PlateRead:
    """Returns the read the network's outputs for one crop mean.

    Shapes: characters (places, 1 + characters), colour (6,), rows (2,), all logits.
    """
    readings = tuple(read_lattice(characters))
    if not readings:
        return NOTHING
    best = readings[0]
    confidence = calibration.confidence(best.probability)
    likely = softmax(colour)
    named = COLOURS[int(likely.argmax())] if likely.max() >= SURE_COLOUR else None
    answers = confidence >= calibration.answer_from
    return PlateRead(
        text=best.text if answers else UNREADABLE,
        confidence=round(confidence, 4),
        characters=tuple(round(p, 4) for p in agreeing(readings, best.text)) if answers else (),
        colour=named,
        is_double=bool(rows[1] > rows[0]),
        readings=readings,
    )


def agreeing(readings: Sequence[Reading], text: str) -> list[float]:
    """Returns for each character of a text how much probability agrees with it at its place.

    >>> two = [Reading(text="苏C12345", probability=0.6), Reading(text="苏C12346", probability=0.3)]
    >>> [round(p, 1) for p in agreeing(two, "苏C12345")]
    [0.9, 0.9, 0.9, 0.9, 0.9, 0.9, 0.6]
    """
    return [
        sum(r.probability for r in readings if len(r.text) == len(text) and r.text[place] == character)
        for place, character in enumerate(text)
    ]


def readable(crop: NDArray[Any]) -> NDArray[np.uint8] | None:
    """Returns a crop as a picture, None when it is too small to show a plate.

    Shapes: (h, w, 3) in and out.

    Raises:
        ModelError: the crop is no RGB picture.
    """
    if crop.ndim != 3 or crop.shape[2] != 3:
        raise ModelError(f"a crop must be (h, w, 3) RGB, got {crop.shape}; cut it out of an RGB picture")
    if crop.shape[1] < SMALLEST_PX[0] or crop.shape[0] < SMALLEST_PX[1]:
        return None
    if crop.dtype != np.uint8:
        crop = np.clip(np.nan_to_num(crop, nan=0.0, posinf=255.0, neginf=0.0), 0, 255)
    return np.asarray(crop, np.uint8)


def load_plate_reader(name: str = "plate_reader", *, home: Path = HOME) -> PlateReader:
    """Returns the reader that ships with Lukou.

    Raises:
        ModelError: no such network, or it cannot be loaded.
        ManifestMismatch: the weights are not the manifest's.
    """
    return PlateReader(load_manifest(name, home), weights(name, home))
