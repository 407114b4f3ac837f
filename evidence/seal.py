"""The write-once evidence store: seals drafts so that no crash, full disk or second process leaves half a package.

Order of one sealing, and what a crash leaves behind:
  1. stage     files written and synced in root/.stage        -> recover() removes the stage; nothing was sealed
  2. rename    stage becomes root/<yyyy>/<mm>/<case_id>       -> recover() appends the missing chain entry
  3. chain     one entry appended and synced                  -> sealed
Steps 2 and 3 happen under one lock; a stage is locked by its living process, so recover() never takes it away.
"""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from core.errors import AlreadySealed, CaseNotFound, EvidenceError, HashMismatch, SignatureInvalid, StoreError
from core.log import get
from core.time import Clock, SystemClock
from evidence import disk, standalone
from evidence.chain import Chain, Link
from evidence.draft import ULID, Draft
from evidence.manifest import Manifest, canonical_bytes, parse_manifest
from evidence.package import write_package
from evidence.root import days_to_close, roots_of, signed_note, write_root
from evidence.sign import KEY_NAME, load_signer
from evidence.tombstone import Erasure, finish_erasure, read_tombstone, write_tombstone
from evidence.verify import Verdict, verify_case

log = get(__name__)

STAGE_DIR = ".stage"
LOCK_NAME = ".lock"
PSEUDONYM_CONTEXT = b"lukou pseudonym 1\n"
CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sealed:
    """What became of a draft: where it lies and its place in the chain."""

    case_id: str
    path: Path
    manifest_sha256: str
    chain_index: int
    entry_sha256: str


