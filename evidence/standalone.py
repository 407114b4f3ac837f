"""Checks sealed traffic evidence. Needs Python >= 3.9 and the package `cryptography`; nothing else, no network.

    python3 standalone.py PACKAGE_FOLDER            one case: pictures, clip, track, manifest, signature
    python3 standalone.py STORE_FOLDER              a whole store: every case and the hash chain
    python3 standalone.py                           whatever lies beside this file (an unpacked export)
    ... --key public_key.pem                        trust only this key, as published by the authority

Prints `VALID` and exits 0, or `INVALID` with one line per problem and exits 1; exits 2 when there is nothing to check.

What is checked
  manifest.json  lists every file of the package with its SHA-256.
  manifest.sig   Ed25519 signature over the bytes of manifest.json.
  chain/<device>/<day>.jsonl  one signed entry per sealed case; each names the manifest's SHA-256 and the entry before
                 it, so that none can be changed, removed, moved or slipped in.
  roots/<day>.json  signed at the end of each day: the last entry of every chain, and the root before it. What was cut
                 off after the last root shows only against the hashes kept elsewhere (the case database).
  TOMBSTONE.json stands, signed, for a package that was deleted when its time was over; a package that is gone without
                 one is a problem.
  record.json    (exports) who decided what, when, the hashes of the audit entries about it and of the files beside
                 it, signed; chain-to-root.jsonl leads from the case's chain entry to the root of its day.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import stat
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key

MANIFEST, SIGNATURE, PUBLIC_KEY = "manifest.json", "manifest.sig", "public_key.pem"
CHAIN_DIR, EXPORTED_ENTRY = "chain", "chain-entry.json"
ROOTS_DIR, TOMBSTONE, RECORD, WAY = "roots", "TOMBSTONE.json", "record.json", "chain-to-root.jsonl"
GENESIS = "0" * 64
CHAIN_CONTEXT = b"lukou chain entry 1\n"
ROOT_CONTEXT = b"lukou daily root 1\n"
TOMBSTONE_CONTEXT = b"lukou tombstone 1\n"
RECORD_CONTEXT = b"lukou case record 1\n"
ENTRY_KEYS = {
    "index", "device", "day", "case_id", "manifest_sha256", "prev_sha256", "sealed_utc", "key_id", "entry_sha256",
    "signature",
}  # fmt: skip
SIGNATURE_KEYS = {"algorithm", "key_id", "manifest_sha256", "signature"}
ROOT_KEYS = {"day", "closed_utc", "devices", "audit", "prev_sha256", "key_id", "signature"}
TOMBSTONE_KEYS = {
    "case_id", "manifest_sha256", "entry_sha256", "kind", "basis", "erased_by", "erased_utc", "key_id", "signature",
}  # fmt: skip
RECORD_KEYS = {
    "case_id", "state", "plate", "decisions", "objection", "actions", "audit_head", "files", "key_id", "signature",
}  # fmt: skip


def canonical(value: Any) -> bytes:
    """Returns canonical JSON; RFC 8785 for what signatures and chain entries hold (ASCII keys, texts, integers)."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def sha256_of(path: Path) -> str:
    """Returns the SHA-256 of a file, read in pieces."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def key_id_of(key: Ed25519PublicKey) -> str:
    """Returns the SHA-256 of a public key in DER, hex."""
    return hashlib.sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).hexdigest()


def load_key(pem: bytes) -> Ed25519PublicKey | None:
    """Returns the Ed25519 key a PEM text holds, None when it holds none."""
    try:
        key = load_pem_public_key(pem)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return None
    return key if isinstance(key, Ed25519PublicKey) else None


def is_signed(key: Ed25519PublicKey, signature_hex: Any, message: bytes) -> bool:
    """Tells whether a lower-case hex signature is the key's over the message."""
    try:
        signature = bytes.fromhex(signature_hex)
        key.verify(signature, message)
    except (InvalidSignature, ValueError, TypeError):
        return False
    return bool(signature.hex() == signature_hex)


