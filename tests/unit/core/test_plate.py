"""What may stand on a plate: examples and rules of GA 36-2018, written down from the standard, not from the code."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.plate import (
    ALL_FORMS,
    CHARACTERS,
    COLOURS,
    LETTERS,
    PROVINCES,
    UNREADABLE,
    Colour,
    Layout,
    Plate,
    is_whole,
    layout_of,
    next_characters,
    normalise,
    try_plate,
)


def test_31_provinces_and_24_letters() -> None:
    # GA 36: one character for each of the 31 province-level divisions of the mainland; I and O are not issued.
    assert len(set(PROVINCES)) == len(PROVINCES) == 31
    assert len(LETTERS) == 24
    assert not {"I", "O"} & set(LETTERS)


@pytest.mark.parametrize(
    ("text", "layout"),
    [
        ("京A12345", Layout.STANDARD),
        ("苏CA8B23", Layout.STANDARD),
        ("粤BD12345", Layout.NEW_ENERGY_SMALL),
        ("沪AF71017", Layout.NEW_ENERGY_SMALL),
        ("沪AFA1017", Layout.NEW_ENERGY_SMALL),
        ("京A12345D", Layout.NEW_ENERGY_LARGE),
        ("鲁B1234挂", Layout.TRAILER),
        ("浙A1234学", Layout.SCHOOL),
        ("苏C1234警", Layout.POLICE),
        ("粤Z1234港", Layout.BORDER),
        ("粤ZF123澳", Layout.BORDER),
        ("沪A1234领", Layout.CONSULATE),
        ("使014578", Layout.EMBASSY),
        ("224578使", Layout.EMBASSY),
        ("VA12345", Layout.ARMY),
        ("WJ苏1234X", Layout.ARMED_POLICE),
        ("WJ12345", Layout.ARMED_POLICE),
        ("京X1234应急", Layout.EMERGENCY),
    ],
)
def test_layouts(text: str, layout: Layout) -> None:
    assert layout_of(text) is layout


@pytest.mark.parametrize(
    "text",
    [
        "",
        UNREADABLE,
        "苏C1234",  # a character short
        "苏C123456",  # eight places, but no new-energy letter
        "苏CI2345",  # I is not issued
        "苏C1O345",  # nor is O
        "苏1C2345",  # the office letter is a letter
        "苏CD1234D",  # small new energy ends in four digits
        "台A12345",  # no mainland province
        "RDWN200",  # a German plate
        "苏C12挂34",  # 挂 stands last
        "苏c12345",  # plates are upper case; normalise first
    ],
)
def test_no_plate(text: str) -> None:
    assert layout_of(text) is None
    assert try_plate(text) is None


@pytest.mark.parametrize(
    ("text", "colour", "agrees"),
    [
        ("京A12345", Colour.BLUE, True),
        ("京A12345", Colour.YELLOW, True),
        ("京A12345", Colour.BLACK, True),  # foreign-owned car
        ("京A12345", Colour.GREEN, False),  # green plates have eight characters
        ("京A12345", Colour.WHITE, False),
        ("京AD12345", Colour.GREEN, True),
        ("京AD12345", Colour.BLUE, False),
        ("京A12345D", Colour.YELLOW_GREEN, True),
        ("京A1234警", Colour.WHITE, True),
        ("京A1234警", Colour.BLUE, False),
        ("京A1234学", Colour.YELLOW, True),
        ("粤Z1234港", Colour.BLACK, True),
        ("京A1234挂", None, True),  # a colour nobody saw contradicts nothing
    ],
)
def test_colour_and_text(text: str, colour: Colour | None, agrees: bool) -> None:
    plate = try_plate(text, colour)
    assert isinstance(plate, Plate)
    assert plate.is_consistent is agrees


def test_every_layout_has_a_colour() -> None:
    assert set(COLOURS) == set(Layout)
    assert all(COLOURS.values())


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("苏C·12345", "苏C12345"),
        (" 苏c 1 2 3 4 5 ", "苏C12345"),
        ("苏Ｃ１２３４５", "苏C12345"),
        ("苏C-1O3I5", "苏C10315"),
        ("京O12345", "京O12345"),  # the second place is a letter: nothing is changed there
    ],
)
def test_normalise(typed: str, stored: str) -> None:
    assert normalise(typed) == stored


@given(st.text(alphabet=CHARACTERS, max_size=10))
def test_walking_the_grammar_agrees_with_matching_it(text: str) -> None:
    alive = ALL_FORMS
    for place, character in enumerate(text):
        alive = dict(next_characters(alive, place)).get(character, 0)
    assert (alive != 0 and is_whole(alive, len(text))) is (layout_of(text) is not None)


@given(st.data())
def test_every_walk_can_be_finished(data: st.DataObject) -> None:
    text, alive = "", ALL_FORMS
    while not is_whole(alive, len(text)):
        character, alive = data.draw(st.sampled_from(next_characters(alive, len(text))))
        text += character
    assert layout_of(text) is not None
