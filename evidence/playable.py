"""A clip every browser plays: H.265 gets an H.264 copy beside it, marked as derived; the original stays what counts."""

import subprocess
import sys
from pathlib import Path

from core import log

PROXY = "PROXY.mp4"
NOTE = "derived from the original for viewing in a browser; the original is the evidence"
PATIENCE_S = 240.0
HEAD_BYTES = 1 << 20
_log = log.get(__name__)


def make_playable(clip: Path, target: Path) -> bool:
    """Returns whether a copy was written to ``target``; whatever fails, the clip goes on without one."""
    if not _may_be_h265(clip):
        return False
    command = [sys.executable, "-P", "-m", "evidence.proxy", str(clip), str(target)]
    done: int | str
    try:
        answer = subprocess.run(
            command,
            cwd=Path(__file__).parents[1],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={"OMP_NUM_THREADS": "1", "PATH": ""},
            timeout=PATIENCE_S,
            check=False,
        )
        done = answer.returncode
    except subprocess.TimeoutExpired:
        done = "timeout"
    if done == 0:
        return True
    target.unlink(missing_ok=True)
    _log.warning("clip_copy_not_made", reason=done)
    return False


def _may_be_h265(clip: Path) -> bool:
    """Tells whether an MP4 names an H.265 track, in its head or its tail."""
    with clip.open("rb") as stream:
        head = stream.read(HEAD_BYTES)
        stream.seek(max(0, clip.stat().st_size - HEAD_BYTES))
        ends = head + stream.read()
    return b"hvc1" in ends or b"hev1" in ends