def parse_canonical(text: bytes, keys: set[str]) -> dict[str, Any] | None:
    """Returns the JSON object a text holds if it has exactly these keys in canonical form, else None."""
    try:
        value = json.loads(text)
        is_exact = isinstance(value, dict) and set(value) == keys and canonical(value) == text
    except (ValueError, RecursionError):
        return None
    return value if is_exact else None


def note_body(note: Mapping[str, Any]) -> bytes:
    """Returns the bytes of a daily root, tombstone or record that are signed, after its context."""
    return canonical({k: v for k, v in note.items() if k != "signature"})


def check_note(
    content: bytes, keys: set[str], context: bytes, key: Ed25519PublicKey | None
) -> tuple[dict[str, Any] | None, list[str]]:
    """Returns a signed note and what is wrong inside it; None when the bytes cannot be read as one."""
    note = parse_canonical(content, keys)
    if note is None:
        return None, ["changed or damaged; it no longer holds what was signed"]
    if key is not None and note["key_id"] != key_id_of(key):
        return note, [f"signed with another key ({str(note['key_id'])[:16]}…)"]
    if key is not None and not is_signed(key, note["signature"], context + note_body(note)):
        return note, ["changed; its signature does not fit its content"]
    return note, []


# --- one package ------------------------------------------------------------------------------------------------


def check_package(folder: Path, pinned_pem: bytes | None = None) -> list[str]:
    """Returns every problem of one package, each line beginning with the file it is about; empty means valid."""
    if (folder / TOMBSTONE).is_file():
        return _check_tombstone(folder, pinned_pem)
    if not (folder / MANIFEST).is_file():
        return [f"{MANIFEST}: missing; {folder} is no evidence package"]
    content = (folder / MANIFEST).read_bytes()
    problems, is_authentic = _check_signature(folder, content, pinned_pem)
    manifest = _parse_manifest(content)
    if manifest is None:
        return problems if not is_authentic else [*problems, f"{MANIFEST}: not a manifest of a known form"]
    if not is_authentic:  # its list of files proves nothing
        return problems
    if folder.resolve().name != manifest["case_id"]:
        problems.append(
            f"{folder.resolve().name}: the folder holds case {manifest['case_id']}; packages were swapped or renamed"
        )
    return problems + _check_files(folder, manifest["files"])


def _check_tombstone(folder: Path, pinned_pem: bytes | None) -> list[str]:
    problems: list[str] = []
    key = _package_key(folder, pinned_pem, problems)
    note, inside = check_note((folder / TOMBSTONE).read_bytes(), TOMBSTONE_KEYS, TOMBSTONE_CONTEXT, key)
    problems += [f"{TOMBSTONE}: {reason}" for reason in inside]
    if note is not None and not inside and note["case_id"] != folder.resolve().name:
        problems.append(f"{TOMBSTONE}: stands for case {note['case_id']}; it was moved here")
    names = sorted(path.name for path in folder.iterdir())
    return problems + [f"{n}: lies beside a tombstone" for n in names if n not in (TOMBSTONE, PUBLIC_KEY)]


def _parse_manifest(content: bytes) -> dict[str, Any] | None:
    try:
        manifest = json.loads(content)
        is_usable = isinstance(manifest["case_id"], str) and all(
            isinstance(f["name"], str) and isinstance(f["sha256"], str) for f in manifest["files"]
        )
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    return manifest if is_usable else None


def check_signature(folder: Path, content: bytes, pinned_pem: bytes | None = None) -> list[str]:
    """Returns the problems of key, signature and manifest bytes alone."""
    return _check_signature(folder, content, pinned_pem)[0]


