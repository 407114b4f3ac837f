"""Citizens' files as they came: written once under their hash, synced before the citizen is told they arrived."""

import hashlib
import os
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from cases.report import Medium
from cases.uploads import Upload, check_room
from core.errors import ConfigError
from evidence import disk
from evidence.upload import PHOTO_ENDINGS, PHOTO_MAX_BYTES, SNIFF_BYTES, VIDEO_MAX_BYTES, sniff

CHUNK_BYTES = 1 << 20
WORK = "work"
"""Folder of what is being looked at: unmasked stills must not outlive a crash in the machine's temporary folder."""


class MediaStore:
    """A folder of files named by their sha256."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def add(self, source: BinaryIO) -> Medium:
        """Returns the kept file; the same bytes are kept once.

        Raises:
            ConfigError: not a photo or video that is taken, or too large; one line for the citizen.
            StoreError: the disk refuses or is nearly full.
        """
        head = source.read(SNIFF_BYTES)
        ending, most = _kind(head)
        with disk.store_errors(self._root, "keeping an upload"):
            disk.make_dirs(self._root)
            check_room(self._root, most)
            handle, name = tempfile.mkstemp(dir=self._root, prefix="part-")
            part = Path(name)
            try:
                with os.fdopen(handle, "wb") as file:
                    digest, size = _copy(source, file, head, most)
                target = self.path(digest)
                _name(part, target)
            finally:
                part.unlink(missing_ok=True)
        return Medium(sha256=digest, ending=ending, size_bytes=size)

    def adopt(self, upload: Upload) -> Medium:
        """Returns the kept file of a complete upload: a second name for the same bytes, nothing is copied.

        Raises:
            ConfigError: incomplete, not a photo or video that is taken, or too large.
            StoreError: the disk refuses.
        """
        if upload.offset < upload.length:
            raise ConfigError("a file has not arrived whole; send the rest of it first")
        with disk.store_errors(self._root, "keeping an upload"), upload.path.open("rb") as file:
            ending, most = _kind(file.read(SNIFF_BYTES))
            if upload.length > most:
                raise ConfigError(_too_large(most))
            file.seek(0)
            digest = hashlib.file_digest(file, "sha256").hexdigest()
            _name(upload.path, self.path(digest))
        return Medium(sha256=digest, ending=ending, size_bytes=upload.length)

    def path(self, sha256: str) -> Path:
        """Returns where the file with this hash lies or would lie."""
        return self._root / sha256[:2] / sha256

    def workroom(self) -> tempfile.TemporaryDirectory[str]:
        """Returns an empty folder for what is made of a report's files; it is gone with its block."""
        work = self._root / WORK
        with disk.store_errors(self._root, "looking at an upload"):
            disk.make_dirs(work)
            return tempfile.TemporaryDirectory(dir=work)

    def clear_work(self) -> None:
        """Removes what a killed process left half looked at; the files themselves stay and are looked at again."""
        shutil.rmtree(self._root / WORK, ignore_errors=True)


def _kind(head: bytes) -> tuple[str, int]:
    """Returns the ending of a file and how large such a one may be, bytes."""
    ending = sniff(head)
    if ending is None:
        raise ConfigError("send JPEG, HEIC, PNG or WebP photos, or one MP4, MOV, MKV or WebM video")
    return ending, PHOTO_MAX_BYTES if ending in PHOTO_ENDINGS else VIDEO_MAX_BYTES


def _too_large(most: int) -> str:
    return f"the file is larger than {most // 1_000_000} MB; send a smaller one"


def _name(part: Path, target: Path) -> None:
    """Gives a whole, synced file its name in the store, durably; the same bytes have it already."""
    disk.make_dirs(target.parent)
    with suppress(FileExistsError):
        os.link(part, target)
    disk.sync_dir(target.parent)


def _copy(source: BinaryIO, target: BinaryIO, head: bytes, most: int) -> tuple[str, int]:
    digest, size, block = hashlib.sha256(), 0, head
    while block:
        size += len(block)
        if size > most:
            raise ConfigError(_too_large(most))
        digest.update(block)
        target.write(block)
        block = source.read(CHUNK_BYTES)
    target.flush()
    os.fsync(target.fileno())
    return digest.hexdigest(), size
