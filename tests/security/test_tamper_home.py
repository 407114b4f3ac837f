"""A folder of results with everything in it: ``lukou verify`` names what is altered, removed, moved or slipped in.

The stand-alone verifier agrees on what it can see: files, chain and roots, not the database.
"""

import hashlib
import json
import shutil
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from cases.report import Medium, NewReport
from cases.store import CaseStore
from cli.main import call
from evidence import standalone
from evidence.seal import Vault
from tests.support.drafts import draft, picture, red_light_stills
from tests.support.people import ACCEPT, PASSWORD, REJECT, StandingClock, new_case

pytestmark = pytest.mark.sqlite
PACKAGE = (
    *("P1.jpg", "P2.jpg", "P3.jpg", "SUBJECT.jpg", "COMPOSITE.jpg", "CLIP.mp4", "TRACK.json"),
    *("manifest.json", "manifest.sig", "public_key.pem"),
)
ERASED, KEPT, OTHER = (new_case(number).case_id for number in (1, 2, 3))


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home, clock = tmp_path_factory.mktemp("home"), StandingClock()
    store = CaseStore.open(f"sqlite:///{home / 'lukou.db'}", clock=clock)
    vault = Vault(home / "evidence", home / "keys", clock)
    for name, role in (("fu", "reviewer"), ("li", "officer"), ("sun", "supervisor")):
        store.add_user(name, PASSWORD, role)
    for number in (1, 2, 3):
        case_id = new_case(number).case_id
        stills = tuple(replace(s, rgb=picture(number * 9 + i)) for i, s in enumerate(red_light_stills()))
        sealed = vault.seal(draft(home, number, case_id=case_id, stills=stills, track={"number": number}))
        hashes = {"manifest_sha256": sealed.manifest_sha256, "entry_sha256": sealed.entry_sha256}
        store.add_case(new_case(number, **hashes))
        clock.forward(days=1)
    store.decide(ERASED, "fu", REJECT)
    for person in ("fu", "li"):
        store.decide(KEPT, person, ACCEPT)
    store.custody.place_hold(KEPT, "sun", "诉讼")
    _report(store, home, clock)
    clock.forward(days=31)
    for due in store.custody.due():
        store.custody.erase_case(vault, due)
    store.custody.close_days(vault)
    store.close()
    return home


def _report(store: CaseStore, home: Path, clock: StandingClock) -> None:
    media = []
    for content in (b"one", b"two", b"three"):
        digest = hashlib.sha256(content).hexdigest()
        (home / "reports" / digest[:2]).mkdir(parents=True)
        (home / "reports" / digest[:2] / digest).write_bytes(content)
        media.append(Medium(sha256=digest, ending="jpg", size_bytes=len(content)))
    claim = NewReport(violation_id="V08", plate="苏CA1234", occurred_utc=clock.now, place="大桥路", note="")
    store.reports.submit(store.reports.register(PASSWORD), "1", claim, media)


@pytest.fixture
def home(sound: Path, tmp_path: Path) -> Path:
    copy = Path(shutil.copytree(sound, tmp_path / "home"))
    for path in copy.rglob("*"):
        if path.is_file():
            path.chmod(0o600)
    return copy


def problems(home: Path, capsys: pytest.CaptureFixture[str]) -> list[str]:
    capsys.readouterr()
    status = call(["verify", "--out", str(home), "--json"])
    found = json.loads(capsys.readouterr().out)
    assert status == (0 if found["is_valid"] else 1)
    return list(found["problems"])


def alone(home: Path) -> list[str]:
    found = standalone.check(home / "evidence")
    assert found is not None
    return found[1]


def package(home: Path, case_id: str) -> Path:
    return next((home / "evidence").glob(f"*/*/{case_id}"))


def chain(home: Path) -> Path:
    return sorted((home / "evidence" / "chain").glob("*/*.jsonl"))[1]