def _check_signature(folder: Path, content: bytes, pinned_pem: bytes | None) -> tuple[list[str], bool]:
    """Returns the problems of key, signature and manifest, and whether the manifest may be believed."""
    problems: list[str] = []
    key = _package_key(folder, pinned_pem, problems)
    if not (folder / SIGNATURE).is_file():
        return [*problems, f"{SIGNATURE}: missing"], True
    sealed = parse_canonical((folder / SIGNATURE).read_bytes(), SIGNATURE_KEYS)
    if sealed is None or sealed["algorithm"] != "Ed25519":
        return [*problems, f"{SIGNATURE}: changed or damaged; it no longer holds a signature"], True
    is_same = sealed["manifest_sha256"] == hashlib.sha256(content).hexdigest()
    if key is None:
        return [*problems] if is_same else [*problems, f"{MANIFEST}: changed after it was signed"], is_same
    if is_signed(key, sealed["signature"], content):
        if not is_same or sealed["key_id"] != key_id_of(key):
            problems.append(f"{SIGNATURE}: changed; the hash or key it names is not the one that was signed")
        return problems, True
    if not is_same:
        return [*problems, f"{MANIFEST}: changed after it was signed (SHA-256 differs from {SIGNATURE})"], False
    if sealed["key_id"] != key_id_of(key):
        problems.append(f"{SIGNATURE}: made with another key ({sealed['key_id'][:16]}…) than {key_id_of(key)[:16]}…")
    else:
        problems.append(f"{SIGNATURE}: does not fit {MANIFEST}; the signature was changed or is forged")
    return problems, True


def _package_key(folder: Path, pinned_pem: bytes | None, problems: list[str]) -> Ed25519PublicKey | None:
    path = folder / PUBLIC_KEY
    own = load_key(path.read_bytes()) if path.is_file() else None
    if not path.is_file():
        problems.append(f"{PUBLIC_KEY}: missing")
    elif own is None:
        problems.append(f"{PUBLIC_KEY}: changed or damaged; it no longer holds a key")
    if pinned_pem is None:
        return own if own is None or _is_listed(folder, path) else None  # a changed key is named with the files
    pinned = load_key(pinned_pem)
    if pinned is None:
        problems.append(
            "the key given to check against holds no Ed25519 public key; give the authority's public_key.pem"
        )
        return own
    if own is not None and key_id_of(own) != key_id_of(pinned):
        problems.append(f"{PUBLIC_KEY}: not the trusted key; the package was signed by somebody else")
    return pinned


def _is_listed(folder: Path, path: Path) -> bool:
    if not (folder / MANIFEST).is_file():
        return True
    manifest = _parse_manifest((folder / MANIFEST).read_bytes())
    listed = {f["name"]: f["sha256"] for f in manifest["files"]} if manifest else {}
    return path.name not in listed or listed[path.name] == sha256_of(path)


def _check_files(folder: Path, listed: Sequence[Mapping[str, Any]]) -> list[str]:
    problems = []
    wanted = {entry["name"]: entry["sha256"] for entry in listed}
    found = {path.name: path for path in sorted(folder.iterdir())}
    for name, digest in wanted.items():
        path = found.get(name)
        if path is None:
            problems.append(f"{name}: missing")
        elif not stat.S_ISREG(path.lstat().st_mode):
            problems.append(f"{name}: replaced by something that is not a plain file")
        elif sha256_of(path) != digest:
            problems.append(f"{name}: changed after sealing (SHA-256 differs from {MANIFEST})")
    problems += [f"{n}: added after sealing" for n in found if n not in wanted and n not in (MANIFEST, SIGNATURE)]
    return problems


# --- the chain --------------------------------------------------------------------------------------------------


def packages_of(root: Path) -> dict[str, Path]:
    """Returns the package folders of a store by case id: root/<yyyy>/<mm>/<case_id>."""
    return {path.name: path for path in sorted(root.glob("[0-9][0-9][0-9][0-9]/[0-9][0-9]/*")) if path.is_dir()}


