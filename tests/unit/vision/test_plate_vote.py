"""Voting over looks: rules of thumb anybody can check by hand."""

import pytest

from core.plate import UNREADABLE, Colour
from models.lattice import Reading
from vision.plate_vote import vote
from vision.plates import NOTHING, Calibration, PlateRead

CALIBRATION = Calibration(slope=1.0, offset=0.0, answer_from=0.9)
"""Confidence is the probability itself."""


def look(*readings: tuple[str, float], colour: Colour | None = None) -> PlateRead:
    found = tuple(Reading(text=text, probability=p) for text, p in readings)
    answers = bool(found) and found[0].probability >= CALIBRATION.answer_from
    return PlateRead(
        text=found[0].text if answers else UNREADABLE,
        confidence=found[0].probability if found else 0.0,
        colour=colour,
        readings=found,
    )


def test_no_look_is_unreadable() -> None:
    assert vote([], CALIBRATION) == NOTHING
    assert vote([NOTHING, NOTHING], CALIBRATION) == NOTHING


def test_one_sure_look_stands() -> None:
    read = vote([look(("苏C12345", 0.99)), NOTHING, NOTHING], CALIBRATION)
    assert read.text == "苏C12345"
    assert read.confidence <= 0.99


def test_looks_that_each_miss_another_character_make_one_plate() -> None:
    first = look(("苏C12345", 0.88), ("苏C12346", 0.11))  # unsure of the last character
    second = look(("苏C12345", 0.88), ("苏G12345", 0.11))  # unsure of the letter
    assert not first.is_readable
    assert not second.is_readable
    together = vote([first, second, look(("苏C12345", 0.97))], CALIBRATION)
    assert together.confidence > 0.8
    assert together.readings == ()


def test_looks_that_disagree_answer_nothing() -> None:
    read = vote([look(("苏C12345", 0.97)), look(("苏C12395", 0.97))], CALIBRATION)
    assert read.text == UNREADABLE
    assert read.confidence < 0.9


def test_characters_of_different_plates_are_not_sewn_together() -> None:
    # Every place has a winner, but no look saw this plate: neither is trusted.
    read = vote([look(("苏C12345", 0.95)), look(("浙A67890", 0.94))], CALIBRATION)
    assert read.text == UNREADABLE


def test_another_length_does_not_lend_characters() -> None:
    read = vote([look(("苏CD12345", 0.98)), look(("苏C12345", 0.5))], CALIBRATION)
    assert read.text in {UNREADABLE, "苏CD12345"}


@pytest.mark.parametrize(
    ("colours", "expected"),
    [
        ((Colour.BLUE, Colour.BLUE, Colour.BLACK), Colour.BLUE),
        ((Colour.BLUE, None, None), Colour.BLUE),
        ((Colour.BLUE, Colour.BLACK), None),
        ((None, None), None),
    ],
)
def test_colour_of_the_majority(colours: tuple[Colour | None, ...], expected: Colour | None) -> None:
    assert vote([look(("苏C12345", 0.99), colour=c) for c in colours], CALIBRATION).colour is expected


def test_a_plate_that_contradicts_its_colour_says_so() -> None:
    assert vote([look(("苏C12345", 0.99), colour=Colour.GREEN)], CALIBRATION).contradicts_colour
    assert not vote([look(("苏C12345", 0.99), colour=Colour.BLUE)], CALIBRATION).contradicts_colour
    assert not vote([look(("苏C12345", 0.99))], CALIBRATION).contradicts_colour


def test_an_unreadable_plate_contradicts_nothing() -> None:
    assert not vote([look(("苏C12345", 0.3), colour=Colour.GREEN)], CALIBRATION).contradicts_colour
