"""Files that arrive in pieces: one growing file per upload, its size is how far it came, whatever broke in between.

    uploads/<handle>/<upload id>.<announced bytes>

Every piece is on the disk before it is acknowledged. What is not handed in with a report within a day is removed.
"""

import fcntl
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from ulid import ULID

from core import log
from core.errors import CaseNotFound, ConfigError, NotAllowed, StoreError, WrongState
from core.time import Clock
from evidence import disk
from evidence.upload import VIDEO_MAX_BYTES

KEPT = timedelta(hours=24)
OPEN_MAX = 12
"""Unused uploads a citizen may have: two reports of six photos."""
OPEN_BYTES_MAX = 2 * VIDEO_MAX_BYTES
"""What they may come to when they are complete."""
DISK_RESERVE_BYTES = 2_000_000_000
"""Left free on the disk for evidence: below it nothing more is taken from citizens."""
_log = log.get(__name__)


def check_room(folder: Path, length: int) -> None:
    """Refuses so many bytes where they would leave too little for the evidence of cameras.

    Raises:
        StoreError: the disk is nearly full.
    """
    if shutil.disk_usage(folder).free < DISK_RESERVE_BYTES + length:
        raise StoreError("no room for uploads at the moment; try again later")


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """One file on its way; complete once ``offset`` is ``length``, both in bytes."""

    upload_id: str
    path: Path
    length: int
    offset: int
    expires_utc: datetime


class Part:
    """An upload that is being written to; nobody else can be until it is closed."""

    def __init__(self, upload: Upload) -> None:
        """Opens the file.

        Raises:
            StoreError: it cannot be opened.
            WrongState: another request is writing to it.
        """
        self._upload = upload
        with disk.store_errors(upload.path.parent, "opening an upload"):
            self._handle = os.open(upload.path, os.O_WRONLY | os.O_APPEND)
        try:
            fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(self._handle)
            raise WrongState("this upload is being written to; ask for its offset and go on in a moment") from error

    @property
    def offset(self) -> int:
        """How far the file came, bytes."""
        return os.fstat(self._handle).st_size

    def write(self, block: bytes) -> None:
        """Appends a piece; what goes beyond the announced length is refused.

        Raises:
            ConfigError: the file is longer than was announced.
            StoreError: the disk refuses.
        """
        if self.offset + len(block) > self._upload.length:
            raise ConfigError("more bytes than were announced with Upload-Length; begin a new upload")
        with disk.store_errors(self._upload.path.parent, "keeping an upload"):
            disk.write_all(self._handle, block)

    def close(self) -> None:
        """Waits until everything is on the disk."""
        with disk.store_errors(self._upload.path.parent, "keeping an upload"):
            try:
                os.fsync(self._handle)
            finally:
                os.close(self._handle)


class UploadStore:
    """The folder of unfinished and unused uploads."""

    def __init__(self, root: Path, clock: Clock) -> None:
        self._root = root
        self._clock = clock

    def create(self, reporter: str, length: int) -> Upload:
        """Returns a new, empty upload.

        Raises:
            ConfigError: no length a report's file can have.
            NotAllowed: the sender has too many unused uploads.
            StoreError: the disk refuses or is nearly full.
        """
        if not 0 < length <= VIDEO_MAX_BYTES:
            raise ConfigError(f"a file has 1 byte to {VIDEO_MAX_BYTES // 1_000_000} MB; send another one")
        waiting = self._of(reporter)
        if len(waiting) >= OPEN_MAX or length + sum(upload.length for upload in waiting) > OPEN_BYTES_MAX:
            raise NotAllowed("too many uploads that no report uses; send the report, or try again tomorrow")
        now = self._clock.now_utc()
        path = self._root / reporter / f"{ULID.from_datetime(now)}.{length}"
        with disk.store_errors(self._root, "keeping an upload"):
            disk.make_dirs(path.parent, mode=0o700)
            check_room(self._root, length)
            disk.write_file(path, b"", mode=0o600)
            disk.sync_dir(path.parent)
        return _upload(path)

    def get(self, reporter: str, upload_id: str) -> Upload:
        """Returns one of the sender's uploads.

        Raises:
            CaseNotFound: there is none, or no longer.
        """
        now = self._clock.now_utc()
        found = next((upload for upload in self._of(reporter) if upload.upload_id == upload_id), None)
        if found is None or found.expires_utc <= now:
            raise CaseNotFound("no such upload of yours, or it is too old; begin a new one")
        return found

    def open(self, reporter: str, upload_id: str, offset: int) -> Part:
        """Returns the upload opened for its next piece.

        Raises:
            CaseNotFound: there is none, or no longer.
            WrongState: the upload is not that far or further, or another request is writing to it.
        """
        part = Part(self.get(reporter, upload_id))
        if part.offset != offset:
            at = part.offset
            part.close()
            raise WrongState(f"this upload is at byte {at}; go on from there", offset=at)
        return part

    def remove(self, reporter: str, upload_id: str) -> None:
        """Removes one of the sender's uploads; one that is gone already is fine."""
        for upload in self._of(reporter):
            if upload.upload_id == upload_id:
                upload.path.unlink(missing_ok=True)

    def sweep(self) -> int:
        """Returns how many uploads were too old and have been removed."""
        now = self._clock.now_utc()
        old = [upload for upload in _uploads(self._root.glob("*/*.*")) if upload.expires_utc <= now]
        for upload in old:
            upload.path.unlink(missing_ok=True)
        if old:
            _log.info("uploads_removed", count=len(old))
        return len(old)

    def _of(self, reporter: str) -> list[Upload]:
        return list(_uploads((self._root / reporter).glob("*.*")))


def _uploads(paths: Iterable[Path]) -> Iterator[Upload]:
    for path in paths:
        with suppress(FileNotFoundError):  # swept or removed a moment ago
            yield _upload(path)


def _upload(path: Path) -> Upload:
    upload_id, _, length = path.name.partition(".")
    made = ULID.from_str(upload_id).datetime.astimezone(UTC)
    return Upload(
        upload_id=upload_id, path=path, length=int(length), offset=path.stat().st_size, expires_utc=made + KEPT
    )
