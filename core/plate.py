"""Number plates of the People's Republic of China: what may stand on one, in which colour, in how many rows.

Three questions are answered here, none by looking at pixels: is a text a plate at all, which kinds of plate can
carry it, and does the colour agree. ``UNREADABLE`` is a value: whoever cannot read a plate says so.

Source: GA 36-2018 (kinds, sizes, colours, letters I and O are not issued), GA 36-2014 for the motorcycle's 220 x
140 mm; new-energy letters and army, police and embassy forms as in the project's domain notes, section 8.5.
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import cache

UNREADABLE = "UNREADABLE"
"""Stands where a plate's text would: nobody could read it."""

PROVINCES = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼"
DIGITS = "0123456789"
LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ"
"""Source: GA 36-2018: I and O are not issued, they look like 1 and 0."""

NEW_ENERGY = "DABCEFGHJK"
"""Source: GA 36-2018 and the later opening of letters: D A B C E pure electric, F G H J K other."""

SUFFIXES = "挂学警港澳领"
"""Source: GA 36-2018: trailer, driving school, police, Hong Kong, Macau, consulate."""

CHARACTERS = DIGITS + LETTERS + PROVINCES + SUFFIXES + "使应急"
"""Every character a plate can carry, in the order a reader numbers them."""


class Colour(StrEnum):
    """Ground colour of a plate; a large new-energy one is yellow behind province and letter, green behind the rest."""

    BLUE = "blue"
    YELLOW = "yellow"
    GREEN = "green"
    YELLOW_GREEN = "yellow_green"
    WHITE = "white"
    BLACK = "black"


class Layout(StrEnum):
    """Kind of plate by its form: what stands where."""

    STANDARD = "standard"
    NEW_ENERGY_SMALL = "new_energy_small"
    NEW_ENERGY_LARGE = "new_energy_large"
    TRAILER = "trailer"
    SCHOOL = "school"
    POLICE = "police"
    BORDER = "border"
    CONSULATE = "consulate"
    EMBASSY = "embassy"
    ARMY = "army"
    ARMED_POLICE = "armed_police"
    EMERGENCY = "emergency"


COLOURS: dict[Layout, frozenset[Colour]] = {
    Layout.STANDARD: frozenset({Colour.BLUE, Colour.YELLOW, Colour.BLACK}),
    Layout.NEW_ENERGY_SMALL: frozenset({Colour.GREEN}),
    Layout.NEW_ENERGY_LARGE: frozenset({Colour.YELLOW_GREEN}),
    Layout.TRAILER: frozenset({Colour.YELLOW}),
    Layout.SCHOOL: frozenset({Colour.YELLOW}),
    Layout.POLICE: frozenset({Colour.WHITE}),
    Layout.BORDER: frozenset({Colour.BLACK}),
    Layout.CONSULATE: frozenset({Colour.BLACK}),
    Layout.EMBASSY: frozenset({Colour.BLACK}),
    Layout.ARMY: frozenset({Colour.WHITE}),
    Layout.ARMED_POLICE: frozenset({Colour.WHITE}),
    Layout.EMERGENCY: frozenset({Colour.WHITE}),
}
"""Source: GA 36-2018 table 1; army and armed police by their own rules. Black standard plates: foreign-owned cars."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """One way to write a layout: the characters allowed at each place."""

    layout: Layout
    places: tuple[str, ...]

    def fits(self, text: str) -> bool:
        """Returns whether the whole text has this form."""
        return len(text) == len(self.places) and all(c in allowed for c, allowed in zip(text, self.places, strict=True))


_SERIAL = LETTERS + DIGITS


def _form(layout: Layout, *places: str) -> Form:
    return Form(layout=layout, places=places)


FORMS: tuple[Form, ...] = (
    _form(Layout.ARMED_POLICE, "W", "J", PROVINCES, *[DIGITS] * 4, DIGITS + "TDSHBXJ"),
    _form(Layout.ARMED_POLICE, "W", "J", *[DIGITS] * 4, DIGITS + "TDSHBXJ"),
    _form(Layout.EMBASSY, "使", *[DIGITS] * 6),
    _form(Layout.EMBASSY, *[DIGITS] * 6, "使"),
    _form(Layout.CONSULATE, PROVINCES, LETTERS, *[_SERIAL] * 4, "领"),
    _form(Layout.TRAILER, PROVINCES, LETTERS, *[_SERIAL] * 4, "挂"),
    _form(Layout.SCHOOL, PROVINCES, LETTERS, *[_SERIAL] * 4, "学"),
    _form(Layout.POLICE, PROVINCES, LETTERS, *[_SERIAL] * 4, "警"),
    _form(Layout.BORDER, PROVINCES, LETTERS, *[_SERIAL] * 4, "港澳"),
    _form(Layout.EMERGENCY, PROVINCES, "X", *[DIGITS] * 3, "应", "急"),
    _form(Layout.EMERGENCY, PROVINCES, "X", _SERIAL, *[DIGITS] * 3, "应", "急"),
    _form(Layout.EMERGENCY, PROVINCES, "X", _SERIAL, *[DIGITS] * 4, "应", "急"),
    _form(Layout.NEW_ENERGY_SMALL, PROVINCES, LETTERS, NEW_ENERGY, _SERIAL, *[DIGITS] * 4),
    _form(Layout.NEW_ENERGY_LARGE, PROVINCES, LETTERS, *[DIGITS] * 5, NEW_ENERGY),
    _form(Layout.STANDARD, PROVINCES, LETTERS, *[_SERIAL] * 5),
    _form(Layout.ARMY, LETTERS, LETTERS, *[DIGITS] * 5),
)
"""In the order they are tried: WJ12345 fits armed police before army."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plate:
    """A plate somebody or something has read, whole. ``colour`` is None where it was not seen."""

    text: str
    layout: Layout
    colour: Colour | None = None

    @property
    def is_consistent(self) -> bool:
        """Returns whether plates of this layout are issued in this colour; an unseen colour contradicts nothing."""
        return self.colour is None or self.colour in COLOURS[self.layout]


