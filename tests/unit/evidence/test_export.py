"""The exported zip verifies itself with nothing of this project, and says the same as ``evidence.verify``."""

import ast
import shutil
import subprocess
import sys
import zipfile
from datetime import timedelta
from pathlib import Path

import pytest

from core.errors import HashMismatch, StoreError
from evidence import standalone
from evidence.export import export_package
from evidence.seal import Vault
from evidence.verify import verify_package, verify_path, verify_store
from tests.support.drafts import SEALED, StandingClock, case_id, draft, filled_vault, record, vault


def unpacked(store: Vault, folder: Path) -> Path:
    with zipfile.ZipFile(export_package(store, case_id(1), folder, record())) as archive:
        archive.extractall(folder / "out")
    return folder / "out"


def run(script: Path, *arguments: str | Path) -> tuple[int, str]:
    """Runs a verifier in an empty folder, isolated: no environment, no project on the path."""
    done = subprocess.run(
        [sys.executable, "-I", str(script), *map(str, arguments)],
        cwd=script.parent,
        env={},
        capture_output=True,
        text=True,
        check=False,
        timeout=50,
    )
    return done.returncode, done.stdout + done.stderr


def test_export_is_the_same_every_time_and_stored(tmp_path: Path) -> None:
    store = filled_vault(tmp_path, 2)
    one = export_package(store, case_id(1), tmp_path / "one.zip", record()).read_bytes()
    two = export_package(store, case_id(1), tmp_path / "two.zip", record()).read_bytes()
    assert one == two
    with zipfile.ZipFile(tmp_path / "one.zip") as archive:
        assert {i.compress_type for i in archive.infolist()} == {zipfile.ZIP_STORED}
        for path in store.path(case_id(1)).iterdir():
            assert archive.read(f"{case_id(1)}/{path.name}") == path.read_bytes()
        readme = archive.read("README.txt").decode("utf-8-sig")
    assert store.key_id in readme
    assert "核验步骤" in readme
    assert "How to verify" in readme


def test_exported_verifier_runs_alone(tmp_path: Path) -> None:
    store = filled_vault(tmp_path, 2)
    out = unpacked(store, tmp_path)
    key = tmp_path / "pinned.pem"
    key.write_bytes(store.public_key_pem)
    assert run(out / "verify.py")[0] == 0
    status, text = run(out / "verify.py", "--key", key)
    assert (status, text.strip()) == (0, f"VALID: export of {case_id(1)}")
    (out / case_id(1) / "P3.jpg").write_bytes(b"other")
    status, text = run(out / "verify.py", "--key", key)
    assert status == 1
    assert f"{case_id(1)}/P3.jpg: changed" in text
    assert "INVALID" in text


def test_exported_chain_entry_is_guarded_byte_by_byte(tmp_path: Path) -> None:
    out = unpacked(filled_vault(tmp_path, 1), tmp_path)
    entry = out / "chain-entry.json"
    original = entry.read_bytes()
    assert standalone.check(out) == (f"export of {case_id(1)}", [])
    for at in range(len(original)):
        entry.write_bytes(original[:at] + bytes([original[at] ^ 1]) + original[at + 1 :])
        problems = standalone.check_export(out)
        assert problems, at
        assert all(p.startswith("chain-entry.json:") for p in problems)
    entry.unlink()
    assert standalone.check_export(out) == ["chain-entry.json: missing"]


def test_standalone_imports_nothing_of_the_project() -> None:
    text = Path(standalone.__file__).read_text(encoding="utf-8")
    tree = ast.parse(text, feature_version=(3, 9))  # it promises to run on Python 3.9
    imported = {a.name.split(".")[0] for n in ast.walk(tree) if isinstance(n, ast.Import) for a in n.names}
    imported |= {str(n.module).split(".")[0] for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)}
    assert imported - set(sys.stdlib_module_names) == {"cryptography"}


