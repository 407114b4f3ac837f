import sqlite3
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine

from cases.models import Base
from cases.records import Derivative, NewCase, QueueFilter, Review, RunRecord
from cases.states import SIX_FACTS, CaseState, Decision, PublicationState, UserRole
from cases.store import CaseStore
from core.errors import CaseNotFound, ConfigError, ConflictOfInterest, NotAllowed, StoreError, WrongState
from core.observations import SignalFault
from tests.support.people import (
    ACCEPT,
    PASSWORD,
    REJECT,
    StandingClock,
    accepted,
    new_case,
    open_store,
    store_with_people,
)

MASKED = (Derivative(role="P2", sha256="c" * 64),)


def test_case_survives_reopening_with_every_field(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    case = new_case()
    assert store.add_case(case)
    store.close()
    found = open_store(tmp_path).get(case.case_id)
    for name in set(NewCase.__dataclass_fields__) - {"is_admissible"}:  # kept as the state
        assert getattr(found, name) == getattr(case, name)
    assert found.state is CaseState.QUEUED


def test_same_candidate_is_never_double(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    assert store.add_case(new_case())
    again = new_case(2, candidate_key=new_case().candidate_key)
    assert not store.add_case(again)
    assert store.count() == 1
    assert store.knows(again.candidate_key)
    assert not store.has_case(again.case_id)
    assert store.audit_head()[0] == 1


@pytest.mark.sqlite
def test_migrations_build_exactly_the_models(tmp_path: Path) -> None:
    open_store(tmp_path).close()
    with create_engine(f"sqlite:///{tmp_path / 'lukou.db'}").connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), Base.metadata) == []