class Vault:
    """One evidence store on a local disk, with the installation's signing key."""

    def __init__(self, root: Path, key_dir: Path, clock: Clock | None = None) -> None:
        self.root = root
        self._clock = clock or SystemClock()
        with disk.store_errors(root, "opening the evidence store"):
            disk.make_dirs(root / STAGE_DIR)
        is_used = any((root / standalone.CHAIN_DIR).glob("*/*.jsonl"))
        self._signer = load_signer(key_dir, may_create=not is_used)
        self._chain = Chain(root, self._signer)
        self._publish_key(key_dir)

    @property
    def public_key_pem(self) -> bytes:
        """The key every package is verified against."""
        return self._signer.public_key_pem

    @property
    def key_id(self) -> str:
        """SHA-256 of the public key in DER, hex."""
        return self._signer.key_id

    def path(self, case_id: str) -> Path:
        """Returns where a case's package lies or would lie; year and month come from the id itself (UTC)."""
        if not ULID.fullmatch(case_id):
            raise CaseNotFound(f"'{case_id}' is no case id; list the cases with: lukou cases", case_id=case_id)
        ms = 0
        for char in case_id[:10]:
            ms = ms * 32 + CROCKFORD.index(char)
        try:
            month = EPOCH + timedelta(milliseconds=ms)
        except OverflowError:
            raise CaseNotFound(f"case id '{case_id}' holds no possible time; check its spelling") from None
        return self.root / f"{month:%Y}" / f"{month:%m}" / case_id

    def seal(self, draft: Draft) -> Sealed:
        """Returns the sealed package; afterwards ``draft.clip`` is gone from where it was, attachments stay.

        Raises:
            AlreadySealed: the store holds this case.
            EvidenceError: the draft cannot become evidence.
            StoreError: the disk refuses (full, read-only); nothing was kept.
        """
        if self.path(draft.case_id).exists():
            raise _already(draft.case_id)
        if draft.clip is not None and not draft.clip.is_file():
            raise EvidenceError(
                f"case {draft.case_id}: clip {draft.clip} is missing; cut it again", case_id=draft.case_id
            )
        with disk.store_errors(self.root, f"sealing case {draft.case_id}"), self._stage(draft.case_id) as stage:
            manifest, digest = write_package(draft, stage, self._signer, self._clock)
            sealed = self._commit(manifest, digest, stage)
        if draft.clip is not None:
            try:
                draft.clip.unlink(missing_ok=True)
            except OSError as error:
                log.warning("clip_source_kept", case_id=draft.case_id, reason=error.strerror)
        log.info("package_sealed", case_id=draft.case_id, index=sealed.chain_index)
        return sealed

    def recover(self) -> list[str]:
        """Ends what a crash interrupted; returns one line per thing done. Call it before the first sealing."""
        done: list[str] = []
        with disk.store_errors(self.root, "recovering the evidence store"), disk.locked(self.root / LOCK_NAME):
            done += [f"removed unfinished package {name}" for name in self._remove_dead_stages()]
            done += self._chain.heal()
            done += [f"completed the deletion of case {name}" for name in self._finish_erasures()]
            chained = {entry["case_id"] for entry in self._chain.entries()}
            for link in sorted(self._unchained(chained), key=lambda k: (k.sealed_utc, k.case_id)):
                self._chain.append(link)
                done.append(f"completed the chain entry of case {link.case_id}")
        for message in done:
            log.warning("store_recovered", action=message)
        return done

    def erase(self, case_id: str, erasure: Erasure) -> str:
        """Deletes a package and leaves a signed tombstone; returns the SHA-256 of that. Its chain entry stays.

        Raises:
            CaseNotFound: no such package.
            HashMismatch: its chain entry is missing; nothing is deleted.
            StoreError: the disk refuses.
        """
        folder = self.path(case_id)
        with disk.store_errors(self.root, f"deleting case {case_id}"), disk.locked(self.root / LOCK_NAME):
            if self.tombstone(case_id) is None:
                sealed = self.sealed(case_id)
                body = {
                    "case_id": case_id,
                    "manifest_sha256": sealed.manifest_sha256,
                    "entry_sha256": sealed.entry_sha256,
                }
                write_tombstone(folder, body, erasure, self._signer, self._clock.now_utc())
            finish_erasure(folder)
        log.info("package_erased", case_id=case_id, kind=erasure.kind)
        return standalone.sha256_of(folder / standalone.TOMBSTONE)

    def leave_tombstone(self, folder: Path, subject: str, hashes: list[str], erasure: Erasure) -> str:
        """Returns the SHA-256 of a tombstone for files kept outside this store, signed with its key.

        Raises:
            StoreError: the disk refuses.
        """
        body = {
            "case_id": subject,
            "manifest_sha256": hashlib.sha256("\n".join(hashes).encode()).hexdigest(),
            "entry_sha256": standalone.GENESIS,
        }
        with disk.store_errors(folder, f"deleting the originals of {subject}"):
            disk.make_dirs(folder)
            if not (folder / standalone.PUBLIC_KEY).exists():
                disk.write_file(folder / standalone.PUBLIC_KEY, self.public_key_pem)
            write_tombstone(folder, body, erasure, self._signer, self._clock.now_utc())
        return standalone.sha256_of(folder / standalone.TOMBSTONE)

    def tombstone(self, case_id: str) -> dict[str, Any] | None:
        """Returns what the tombstone of a deleted package says, None when there is none."""
        return read_tombstone(self.path(case_id), self.public_key_pem)

    def pseudonym(self, name: str) -> str:
        """Returns a code name for a person: always the same here, and nothing to guess without this store's key."""
        return "P-" + hashlib.sha256(self._signer.sign(PSEUDONYM_CONTEXT + name.encode())).hexdigest()[:10]

    def sign_record(self, record: Mapping[str, Any]) -> bytes:
        """Returns the record of a case, signed, as canonical JSON."""
        return signed_note(record, standalone.RECORD_CONTEXT, self._signer)

    def way_to_root(self, case_id: str) -> dict[str, bytes]:
        """Returns the root that closed a case's day, its stamp, and the chain entries that lead there.

        Nothing while the day is open. Keys are the names the files have in an export.
        """
        entry = self._entry(case_id, self.manifest(case_id))
        root = next((path for path in roots_of(self.root) if path.stem >= entry["day"]), None)
        if root is None:
            return {}
        stamp = root.with_suffix(".tsr")
        lines = [
            canonical_bytes(other) + b"\n"
            for other in self._chain.entries()
            if other["device"] == entry["device"] and other["index"] >= entry["index"] and other["day"] <= root.stem
        ]
        files = {path.name: path.read_bytes() for path in (root, stamp) if path.is_file()}
        return {standalone.WAY: b"".join(lines), **{f"{standalone.ROOTS_DIR}/{n}": c for n, c in files.items()}}

    def close_days(self, audit_head: Callable[[], tuple[int, str]]) -> list[Path]:
        """Signs the root of every finished day that has none; returns those. ``audit_head`` is asked at that moment.

        Raises:
            StoreError: the disk refuses.
        """
        now = self._clock.now_utc()
        with disk.store_errors(self.root, "signing the daily root"), disk.locked(self.root / LOCK_NAME):
            entries = list(self._chain.entries())
            days = days_to_close(self.root, entries, now)
            number, digest = audit_head() if days else (0, "")
            head = {"seq": number, "entry_sha256": digest}
            paths = [write_root(self.root, day, entries, audit=head, signer=self._signer, now_utc=now) for day in days]
        for path in paths:
            log.info("day_closed", day=path.stem)
        return paths

    def manifest(self, case_id: str) -> Manifest:
        """Returns the manifest of a case, its signature checked against this installation's key."""
        return parse_manifest(self._manifest_bytes(case_id))

    def sealed(self, case_id: str) -> Sealed:
        """Returns what ``seal`` returned for a case: the way back when a crash came before it was written down.

        Raises:
            CaseNotFound: no such package.
            HashMismatch: the chain has no entry for it; ``recover`` completes it.
        """
        content = self._manifest_bytes(case_id)
        entry = self._entry(case_id, parse_manifest(content))
        return Sealed(
            case_id=case_id,
            path=self.path(case_id),
            manifest_sha256=hashlib.sha256(content).hexdigest(),
            chain_index=entry["index"],
            entry_sha256=entry["entry_sha256"],
        )

    def names(self, case_id: str) -> tuple[str, ...]:
        """Returns the names of every file of a package."""
        return (*(f.name for f in self.manifest(case_id).files), standalone.MANIFEST, standalone.SIGNATURE)

    def read(self, case_id: str, name: str) -> bytes:
        """Returns the content of a sealed file, checked against manifest and signature.

        Raises:
            CaseNotFound: no such package.
            EvidenceError: the package has no such file.
            HashMismatch: the file is not what was sealed.
            SignatureInvalid: the manifest is not what was signed.
        """
        content = self._manifest_bytes(case_id)
        if name == standalone.MANIFEST:
            return content
        if name == standalone.SIGNATURE:
            return (self.path(case_id) / name).read_bytes()
        entry = parse_manifest(content).file(name)
        if entry is None:
            raise EvidenceError(f"case {case_id} has no file '{name}'", case_id=case_id, name=name)
        try:
            found = (self.path(case_id) / name).read_bytes()
        except OSError as error:
            raise HashMismatch(
                f"{name} of case {case_id} is missing; restore it from backup", case_id=case_id
            ) from error
        if hashlib.sha256(found).hexdigest() != entry.sha256:
            raise HashMismatch(
                f"{name} of case {case_id} was changed after sealing; run: lukou verify {case_id}", case_id=case_id
            )
        return found

    def verify(self, case_id: str) -> Verdict:
        """Returns the verdict on one case: every byte of its package, and its chain entry, against this store's key."""
        return verify_case(self.root, self.path(case_id), public_key_pem=self.public_key_pem)

    def chain_entry(self, case_id: str) -> bytes:
        """Returns the chain entry of a case as canonical JSON.

        Raises:
            HashMismatch: the chain has no entry for this sealed case.
        """
        return canonical_bytes(self._entry(case_id, self.manifest(case_id)))

    def _entry(self, case_id: str, manifest: Manifest) -> dict[str, Any]:
        entry = self._chain.find(case_id, manifest.device["camera_id"])
        if entry is None:
            raise HashMismatch(f"case {case_id} has no chain entry; run: lukou verify on the store", case_id=case_id)
        return entry

    # --- sealing, step by step --------------------------------------------------------------------------------

    @contextmanager
    def _stage(self, case_id: str) -> Iterator[Path]:
        """Yields a new folder that belongs to this process; whatever is left of it at the end is removed."""
        stage = self.root / STAGE_DIR / f"{case_id}.{os.getpid()}.{secrets.token_hex(4)}"
        handle: int | None = None
        try:
            with disk.locked(self.root / LOCK_NAME):
                stage.mkdir()
                handle = disk.try_lock_dir(stage)
            yield stage
        finally:
            disk.remove_tree(stage)
            if handle is not None:
                os.close(handle)

    def _commit(self, manifest: Manifest, digest: str, stage: Path) -> Sealed:
        final = self.path(manifest.case_id)
        with disk.locked(self.root / LOCK_NAME):
            if final.exists():
                raise _already(manifest.case_id)
            disk.make_dirs(final.parent)
            stage.rename(final)
            try:
                disk.sync_dir(final.parent)
                entry = self._chain.append(_link(manifest, digest))
            except (OSError, EvidenceError):
                final.rename(stage)  # not in the chain: take it back, the caller removes it
                raise
        return Sealed(
            case_id=manifest.case_id,
            path=final,
            manifest_sha256=digest,
            chain_index=entry["index"],
            entry_sha256=entry["entry_sha256"],
        )

    # --- recovery ---------------------------------------------------------------------------------------------

    def _remove_dead_stages(self) -> list[str]:
        removed = []
        for stage in sorted((self.root / STAGE_DIR).iterdir()):
            handle = disk.try_lock_dir(stage)
            if handle is None:
                continue  # another process is at work on it
            disk.remove_tree(stage)
            os.close(handle)
            removed.append(stage.name.split(".")[0])
        return removed

    def _finish_erasures(self) -> list[str]:
        """Ends deletions a crash interrupted; only a tombstone of this store's key counts."""
        folders = [f for f in standalone.packages_of(self.root).values() if (f / standalone.TOMBSTONE).is_file()]
        return [f.name for f in folders if self.tombstone(f.name) is not None and finish_erasure(f)]

    def _unchained(self, chained: set[str]) -> Iterator[Link]:
        for case_id, folder in standalone.packages_of(self.root).items():
            if case_id in chained or (folder / standalone.TOMBSTONE).is_file():
                continue
            problems = standalone.check_package(folder, self.public_key_pem)
            if problems:  # nothing this store sealed: leave it for verify to report
                log.error("unchained_package_refused", case_id=case_id, problem=problems[0])
                continue
            content = (folder / standalone.MANIFEST).read_bytes()
            yield _link(parse_manifest(content), hashlib.sha256(content).hexdigest())

    def _publish_key(self, key_dir: Path) -> None:
        path = self.root / standalone.PUBLIC_KEY
        if path.is_file() and path.read_bytes() == self.public_key_pem:
            return
        if path.exists() and not self._chain.is_empty():
            raise EvidenceError(
                f"{path} does not belong to {key_dir / KEY_NAME}; restore the key this store was sealed with"
            )
        with disk.store_errors(self.root, "opening the evidence store"), disk.locked(self.root / LOCK_NAME):
            path.unlink(missing_ok=True)
            disk.write_file(path, self.public_key_pem)

    def _absence(self, case_id: str) -> str:
        tombstone = self.tombstone(case_id)
        if tombstone is None:
            return f"no sealed package for case {case_id}; list them with: lukou cases"
        return f"the evidence of case {case_id} was deleted on {tombstone['erased_utc'][:10]}: {tombstone['basis']}"

    def _manifest_bytes(self, case_id: str) -> bytes:
        folder = self.path(case_id)
        try:
            content = (folder / standalone.MANIFEST).read_bytes()
        except OSError as error:
            raise CaseNotFound(self._absence(case_id), case_id=case_id) from error
        problems = standalone.check_signature(folder, content, self.public_key_pem)
        if problems:
            raise SignatureInvalid(f"case {case_id}: {problems[0]}; run: lukou verify {case_id}", case_id=case_id)
        return content


def _already(case_id: str) -> AlreadySealed:
    return AlreadySealed(f"case {case_id} is sealed already; sealed evidence is never written again", case_id=case_id)


def _link(manifest: Manifest, digest: str) -> Link:
    return Link(
        device=manifest.device["camera_id"],
        case_id=manifest.case_id,
        manifest_sha256=digest,
        sealed_utc=manifest.sealed_utc,
    )


__all__ = ["AlreadySealed", "Sealed", "StoreError", "Vault"]
