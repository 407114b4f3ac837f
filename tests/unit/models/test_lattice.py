"""The beam search: its sums are compared with every way to write a text, counted by hand."""

from itertools import product

import numpy as np
import pytest

from core.plate import CHARACTERS
from models.lattice import read_lattice, softmax

BLANK = 0


def lattice(places: list[dict[str, float]]) -> np.ndarray:
    """Returns logits whose softmax has these probabilities; what is left over is blank."""
    likely = np.full((len(places), 1 + len(CHARACTERS)), 1e-12)
    for row, given in enumerate(places):
        for character, share in given.items():
            likely[row, CHARACTERS.index(character) + 1] = share
        likely[row, BLANK] = max(1e-12, 1 - sum(given.values()))
    return np.log(likely).astype(np.float32)


def spelled(text: str) -> list[dict[str, float]]:
    """Returns places that say a text, each character followed by a place that says nothing."""
    return [place for c in text for place in ({c: 0.99}, {})]


def test_reads_what_stands_there() -> None:
    best = read_lattice(lattice(spelled("苏C12345")))[0]
    assert best.text == "苏C12345"
    assert best.probability == pytest.approx(0.99**7, rel=1e-3)


def test_double_characters_need_a_gap() -> None:
    assert read_lattice(lattice(spelled("苏C11335")))[0].text == "苏C11335"
    held = [{"苏": 1.0}, {"苏": 1.0}, {"C": 1.0}, {"1": 1.0}, {"2": 1.0}, {"3": 1.0}, {"4": 1.0}, {"5": 1.0}]
    assert read_lattice(lattice(held))[0].text == "苏C12345"


def test_grammar_decides_between_letter_and_digit() -> None:
    # The second place of a plate is a letter: an 8 that looks slightly more like an 8 is a B there.
    places = spelled("苏B12345")
    places[2] = {"8": 0.55, "B": 0.44}
    assert read_lattice(lattice(places))[0].text == "苏B12345"
    # ... and its probability does not grow by that: what was no plate is lost, not shared out.
    assert read_lattice(lattice(places))[0].probability < 0.45


@pytest.mark.parametrize("text", ["", "苏C123", "RDWN200", "12345"])
def test_what_is_no_plate_is_hardly_likely(text: str) -> None:
    readings = read_lattice(lattice(spelled(text) or [{}] * 8))
    assert not readings or readings[0].probability < 1e-3


def test_sums_over_every_way_to_write_a_text() -> None:
    # Two places say "3" or nothing, between fixed neighbours: add up all ways by hand.
    unsure = [{"3": 0.6}, {"3": 0.3, "8": 0.2}]
    places = [*spelled("苏C12"), *unsure, {}, *spelled("45")]
    logits = lattice(places)
    likely = softmax(logits)
    rows = {len(spelled("苏C12")), len(spelled("苏C12")) + 1}
    wanted = 0.0
    fixed = np.prod([likely[i].max() for i in range(len(places)) if i not in rows])
    for first, second in product(("3", "8", ""), repeat=2):
        written = first + ("" if second == first else second)
        if written == "3":
            columns = [CHARACTERS.index(c) + 1 if c else BLANK for c in (first, second)]
            wanted += float(fixed * likely[min(rows), columns[0]] * likely[max(rows), columns[1]])
    found = {r.text: r.probability for r in read_lattice(logits)}
    assert found["苏C12345"] == pytest.approx(wanted, rel=1e-3)
