"""One plate from several looks at it: every character is voted for by what was seen at its place.

A character nobody saw is never filled in: looks that read another number of characters do not take part, the result
must be a plate, and where looks disagree the confidence falls below what any of them had.
"""

from collections import defaultdict
from collections.abc import Sequence
from math import prod

from core.plate import UNREADABLE, Colour, layout_of
from vision.plates import NOTHING, Calibration, PlateRead, agreeing


def vote(reads: Sequence[PlateRead], calibration: Calibration) -> PlateRead:
    """Returns what several reads of one plate say together.

    Each place's character is the one with the most probability over all reads; its own probability is the best look's,
    times the share of the votes it got. Colour and rows are those of the majority.
    """
    looks = [read for read in reads if read.readings]
    if not looks:
        return NOTHING
    text, shares, of_length = _elected(looks)
    if layout_of(text) is None:
        return NOTHING
    best = [max(found) for found in zip(*(agreeing(read.readings, text) for read in looks), strict=True)]
    characters = tuple(round(min(1.0, p) * share, 4) for p, share in zip(best, shares, strict=True))
    confidence = calibration.confidence(of_length * prod(characters))
    answers = confidence >= calibration.answer_from
    return PlateRead(
        text=text if answers else UNREADABLE,
        confidence=round(confidence, 4),
        characters=characters if answers else (),
        colour=_colour(looks),
        is_double=2 * sum(read.is_double for read in looks) > len(looks),
    )


def _elected(looks: Sequence[PlateRead]) -> tuple[str, list[float], float]:
    """Returns the text elected place by place, each winner's share of its place's votes, and that of its length."""
    by_length: dict[int, float] = defaultdict(float)
    for read in looks:
        for reading in read.readings:
            by_length[len(reading.text)] += reading.probability
    length = max(by_length, key=lambda n: (by_length[n], -n))
    places: list[dict[str, float]] = [defaultdict(float) for _ in range(length)]
    for read in looks:
        for reading in read.readings:
            if len(reading.text) == length:
                for place, character in zip(places, reading.text, strict=True):
                    place[character] += reading.probability
    winners = [max(place.items(), key=lambda item: (item[1], item[0])) for place in places]
    shares = [votes / sum(place.values()) for (_, votes), place in zip(winners, places, strict=True)]
    return "".join(c for c, _ in winners), shares, by_length[length] / sum(by_length.values())


def _colour(looks: Sequence[PlateRead]) -> Colour | None:
    """Returns the colour most looks named; None when none did or two did equally often."""
    named = [read.colour for read in looks if read.colour is not None]
    ranked = sorted(((named.count(colour), colour) for colour in set(named)), reverse=True)
    if not ranked or (len(ranked) > 1 and ranked[0][0] == ranked[1][0]):
        return None
    return ranked[0][1]
