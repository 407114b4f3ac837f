"""``lukou roots``, ``purge`` and ``export --folder`` on a small folder of results."""

import json
import threading
import time
from datetime import timedelta
from pathlib import Path

import pytest

from cases.store import CaseStore
from cli.custody import closing_days
from cli.main import call
from core.settings import Settings
from core.time import SystemClock
from evidence.seal import Vault
from evidence.standalone import check_export
from tests.support.drafts import draft
from tests.support.people import PASSWORD, REJECT, StandingClock, new_case

pytestmark = pytest.mark.sqlite
CASE = new_case(1).case_id


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """One case, sealed and rejected two months ago."""
    clock = StandingClock(SystemClock().now_utc() - timedelta(days=60))
    store = CaseStore.open(f"sqlite:///{tmp_path / 'lukou.db'}", clock=clock)
    vault = Vault(tmp_path / "evidence", tmp_path / "keys", clock)
    sealed = vault.seal(draft(tmp_path, 1, case_id=CASE))
    store.add_case(new_case(1, manifest_sha256=sealed.manifest_sha256, entry_sha256=sealed.entry_sha256))
    store.add_user("fu", PASSWORD, "reviewer")
    store.decide(CASE, "fu", REJECT)
    store.close()
    return tmp_path


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, object]:
    capsys.readouterr()
    status = call([*arguments, "--json"])
    return status, json.loads(capsys.readouterr().out)


def test_purge_says_first_and_deletes_then(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, said = run(capsys, "purge", "--dry-run", "--out", str(home))
    assert (status, [d["kind"] for d in said["due"]]) == (0, ["rejected"])  # type: ignore[index]
    assert (next((home / "evidence").glob(f"*/*/{CASE}")) / "P1.jpg").is_file()
    assert run(capsys, "purge", "--out", str(home))[0] == 0
    assert not (next((home / "evidence").glob(f"*/*/{CASE}")) / "P1.jpg").exists()
    assert run(capsys, "purge", "--out", str(home))[1] == {"dry_run": False, "due": [], "failed": []}
    assert run(capsys, "verify", "--out", str(home))[0] == 0
    assert run(capsys, "verify", CASE, "--out", str(home))[0] == 0
    assert call(["export", CASE, "--out", str(home)]) == 3
    assert "was deleted on" in capsys.readouterr().err


def test_damaged_package_is_kept_and_said(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    manifest = next((home / "evidence").glob(f"*/*/{CASE}")) / "manifest.json"
    manifest.chmod(0o644)
    manifest.write_bytes(manifest.read_bytes() + b" ")
    status, said = run(capsys, "purge", "--out", str(home))
    assert status == 1
    assert said["failed"][0].startswith(CASE)  # type: ignore[index]
    assert (manifest.parent / "P1.jpg").is_file()


def test_roots_says_how_many_days_and_what_failed(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    status, said = run(capsys, "roots", "--out", str(home))
    assert (status, len(said["days"])) == (0, 2)  # type: ignore[index]
    monkeypatch.setenv("LUKOU_TSA_URL", "ftp://nowhere")
    assert call(["roots", "--out", str(home)]) == 2
    assert run(capsys, "verify", "--out", str(home))[0] == 0


def test_export_as_a_folder_verifies_itself(home: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    run(capsys, "roots", "--out", str(home))
    (tmp_path / "to").mkdir()
    status, said = run(capsys, "export", CASE, "--folder", "--to", str(tmp_path / "to"), "--out", str(home))
    assert status == 0
    folder = Path(str(said["path"]))  # type: ignore[index]
    assert check_export(folder) == []
    record = json.loads((folder / "record.json").read_text(encoding="utf-8"))
    assert [d["decision"] for d in record["decisions"]] == ["reject"]
    assert "fu" not in {action["actor"] for action in record["actions"]}
    names = {p.name for p in folder.iterdir()}
    assert {"roots", "chain-to-root.jsonl"} <= names
    assert ("DOSSIER.pdf" in names) is said["dossier"]  # type: ignore[index]
    assert run(capsys, "verify", str(folder))[0] == 0


def test_server_closes_days_in_the_background(home: Path) -> None:
    store = CaseStore.open(f"sqlite:///{home / 'lukou.db'}")
    vault = Vault(home / "evidence", home / "keys")
    until = time.monotonic() + 20
    with closing_days(Settings(home=home), store, vault):
        while len(list((home / "evidence" / "roots").glob("*.json"))) < 2 and time.monotonic() < until:
            time.sleep(0.05)
    assert len(list((home / "evidence" / "roots").glob("*.json"))) == 2
    assert not [t for t in threading.enumerate() if t.name == "close-days"]
    store.close()