def check_entry(line: bytes, key: Ed25519PublicKey | None) -> tuple[dict[str, Any] | None, list[str]]:
    """Returns a chain entry and what is wrong inside it; None when the line cannot be read as one."""
    entry = parse_canonical(line, ENTRY_KEYS)
    if entry is None or type(entry["index"]) is not int:
        return None, ["changed or damaged; it no longer holds an entry"]
    problems = []
    if entry_hash(entry) != entry["entry_sha256"]:
        problems.append("changed; its content does not fit its entry_sha256")
    if key is not None and entry["key_id"] != key_id_of(key):
        problems.append(f"signed with another key ({str(entry['key_id'])[:16]}…)")
    elif key is not None and not is_signed(key, entry["signature"], CHAIN_CONTEXT + entry_body(entry)):
        problems.append("its signature does not fit its content")
    return entry, problems


def entry_body(entry: Mapping[str, Any]) -> bytes:
    """Returns the bytes of an entry that are hashed and signed."""
    return canonical({k: v for k, v in entry.items() if k not in ("entry_sha256", "signature")})


def entry_hash(entry: Mapping[str, Any]) -> str:
    """Returns the hash of an entry, the link the next one holds."""
    return hashlib.sha256(entry_body(entry)).hexdigest()


def check_chain(root: Path, pinned_pem: bytes | None = None, expected: Mapping[str, str] | None = None) -> list[str]:
    """Returns every problem of a store's chain, each line naming the entry; ``expected`` maps case id to entry hash."""
    problems: list[str] = []
    pem = pinned_pem if pinned_pem is not None else _store_pem(root)
    key = load_key(pem) if pem is not None else None
    if key is None and any((root / CHAIN_DIR).glob("*/*.jsonl")):
        problems.append(f"{PUBLIC_KEY}: no usable key in the store; pass the authority's key to check signatures")
    if pinned_pem is not None and (root / PUBLIC_KEY).is_file() and (root / PUBLIC_KEY).read_bytes() != pinned_pem:
        problems.append(f"{PUBLIC_KEY}: the store's key is not the trusted key")
    seen: dict[str, dict[str, Any]] = {}
    for device in sorted((root / CHAIN_DIR).glob("*")):
        problems += _check_device(device, key, seen)
    problems += _check_against_packages(root, seen)
    problems += _check_roots(root, key)
    for case_id, digest in (expected or {}).items():
        if case_id not in seen:
            problems.append(f"case {case_id}: its chain entry is missing (cut off or removed)")
        elif seen[case_id]["entry_sha256"] != digest:
            problems.append(f"case {case_id}: its chain entry is not the one the database remembers")
    return problems


def _check_roots(root: Path, key: Ed25519PublicKey | None) -> list[str]:
    """Returns every problem of the daily roots: signature, order, and that the chains still hold what they name."""
    lines = [line for device in sorted((root / CHAIN_DIR).glob("*")) for _, _, line in chain_lines(device)]
    entries = [entry for entry in (parse_canonical(line, ENTRY_KEYS) for line in lines) if entry is not None]
    known = {(entry["device"], entry["index"]): entry["entry_sha256"] for entry in entries}
    problems: list[str] = []
    previous: str | None = GENESIS
    for path in sorted((root / ROOTS_DIR).glob("*.json")):
        content = path.read_bytes()
        note, inside = check_note(content, ROOT_KEYS, ROOT_CONTEXT, key)
        if note is not None and key is not None and not inside:
            inside = _root_problems(note, path.stem, previous, known)
            previous = hashlib.sha256(content).hexdigest()
        else:
            previous = None  # a changed root is named once; what follows it cannot be linked to it
        problems += [f"{ROOTS_DIR}/{path.name}: {reason}" for reason in inside]
    return problems


