"""Days are closed with a root and a stamp, evidence is deleted when its time is over and on no hold, and both show."""

import hashlib
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest

from cases.report import Medium, NewReport
from cases.retention import due_files
from cases.states import CaseState
from cases.store import CaseStore
from core.errors import CaseNotFound, ConfigError, NotAllowed, StoreError, WrongState
from evidence.seal import Vault
from evidence.stamp import request_stamp, stamp_problem
from evidence.verify import verify_path, verify_store
from tests.support.drafts import draft
from tests.support.people import ACCEPT, PASSWORD, REJECT, StandingClock, new_case, store_with_people
from tests.support.tsa import make_authority, served


class Office:
    """A case store and its evidence store, with one clock."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.clock = folder, StandingClock()
        self.store: CaseStore = store_with_people(folder, self.clock)
        self.store.add_user("sun", PASSWORD, "supervisor")
        self.vault = Vault(folder / "evidence", folder / "keys", self.clock)
        self.media = folder / "reports"

    def case(self, number: int) -> str:
        """Seals and files a case."""
        new = new_case(number)
        sealed = self.vault.seal(draft(self.folder, number, case_id=new.case_id))
        hashes = {"manifest_sha256": sealed.manifest_sha256, "entry_sha256": sealed.entry_sha256}
        assert self.store.add_case(new_case(number, **hashes))
        return new.case_id

    def rejected(self, number: int) -> str:
        case_id = self.case(number)
        assert self.store.decide(case_id, "fu", REJECT) is CaseState.REJECTED
        return case_id

    def accepted(self, number: int) -> str:
        case_id = self.case(number)
        self.store.decide(case_id, "fu", ACCEPT)
        assert self.store.decide(case_id, "li", ACCEPT) is CaseState.ACCEPTED
        return case_id

    def purge(self) -> list[str]:
        due = self.store.custody.due()
        for item in due:
            if item.period.kind == "report":
                self.store.custody.erase_report(self.vault, self.media, item)
            else:
                self.store.custody.erase_case(self.vault, item)
        return [item.subject for item in due]

    def problems(self) -> list[str]:
        found = verify_store(self.vault.root, public_key_pem=self.vault.public_key_pem).problems
        check = partial(stamp_problem, certificates=None)
        return [*found, *self.store.custody.problems(self.vault, self.media, check), *self.store.verify_audit()]


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    office = Office(tmp_path)
    yield office
    office.store.close()


def test_finished_days_get_a_root_once(office: Office) -> None:
    office.case(1)
    assert office.store.custody.close_days(office.vault) == []
    assert list(office.vault.root.glob("roots/*")) == []  # today is not over
    office.clock.forward(days=1)
    office.case(2)
    office.clock.forward(days=5)
    for _ in range(2):
        office.store.custody.close_days(office.vault)
        names = sorted(p.name for p in office.vault.root.glob("roots/*"))
        assert names == ["2026-11-22.json", "2026-11-23.json", "2026-11-27.json"]
    assert office.problems() == []


@pytest.mark.parametrize("number", [0, 1, 2])
@pytest.mark.parametrize("how", ["changed", "removed", "swapped", "added"])
def test_tampered_root_is_named(office: Office, number: int, how: str) -> None:
    for case in (1, 2, 3):
        office.case(case)
        office.clock.forward(days=1)
        office.store.custody.close_days(office.vault)
    paths = sorted(office.vault.root.glob("roots/*.json"))
    path, other = paths[number], paths[(number + 1) % 3]
    path.chmod(0o644)
    other.chmod(0o644)
    content = path.read_bytes()
    if how == "changed":
        path.write_bytes(content.replace(b'"index":', b'"index":1'))
    elif how == "removed":
        path.unlink()
    elif how == "swapped":
        path.write_bytes(other.read_bytes())
        other.write_bytes(content)
    else:
        path = path.with_name("2026-12-01.json")
        path.write_bytes(content)
    assert any(path.name in problem for problem in office.problems()), office.problems()
    alone = verify_path(office.vault.root)
    assert alone is not None
    if (how, number) != ("removed", 2):  # the newest root missing: only the database remembers it
        assert not alone.is_valid


def test_root_shows_a_tail_cut_off_with_its_packages_and_database_rows(office: Office) -> None:
    """Everything that remembers the last case is rolled back but the root: files alone tell."""
    office.case(1)
    office.clock.forward(days=1)
    case_id = office.case(2)
    office.clock.forward(days=1)
    office.store.custody.close_days(office.vault)
    max(office.vault.root.glob("chain/*/*.jsonl")).unlink()
    for path in sorted(office.vault.path(case_id).iterdir()):
        path.unlink()
    office.vault.path(case_id).rmdir()
    verdict = verify_path(office.vault.root)
    assert verdict is not None
    assert verdict.problems == (
        "roots/2026-11-23.json: entry 1 of CAM-03 is no longer in its chain as it was that day",
    )


def test_root_is_signed_over_the_head_of_the_audit(office: Office) -> None:
    """A database rolled back to an older, sound copy is found out by the root signed since."""
    before = office.store.audit_head()
    office.rejected(1)
    office.clock.forward(days=1)
    office.store.custody.close_days(office.vault)
    with office.store._database.writing() as session:
        for table in ("day_roots", "review_sheets", "reviews", "plates", "cases"):
            session.connection().exec_driver_sql(f"DELETE FROM {table}")
        session.connection().exec_driver_sql(f"DELETE FROM audit WHERE seq > {before[0]}")
    assert office.store.verify_audit() == []
    assert any(p.startswith("roots/2026-11-22.json: not known to the database") for p in office.problems())


@pytest.mark.enable_socket
def test_authority_that_is_down_is_said_and_asked_again(office: Office, tmp_path: Path) -> None:
    (tmp_path / "tsa").mkdir()
    authority = make_authority(tmp_path / "tsa")
    office.case(1)
    office.clock.forward(days=2)
    with served(authority) as url:
        stamper = partial(request_stamp, url=url)
        authority.is_down = True
        failed = office.store.custody.close_days(office.vault, stamper)
        assert [line.split(":")[0] for line in failed] == ["no outside timestamp since 2026-11-22"]
        office.case(2)  # sealing goes on
        authority.is_down = False
        assert office.store.custody.close_days(office.vault, stamper) == []
        office.store.custody.close_days(office.vault, stamper)
        assert len(authority.queries) == 2
        assert office.problems() == []
        office.clock.forward(days=1)
        office.store.custody.close_days(office.vault)
        newest = max((office.vault.root / "roots").glob("*.json"))
        content = newest.read_bytes()
        newest.unlink()
        (failed,) = _stamp_again(office, stamper)
        assert failed.startswith("no outside timestamp since 2026-11-24: reading the root")
        newest.write_bytes(content)
    folder = office.vault.root / "roots"
    for name in ("2026-11-22.tsr", "2026-11-23.tsr"):
        root, stamp = (folder / name).with_suffix(".json"), folder / name
        assert stamp_problem(root.read_bytes(), stamp.read_bytes(), authority.certificates) is None
    content = stamp.read_bytes()
    stamp.chmod(0o644)
    stamp.write_bytes(content[:-1] + b"\x00")
    assert office.problems() == [f"roots/{name}: not the timestamp the database remembers"]
    stamp.unlink()
    assert office.problems() == [f"roots/{name}: missing; the database remembers it"]


def _stamp_again(office: Office, stamper: Callable[[bytes], bytes]) -> list[str]:
    """Asks for stamps without closing days, which would make the missing root again."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Vault, "close_days", lambda *_: [])
        return office.store.custody.close_days(office.vault, stamper)


