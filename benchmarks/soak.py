"""Does it stay as it is? Cameras that end and come back for minutes on end; memory, threads and files are watched.

    python benchmarks/soak.py [--minutes M] [--cameras N] [--json]

Each camera is a short looped clip: every few seconds it ends and is connected again. Once a second resident memory,
threads and open files are noted; the first third is warm-up, medians of the middle and the last third are compared.
"""

import argparse
import json
import os
import platform
import statistics
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from cli.workbench import open_workbench  # noqa: E402  # run as a script, the repository is not on the path yet
from core import log  # noqa: E402
from core.settings import Settings  # noqa: E402
from core.site import Site  # noqa: E402
from pipeline.cameras import Cameras  # noqa: E402
from tests.support.footage import make_clip  # noqa: E402

SIZE = (640, 360)


def noted() -> tuple[int, int, int]:
    """Returns resident kB, threads and open files of this process."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    resident = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS"))
    return resident, threading.active_count(), len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - faster, many times


def soak(minutes: float, count: int) -> dict[str, Any]:
    """Returns growth between the middle and the last third, and what was seen."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        clip = make_clip(home / "clip.mp4", fps=25, seconds=5, size=SIZE)
        sites = [
            Site.model_validate(
                {
                    "site_id": f"s{number}",
                    "place": "soak",
                    "camera": {"camera_id": f"c{number}", "picture_size_px": SIZE},
                    "source": {"url": str(clip), "is_looped": True, "evidence_s": 60},
                }
            )
            for number in range(count)
        ]
        with open_workbench(Settings(home=home / "out", clock="operator")) as bench:
            cameras = Cameras(sites, bench)
            cameras.start()
            notes, end = [], time.monotonic() + 60 * minutes
            while time.monotonic() < end:
                time.sleep(1.0)
                notes.append(noted())
            cameras.stop()
            rows = cameras.status()["cameras"]
    third = len(notes) // 3
    middle, last = notes[third : 2 * third], notes[2 * third :]
    medians = [[statistics.median(row[i] for row in part) for i in range(3)] for part in (middle, last)]
    return {
        "minutes": minutes,
        "cameras": count,
        "connects": sum(row["connects"] for row in rows),
        "unaccounted": sum(row["waiting"] for row in rows),
        "resident_mb": [round(part[0] / 1024, 1) for part in medians],
        "resident_growth": round(medians[1][0] / medians[0][0] - 1, 4),
        "threads": [part[1] for part in medians],
        "files": [part[2] for part in medians],
    }


def main() -> None:
    """Prints the result."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=120.0)
    parser.add_argument("--cameras", type=int, default=4)
    parser.add_argument("--json", action="store_true")
    wanted = parser.parse_args()
    log.configure(level="error")
    result = {
        "benchmark": "soak",
        "machine": {"cpu": platform.processor() or platform.machine(), "cores": os.cpu_count()},
        **soak(wanted.minutes, wanted.cameras),
    }
    print(json.dumps(result) if wanted.json else "\n".join(f"{name}: {value}" for name, value in result.items()))


if __name__ == "__main__":
    main()
