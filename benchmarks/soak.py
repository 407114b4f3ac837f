"""Does it stay as it is? Cameras that end, stall and come back for hours; memory, threads and files are watched.

    python benchmarks/soak.py [--minutes M] [--cameras N] [--hz HZ] [--out FILE]

Each camera plays the demo, 640x360, over and over: every 48 s its file ends and it is connected again; its offences are
sealed and filed. One more, over RTSP, is troubled every 20 s in turn: no pictures for longer than the watchdog
waits, thrown out, another picture size, one packet in twenty lost. Once a second resident memory, threads and open
files are noted; the first third is warm-up, medians of the middle and the last third are compared.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from fractions import Fraction
from itertools import cycle
from pathlib import Path
from typing import Any

import av

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.detect import machine  # noqa: E402  # run as a script, the repository is not on the path yet
from cli.workbench import open_workbench  # noqa: E402
from core import log  # noqa: E402
from core.settings import Settings  # noqa: E402
from core.site import Site, load_site  # noqa: E402
from pipeline.cameras import Cameras  # noqa: E402
from tests.support.rtsp import RtspCamera, rtsp_camera  # noqa: E402

DEMO = ROOT / "sim" / "demo"
SIZE = (640, 360)
RTSP_SIZE, RTSP_FPS = (320, 180), 10
STALL_S, TROUBLE_EVERY_S = 3, 20
TROUBLES = ("stall", "resume", "drop", "size 640x360", "lose 0.05", "lose 0", "size 320x180")


def small_demo(target: Path) -> Path:
    """Writes the demo at ``SIZE``."""
    with av.open(str(DEMO / "junction.mp4")) as reading, av.open(str(target), "w") as output:
        first = reading.streams.video[0]
        rate = first.average_rate or Fraction(25, 2)
        stream = output.add_stream("libx264", rate=rate, options={"preset": "veryfast", "g": "25"})
        stream.width, stream.height, stream.pix_fmt = *SIZE, "yuv420p"
        for frame in reading.decode(first):
            output.mux(stream.encode(frame.reformat(*SIZE)))
        output.mux(stream.encode(None))
    return target


def sites_of(clip: Path, count: int, rtsp_url: str) -> list[Site]:
    """Returns the demo's junction ``count`` times, and a bare one that looks at the troubled camera."""
    demo = load_site(DEMO / "junction.site.yaml")
    looped = {"url": str(clip), "is_looped": True, "evidence_s": 60}
    places = [
        demo.model_copy(update={"camera": demo.camera.model_copy(update={"camera_id": f"c{n}"})}) for n in range(count)
    ]
    rows = [Site.model_validate({**place.model_dump(), "source": looped}) for place in places]
    bare = {
        "site_id": "rtsp",
        "place": "soak",
        "camera": {"camera_id": "rtsp", "picture_size_px": RTSP_SIZE},
        "source": {"url": rtsp_url, "stall_s": STALL_S, "evidence_s": 60},
    }
    return [*rows, Site.model_validate(bare)]


def noted() -> tuple[int, int, int]:
    """Returns resident kB, threads and open files of this process."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    resident = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS"))
    return resident, threading.active_count(), len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - faster, many times


def watch(minutes: float, camera: RtspCamera) -> Iterator[tuple[int, int, int]]:
    """Yields what is noted once a second, while the camera is troubled."""
    began, troubles = time.monotonic(), cycle(TROUBLES)
    due = TROUBLE_EVERY_S
    while (passed := time.monotonic() - began) < 60 * minutes:
        if passed >= due:
            camera.say(next(troubles))
            due += TROUBLE_EVERY_S
        time.sleep(1.0)
        yield noted()


def soak(minutes: float, count: int, hz: float) -> dict[str, Any]:
    """Returns growth between the middle and the last third, and what was seen."""
    with tempfile.TemporaryDirectory() as folder, rtsp_camera("x".join(map(str, RTSP_SIZE)), RTSP_FPS) as camera:
        home = Path(folder)
        sites = sites_of(small_demo(home / "clip.mp4"), count, camera.url)
        with open_workbench(Settings(home=home / "out", clock="operator", detect_hz=hz), sites) as bench:
            cameras = Cameras(sites, bench)
            began, used = time.monotonic(), time.process_time()
            cameras.start()
            notes = list(watch(minutes, camera))
            share = (time.process_time() - used) / (time.monotonic() - began)
            left = cameras.stop()
            status = cameras.status()
    return {
        "minutes": minutes,
        "cameras": count,
        "detect_hz": hz,
        "share_of_one_core": round(share, 2),
        **compared(notes),
        **told(status["cameras"]),
        "cases": status["sealing"]["sealed"],
        "cases_lost": status["sealing"]["given_up"] + left,
    }


def compared(notes: list[tuple[int, int, int]]) -> dict[str, Any]:
    """Returns the medians of the middle and the last third, and of every tenth of the run."""
    third, tenth = len(notes) // 3, max(1, len(notes) // 10)
    middle, last = notes[third : 2 * third], notes[2 * third :]
    medians = [[statistics.median(row[i] for row in part) for i in range(3)] for part in (middle, last)]
    tenths = [statistics.median(row[0] for row in notes[i : i + tenth]) for i in range(0, 10 * tenth, tenth)]
    return {
        "resident_mb": [round(part[0] / 1024, 1) for part in medians],
        "resident_growth": round(medians[1][0] / medians[0][0] - 1, 4),
        "resident_mb_by_tenth": [round(value / 1024, 1) for value in tenths],
        "threads": [part[1] for part in medians],
        "files": [part[2] for part in medians],
    }


def told(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Returns what the cameras counted, together."""
    names = ("connects", "received", "decoded", "passed", "damaged", "lost", "detected", "late", "failed", "faults")
    counted = {name: sum(row[name] for row in rows) for name in names}
    return {**counted, "unaccounted": sum(row["waiting"] for row in rows)}


def commit() -> str:
    """Returns the commit this is."""
    git = shutil.which("git") or "git"
    return subprocess.run(
        [git, "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False
    ).stdout.strip()


def main() -> None:
    """Prints the result."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=120.0)
    parser.add_argument("--cameras", type=int, default=1)
    parser.add_argument("--hz", type=float, default=2.0)
    parser.add_argument("--out", type=Path)
    wanted = parser.parse_args()
    log.configure(level="error")
    result = {
        "benchmark": "soak",
        "utc": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": commit(),
        "machine": machine(),
        **soak(wanted.minutes, wanted.cameras, wanted.hz),
    }
    text = json.dumps(result, indent=1)
    print(text)
    if wanted.out:
        wanted.out.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
