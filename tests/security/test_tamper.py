"""One changed byte in any file, manifest, signature, key or chain entry: verification fails and names what changed."""

import json
import shutil
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from evidence.chain import Chain, Link
from evidence.sign import load_signer
from evidence.standalone import check_chain
from evidence.verify import verify_case, verify_chain, verify_package, verify_store
from tests.support.drafts import StandingClock, case_id, draft, filled_vault, vault

FILES = (
    *("P1.jpg", "P2.jpg", "P3.jpg", "SUBJECT.jpg", "COMPOSITE.jpg", "CLIP.mp4", "TRACK.json"),
    *("manifest.json", "manifest.sig", "public_key.pem"),
)


@pytest.fixture(scope="module")
def sealed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sealed")
    filled_vault(folder)
    return folder


@pytest.fixture
def root(sealed: Path, tmp_path: Path) -> Path:
    shutil.copytree(sealed / "evidence", tmp_path / "evidence")
    return tmp_path / "evidence"


def package(root: Path, number: int = 1) -> Path:
    return next(root.glob(f"*/*/{case_id(number)}"))


def write(path: Path, content: bytes) -> None:
    path.chmod(0o644)
    path.write_bytes(content)


def flip(path: Path, at: int, mask: int = 1) -> None:
    content = bytearray(path.read_bytes())
    content[at] ^= mask
    write(path, bytes(content))


def mask_for(byte: int) -> int:
    """Turns a letter into its other case, which lax hex and base 64 readers take for the same; else the last bit."""
    return 0x20 if chr(byte).isalpha() else 0x01


