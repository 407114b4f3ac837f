"""Builders for case-store tests: a clock that stands still until told, cases, officers."""

import hashlib
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

from cases.records import NewCase, Review
from cases.states import SIX_FACTS, Decision, UserRole
from cases.store import CaseStore
from tests.support.postgresql import Cluster

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


class SqliteHost:
    """Where the databases of tests live, unless a test asks for another kind: a file in the test's folder."""

    def url(self, folder: Path) -> str:
        return f"sqlite:///{folder / 'lukou.db'}"

    def opened(self, store: CaseStore) -> None:
        """Needs no closing: the garbage collector does."""

    def put_people(self, folder: Path) -> None:
        (folder / "lukou.db").write_bytes(_people_database())


class PostgresqlHost:
    """Databases on the tests' own PostgreSQL, one per folder."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._stores: list[CaseStore] = []

    def opened(self, store: CaseStore) -> None:
        self._stores.append(store)

    def close(self) -> None:
        for store in self._stores:
            store.close()

    def url(self, folder: Path) -> str:
        return self._cluster.make(self._name(folder))

    def put_people(self, folder: Path) -> None:
        if not self._cluster.has("people"):
            with closing(CaseStore.open(self._cluster.make("people"), clock=StandingClock())) as store:
                _add_people(store)
        self._cluster.make(self._name(folder), template="people")

    def _name(self, folder: Path) -> str:
        return "t" + hashlib.sha256(str(folder).encode()).hexdigest()[:16]


HOSTS: list[SqliteHost | PostgresqlHost] = [SqliteHost()]
"""The last one is in use."""


@contextmanager
def hosted(host: PostgresqlHost) -> Iterator[None]:
    """Lets every store opened meanwhile be on another host, and closes them afterwards."""
    HOSTS.append(host)
    try:
        yield
    finally:
        HOSTS.pop()
        host.close()


def open_store(folder: Path, clock: StandingClock | None = None, *, busy_timeout_s: float = 5.0) -> CaseStore:
    store = CaseStore.open(HOSTS[-1].url(folder), clock=clock or StandingClock(), busy_timeout_s=busy_timeout_s)
    HOSTS[-1].opened(store)
    return store


@cache
def _people_database() -> bytes:
    """A database with the four logins, made once: argon2 is slow on purpose."""
    with tempfile.TemporaryDirectory() as name:
        with closing(CaseStore.open(SqliteHost().url(Path(name)), clock=StandingClock())) as store:
            _add_people(store)
        return (Path(name) / "lukou.db").read_bytes()


def store_with_people(folder: Path, clock: StandingClock | None = None) -> CaseStore:
    """A store with reviewer `fu`, officers `li` and `wang`, admin `root`."""
    HOSTS[-1].put_people(folder)
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


def suspended(store: CaseStore, *, first: int = 1000) -> str:
    """Lets V02 on cam-9 be wrong in three of twenty cases; returns the id of its suspension."""
    for number in range(first, first + 20):
        case = new_case(number, camera_id="cam-9", violation_id="V02", candidate_key=f"wrong/{number}")
        store.add_case(case)
        store.decide(case.case_id, "fu", REJECT if number >= first + 17 else replace(REJECT, reason="R09"))
    return store.reviews.suspensions()[0].suspension_id