@pytest.mark.parametrize("name", ["P1.jpg", "CLIP.mp4", "manifest.json", "manifest.sig", "public_key.pem"])
def test_standalone_agrees_with_verify(tmp_path: Path, name: str) -> None:
    store = filled_vault(tmp_path, 1)
    script = tmp_path / "alone" / "v.py"
    script.parent.mkdir()
    script.write_bytes(Path(standalone.__file__).read_bytes())
    package = store.path(case_id(1))
    path = package / name
    path.chmod(0o644)
    path.write_bytes(path.read_bytes()[:-1] + b"\x01")
    for target, verdict in ((package, verify_package(package)), (store.root, verify_store(store.root))):
        status, text = run(script, target)
        assert status == 1
        assert not verdict.is_valid
        assert [line.strip() for line in text.splitlines()][:-1] == list(verdict.problems)


def test_verifier_says_when_there_is_nothing_to_check(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert standalone.main([str(tmp_path)]) == 2
    assert standalone.main([str(tmp_path), "--key", str(tmp_path / "no.pem")]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert "neither an evidence package nor a store" in lines[0]
    assert "cannot read" in lines[1]


def test_what_was_checked_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store = filled_vault(tmp_path, 2)
    assert standalone.main([str(store.root)]) == 0
    assert "VALID: store, 2 packages, 2 chain entries" in capsys.readouterr().out


def test_nothing_passes_for_valid_by_looking_like_something_else(tmp_path: Path) -> None:
    """An added chain folder must not turn a package into an empty, and therefore faultless, store."""
    store = filled_vault(tmp_path, 1)
    package = store.path(case_id(1))
    (package / "chain").mkdir()
    verdict = verify_path(package)
    assert verdict is not None
    assert verdict.problems == ("chain: added after sealing",)
    (package / "manifest.json").unlink()
    verdict = verify_path(package)
    assert verdict is not None
    assert not verdict.is_valid
    (package / "manifest.sig").unlink()
    assert verify_path(package) is None
    shutil.rmtree(store.root / "2026")
    verdict = verify_path(store.root)
    assert verdict is not None
    assert verdict.problems == (f"case {case_id(1)}: in the chain (entry 0), but its package is missing",)
    shutil.rmtree(store.root / "chain")
    assert verify_path(store.root) is None


def test_export_without_its_package_is_invalid(tmp_path: Path) -> None:
    out = unpacked(filled_vault(tmp_path, 1), tmp_path)
    shutil.rmtree(out / case_id(1))
    verdict = verify_path(out)
    assert verdict is not None
    assert verdict.problems == ("chain-entry.json: its package is missing",)


def test_wrong_key_file_is_named(tmp_path: Path) -> None:
    store = filled_vault(tmp_path, 1)
    problems = verify_package(store.path(case_id(1)), public_key_pem=b"no key").problems
    assert any("holds no Ed25519 public key" in p for p in problems)


def test_changed_package_is_not_exported(tmp_path: Path) -> None:
    store = filled_vault(tmp_path, 1)
    path = store.path(case_id(1)) / "CLIP.mp4"
    path.chmod(0o644)
    path.write_bytes(b"x")
    with pytest.raises(HashMismatch, match="CLIP"):
        export_package(store, case_id(1), tmp_path / "out.zip", record())
    assert not (tmp_path / "out.zip").exists()


def test_missing_target_folder_is_said(tmp_path: Path) -> None:
    store = filled_vault(tmp_path, 1)
    with pytest.raises(StoreError, match="exporting case"):
        export_package(store, case_id(1), tmp_path / "nowhere" / "out.zip", record())


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An unpacked export with everything: three more entries behind the case's, a root, a dossier."""
    folder, clock = tmp_path_factory.mktemp("whole"), StandingClock()
    store = vault(folder, clock)
    for number in (1, 2, 3):
        store.seal(draft(folder, number))
    clock.now = SEALED + timedelta(days=1)
    store.close_days(lambda: (1, "a" * 64))
    decision = {"stage": "FIRST_REVIEW", "officer": store.pseudonym("li"), "decision": "accept"}
    told = record(decisions=[decision], actions=[{"seq": 1, "actor": "system", "entry_sha256": "a" * 64}])
    return export_package(store, case_id(1), folder, told, dossier=b"%PDF-1.7 short", is_zipped=False)


@pytest.fixture
def opened(whole: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(whole, tmp_path / whole.name))


BESIDE = (
    "chain-entry.json",
    "record.json",
    "chain-to-root.jsonl",
    "roots/2026-11-22.json",
    "DOSSIER.pdf",
    "README.txt",
)


def test_whole_export_is_valid(opened: Path) -> None:
    there = {str(path.relative_to(opened)) for path in opened.rglob("*") if path.is_file()}
    assert {name for name in there if not name.startswith(case_id(1))} == {*BESIDE, "verify.py"}
    assert run(opened / "verify.py")[0] == 0
    assert standalone.check_export(opened) == []


@pytest.mark.parametrize("name", BESIDE)
@pytest.mark.parametrize("how", ["altered", "removed", "cut"])
def test_tampered_export_is_named_by_both_verifiers(opened: Path, name: str, how: str) -> None:
    path = opened / name
    content = path.read_bytes()
    if how == "altered":
        middle = len(content) // 2
        path.write_bytes(content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :])
    elif how == "removed":
        path.unlink()
    else:
        path.write_bytes(content[:-1])
    verdict = verify_path(opened)
    assert verdict is not None
    assert any(problem.startswith(f"{name}: ") for problem in verdict.problems), verdict.problems
    status, text = run(opened / "verify.py")
    assert status == 1
    assert [line.strip() for line in text.splitlines()][:-1] == list(verdict.problems)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"decision":"accept"', b'"decision":"reject"'),
        (b'"officer":"P-', b'"officer":"Q-'),
        (b'"seq":1', b'"seq":2'),
        (b'"state":"QUEUED"', b'"state":"ACCEPTED"'),
    ],
)
def test_altered_review_action_is_named(opened: Path, old: bytes, new: bytes) -> None:
    path = opened / "record.json"
    path.write_bytes(path.read_bytes().replace(old, new, 1))
    assert standalone.check_export(opened) == ["record.json: changed; its signature does not fit its content"]


