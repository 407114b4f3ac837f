"""Builders for case-store tests: a clock that stands still until told, cases, officers."""

import tempfile
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

from cases.records import NewCase, Review
from cases.states import SIX_FACTS, Decision, UserRole
from cases.store import CaseStore

PASSWORD = "a long enough password"


class StandingClock:
    """A clock tests move by hand."""

    def __init__(self, start: datetime = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)) -> None:
        self.now = start

    def now_utc(self) -> datetime:
        return self.now

    def forward(self, **amount: float) -> None:
        self.now += timedelta(**amount)


def new_case(number: int = 1, **changes: object) -> NewCase:
    case = NewCase(
        case_id=f"01M827B9ZPZ46TDKAVAP8M{number:04d}",
        candidate_key=f"S0123456789abcdef/V01/{number}",
        session_id="S0123456789abcdef",
        violation_id="V01",
        site_id="demo",
        camera_id="cam-1",
        place="钟吾路与大桥路交叉口",
        direction="由南向北",
        onset_ns=12_400_000_000,
        subject="CAR",
        manifest_sha256="a" * 64,
        entry_sha256="b" * 64,
        occurred_utc=datetime(2026, 11, 22, 0, 15, 3, tzinfo=UTC),
        cues=("emergency_vehicle_on_duty", "police_hand_signal"),
    )
    return replace(case, **changes)  # type: ignore[arg-type]


ACCEPT = Review(
    decision=Decision.ACCEPT, facts=SIX_FACTS, cues_checked=("emergency_vehicle_on_duty", "police_hand_signal")
)
REJECT = Review(decision=Decision.REJECT, reason="R02", note="右转")


def open_store(folder: Path, clock: StandingClock | None = None, *, busy_timeout_s: float = 5.0) -> CaseStore:
    return CaseStore.open(
        f"sqlite:///{folder / 'lukou.db'}", clock=clock or StandingClock(), busy_timeout_s=busy_timeout_s
    )


@cache
def _people_database() -> bytes:
    """A database with the four logins, made once: argon2 is slow on purpose."""
    with tempfile.TemporaryDirectory() as name:
        store = open_store(Path(name))
        _add_people(store)
        store.close()
        return (Path(name) / "lukou.db").read_bytes()


def store_with_people(folder: Path, clock: StandingClock | None = None) -> CaseStore:
    """A store with reviewer `fu`, officers `li` and `wang`, admin `root`."""
    (folder / "lukou.db").write_bytes(_people_database())
    return open_store(folder, clock)


def _add_people(store: CaseStore) -> None:
    for name, role in (
        ("fu", UserRole.REVIEWER),
        ("li", UserRole.OFFICER),
        ("wang", UserRole.OFFICER),
        ("root", UserRole.ADMIN),
    ):
        store.add_user(name, PASSWORD, role)


def accepted(store: CaseStore, number: int = 1) -> str:
    """Adds a case and lets two people accept it; returns its id."""
    case = new_case(number)
    store.add_case(case)
    store.decide(case.case_id, "fu", ACCEPT)
    store.decide(case.case_id, "li", ACCEPT)
    return case.case_id