def places(size: int) -> Iterator[int]:
    """Every byte of a small file, first, last and some between of a large one."""
    return iter(range(size)) if size < 600 else iter({0, size - 1, *range(7, size, max(1, size // 40))})


def chain_file(root: Path) -> Path:
    return next((root / "chain").glob("*/*.jsonl"))


def test_untouched_store_is_valid(root: Path) -> None:
    assert verify_store(root).is_valid
    assert sorted(p.name for p in package(root).iterdir()) == sorted(FILES)


@pytest.mark.parametrize("pinned", [False, True], ids=["own_key", "pinned_key"])
@pytest.mark.parametrize("name", FILES)
def test_flipped_byte_names_the_file(root: Path, name: str, pinned: bool) -> None:
    path = package(root) / name
    original = path.read_bytes()
    path.chmod(0o644)
    pem = (root / "public_key.pem").read_bytes() if pinned else None
    for at in places(len(original)):
        path.write_bytes(original[:at] + bytes([original[at] ^ mask_for(original[at])]) + original[at + 1 :])
        verdict = verify_package(package(root), public_key_pem=pem)
        assert not verdict.is_valid, f"{name}: byte {at} went unseen"
        assert {p.split(":")[0] for p in verdict.problems} == {name}, (at, verdict.problems)
    write(path, original)


@pytest.mark.parametrize("name", FILES)
def test_deleted_file_is_named(root: Path, name: str) -> None:
    (package(root) / name).unlink()
    assert any(p.startswith(f"{name}: missing") for p in verify_package(package(root)).problems)
    assert any(f"/{name}: missing" in p for p in verify_store(root).problems)


@pytest.mark.parametrize("name", ["P4.jpg", ".hidden", "Thumbs.db"])
def test_added_file_is_named(root: Path, name: str) -> None:
    (package(root) / name).write_bytes(b"x")
    assert verify_package(package(root)).problems == (f"{name}: added after sealing",)


def test_added_folder_and_link_are_named(root: Path, tmp_path: Path) -> None:
    (package(root) / "more").mkdir()
    picture = package(root) / "P1.jpg"
    picture.rename(tmp_path / "P1.jpg")
    picture.symlink_to(tmp_path / "P1.jpg")
    problems = verify_package(package(root)).problems
    assert any(p.startswith("more: added") for p in problems)
    assert any(p.startswith("P1.jpg: replaced") for p in problems)


def test_swapped_packages_are_named(root: Path, tmp_path: Path) -> None:
    one, two = package(root, 1), package(root, 2)
    one.rename(tmp_path / "x")
    two.rename(one)
    (tmp_path / "x").rename(two)
    assert any(case_id(2) in p and "swapped" in p for p in verify_package(one).problems)
    assert {case_id(1), case_id(2)} <= {p.split(" ")[1].strip(":") for p in verify_chain(root).problems}


def test_swapped_files_are_named(root: Path) -> None:
    shutil.copyfile(package(root, 2) / "CLIP.mp4", package(root, 1) / "CLIP.mp4.new")
    (package(root, 1) / "CLIP.mp4.new").replace(package(root, 1) / "CLIP.mp4")
    assert [p.split(":")[0] for p in verify_package(package(root, 1)).problems] == ["CLIP.mp4"]


def test_package_signed_by_somebody_else_fails_against_the_pinned_key(root: Path, tmp_path: Path) -> None:
    stranger = vault(tmp_path / "stranger")
    forged = stranger.seal(draft(tmp_path / "stranger", 1, place="somewhere else")).path
    pem = (root / "public_key.pem").read_bytes()
    assert verify_package(forged).is_valid  # by its own key it is sound: that is why the key must be pinned
    shutil.rmtree(package(root))
    shutil.copytree(forged, root / forged.relative_to(stranger.root))
    problems = verify_package(package(root), public_key_pem=pem).problems
    assert any(p.startswith("public_key.pem:") for p in problems)
    assert not verify_package(package(root), public_key_pem=pem).is_valid
    assert any(case_id(1) in p for p in verify_chain(root).problems)


def test_every_byte_of_every_chain_entry_is_guarded(root: Path) -> None:
    path = chain_file(root)
    original = path.read_bytes()
    lines = original.split(b"\n")
    starts = [0, len(lines[0]) + 1, len(lines[0]) + len(lines[1]) + 2]
    for number, start in enumerate(starts, start=1):
        for at in range(start, start + len(lines[number - 1])):
            flip(path, at, mask_for(original[at]))
            problems = check_chain(root)
            first = f"chain/CAM-03/{path.name} line {number}:"
            assert any(p.startswith(first) for p in problems), (number, at, chr(original[at]), problems)
            flip(path, at, mask_for(original[at]))
    assert path.read_bytes() == original


def test_verifying_one_case_looks_at_its_own_entry_too(sealed: Path, root: Path) -> None:
    path = chain_file(root)
    original = path.read_bytes()
    second = original.splitlines()[1]
    start = original.index(second)
    pem = (root / "public_key.pem").read_bytes()
    assert verify_case(root, package(root, 2), public_key_pem=pem).is_valid
    for at in range(start, start + len(second)):
        flip(path, at, mask_for(original[at]))
        problems = verify_case(root, package(root, 2), public_key_pem=pem).problems
        assert any(p.startswith("chain") for p in problems), at
        flip(path, at, mask_for(original[at]))
    write(path, original + second + b"\n")
    assert verify_case(root, package(root, 2)).problems == (f"chain: case {case_id(2)} is in it twice or more",)
    assert filled_vault(sealed.parent / "other", 1).verify(case_id(1)).is_valid


def test_flipped_line_ends_are_seen(root: Path) -> None:
    path = chain_file(root)
    original = path.read_bytes()
    for at in [i for i, byte in enumerate(original) if byte == 0x0A]:
        flip(path, at)
        assert not verify_chain(root).is_valid, at
        write(path, original)


FIELDS = {
    "index": 7,
    "device": "CAM-99",
    "day": "2026-11-23",
    "case_id": case_id(9),
    "manifest_sha256": "a" * 64,
    "prev_sha256": "b" * 64,
    "sealed_utc": "2026-11-22T00:21:00.000+00:00",
    "key_id": "c" * 64,
    "entry_sha256": "d" * 64,
    "signature": "e" * 128,
}


@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize("number", [1, 2, 3])
def test_changed_entry_field_names_the_entry(root: Path, field: str, number: int) -> None:
    path = chain_file(root)
    lines = path.read_bytes().splitlines()
    entry = json.loads(lines[number - 1])
    entry[field] = FIELDS[field]
    lines[number - 1] = json.dumps(entry, sort_keys=True, separators=(",", ":")).encode()
    write(path, b"\n".join(lines) + b"\n")
    problems = verify_chain(root).problems
    assert any(f"line {number}" in p for p in problems), problems
    assert not any(f"line {other}" in p for other in {1, 2, 3} - {number} for p in problems), problems


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda x: x[1:], "line 1 (entry 1, case %2): entry 0 is missing before it"),
        (lambda x: [x[0], x[2]], "line 2 (entry 2, case %3): entry 1 is missing before it"),
        (lambda x: [x[0], x[2], x[1]], "line 3 (entry 1, case %2): out of order"),
        (lambda x: [x[1], x[0], x[2]], "line 2 (entry 0, case %1): out of order"),
        (lambda x: [*x, x[1]], "line 4 (entry 1, case %2): out of order"),
        (lambda x: x[:2], "case %3: sealed, but its chain entry is missing"),
        (lambda x: [], "case %1: sealed, but its chain entry is missing"),
    ],
)
def test_moved_entries_are_named(root: Path, change: Callable[[list[bytes]], list[bytes]], expected: str) -> None:
    path = chain_file(root)
    lines = path.read_bytes().splitlines()
    write(path, b"".join(line + b"\n" for line in change(lines)))
    for number in (1, 2, 3):
        expected = expected.replace(f"%{number}", case_id(number))
    assert any(expected in p for p in verify_chain(root).problems), verify_chain(root).problems


def test_tail_cut_with_its_package_shows_against_the_database(root: Path) -> None:
    path = chain_file(root)
    lines = path.read_bytes().splitlines()
    remembered = {json.loads(line)["case_id"]: json.loads(line)["entry_sha256"] for line in lines}
    assert verify_chain(root, expected_entries=remembered).is_valid
    write(path, b"\n".join(lines[:2]) + b"\n")
    shutil.rmtree(package(root, 3))
    assert verify_chain(root).is_valid  # the files alone cannot tell
    problems = verify_chain(root, expected_entries=remembered).problems
    assert problems == (f"case {case_id(3)}: its chain entry is missing (cut off or removed)",)


def test_rebuilt_chain_with_another_key_is_seen(root: Path, tmp_path: Path) -> None:
    pem = (root / "public_key.pem").read_bytes()
    lines = [json.loads(line) for line in chain_file(root).read_bytes().splitlines()]
    shutil.rmtree(root / "chain")
    forger = Chain(root, load_signer(tmp_path / "forger"))
    for line in lines:
        names = ("device", "case_id", "manifest_sha256", "sealed_utc")
        forger.append(Link(**{k: line[k] for k in names}))
    problems = verify_chain(root, public_key_pem=pem).problems
    assert sum("another key" in p for p in problems) == 3


def test_rebuilt_chain_with_the_same_key_shows_against_the_database(sealed: Path, root: Path) -> None:
    lines = [json.loads(line) for line in chain_file(root).read_bytes().splitlines()]
    remembered = {line["case_id"]: line["entry_sha256"] for line in lines}
    shutil.rmtree(root / "chain")
    insider = Chain(root, load_signer(sealed / "keys"))
    for line in [lines[1], lines[0], lines[2]]:
        names = ("device", "case_id", "manifest_sha256", "sealed_utc")
        insider.append(Link(**{k: line[k] for k in names}))
    assert verify_chain(root).is_valid
    assert not verify_chain(root, expected_entries=remembered).is_valid


def test_day_removed_from_the_middle_is_named(tmp_path: Path) -> None:

    clock = StandingClock()
    store = vault(tmp_path, clock)
    for number in (1, 2, 3):
        store.seal(draft(tmp_path, number))
        clock.now += timedelta(days=1)
    days = sorted((store.root / "chain" / "CAM-03").glob("*.jsonl"))
    assert [d.stem for d in days] == ["2026-11-22", "2026-11-23", "2026-11-24"]
    assert verify_chain(store.root).is_valid
    Path(days[1]).unlink()
    shutil.rmtree(store.path(case_id(2)))
    assert any("entry 1 is missing before it" in p for p in verify_chain(store.root).problems)
    days[2].rename(days[1])
    assert any("renamed" in p for p in verify_chain(store.root).problems)