def _root_problems(
    note: Mapping[str, Any], day: str, previous: str | None, known: Mapping[tuple[str, int], str]
) -> list[str]:
    problems = []
    if note["day"] != day:
        problems.append(f"belongs to day {note['day']}; the file was renamed or moved")
    if previous is not None and note["prev_sha256"] != previous:
        problems.append("does not follow the root before it; one was removed, replaced or slipped in")
    lost = [h for h in note["devices"] if known.get((h["device"], h["index"])) != h["entry_sha256"]]
    return problems + [
        f"entry {h['index']} of {h['device']} is no longer in its chain as it was that day" for h in lost
    ]


def _store_pem(root: Path) -> bytes | None:
    path = root / PUBLIC_KEY
    return path.read_bytes() if path.is_file() else None


def chain_lines(device: Path) -> Iterator[tuple[Path, str, bytes]]:
    """Yields (file, name for messages, line) for every entry of a device, oldest first."""
    for path in sorted(device.glob("*.jsonl")):
        lines = path.read_bytes().split(b"\n")
        if lines[-1] == b"":
            lines.pop()
        for number, line in enumerate(lines, start=1):
            yield path, f"{CHAIN_DIR}/{device.name}/{path.name} line {number}", line


def _check_device(device: Path, key: Ed25519PublicKey | None, seen: dict[str, dict[str, Any]]) -> list[str]:
    problems: list[str] = []
    index, links = 0, {GENESIS}
    for path, where, line in chain_lines(device):
        entry, inside = check_entry(line, key)
        problems += [f"{where}: {reason}" for reason in inside]
        if entry is None:
            index, links = index + 1, set()  # unreadable: it stands for one entry, the next cannot be linked to it
            continue
        name = f"{where} (entry {entry['index']}, case {entry['case_id']})"
        seen.setdefault(entry["case_id"], entry)
        if inside:  # a changed entry is named once, by what changed
            index, links = index + 1, {entry["entry_sha256"], entry_hash(entry)}
            continue
        problems += [f"{name}: {reason}" for reason in _misplaced(entry, path)]
        problems += _check_link(name, entry, index, links)
        if seen[entry["case_id"]] is not entry:
            problems.append(f"{name}: the case is in the chain twice")
        if entry["index"] >= index:
            index, links = entry["index"] + 1, {entry["entry_sha256"]}
    return problems


def _misplaced(entry: Mapping[str, Any], path: Path) -> list[str]:
    problems = []
    if entry["day"] != path.stem:
        problems.append(f"belongs to day {entry['day']}; the file was renamed or the entry moved")
    if device_folder(entry["device"]) != path.parent.name:
        problems.append(f"belongs to device {entry['device']}; the folder was renamed or the entry moved")
    return problems


def device_folder(device: str) -> str:
    """Returns the folder name of a device's chain: its id, made safe for a file system."""
    safe = re.sub(r"[^A-Za-z0-9_-]", "_", device)[:64]
    return safe if safe == device else f"{safe}-{hashlib.sha256(device.encode()).hexdigest()[:8]}"


def _check_link(name: str, entry: Mapping[str, Any], index: int, links: set[str]) -> list[str]:
    if entry["index"] > index:
        return [f"{name}: entry {index} is missing before it (removed or moved)"]
    if entry["index"] < index:
        return [f"{name}: out of order; entry {index} belongs here"]
    if links and entry["prev_sha256"] not in links:
        return [f"{name}: does not follow the entry before it; one of them was replaced"]
    return []


def _check_against_packages(root: Path, seen: Mapping[str, Mapping[str, Any]]) -> list[str]:
    problems = []
    packages = packages_of(root)
    for case_id, entry in seen.items():
        manifest = packages[case_id] / MANIFEST if case_id in packages else None
        if manifest is not None and (manifest.parent / TOMBSTONE).is_file():
            problems += _tombstone_problems(manifest.parent, entry)
        elif manifest is None or not manifest.is_file():
            problems.append(f"case {case_id}: in the chain (entry {entry['index']}), but its package is missing")
        elif sha256_of(manifest) != entry["manifest_sha256"]:
            problems.append(f"case {case_id}: {MANIFEST} is not the one chain entry {entry['index']} names")
    problems += [
        f"case {c}: sealed, but its chain entry is missing (cut off or removed)" for c in packages if c not in seen
    ]
    return problems


