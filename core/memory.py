"""This process's memory: how much it holds, and giving back to the machine what it holds for nothing."""

import ctypes
from pathlib import Path

FIELDS = {"VmRSS": "resident_mb", "RssAnon": "own_mb"}
STATUS = Path("/proc/self/status")


def read_memory() -> dict[str, float]:
    """Returns ``resident_mb`` and ``own_mb`` of it: without libraries, which processes share. Empty without /proc."""
    try:
        lines = STATUS.read_text(encoding="ascii").splitlines()
    except OSError:
        return {}
    parts = (line.split() for line in lines)
    return {FIELDS[p[0][:-1]]: round(int(p[1]) / 1024, 1) for p in parts if p[0][:-1] in FIELDS}


def give_back() -> None:
    """Returns freed memory to the machine: stills, compiling and short-lived buffers leave tens of megabytes behind."""
    try:
        ctypes.CDLL(None).malloc_trim(0)
    except (OSError, AttributeError):
        return