@pytest.mark.sqlite
def test_sqlite_runs_with_wal_and_foreign_keys(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    with store._database.reading() as session:
        connection = session.connection()
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar() == 1
        assert connection.exec_driver_sql("PRAGMA busy_timeout").scalar() == 5000


def test_two_people_accept(tmp_path: Path) -> None:
    store = store_with_people(tmp_path)
    case_id = new_case().case_id
    store.add_case(new_case())
    assert store.decide(case_id, "fu", ACCEPT) is CaseState.SECOND_REVIEW
    assert store.decide(case_id, "li", ACCEPT) is CaseState.ACCEPTED
    found = store.get(case_id)
    assert [(r.officer, r.decision, r.facts) for r in found.reviews] == [
        ("fu", Decision.ACCEPT, tuple(sorted(SIX_FACTS))),
        ("li", Decision.ACCEPT, tuple(sorted(SIX_FACTS))),
    ]
    assert [entry.action for entry in store.history(case_id)] == [
        "case_queued",
        "first_review_accepted",
        "case_second_review",
        "second_review_accepted",
        "case_accepted",
    ]


def test_one_person_cannot_do_both_reviews(tmp_path: Path) -> None:
    store = store_with_people(tmp_path)
    store.add_case(new_case())
    store.decide(new_case().case_id, "li", ACCEPT)
    for decision in (ACCEPT, REJECT):
        with pytest.raises(ConflictOfInterest, match="another person"):
            store.decide(new_case().case_id, "li", decision)
    assert store.get(new_case().case_id).state is CaseState.SECOND_REVIEW


@pytest.mark.parametrize(("who", "state"), [("fu", CaseState.SECOND_REVIEW), ("root", CaseState.QUEUED)])
def test_role_without_right_cannot_review(tmp_path: Path, who: str, state: CaseState) -> None:
    store = store_with_people(tmp_path)
    store.add_case(new_case())
    if state is CaseState.SECOND_REVIEW:
        store.decide(new_case().case_id, "li", ACCEPT)
    with pytest.raises(NotAllowed):
        store.decide(new_case().case_id, who, ACCEPT)
    assert store.get(new_case().case_id).state is state


def test_closed_login_cannot_review(tmp_path: Path) -> None:
    store = store_with_people(tmp_path)
    store.add_case(new_case())
    store.set_user_active("fu", is_active=False)
    with pytest.raises(NotAllowed, match="closed"):
        store.decide(new_case().case_id, "fu", ACCEPT)


@pytest.mark.parametrize("missing", SIX_FACTS)
def test_acceptance_needs_each_of_the_six_facts(tmp_path: Path, missing: str) -> None:
    store = store_with_people(tmp_path)
    store.add_case(new_case())
    five = Review(
        decision=Decision.ACCEPT,
        facts=tuple(f for f in SIX_FACTS if f != missing),
        cues_checked=ACCEPT.cues_checked,
    )
    with pytest.raises(ConfigError, match=missing):
        store.decide(new_case().case_id, "fu", five)
    assert store.get(new_case().case_id).reviews == ()


def test_acceptance_needs_every_cue_looked_at(tmp_path: Path) -> None:
    store = store_with_people(tmp_path)
    store.add_case(new_case())
    with pytest.raises(ConfigError, match="police_hand_signal"):
        store.decide(
            new_case().case_id,
            "fu",
            Review(decision=Decision.ACCEPT, facts=SIX_FACTS, cues_checked=("emergency_vehicle_on_duty",)),
        )


@pytest.mark.parametrize("reason", [None, "R21", "", "no_violation"])
def test_rejection_needs_a_known_reason(tmp_path: Path, reason: str | None) -> None:
    store = store_with_people(tmp_path)
    store.add_case(new_case())
    with pytest.raises(ConfigError, match="R01"):
        store.decide(new_case().case_id, "fu", Review(decision=Decision.REJECT, reason=reason))


@pytest.mark.parametrize("is_accepted", [True, False])
def test_decided_case_stays_decided(tmp_path: Path, *, is_accepted: bool) -> None:
    store = store_with_people(tmp_path)
    case_id = new_case().case_id
    if is_accepted:
        accepted(store)
    else:
        store.add_case(new_case())
        assert store.decide(case_id, "fu", REJECT) is CaseState.REJECTED
    with pytest.raises(WrongState, match="cannot be changed"):
        store.decide(case_id, "wang", ACCEPT)


def test_second_review_may_reject(tmp_path: Path) -> None:
    store = store_with_people(tmp_path)
    store.add_case(new_case())
    store.decide(new_case().case_id, "fu", ACCEPT)
    assert store.approve(new_case().case_id, "li", REJECT) is CaseState.REJECTED


def test_approve_needs_a_first_review(tmp_path: Path) -> None:
    store = store_with_people(tmp_path)
    store.add_case(new_case())
    with pytest.raises(WrongState, match="first"):
        store.approve(new_case().case_id, "li", ACCEPT)


def test_unknown_case_is_said_so(tmp_path: Path) -> None:
    store = store_with_people(tmp_path)
    with pytest.raises(CaseNotFound, match="lukou cases"):
        store.get("nothing")
    with pytest.raises(CaseNotFound):
        store.decide("nothing", "fu", ACCEPT)


def test_next_case_skips_what_this_person_may_not_review(tmp_path: Path) -> None:
    clock = StandingClock()
    store = store_with_people(tmp_path, clock)
    ids = []
    for number in (1, 2, 3):
        store.add_case(new_case(number))
        ids.append(new_case(number).case_id)
        clock.forward(minutes=1)
    store.decide(ids[0], "li", ACCEPT)
    assert store.next_for("li") == ids[1]
    assert store.next_for("wang") == ids[0]
    assert store.next_for("fu", after=ids[1]) == ids[2]
    assert store.next_for("fu", after=ids[2]) == ids[1]
    assert store.next_for("root") is None


def test_queue_filters_and_counts(tmp_path: Path) -> None:
    store = store_with_people(tmp_path)
    accepted(store, 1)
    store.add_case(new_case(2, violation_id="V03"))
    assert [c.violation_id for c in store.queue(QueueFilter(state=CaseState.QUEUED))] == ["V03"]
    assert store.count(QueueFilter(violation_id="V01")) == 1
    assert store.counts_by_state() == dict.fromkeys(CaseState, 0) | {CaseState.QUEUED: 1, CaseState.ACCEPTED: 1}
    assert store.counts_by_violation(CaseState.ACCEPTED) == {"V01": 1}


@pytest.mark.sqlite
def test_run_keeps_its_lamps_at_fault_and_the_audit_watches_them(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    run = RunRecord(
        session_id="S1", camera_id="c", site_id="s", files=("a.mp4",), started_utc=datetime(2026, 11, 22, tzinfo=UTC)
    )
    first = SignalFault(signal_id="near", kind="stuck", start_ns=10**9, end_ns=2 * 10**9)
    later = replace(first, end_ns=5 * 10**9)
    store.save_run(run)
    assert store.run("S1") == run
    for faults in ((first,), (later, replace(first, signal_id="far", kind="dark"))):
        store.save_run(replace(run, signal_faults=faults))
        assert store.run("S1") == replace(run, signal_faults=faults)
    assert [r.signal_faults for r in store.runs()] == [faults]
    assert store.verify_audit() == []
    with sqlite3.connect(tmp_path / "lukou.db") as database:
        database.execute("UPDATE signal_faults SET faults = '[]'")
    assert any("signal_faults" in problem for problem in store.verify_audit())


def test_run_counts_what_was_not_looked_at(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    start = datetime(2026, 11, 22, tzinfo=UTC)
    run = RunRecord(
        session_id="S1", camera_id="c", site_id="s", files=("a.mp4",), started_utc=start, decoded=10, skipped=7
    )
    store.save_run(run)
    done = RunRecord(
        session_id="S1",
        camera_id="c",
        site_id="s",
        files=("a.mp4", "b.mp4"),
        started_utc=start,
        finished_utc=start + timedelta(seconds=5),
        footage_s=1.5,
        decoded=20,
        analysed=6,
        skipped=13,
        damaged=1,
        lost=2,
        undecided={"V01": {"lamp_unknown": 3}, "V03": {"short_track": 1}},
    )
    store.save_run(done)
    assert store.run("S1") == done
    assert done.undecided_total == 4
    assert [r.session_id for r in store.runs()] == ["S1"]


class TestPublication:
    def expiry(self, clock: StandingClock, hours: float = 24) -> datetime:
        return clock.now + timedelta(hours=hours)

    def test_item_shows_until_it_expires(self, tmp_path: Path) -> None:
        clock = StandingClock()
        store = store_with_people(tmp_path, clock)
        case_id = accepted(store)
        item = store.publish(case_id, "wang", screen_id="demo", expires_utc=self.expiry(clock, 2), derivatives=MASKED)
        assert [p.publication_id for p in store.showing("demo")] == [item.publication_id]
        assert store.showing("other") == []
        clock.forward(hours=2)
        assert store.showing("demo") == []
        assert [p.state for p in store.expire_publications()] == [PublicationState.EXPIRED]
        assert store.expire_publications() == []

    @pytest.mark.parametrize("who", ["fu", "root"])
    def test_only_a_police_officer_publishes(self, tmp_path: Path, who: str) -> None:
        clock = StandingClock()
        store = store_with_people(tmp_path, clock)
        case_id = accepted(store)
        with pytest.raises(NotAllowed):
            store.publish(case_id, who, screen_id="demo", expires_utc=self.expiry(clock), derivatives=MASKED)

    @pytest.mark.parametrize("state", [CaseState.QUEUED, CaseState.SECOND_REVIEW, CaseState.REJECTED])
    def test_other_states_cannot_be_published(self, tmp_path: Path, state: CaseState) -> None:
        clock = StandingClock()
        store = store_with_people(tmp_path, clock)
        case_id = new_case().case_id
        store.add_case(new_case())
        if state is not CaseState.QUEUED:
            store.decide(case_id, "fu", ACCEPT if state is CaseState.SECOND_REVIEW else REJECT)
        with pytest.raises(WrongState):
            store.publish(case_id, "li", screen_id="demo", expires_utc=self.expiry(clock), derivatives=MASKED)

    @pytest.mark.parametrize("hours", [-1, 0, 72.01, 1000])
    def test_expiry_stays_within_the_catalogue(self, tmp_path: Path, hours: float) -> None:
        clock = StandingClock()
        store = store_with_people(tmp_path, clock)
        case_id = accepted(store)
        with pytest.raises(ConfigError, match="72 h"):
            store.publish(case_id, "li", screen_id="demo", expires_utc=self.expiry(clock, hours), derivatives=MASKED)

    @pytest.mark.parametrize("derivatives", [(), (Derivative(role="P2", sha256=""),)])
    def test_no_masked_picture_no_publication(self, tmp_path: Path, derivatives: tuple[Derivative, ...]) -> None:
        clock = StandingClock()
        store = store_with_people(tmp_path, clock)
        case_id = accepted(store)
        with pytest.raises(ConfigError, match="masked"):
            store.publish(case_id, "li", screen_id="demo", expires_utc=self.expiry(clock), derivatives=derivatives)

    def test_withdrawn_item_is_gone_and_may_be_published_anew(self, tmp_path: Path) -> None:
        clock = StandingClock()
        store = store_with_people(tmp_path, clock)
        case_id = accepted(store)
        item = store.publish(case_id, "li", screen_id="demo", expires_utc=self.expiry(clock), derivatives=MASKED)
        with pytest.raises(WrongState, match="already"):
            store.publish(case_id, "li", screen_id="demo", expires_utc=self.expiry(clock), derivatives=MASKED)
        ended = store.withdraw(item.publication_id, "root", "申诉")
        assert (ended.state, ended.ended_by, ended.end_note) == (PublicationState.WITHDRAWN, "root", "申诉")
        assert store.showing("demo") == []
        with pytest.raises(WrongState):
            store.withdraw(item.publication_id, "li")
        store.publish(case_id, "li", screen_id="demo", expires_utc=self.expiry(clock), derivatives=MASKED)
        assert len(store.showing("demo")) == 1

    @pytest.mark.parametrize("screen_id", ["", "a/b", "../x", "-a", "大屏", "a" * 65])
    def test_screen_id_is_safe_in_an_address(self, tmp_path: Path, screen_id: str) -> None:
        clock = StandingClock()
        store = store_with_people(tmp_path, clock)
        case_id = accepted(store)
        with pytest.raises(ConfigError, match="screen id"):
            store.publish(case_id, "li", screen_id=screen_id, expires_utc=self.expiry(clock), derivatives=MASKED)


class TestLogins:
    def test_only_the_right_password_of_an_open_login_works(self, tmp_path: Path) -> None:
        store = store_with_people(tmp_path)
        user = store.try_authenticate("fu", PASSWORD)
        assert user is not None
        assert user.role is UserRole.REVIEWER
        assert store.try_authenticate("fu", PASSWORD + "x") is None
        assert store.try_authenticate("nobody", PASSWORD) is None
        store.set_user_active("fu", is_active=False)
        assert store.try_authenticate("fu", PASSWORD) is None

    @pytest.mark.sqlite
    def test_password_is_stored_as_argon2_only(self, tmp_path: Path) -> None:
        store_with_people(tmp_path).close()
        content = b"".join(p.read_bytes() for p in tmp_path.iterdir())
        assert PASSWORD.encode() not in content
        assert b"$argon2id$" in content

    @pytest.mark.parametrize(
        ("name", "password", "role", "message"),
        [
            ("fu", PASSWORD, "reviewer", "exists"),
            ("new", "short", "reviewer", "8 characters"),
            ("a b", PASSWORD, "reviewer", "login name"),
            ("system", PASSWORD, "admin", "login name"),
            ("new", PASSWORD, "chief", "no role"),
        ],
    )
    def test_unusable_login_is_refused(self, tmp_path: Path, name: str, password: str, role: str, message: str) -> None:
        store = store_with_people(tmp_path)
        with pytest.raises(ConfigError, match=message):
            store.add_user(name, password, role)


class TestRefusals:
    @pytest.mark.sqlite
    def test_locked_database_is_one_line(self, tmp_path: Path) -> None:
        store = open_store(tmp_path, busy_timeout_s=0.05)
        other = sqlite3.connect(tmp_path / "lukou.db", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match="locked"):
            store.add_case(new_case())
        other.execute("ROLLBACK")
        other.close()
        assert store.add_case(new_case())

    def test_reading_goes_on_while_another_program_writes(self, tmp_path: Path) -> None:
        store = open_store(tmp_path, busy_timeout_s=0.05)
        other = sqlite3.connect(tmp_path / "lukou.db", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        assert store.count() == 0
        other.close()

    @pytest.mark.sqlite
    def test_full_disk_changes_nothing(self, tmp_path: Path) -> None:
        store = open_store(tmp_path)
        with store._database.reading() as session:
            pages = session.connection().exec_driver_sql("PRAGMA page_count").scalar()
            session.connection().exec_driver_sql(f"PRAGMA max_page_count = {pages}")
        with pytest.raises(StoreError, match="disk is full"):
            [store.add_case(new_case(number)) for number in range(200)]
        kept = store.count()
        assert store.audit_head()[0] == kept
        assert store.verify_audit() == []

    @pytest.mark.sqlite
    def test_file_that_is_no_database(self, tmp_path: Path) -> None:
        (tmp_path / "lukou.db").write_bytes(b"not a database at all" * 100)
        with pytest.raises(StoreError, match="not a database"):
            open_store(tmp_path)

    @pytest.mark.sqlite
    def test_newer_database_is_refused(self, tmp_path: Path) -> None:
        open_store(tmp_path).close()
        with sqlite3.connect(tmp_path / "lukou.db") as connection:
            connection.execute("UPDATE alembic_version SET version_num = '9999'")
        with pytest.raises(StoreError, match="newer version"):
            open_store(tmp_path)

    @pytest.mark.parametrize("url", ["nonsense", "nosuch://x"])
    def test_bad_url(self, url: str) -> None:
        with pytest.raises(ConfigError, match="database URL"):
            CaseStore.open(url)
