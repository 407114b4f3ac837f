"""What goes into the case store and comes out of it, as frozen values."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType

from cases.states import DECIDED, UNDECIDED, CaseState, Decision, PublicationState, ReviewStage, UserRole
from core.observations import SignalFault
from core.plate import UNREADABLE
from core.time import NS_PER_S

_NOTHING: Mapping[str, Mapping[str, int]] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class NewCase:
    """A sealed candidate that asks for review.

    ``candidate_key`` is the same for the same offence in the same footage, however often it is
    processed; ``case_id`` is the id of the evidence package.
    """

    case_id: str
    candidate_key: str
    session_id: str
    violation_id: str
    site_id: str
    camera_id: str
    place: str
    direction: str
    onset_ns: int
    subject: str
    manifest_sha256: str
    entry_sha256: str
    occurred_utc: datetime | None = None
    cues: tuple[str, ...] = ()
    plate: str = UNREADABLE
    is_admissible: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewRecord:
    """One person's decision."""

    case_id: str
    stage: ReviewStage
    officer: str
    decision: Decision
    reason: str | None
    note: str
    facts: tuple[str, ...]
    cues_checked: tuple[str, ...]
    decided_utc: datetime
    plate: str = ""
    opened_utc: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """Somebody has a case open, since when, until when."""

    officer: str
    opened_utc: datetime
    until_utc: datetime

    def is_of_another(self, officer: str, now_utc: datetime) -> bool:
        """Tells whether it keeps somebody from the case."""
        return self.officer != officer and self.until_utc > now_utc


@dataclass(frozen=True, slots=True, kw_only=True)
class Derivative:
    """One masked picture made for the screens: its role in the package and the hash of its bytes."""

    role: str
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicationRecord:
    """One item on one screen."""

    publication_id: str
    case_id: str
    screen_id: str
    state: PublicationState
    approved_by: str
    approved_utc: datetime
    expires_utc: datetime
    derivatives: tuple[Derivative, ...]
    ended_by: str | None
    ended_utc: datetime | None
    end_note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NewObjection:
    """What an objector says: through which channel, on which ground (C1-C8), in which words."""

    channel: str
    ground: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The answer to an objection; ``ground`` (C1-C8) is needed when the case is cancelled."""

    is_cancelled: bool
    reply: str
    ground: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Objection:
    """An objection and what became of it; ``result`` is UPHELD, CANCELLED or None while it is open."""

    objection_id: str
    channel: str
    ground: str
    text: str
    filed_by: str
    received_utc: datetime
    due_utc: datetime
    result: CaseState | None
    reply: str
    decided_by: str | None
    decided_utc: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancellation:
    """Why and by whom a case that stood was withdrawn of the office's own accord; ``ground`` is C1 to C8."""

    ground: str
    note: str
    officer: str
    cancelled_utc: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseRecord:
    """A case with everything people did to it."""

    case_id: str
    candidate_key: str
    session_id: str
    violation_id: str
    site_id: str
    camera_id: str
    place: str
    direction: str
    occurred_utc: datetime | None
    onset_ns: int
    subject: str
    manifest_sha256: str
    entry_sha256: str
    cues: tuple[str, ...]
    plate: str
    state: CaseState
    created_utc: datetime
    changed_utc: datetime
    reviews: tuple[ReviewRecord, ...]
    publications: tuple[PublicationRecord, ...]
    objection: Objection | None = None
    cancellation: Cancellation | None = None
    hold: Hold | None = None
    is_blind: bool = False

    @property
    def is_plate_typed(self) -> bool:
        """Whether the plate is what two people typed, not what the machine read."""
        return any(review.plate == self.plate for review in self.reviews) and self.state not in UNDECIDED

    @property
    def reviewers(self) -> tuple[str, ...]:
        """Everybody who reviewed the case."""
        return tuple(review.officer for review in self.reviews)

    @property
    def first_reviewer(self) -> str | None:
        """Name of the person who did the first review."""
        return next((r.officer for r in self.reviews if r.stage is ReviewStage.FIRST_REVIEW), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """What a reviewer hands in.

    ``facts`` are the confirmed ones of states.SIX_FACTS, ``cues_checked`` the case's cues looked at, ``plate`` the
    plate as they read it when the machine's reading is missing or wrong.
    """

    decision: Decision
    reason: str | None = None
    note: str = ""
    facts: tuple[str, ...] = ()
    cues_checked: tuple[str, ...] = ()
    plate: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspension:
    """A rule that was wrong too often on one camera: its new candidates wait until a supervisor lifts it."""

    suspension_id: str
    camera_id: str
    violation_id: str
    since_utc: datetime
    wrong: int
    reviewed: int
    lifted_by: str | None
    lifted_utc: datetime | None
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Unseen:
    """Not looked at from ``from_ns`` to ``to_ns``, session time, and why."""

    from_ns: int
    to_ns: int
    reason: str

    @property
    def length_s(self) -> float:
        """Seconds nobody looked."""
        return (self.to_ns - self.from_ns) / NS_PER_S


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRecord:
    """One processing run of one session: what was seen, what was skipped, what stayed undecided.

    ``undecided`` counts per violation and reason: {"V01": {"lamp_unknown": 12}}.
    """

    session_id: str
    camera_id: str
    site_id: str
    files: tuple[str, ...]
    started_utc: datetime
    finished_utc: datetime | None = None
    footage_s: float = 0.0
    decoded: int = 0
    analysed: int = 0
    skipped: int = 0
    damaged: int = 0
    lost: int = 0
    undecided: Mapping[str, Mapping[str, int]] = field(default_factory=lambda: _NOTHING)
    signal_faults: tuple[SignalFault, ...] = ()
    unseen: tuple[Unseen, ...] = ()

    @property
    def undecided_total(self) -> int:
        """How many possible offences could not be decided."""
        return sum(n for by_reason in self.undecided.values() for n in by_reason.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """Somebody who may log in."""

    name: str
    role: UserRole
    is_active: bool
    created_utc: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Cursor:
    """The last case of a list, after which the next one goes on; cases that come and go meanwhile shift nothing."""

    at_utc: datetime
    case_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueFilter:
    """Which cases to list; None means any.

    ``plate`` is the beginning, the end or all of one, as it is stored; ``is_report`` tells citizens' reports from
    cameras; ``received_before`` leaves those that arrived earlier.
    """

    state: CaseState | None = None
    violation_id: str | None = None
    session_id: str | None = None
    camera_id: str | None = None
    is_report: bool | None = None
    plate: str | None = None
    from_utc: datetime | None = None
    to_utc: datetime | None = None
    received_before: datetime | None = None
    after: Cursor | None = None
    limit: int = 100

    @property
    def is_by_change(self) -> bool:
        """Whether the latest change comes first, as with decided cases; else the oldest case does."""
        return self.state in DECIDED

    def cursor(self, last: "CaseRecord | QueueRow") -> Cursor:
        """Returns where the list goes on after its last case."""
        return Cursor(at_utc=last.changed_utc if self.is_by_change else last.created_utc, case_id=last.case_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueRow:
    """A case as a list shows it: without what only its own page needs."""

    case_id: str
    violation_id: str
    camera_id: str
    place: str
    direction: str
    occurred_utc: datetime | None
    onset_ns: int
    subject: str
    plate: str
    state: CaseState
    created_utc: datetime
    changed_utc: datetime
    reviewers: tuple[str, ...]
    hold: Hold | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """One line of the audit chain, for reading."""

    seq: int
    at_utc: datetime
    actor: str
    action: str
    table_name: str
    row_key: str
    entry_sha256: str
