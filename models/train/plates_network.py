"""The plate reader's network: eight convolutions, then characters along 32 places, colour and rows.

It reads one row. A plate in two rows is first recognised as such, then shown again with its rows side by side
(``models.plate_view``). ReLU and batch norm alone: they cost nothing once folded.
"""

from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn

from core.plate import CHARACTERS, Colour

COLUMNS, ROWS = 32, 2  # places along the plate; rows a plate may have
WIDTH_PX, HEIGHT_PX = 128, 40
CLASSES = len(CHARACTERS) + 1
"""Blank first, then ``CHARACTERS``."""

BETWEEN_SAME = 8.0
"""Weight of the blank between two of the same character."""

COLOURS = tuple(Colour)


def _layer(into: int, out: int, kernel: Any = 3, **options: Any) -> nn.Sequential:
    padding = options.pop("padding", tuple(k // 2 for k in kernel) if isinstance(kernel, tuple) else kernel // 2)
    return nn.Sequential(
        nn.Conv2d(into, out, kernel, padding=padding, bias=False, **options), nn.BatchNorm2d(out), nn.ReLU(inplace=True)
    )


class PlateNetwork(nn.Module):  # type: ignore[misc]  # torch is not installed for the checks
    """Crops in, logits out.

    Shapes: (N, 3, 40, 128) RGB 0 to 1 -> characters (N, 32, classes), colour (N, 6), rows (N, 2).
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
        self.characters = nn.Conv2d(128, CLASSES, (2, 1))
        self.colour = nn.Linear(128, len(COLOURS))
        self.rows = nn.Linear(128 * ROWS, ROWS)

    def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Returns the logits of characters, colour and rows."""
        body = self.body((pictures - 0.45) * 4)
        places = self.split(body)
        places = self.along(places + self.mix(places.mean(2, keepdim=True)))
        characters = self.characters(self.drop(places)).flatten(2).transpose(1, 2)
        return characters, self.colour(body.mean((2, 3))), self.rows(places.mean(3).flatten(1))


def targets(text: str, places: Any) -> tuple[Tensor, Tensor]:
    """Returns what every place should say, and how much it counts.

    A character's neighbours are free, except between two that are the same: only a blank there tells two from one.

    Shapes: ``places`` (n,), where each character stands, as a share of the width; classes (32,), weights (32,); blank
    is class 0.
    """
    classes = torch.zeros(COLUMNS, dtype=torch.long)
    weights = torch.ones(COLUMNS)
    columns = [min(max(int(x * COLUMNS), 0), COLUMNS - 1) for x in places]
    for column in columns:
        weights[max(0, column - 1) : column + 2] = 0
    for character, column in zip(text, columns, strict=True):
        classes[column], weights[column] = CHARACTERS.index(character) + 1, 1
    for index, (one, other) in enumerate(pairwise(columns)):
        if text[index] == text[index + 1] and other - one > 1:
            weights[(one + other) // 2] = BETWEEN_SAME
    return classes, weights
