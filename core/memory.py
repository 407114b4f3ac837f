"""This process's memory: how much it holds, and giving back to the machine what it holds for nothing."""

import ctypes
from pathlib import Path

FIELDS = {"VmRSS": "resident_mb", "RssAnon": "own_mb"}
STATUS = Path("/proc/self/status")
M_ARENA_MAX, M_MMAP_THRESHOLD = -8, -3
"""Source: glibc, malloc.h."""
MOST_HEAPS = 2
PICTURE_BYTES = 1 << 20
"""The network's pictures have 0.7 to 1.6 MB, stills 6."""


def read_memory() -> dict[str, float]:
    """Returns ``resident_mb`` and ``own_mb`` of it: without libraries, which processes share. Empty without /proc."""
    try:
        lines = STATUS.read_text(encoding="ascii").splitlines()
    except OSError:
        return {}
    parts = (line.split() for line in lines)
    return {FIELDS[p[0][:-1]]: round(int(p[1]) / 1024, 1) for p in parts if p[0][:-1] in FIELDS}


def stay_small() -> None:
    """Keeps few heaps and puts every picture in memory of its own; best before threads begin.

    Otherwise glibc gives each thread a heap, and stills that once lay in it leave holes nobody gives back.
    """
    try:
        libc = ctypes.CDLL(None)
        libc.mallopt(M_ARENA_MAX, MOST_HEAPS)
        libc.mallopt(M_MMAP_THRESHOLD, PICTURE_BYTES)
    except (OSError, AttributeError):
        return


def give_back() -> None:
    """Returns freed memory to the machine: stills, compiling and short-lived buffers leave tens of megabytes behind."""
    try:
        ctypes.CDLL(None).malloc_trim(0)
    except (OSError, AttributeError):
        return
