"""What a screen is told: an allow-list of fields in which no person, plate or case number has a place."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any

from cases.records import CaseRecord, PublicationRecord
from core.catalogue import catalogue
from display.law import general_slogans, law_line, slogan

POLL_S = 8
"""How often a screen asks; a withdrawn item is gone within 10 s."""
OFFLINE_S = 600
"""How long a screen that reaches no server goes on showing pictures. Source: domain §5.3 (5), withdrawal in 10 min."""
LOCAL = timezone(timedelta(hours=8))
"""Beijing time, the only one in the country."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One violation as the public sees it."""

    publication_id: str
    title: str
    place: str
    when: str
    law: str
    slogan: str
    pictures: tuple[str, ...]
    expires_utc: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Statistics:
    """Confirmed violations per kind, most frequent first."""

    by_violation: tuple[tuple[str, int], ...]

    @classmethod
    def build(cls, counts: Mapping[str, int]) -> "Statistics":
        """Returns the statistics of counts per violation id."""
        rows = sorted(counts.items(), key=lambda row: (-row[1], row[0]))
        return cls(by_violation=tuple((catalogue().get(key).short_zh, number) for key, number in rows))


@dataclass(frozen=True, slots=True, kw_only=True)
class Playlist:
    """All a screen needs until it asks again."""

    screen_id: str
    now_utc: datetime
    items: tuple[Item, ...]
    statistics: Statistics

    def to_json(self) -> dict[str, Any]:
        """Returns the public answer, field by field."""
        return {
            "screen_id": self.screen_id,
            "now_utc": self.now_utc.isoformat(),
            "poll_s": POLL_S,
            "offline_s": OFFLINE_S,
            "items": [_item_json(item) for item in self.items],
            "statistics": [{"title": title, "count": count} for title, count in self.statistics.by_violation],
            "slogans": list(general_slogans()),
        }


def build_item(publication: PublicationRecord, case: CaseRecord) -> Item:
    """Returns the public face of a published case; time to the minute, place as the junction is called."""
    violation = catalogue().get(case.violation_id)
    return Item(
        publication_id=publication.publication_id,
        title=violation.short_zh,
        place=case.place,
        when=f"{case.occurred_utc.astimezone(LOCAL):%Y年%-m月%-d日 %H:%M}" if case.occurred_utc else "",
        law=law_line(violation),
        slogan=slogan(violation),
        pictures=tuple(d.role for d in publication.derivatives),
        expires_utc=publication.expires_utc,
    )


def _item_json(item: Item) -> dict[str, Any]:
    return {
        "id": item.publication_id,
        "title": item.title,
        "place": item.place,
        "when": item.when,
        "law": item.law,
        "slogan": item.slogan,
        "pictures": [f"/display/items/{item.publication_id}/{role}.jpg" for role in item.pictures],
        "expires_utc": item.expires_utc.isoformat(),
    }