def layout_of(text: str) -> Layout | None:
    """Returns the kind of plate that carries this text; None when no plate does.

    >>> layout_of("苏C12345").name, layout_of("苏CD12345").name, layout_of("苏C12345D").name
    ('STANDARD', 'NEW_ENERGY_SMALL', 'NEW_ENERGY_LARGE')
    >>> layout_of("苏CI2345") is None
    True
    """
    return next((form.layout for form in FORMS if form.fits(text)), None)


def try_plate(text: str, colour: Colour | None = None) -> Plate | None:
    """Returns the plate a text stands for; None when it is none, ``UNREADABLE`` for one."""
    layout = layout_of(text)
    return None if layout is None else Plate(text=text, layout=layout, colour=colour)


def normalise(typed: str) -> str:
    """Returns what a person typed as a plate is stored: upper case, half width, no dots or blanks, no I and O.

    The first two places are left as typed, except for case and width: an O there is no zero.

    >>> normalise(" 苏c·1o3Ｉ5 ")
    '苏C10315'
    """
    plain = unicodedata.normalize("NFKC", typed).upper()
    bare = re.sub(r"[\s·・•.\-_]", "", plain)
    return bare[:2] + bare[2:].replace("O", "0").replace("I", "1")


@cache
def next_characters(alive: int, length: int) -> tuple[tuple[str, int], ...]:
    """Returns which characters may follow a beginning of this length, each with the forms still alive after it.

    ``alive`` is a bit mask over ``FORMS``; start with ``ALL_FORMS``.
    """
    after: dict[str, int] = {}
    for bit, form in _living(alive):
        if length < len(form.places):
            for character in form.places[length]:
                after[character] = after.get(character, 0) | bit
    return tuple(sorted(after.items()))


@cache
def is_whole(alive: int, length: int) -> bool:
    """Returns whether a text of this length, with these forms alive, is a whole plate."""
    return any(len(form.places) == length for _, form in _living(alive))


ALL_FORMS = (1 << len(FORMS)) - 1


def _living(alive: int) -> Iterator[tuple[int, Form]]:
    return ((1 << i, form) for i, form in enumerate(FORMS) if alive >> i & 1)