@pytest.mark.parametrize(
    ("end", "days"), [("rejected", 30), ("accepted", 3 * 365)], ids=["rejected_30_days", "decided_3_years"]
)
def test_evidence_goes_when_its_time_is_over_and_leaves_a_tombstone(office: Office, end: str, days: int) -> None:
    case_id = getattr(office, end)(1)
    waiting = office.case(2)
    office.clock.forward(days=days - 1)
    assert office.purge() == []
    office.clock.forward(days=5)
    assert office.purge() == [case_id]
    assert office.purge() == []
    names = sorted(p.name for p in office.vault.path(case_id).iterdir())
    assert names == ["TOMBSTONE.json", "public_key.pem"]
    assert office.problems() == []
    with pytest.raises(CaseNotFound, match="was deleted on"):
        office.vault.manifest(case_id)
    assert office.vault.manifest(waiting).case_id == waiting
    assert office.store.get(case_id).state is not CaseState.QUEUED  # who decided what stays


@pytest.mark.parametrize("how", ["removed", "moved", "changed", "unsanctioned", "package_gone", "file_left"])
def test_unsanctioned_deletion_is_noticed(office: Office, how: str) -> None:
    gone, kept = office.rejected(1), office.case(2)
    office.clock.forward(days=31)
    office.purge()
    stone = office.vault.path(gone) / "TOMBSTONE.json"
    if how == "removed":
        stone.unlink()
        named = gone
    elif how == "moved":
        (office.vault.path(kept) / stone.name).write_bytes(stone.read_bytes())
        named = kept
    elif how == "changed":
        stone.chmod(0o644)
        stone.write_bytes(stone.read_bytes().replace(b'"kind":"rejected"', b'"kind":"decided"'))
        named = gone
    elif how == "unsanctioned":  # with the key, but past the database
        from evidence.tombstone import Erasure

        office.vault.erase(kept, Erasure(kind="rejected", basis="-", erased_by="x"))
        assert verify_store(office.vault.root).is_valid
        named = kept
    elif how == "package_gone":
        for path in sorted(office.vault.path(kept).iterdir()):
            path.unlink()
        named = kept
    else:
        (stone.parent / "P1.jpg").write_bytes(b"x")
        named = gone
    assert any(named in problem for problem in office.problems())
    if how != "unsanctioned":
        alone = verify_path(office.vault.root)
        assert alone is not None
        assert any(named in problem for problem in alone.problems)