def test_record_of_another_case_and_added_files_are_named(opened: Path, whole: Path) -> None:
    (opened / "more.txt").write_bytes(b"x")
    assert standalone.check_export(opened) == ["more.txt: added after the export"]
    (opened / "more.txt").unlink()
    (opened / case_id(1)).rename(opened / case_id(2))
    assert any(p.startswith("record.json: tells of case") for p in standalone.check_export(opened))


@pytest.mark.parametrize("change", ["first", "middle", "last", "exchanged", "doubled"])
def test_way_to_the_root_is_checked_by_itself(whole: Path, tmp_path: Path, change: str) -> None:
    """Even where somebody with the key signed a record over a broken way."""
    store = vault(whole.parent)
    files = dict(store.way_to_root(case_id(1)))
    lines = files["chain-to-root.jsonl"].splitlines(keepends=True)
    assert len(lines) == 3
    broken = {
        "first": lines[1:],
        "middle": [lines[0], lines[2]],
        "last": lines[:2],
        "exchanged": [lines[0], lines[2], lines[1]],
        "doubled": [*lines, lines[2]],
    }[change]
    files["chain-to-root.jsonl"] = b"".join(broken)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Vault, "way_to_root", lambda *_: files)
        out = export_package(store, case_id(1), tmp_path, record(), is_zipped=False)
    assert [p.split(":")[0] for p in standalone.check_export(out)] == ["chain-to-root.jsonl"]


def test_code_names_are_steady_and_tell_nothing(tmp_path: Path) -> None:
    here, there = vault(tmp_path / "here"), vault(tmp_path / "there")
    assert here.pseudonym("li") == vault(tmp_path / "here").pseudonym("li")
    assert len({here.pseudonym("li"), here.pseudonym("wang"), there.pseudonym("li")}) == 3