def test_untouched_home_is_valid(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert problems(home, capsys) == []
    assert alone(home) == []


def altered(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[:-3] + bytes([content[-3] ^ 1]) + content[-2:])


def exchanged(one: Path, two: Path) -> None:
    content = one.read_bytes()
    one.write_bytes(two.read_bytes())
    two.write_bytes(content)


@pytest.mark.parametrize("name", PACKAGE)
@pytest.mark.parametrize("how", ["altered", "removed", "exchanged"])
def test_file_of_a_package(home: Path, capsys: pytest.CaptureFixture[str], name: str, how: str) -> None:
    path = package(home, KEPT) / name
    if how == "altered":
        altered(path)
    elif how == "removed":
        path.unlink()
    elif name == "public_key.pem":
        path.write_bytes(path.read_bytes()[:-1])  # both packages hold the same key
    else:
        exchanged(path, package(home, OTHER) / name)
    for found in (problems(home, capsys), alone(home)):
        assert any(KEPT in problem and name in problem for problem in found), found


Change = Callable[[Path], None]
FILES: dict[str, tuple[Change, str]] = {
    "file slipped in": (lambda h: (package(h, KEPT) / "P9.jpg").write_bytes(b"x") and None, "P9.jpg"),
    "package removed": (lambda h: shutil.rmtree(package(h, KEPT)), KEPT),
    "package slipped in": (
        lambda h: shutil.copytree(package(h, KEPT), package(h, KEPT).parent / "01X") and None,
        "01X",
    ),
    "packages exchanged": (
        lambda h: _rename_round(package(h, KEPT), package(h, OTHER), h / "x"),
        KEPT,
    ),
    "chain entry altered": (lambda h: altered(chain(h)), "2026-11-23.jsonl"),
    "chain entry removed": (lambda h: chain(h).write_bytes(b"") and None, KEPT),
    "chain entry doubled": (lambda h: chain(h).write_bytes(chain(h).read_bytes() * 2) and None, "2026-11-23.jsonl"),
    "chain days exchanged": (
        lambda h: exchanged(chain(h), sorted(chain(h).parent.glob("*"))[2]),
        "2026-11-23.jsonl",
    ),
    "root altered": (lambda h: altered(h / "evidence/roots/2026-11-22.json"), "2026-11-22.json"),
    "root removed": (lambda h: (h / "evidence/roots/2026-11-22.json").unlink(), "roots/2026-11-2"),
    "roots exchanged": (
        lambda h: exchanged(h / "evidence/roots/2026-11-22.json", h / "evidence/roots/2026-11-23.json"),
        "2026-11-22.json",
    ),
    "tombstone altered": (lambda h: altered(package(h, ERASED) / "TOMBSTONE.json"), "TOMBSTONE.json"),
    "tombstone removed": (lambda h: (package(h, ERASED) / "TOMBSTONE.json").unlink(), ERASED),
    "tombstone for a case that was not deleted": (
        lambda h: exchanged(package(h, ERASED) / "TOMBSTONE.json", package(h, KEPT) / "manifest.json"),
        KEPT,
    ),
}


def _rename_round(one: Path, two: Path, spare: Path) -> None:
    one.rename(spare)
    two.rename(one)
    spare.rename(two)


@pytest.mark.parametrize("what", FILES)
def test_store(home: Path, capsys: pytest.CaptureFixture[str], what: str) -> None:
    change, named = FILES[what]
    change(home)
    for found in (problems(home, capsys), alone(home)):
        assert any(named in problem for problem in found), found


def only_the_database_knows(home: Path) -> Path:
    return max((home / "evidence" / "roots").glob("*.json"))


def test_newest_root_removed_is_what_the_database_remembers(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    newest = only_the_database_knows(home)
    newest.unlink()
    assert problems(home, capsys) == [f"roots/{newest.name}: missing; the database remembers it"]
    assert alone(home) == []


@pytest.mark.parametrize("how", ["altered", "removed"])
def test_original_of_a_report(home: Path, capsys: pytest.CaptureFixture[str], how: str) -> None:
    path = next(p for p in (home / "reports").rglob("*") if p.is_file())
    altered(path) if how == "altered" else path.unlink()
    (found,) = problems(home, capsys)
    assert found.startswith("report ")


SLIPPED_IN = """
    INSERT INTO reviews
    SELECT case_id, 'THIRD_REVIEW', officer, decision, reason, note, facts, cues_checked, decided_utc
    FROM reviews WHERE case_id = ? AND stage = 'FIRST_REVIEW'
"""
SQL = {
    "case altered": ("UPDATE cases SET violation_id = 'V02' WHERE case_id = ?", "cases row"),
    "case removed": ("DELETE FROM cases WHERE case_id = ?", "cases row"),
    "review altered": ("UPDATE reviews SET decision = 'reject' WHERE case_id = ?", "reviews row"),
    "review removed": ("DELETE FROM reviews WHERE case_id = ?", "reviews row"),
    "review slipped in": (
        SLIPPED_IN,
        "reviews row",
    ),
    "reviewers exchanged": (
        "UPDATE reviews SET officer = CASE officer WHEN 'fu' THEN 'li' ELSE 'fu' END WHERE case_id = ?",
        "reviews row",
    ),
    "hold lifted": ("UPDATE legal_holds SET lifted_utc = 'x' WHERE case_id = ?", "legal_holds row"),
    "hold removed": ("DELETE FROM legal_holds WHERE case_id = ?", "legal_holds row"),
    "audit entry altered": ("UPDATE audit SET actor = 'fu' WHERE row_key = ?", "audit entry"),
    "audit entry removed": ("DELETE FROM audit WHERE row_key = ?", "audit entry"),
    "deletion forgotten": (f"DELETE FROM erasures WHERE subject = '{ERASED}' OR subject = ?", "erasures row"),
    "root forgotten": ("DELETE FROM day_roots WHERE day <> ?", "day_roots row"),
}


@pytest.mark.parametrize("what", SQL)
def test_database(home: Path, capsys: pytest.CaptureFixture[str], what: str) -> None:
    statement, named = SQL[what]
    with sqlite3.connect(home / "lukou.db") as raw:
        assert raw.execute(statement, (KEPT,)).rowcount > 0
    raw.close()
    assert any(problem.startswith(named) for problem in problems(home, capsys))
