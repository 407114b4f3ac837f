"""From a plate reader's places to texts: a beam search that never leaves the grammar of plates.

The network says for every place along the plate which character stands there, or none (CTC). Many ways to place the
same text add up; texts that are no plate are never followed, and what they would have weighed is missing from the
result: a foreign plate leaves little probability for any Chinese one.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from core.observations import FloatArray
from core.plate import ALL_FORMS, CHARACTERS, is_whole, next_characters

WIDTH = 24
"""Beginnings kept from place to place."""

FAINTEST = 1e-4
"""Characters less likely than this at a place are not followed."""

_NUMBER = {character: index + 1 for index, character in enumerate(CHARACTERS)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """A whole plate's text and how likely the network holds it, among everything that could stand there."""

    text: str
    probability: float


@dataclass(slots=True, kw_only=True)
class _Beginning:
    """A text so far: what ended in no character, what ended in its last one, and the forms it may become."""

    forms: int
    rest: float = 0.0
    last: float = 0.0

    @property
    def weight(self) -> float:
        return self.rest + self.last


def read_lattice(logits: FloatArray, *, best: int = 5) -> list[Reading]:
    """Returns the likeliest whole plates, best first; empty when none is likely at all.

    Shapes: logits (places, 1 + characters), blank first.
    """
    beams = {"": _Beginning(forms=ALL_FORMS, rest=1.0)}
    for likely in softmax(logits).tolist():
        beams = _step(beams, likely)
    whole = [
        Reading(text=text, probability=min(1.0, beam.weight))
        for text, beam in beams.items()
        if is_whole(beam.forms, len(text))
    ]
    return sorted(whole, key=lambda r: (-r.probability, r.text))[:best]


def softmax(logits: FloatArray) -> NDArray[np.float64]:
    """Returns probabilities along the last axis.

    >>> softmax(np.array([[0.0, 0.0]], np.float32)).tolist()
    [[0.5, 0.5]]
    """
    shifted = logits.astype(np.float64) - logits.max(-1, keepdims=True)
    powers = np.exp(shifted)
    return np.asarray(powers / powers.sum(-1, keepdims=True))


@cache
def _followers(forms: int, length: int) -> dict[str, int]:
    return dict(next_characters(forms, length))


def _step(beams: dict[str, _Beginning], likely: list[float]) -> dict[str, _Beginning]:
    """Returns the beginnings after one more place."""
    after: dict[str, _Beginning] = {}
    visible = [c for c, chance in zip(CHARACTERS, likely[1:], strict=True) if chance > FAINTEST]
    for text, beam in beams.items():
        stay = after.setdefault(text, _Beginning(forms=beam.forms))
        stay.rest += beam.weight * likely[0]
        if text:
            stay.last += beam.last * likely[_NUMBER[text[-1]]]
        followers = _followers(beam.forms, len(text))
        for character in visible:
            if forms := followers.get(character):
                longer = after.setdefault(text + character, _Beginning(forms=forms))
                came = beam.rest if text.endswith(character) else beam.weight
                longer.last += came * likely[_NUMBER[character]]
    kept = sorted(after.items(), key=lambda item: -item[1].weight)[:WIDTH]
    return dict(kept)
