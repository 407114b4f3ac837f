"""The plate reader's network: eight convolutions, then characters along two rows of 32 places, colour and rows.

The picture keeps two rows to the end, so that plates in two rows are read in one pass: the upper row's places come
first. A plate in one row is written in the upper places. ReLU and batch norm alone: they cost nothing once folded.
"""

from typing import Any

import torch
from torch import Tensor, nn

from core.plate import CHARACTERS, Colour

COLUMNS, ROWS = 32, 2
WIDTH_PX, HEIGHT_PX = 128, 40
CLASSES = len(CHARACTERS) + 1
"""Blank first, then ``CHARACTERS``."""

COLOURS = tuple(Colour)


def _layer(into: int, out: int, kernel: Any = 3, **options: Any) -> nn.Sequential:
    padding = options.pop("padding", tuple(k // 2 for k in kernel) if isinstance(kernel, tuple) else kernel // 2)
    return nn.Sequential(
        nn.Conv2d(into, out, kernel, padding=padding, bias=False, **options), nn.BatchNorm2d(out), nn.ReLU(inplace=True)
    )


class PlateNetwork(nn.Module):  # type: ignore[misc]  # torch is not installed for the checks
    """Crops in, logits out.

    Shapes: (N, 3, 40, 128) RGB 0 to 1 -> characters (N, 64, classes), colour (N, 6), rows (N, 2).
    """

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(
            _layer(3, 32, stride=2),
            _layer(32, 32),
            nn.MaxPool2d(2),
            _layer(32, 64),
            _layer(64, 64),
            nn.MaxPool2d((2, 1)),
            _layer(64, 96),
            _layer(96, 128),
        )
        self.split = _layer(128, 128, 3, stride=(2, 1), padding=(0, 1))
        self.mix = nn.Conv2d(128, 128, 1)
        self.along = _layer(128, 128, (1, 5))
        self.drop = nn.Dropout(0.1)
        self.characters = nn.Conv2d(128, CLASSES, 1)
        self.colour = nn.Linear(128, len(COLOURS))
        self.rows = nn.Linear(128 * ROWS, ROWS)

    def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Returns the logits of characters, colour and rows."""
        body = self.body((pictures - 0.45) * 4)
        places = self.split(body)
        places = self.along(places + self.mix(places.mean(2, keepdim=True)))
        characters = self.characters(self.drop(places)).flatten(2).transpose(1, 2)
        return characters, self.colour(body.mean((2, 3))), self.rows(places.mean(3).flatten(1))


def targets(text: str, middles: Any, *, is_double: bool) -> tuple[Tensor, Tensor]:
    """Returns what every place should say, and how much it counts: a character's neighbours are free.

    Shapes: classes (64,), weights (64,); blank is class 0.
    """
    classes = torch.zeros(ROWS * COLUMNS, dtype=torch.long)
    weights = torch.ones(ROWS * COLUMNS)
    for index, (character, (x, _)) in enumerate(zip(text, middles, strict=False)):
        row = 1 if is_double and index >= 2 else 0
        column = min(max(int(x / WIDTH_PX * COLUMNS), 0), COLUMNS - 1)
        place = row * COLUMNS + column
        classes[place] = CHARACTERS.index(character) + 1
        for near in (column - 1, column + 1):
            if 0 <= near < COLUMNS and classes[row * COLUMNS + near] == 0:
                weights[row * COLUMNS + near] = 0
        weights[place] = 1
    return classes, weights
