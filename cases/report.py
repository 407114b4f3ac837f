"""Citizens' reports (违法随手拍) as frozen values: what is handed in, its states, and what the citizen is told.

    DRAFT --enough photos--> SUBMITTED, within WINDOW of the offence
    SUBMITTED --inspection--> ACCEPTED (a case in the review queue) | DUPLICATE | SUPPLEMENT_REQUESTED
    LATE and OUT_OF_SCOPE at once; SUPPLEMENT_REQUESTED --new photos--> SUBMITTED
    ACCEPTED --first review--> REVIEWING --second review--> CONFIRMED | REJECTED: read from the case, never stored twice

Source: domain §4.2, §4.3.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cache
from importlib.resources import files

from pydantic import BaseModel, ConfigDict
from ruamel.yaml import YAML

from cases.states import CaseState
from core.catalogue import Violation, catalogue
from core.errors import ConfigError
from evidence.upload import PHOTO_ENDINGS

CITIZEN = "citizen"
"""Camera and site of a case that came from a citizen."""
WINDOW = timedelta(hours=72)
"""A report must come this soon after the offence. Source: domain §4.2."""
DAILY_LIMIT = 20
STRIKES_ALLOWED = 3
"""Reports found forged (R20) before an account is suspended. Source: domain §4.3."""
PHOTOS_MIN, PHOTOS_MAX = 3, 6
SUPPLEMENT_WINDOW = timedelta(hours=48)
"""Better files must come this soon after they were asked for. Source: domain §4.3."""
FRAUD_REASON = "R20"


class ReportState(StrEnum):
    """Where a report is; the last three mirror its case."""

    DRAFT = "DRAFT"
    SUBMITTED = "SUBMITTED"
    LATE = "LATE"
    OUT_OF_SCOPE = "OUT_OF_SCOPE"
    DUPLICATE = "DUPLICATE"
    SUPPLEMENT_REQUESTED = "SUPPLEMENT_REQUESTED"
    ACCEPTED = "ACCEPTED"
    REVIEWING = "REVIEWING"
    CONFIRMED = "CONFIRMED"
    REJECTED = "REJECTED"


class RewardState(StrEnum):
    """Where a reward is; due and expired follow from the report and the clock and are stored nowhere."""

    DUE = "DUE"
    PAID = "PAID"
    DECLINED = "DECLINED"
    EXPIRED = "EXPIRED"


OF_CASE: dict[CaseState, ReportState] = {
    CaseState.QUEUED: ReportState.ACCEPTED,
    CaseState.SUSPENDED: ReportState.ACCEPTED,
    CaseState.SECOND_REVIEW: ReportState.REVIEWING,
    CaseState.DISPUTED: ReportState.REVIEWING,
    CaseState.ACCEPTED: ReportState.CONFIRMED,
    CaseState.REJECTED: ReportState.REJECTED,
    CaseState.INADMISSIBLE: ReportState.REJECTED,
    CaseState.OBJECTED: ReportState.REVIEWING,
    CaseState.UPHELD: ReportState.CONFIRMED,
    CaseState.CANCELLED: ReportState.REJECTED,
}


ENDED = (
    ReportState.LATE,
    ReportState.OUT_OF_SCOPE,
    ReportState.DUPLICATE,
    ReportState.REJECTED,
    ReportState.CONFIRMED,
)
"""Nothing more happens to these of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewReport:
    """What a citizen claims. ``plate`` is normalised, "" when the offender has none; degrees WGS 84."""

    violation_id: str
    plate: str
    occurred_utc: datetime
    place: str
    lat_deg: float | None = None
    lon_deg: float | None = None
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Medium:
    """One handed-in file, kept as it came under its hash. ``signs`` are the inspector's, as key and detail."""

    sha256: str
    ending: str
    size_bytes: int
    phash: str = ""
    signs: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportRecord:
    """A report as its citizen and the office see it; ``code`` is J01-J15 once it failed."""

    report_id: str
    reporter: str
    claim: NewReport
    state: ReportState
    code: str | None
    detail: str
    duplicate_of: str | None
    case_id: str | None
    media: tuple[Medium, ...]
    submitted_utc: datetime
    changed_utc: datetime
    reward: RewardState | None = None

    @property
    def until_utc(self) -> datetime | None:
        """By when its sender must send files; None when none are awaited."""
        if self.state is ReportState.DRAFT:
            return self.claim.occurred_utc + WINDOW
        return self.changed_utc + SUPPLEMENT_WINDOW if self.state is ReportState.SUPPLEMENT_REQUESTED else None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportTotals:
    """The three numbers of the campaign: registered users, reports received, reports confirmed."""

    registered: int
    received: int
    confirmed: int


class Code(BaseModel):
    """One answer to a citizen whose report failed, in plain words."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str
    zh: str
    en: str
    reasons: list[str] = []


@cache
def codes() -> dict[str, Code]:
    """Returns J01 to J15 by id."""
    text = (files("cases") / "data" / "report_codes.yaml").read_text(encoding="utf-8")
    rows = YAML(typ="safe", pure=True).load(text)["codes"]
    return {row["id"]: Code.model_validate(row) for row in rows}


def code_of_reason(reason: str | None) -> str:
    """Returns what a citizen is told when an officer rejects with a review reason.

    >>> code_of_reason("R09"), code_of_reason("R11")
    ('J01', 'J15')
    """
    return next((code.id for code in codes().values() if reason in code.reasons), "J15")


def reportable() -> tuple[Violation, ...]:
    """Returns what citizens may report: every entry with ``sources.citizen``."""
    return tuple(v for v in catalogue().violations if (v.model_extra or {}).get("sources", {}).get("citizen"))


def check_media(media: Sequence[Medium], *, least: int = PHOTOS_MIN) -> None:
    """Refuses files that are neither enough different photos nor one video.

    Raises:
        ConfigError: one line that tells the citizen what to send.
    """
    are_photos = [medium.ending in PHOTO_ENDINGS for medium in media]
    if are_photos == [False]:
        return
    if not all(are_photos) or not least <= len(media) <= PHOTOS_MAX:
        raise ConfigError(f"send {PHOTOS_MIN} to {PHOTOS_MAX} photos, or one video")
    if len({medium.sha256 for medium in media}) < len(media):
        raise ConfigError("the same photo was sent twice; send different ones")


def is_complete(media: Sequence[Medium]) -> bool:
    """Tells whether these files make a report: one video, or enough photos."""
    return len(media) >= PHOTOS_MIN or any(medium.ending not in PHOTO_ENDINGS for medium in media)


def check_claim(claim: NewReport) -> None:
    """Refuses a claim that cannot be one.

    Raises:
        ConfigError: one line that tells the citizen what to correct.
    """
    catalogue().get(claim.violation_id)
    if not claim.place.strip() or len(claim.place) > 300:
        raise ConfigError("say where it happened, in at most 300 characters")
    if len(claim.note) > 1000:
        raise ConfigError("shorten the note to at most 1000 characters")
    if claim.occurred_utc.tzinfo is None:
        raise ConfigError("say when it happened with a UTC offset, e.g. 2026-11-22T08:15:03+08:00")
