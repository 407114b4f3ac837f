"""Tombstones: what stays of a package whose time is over, signed, in its place.

The tombstone is written first and the files go after it, so that a crash never leaves a package gone without one.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from evidence import disk, standalone
from evidence.manifest import stamp
from evidence.root import signed_note
from evidence.sign import Signer


@dataclass(frozen=True, slots=True, kw_only=True)
class Erasure:
    """Why a package is deleted: the kind of its retention period, the words for it, and who ordered it."""

    kind: str
    basis: str
    erased_by: str


def write_tombstone(
    package: Path, body: Mapping[str, Any], erasure: Erasure, signer: Signer, now_utc: datetime
) -> None:
    """Puts a tombstone into a package's folder."""
    note = {
        **body,
        "kind": erasure.kind,
        "basis": erasure.basis,
        "erased_by": erasure.erased_by,
        "erased_utc": stamp(now_utc),
    }
    content = signed_note(note, standalone.TOMBSTONE_CONTEXT, signer)
    draft = package / f".{standalone.TOMBSTONE}"
    draft.unlink(missing_ok=True)  # of a crash: the package is whole
    disk.write_file(draft, content)
    draft.rename(package / standalone.TOMBSTONE)
    disk.sync_dir(package)


def finish_erasure(package: Path) -> bool:
    """Removes what a tombstone stands for; returns whether there was anything left."""
    left = [p for p in package.iterdir() if p.name not in (standalone.TOMBSTONE, standalone.PUBLIC_KEY)]
    for path in left:
        if path.is_dir() and not path.is_symlink():
            disk.remove_tree(path)
        else:
            path.unlink()
    disk.sync_dir(package)
    return bool(left)


def read_tombstone(package: Path, public_key_pem: bytes) -> dict[str, Any] | None:
    """Returns what a tombstone says, None when there is none of this key for this folder."""
    path = package / standalone.TOMBSTONE
    if not path.is_file():
        return None
    key = standalone.load_key(public_key_pem)
    note, problems = standalone.check_note(
        path.read_bytes(), standalone.TOMBSTONE_KEYS, standalone.TOMBSTONE_CONTEXT, key
    )
    return note if note is not None and not problems and note["case_id"] == package.name else None