def _tombstone_problems(package: Path, entry: Mapping[str, Any]) -> list[str]:
    note = parse_canonical((package / TOMBSTONE).read_bytes(), TOMBSTONE_KEYS)
    names = ("case_id", "manifest_sha256", "entry_sha256")
    if note is None or all(note[name] == entry[name] for name in names):
        return []
    return [f"case {package.name}: its {TOMBSTONE} is not for what chain entry {entry['index']} names"]


def check_store(root: Path, pinned_pem: bytes | None = None, expected: Mapping[str, str] | None = None) -> list[str]:
    """Returns every problem of a store: chain, and all packages in full."""
    pem = pinned_pem if pinned_pem is not None else _store_pem(root)
    problems = check_chain(root, pinned_pem, expected)
    for case_id, folder in packages_of(root).items():
        problems += [f"{case_id}/{problem}" for problem in check_package(folder, pem)]
    return problems


def check_export(folder: Path, pinned_pem: bytes | None = None) -> list[str]:
    """Returns every problem of an unpacked export: its packages and the chain entry of each."""
    packages = sorted(p.parent for p in folder.glob(f"*/{MANIFEST}"))
    problems = [] if packages else [f"{EXPORTED_ENTRY}: its package is missing"]
    for package in packages:
        problems += [f"{package.name}/{problem}" for problem in check_package(package, pinned_pem)]
        problems += _check_exported_entry(folder / EXPORTED_ENTRY, package, pinned_pem)
        problems += _check_record(folder / RECORD, package, pinned_pem)
    return problems


def _check_record(path: Path, package: Path, pinned_pem: bytes | None) -> list[str]:
    if not path.is_file():
        return [f"{RECORD}: missing"]
    key = load_key(_pem_of(package, pinned_pem))
    note, inside = check_note(path.read_bytes(), RECORD_KEYS, RECORD_CONTEXT, key)
    if note is None or inside:
        return [f"{RECORD}: {reason}" for reason in inside]
    problems = [] if note["case_id"] == package.name else [f"{RECORD}: tells of case {note['case_id']}"]
    for entry in note["files"]:
        file = path.parent / entry["name"]
        if not file.is_file():
            problems.append(f"{entry['name']}: missing")
        elif sha256_of(file) != entry["sha256"]:
            problems.append(f"{entry['name']}: changed after the export")
    names = {entry["name"] for entry in note["files"]}
    known = {*names, *(name.split("/")[0] for name in names), package.name, RECORD, EXPORTED_ENTRY, "verify.py"}
    problems += [f"{p.name}: added after the export" for p in sorted(path.parent.iterdir()) if p.name not in known]
    is_whole = not problems and WAY in names and (path.parent / EXPORTED_ENTRY).is_file()
    return _check_way(path.parent, key) if is_whole else problems


def _check_way(folder: Path, key: Ed25519PublicKey | None) -> list[str]:
    """Returns what is wrong on the way from the exported chain entry to the daily root."""
    lines = (folder / WAY).read_bytes().splitlines()
    if lines[:1] != [(folder / EXPORTED_ENTRY).read_bytes()]:
        return [f"{WAY}: does not begin with {EXPORTED_ENTRY}"]
    previous = None
    for line in lines:
        entry, inside = check_entry(line, key)
        if entry is None or inside or (previous is not None and entry["prev_sha256"] != previous["entry_sha256"]):
            return [f"{WAY}: an entry was changed, removed or slipped in"]
        previous = entry
    root, inside = check_note(max((folder / ROOTS_DIR).glob("*.json")).read_bytes(), ROOT_KEYS, ROOT_CONTEXT, key)
    heads = [] if root is None or inside else [head["entry_sha256"] for head in root["devices"]]
    is_end = previous is not None and previous["entry_sha256"] in heads
    return [] if is_end else [f"{WAY}: does not lead to the daily root"]


