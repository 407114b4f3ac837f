"""Daily roots: one signed file per day that names the last chain entry of every device and the head of the audit.

A root commits to everything before it, so that no chain can be shortened or rebuilt unnoticed once its day is closed;
an RFC 3161 stamp beside it (``evidence.stamp``) says the same without trusting the key's holder.
"""

import hashlib
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from evidence import disk, standalone
from evidence.manifest import canonical_bytes, stamp
from evidence.sign import Signer


def days_to_close(root: Path, entries: Iterable[Mapping[str, Any]], now_utc: datetime) -> list[str]:
    """Returns the finished days without a root, oldest first: days with chain entries, and then yesterday."""
    yesterday = (now_utc - timedelta(days=1)).date().isoformat()
    last = max((path.stem for path in roots_of(root)), default="")
    finished = {entry["day"] for entry in entries if entry["day"] <= yesterday}
    days = {*finished, yesterday} if finished else finished
    return sorted(day for day in days if day > last)


def roots_of(root: Path) -> list[Path]:
    """Returns the daily roots of a store, oldest first."""
    return sorted((root / standalone.ROOTS_DIR).glob("*.json"))


def write_root(
    root: Path,
    day: str,
    entries: Iterable[Mapping[str, Any]],
    *,
    audit: Mapping[str, Any],
    signer: Signer,
    now_utc: datetime,
) -> Path:
    """Returns the root of a day, written and synced; ``audit`` is number and hash of the last audit entry."""
    heads = {entry["device"]: entry for entry in entries if entry["day"] <= day}
    earlier = roots_of(root)
    body = {
        "day": day,
        "closed_utc": stamp(now_utc),
        "devices": [
            {"device": device, "index": heads[device]["index"], "entry_sha256": heads[device]["entry_sha256"]}
            for device in sorted(heads)
        ],
        "audit": dict(audit),
        "prev_sha256": hashlib.sha256(earlier[-1].read_bytes()).hexdigest() if earlier else standalone.GENESIS,
    }
    path = root / standalone.ROOTS_DIR / f"{day}.json"
    disk.make_dirs(path.parent)
    draft = path.with_suffix(".part")
    draft.unlink(missing_ok=True)  # of a crash: nobody has seen it
    disk.write_file(draft, signed_note(body, standalone.ROOT_CONTEXT, signer))
    draft.rename(path)
    disk.sync_dir(path.parent)
    return path


def signed_note(body: Mapping[str, Any], context: bytes, signer: Signer) -> bytes:
    """Returns a signed note as canonical JSON: the body with the key's id and its signature."""
    note = {**body, "key_id": signer.key_id}
    return canonical_bytes({**note, "signature": signer.sign(context + canonical_bytes(note)).hex()})
