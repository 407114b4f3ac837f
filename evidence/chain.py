"""The hash chain: one signed entry per sealed case; per device, one JSON Lines file per day, counting on over days.

Day and time of an entry come from the package's own ``sealed_utc``, so that an entry lost in a crash is made again
exactly as it was. Callers hold the store's lock.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import rfc8785

from core.errors import HashMismatch
from evidence import disk, standalone
from evidence.sign import Signer

TAIL_BYTES = 8192
"""Longer than any entry: enough of a file's end to hold its last line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """What of a package goes into the chain."""

    device: str
    case_id: str
    manifest_sha256: str
    sealed_utc: str


class Chain:
    """The chain below ``root/chain``."""

    def __init__(self, root: Path, signer: Signer) -> None:
        self._dir = root / standalone.CHAIN_DIR
        self._signer = signer

    def append(self, link: Link) -> dict[str, Any]:
        """Returns the new entry once it is on the disk; on failure the chain is as it was before."""
        folder = self._dir / standalone.device_folder(link.device)
        disk.make_dirs(folder)
        self._heal(folder)
        last = self._last(folder)
        day = max(link.sealed_utc[:10], last["day"] if last else "")  # a clock set back never opens an earlier file
        body = {
            "index": last["index"] + 1 if last else 0,
            "device": link.device,
            "day": day,
            "case_id": link.case_id,
            "manifest_sha256": link.manifest_sha256,
            "prev_sha256": last["entry_sha256"] if last else standalone.GENESIS,
            "sealed_utc": link.sealed_utc,
            "key_id": self._signer.key_id,
        }
        content = rfc8785.dumps(body)
        entry = {
            **body,
            "entry_sha256": standalone.entry_hash(body),
            "signature": self._signer.sign(standalone.CHAIN_CONTEXT + content).hex(),
        }
        disk.append_line(folder / f"{day}.jsonl", rfc8785.dumps(entry))
        return entry

    def entries(self) -> Iterator[Mapping[str, Any]]:
        """Yields every readable entry of every device, oldest first."""
        for folder in self._devices():
            for _path, _where, line in standalone.chain_lines(folder):
                entry = standalone.parse_canonical(line, standalone.ENTRY_KEYS)
                if entry is not None:
                    yield entry

    def find(self, case_id: str, device: str) -> dict[str, Any] | None:
        """Returns the entry of a case, None when there is none."""
        folder = self._dir / standalone.device_folder(device)
        for path in sorted(folder.glob("*.jsonl"), reverse=True):
            for line in path.read_bytes().splitlines():
                if case_id.encode() in line:
                    return standalone.parse_canonical(line, standalone.ENTRY_KEYS)
        return None

    def heal(self) -> list[str]:
        """Cuts half-written last lines off, one message each; what they meant to record is appended again."""
        return [message for folder in self._devices() for message in self._heal(folder)]

    def is_empty(self) -> bool:
        """Tells whether nothing was ever sealed here."""
        return not any(self._dir.glob("*/*.jsonl"))

    def _devices(self) -> list[Path]:
        return sorted(p for p in self._dir.glob("*") if p.is_dir())

    def _heal(self, folder: Path) -> list[str]:
        """Only a line without its line end is half-written: whole lines are never touched, whatever they hold."""
        path = _latest(folder)
        if path is None:
            return []
        content = path.read_bytes()
        kept = content[: content.rfind(b"\n") + 1]
        if kept == content:
            return []
        half = content[len(kept) :]
        if standalone.parse_canonical(half, standalone.ENTRY_KEYS) is not None:
            disk.append_line(path, b"")  # complete but for its line end
        else:
            disk.cut_file(path, len(kept))
        return [f"{path.name} of {folder.name}: half-written last line repaired"]

    def _last(self, folder: Path) -> dict[str, Any] | None:
        for path in sorted(folder.glob("*.jsonl"), reverse=True):
            with path.open("rb") as stream:
                stream.seek(max(0, path.stat().st_size - TAIL_BYTES))
                lines = stream.read().splitlines()
            if lines:
                return _trusted(lines[-1], path)
        return None


def _latest(folder: Path) -> Path | None:
    files = sorted(folder.glob("*.jsonl"))
    return files[-1] if files else None


def _trusted(line: bytes, path: Path) -> dict[str, Any]:
    entry = standalone.parse_canonical(line, standalone.ENTRY_KEYS)
    if entry is None or standalone.entry_hash(entry) != entry["entry_sha256"]:
        raise HashMismatch(
            f"the last entry of {path} was changed; run lukou verify on the store, restore it from backup",
            path=str(path),
        )
    return entry