def _pem_of(package: Path, pinned_pem: bytes | None) -> bytes:
    own = package / PUBLIC_KEY
    return pinned_pem if pinned_pem is not None else own.read_bytes() if own.is_file() else b""


def _check_exported_entry(path: Path, package: Path, pinned_pem: bytes | None) -> list[str]:
    if not path.is_file():
        return [f"{EXPORTED_ENTRY}: missing"]
    return _check_entry_of(EXPORTED_ENTRY, path.read_bytes(), package, load_key(_pem_of(package, pinned_pem)))


def _check_entry_of(name: str, line: bytes, package: Path, key: Ed25519PublicKey | None) -> list[str]:
    entry, inside = check_entry(line, key)
    manifest = package / MANIFEST
    problems = [f"{name}: {reason}" for reason in inside]
    if entry is not None and not inside and (package / TOMBSTONE).is_file():
        return problems + _tombstone_problems(package, entry)
    if entry is not None and not inside and manifest.is_file() and entry["manifest_sha256"] != sha256_of(manifest):
        problems.append(f"{name}: names another {MANIFEST} than the one of {package.name}")
    return problems


def check_case(root: Path, package: Path, pinned_pem: bytes | None = None) -> list[str]:
    """Returns every problem of one case of a store: its package and its own chain entry."""
    pem = pinned_pem if pinned_pem is not None else _store_pem(root)
    problems = check_package(package, pem)
    wanted = package.name.encode()
    lines = [(w, t) for d in sorted((root / CHAIN_DIR).glob("*")) for _, w, t in chain_lines(d) if wanted in t]
    if len(lines) != 1:
        count = "twice or more" if lines else "not at all"
        return [*problems, f"{CHAIN_DIR}: case {package.name} is in it {count}"]
    return problems + _check_entry_of(*lines[0], package, load_key(pem) if pem is not None else None)


def check(path: Path, pinned_pem: bytes | None = None) -> tuple[str, list[str]] | None:
    """Returns what a folder is and its problems; None when there is nothing to check in it."""
    if any((path / name).exists() for name in (MANIFEST, SIGNATURE, TOMBSTONE)):
        return f"package {path.resolve().name}", check_package(path, pinned_pem)
    packages, entries = len(packages_of(path)), sum(1 for d in (path / CHAIN_DIR).glob("*") for _ in chain_lines(d))
    if packages or entries:
        return f"store, {packages} packages, {entries} chain entries", check_store(path, pinned_pem)
    exported = [p.parent.name for p in sorted(path.glob(f"*/{MANIFEST}"))]
    if exported or (path / EXPORTED_ENTRY).exists():
        return f"export of {', '.join(exported) or 'no package'}", check_export(path, pinned_pem)
    return None


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line; returns its exit status."""
    parser = argparse.ArgumentParser(description="Checks sealed traffic evidence offline.")
    parser.add_argument("path", nargs="?", type=Path, default=Path(__file__).resolve().parent, help="package or store")
    parser.add_argument("--key", type=Path, help="public key of the authority (PEM); trust no other")
    options = parser.parse_args(arguments)
    try:
        pem = options.key.read_bytes() if options.key else None
        found = check(options.path, pem)
    except OSError as error:
        sys.stderr.write(f"cannot read {error.filename}: {error.strerror}\n")
        return 2
    if found is None:
        sys.stderr.write(f"{options.path}: neither an evidence package nor a store; give the folder with {MANIFEST}\n")
        return 2
    what, problems = found
    lines = [*(f"  {problem}" for problem in problems), f"{'INVALID' if problems else 'VALID'}: {what}"]
    if not problems and pem is None:
        lines.append("note: no --key given: nothing changed since sealing, but who sealed it is not proven")
    sys.stdout.write("\n".join(lines) + "\n")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
