"""Durable writes: what these functions report as done survives a power cut; refusals become one-line StoreErrors."""

import errno
import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from core.errors import StoreError

_ADVICE = {
    errno.ENOSPC: "the disk is full; free space or move the store, then process the footage again",
    errno.EDQUOT: "the disk quota is used up; free space or raise the quota, then process the footage again",
    errno.EROFS: "the disk is mounted read-only; mount it writable, then process the footage again",
    errno.EACCES: "no permission to write there; give this user the folder, then process the footage again",
    errno.EPERM: "no permission to write there; give this user the folder, then process the footage again",
    errno.EIO: "the disk reports an input/output error; check the disk before trusting it further",
}


@contextmanager
def store_errors(place: Path, doing: str) -> Iterator[None]:
    """Turns an OSError inside the block into a StoreError that says what to do."""
    try:
        yield
    except OSError as error:
        reason = _ADVICE.get(error.errno or 0) or f"{error.strerror or error}; check the folder, then try again"
        raise StoreError(f"{doing} in {place} failed: {reason}", path=str(place), errno=error.errno) from error


def write_file(path: Path, content: bytes, *, mode: int = 0o444) -> None:
    """Writes a new file whole and waits until it is on the disk."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        write_all(handle, content)
        os.fchmod(handle, mode)
        os.fsync(handle)
    finally:
        os.close(handle)


def copy_file(source: Path, target: Path, *, mode: int = 0o444) -> None:
    """Copies a file into a new one and waits until it is on the disk."""
    reader = os.open(source, os.O_RDONLY)
    try:
        writer = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            while block := os.read(reader, 1 << 20):
                write_all(writer, block)
            os.fchmod(writer, mode)
            os.fsync(writer)
        finally:
            os.close(writer)
    finally:
        os.close(reader)


def settle(path: Path, *, mode: int = 0o444) -> None:
    """Makes a file another program wrote read-only and waits until it is on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fchmod(handle, mode)
        os.fsync(handle)
    finally:
        os.close(handle)


def write_all(handle: int, content: bytes) -> None:
    """Writes every byte to an open file."""
    view = memoryview(content)
    while view:
        view = view[os.write(handle, view) :]


def append_line(path: Path, line: bytes) -> None:
    """Appends one line and waits until it is on the disk; on failure the file is as it was before."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    try:
        before = os.fstat(handle).st_size
        try:
            write_all(handle, line + b"\n")
            os.fsync(handle)
        except OSError:
            os.ftruncate(handle, before)
            if before == 0:
                path.unlink(missing_ok=True)
            raise
    finally:
        os.close(handle)
    if before == 0:
        sync_dir(path.parent)


def sync_dir(path: Path) -> None:
    """Waits until the names in a folder are on the disk."""
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def make_dirs(path: Path, *, mode: int = 0o755) -> None:
    """Makes a folder and its parents, durably."""
    missing = [p for p in (path, *path.parents) if not p.exists()]
    for folder in reversed(missing):
        folder.mkdir(mode=mode, exist_ok=True)
        sync_dir(folder.parent)


def remove_tree(path: Path) -> None:
    """Removes a folder with all its files; a folder that is gone already is fine."""
    shutil.rmtree(path, ignore_errors=True)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Holds the exclusive lock of a file among all processes; it ends with the process at the latest."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def try_lock_dir(path: Path) -> int | None:
    """Returns an open handle that holds a folder's lock, None when a living process holds it."""
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        return None
    return handle


def cut_file(path: Path, size_bytes: int) -> None:
    """Shortens a file and waits until that is on the disk."""
    handle = os.open(path, os.O_WRONLY)
    try:
        os.ftruncate(handle, size_bytes)
        os.fsync(handle)
    finally:
        os.close(handle)