def test_interrupted_deletion_is_ended(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    case_id = office.rejected(1)
    office.clock.forward(days=31)
    monkeypatch.setattr("evidence.seal.finish_erasure", lambda _: (_ for _ in ()).throw(OSError(5, "gone")))
    with pytest.raises(StoreError):
        office.purge()
    monkeypatch.undo()
    assert office.vault.recover() == [f"completed the deletion of case {case_id}"]
    assert office.problems() == [f"{case_id}/TOMBSTONE.json: the database knows of no deletion"]
    assert office.purge() == [case_id]  # the next run remembers it
    assert office.problems() == []


def test_hold_keeps_evidence_until_it_is_lifted(office: Office) -> None:
    case_id = office.rejected(1)
    custody = office.store.custody
    with pytest.raises(NotAllowed):
        custody.place_hold(case_id, "fu", "诉讼")
    with pytest.raises(ConfigError, match="why"):
        custody.place_hold(case_id, "sun", " ")
    custody.place_hold(case_id, "sun", "行政诉讼 (2026) 1 号")
    with pytest.raises(WrongState, match="already"):
        custody.place_hold(case_id, "sun", "再次")
    office.clock.forward(days=400)
    assert office.purge() == []
    custody.lift_hold(case_id, "sun", "判决生效")
    with pytest.raises(WrongState, match="not on hold"):
        custody.lift_hold(case_id, "sun", "再次")
    assert [(h.placed_by, h.lifted_by) for h in custody.holds(case_id)] == [("sun", "sun")]
    assert office.purge() == [case_id]
    with pytest.raises(WrongState, match="deleted"):
        custody.place_hold(case_id, "sun", "太晚")
    assert office.problems() == []


def test_originals_of_refused_reports_go_unless_another_report_needs_them(office: Office) -> None:
    handle = office.store.reports.register("a long password")
    shared, own, more, last = (_photo(office, content) for content in (b"shared", b"own", b"more", b"last"))
    first = _report(office, handle, "1", shared, own, more)
    second = _report(office, handle, "2", shared, more, last)
    office.store.reports.refuse(first, "J03", ())
    office.clock.forward(days=31)
    assert office.purge() == [first]
    assert not (office.media / own.sha256[:2] / own.sha256).exists()
    assert (office.media / shared.sha256[:2] / shared.sha256).exists()
    assert office.problems() == []
    stone = verify_path(office.media / "tombstones" / first)
    assert stone is not None
    assert stone.is_valid
    (office.media / shared.sha256[:2] / shared.sha256).write_bytes(b"other")
    assert office.problems() == [f"report {second}: original 1 was changed"]
    (office.media / shared.sha256[:2] / shared.sha256).unlink()
    assert office.problems() == [f"report {second}: original 1 is missing"]


def _photo(office: Office, content: bytes) -> Medium:
    digest = hashlib.sha256(content).hexdigest()
    path = office.media / digest[:2] / digest
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return Medium(sha256=digest, ending="jpg", size_bytes=len(content))


def _report(office: Office, handle: str, token: str, *media: Medium) -> str:
    claim = NewReport(violation_id="V08", plate="苏CA1234", occurred_utc=office.clock.now, place="大桥路", note="")
    return office.store.reports.submit(handle, token, claim, media).report_id


def test_working_files_go_a_month_after_their_last_use(tmp_path: Path) -> None:
    import os

    clock = StandingClock()
    for name, age in (("old.jsonl", 31), ("new.jsonl", 29)):
        (tmp_path / name).write_text("x")
        moment = (clock.now - timedelta(days=age)).timestamp()
        os.utime(tmp_path / name, (moment, moment))
    assert [Path(d.subject).name for d in due_files((tmp_path, tmp_path / "none"), clock.now)] == ["old.jsonl"]
