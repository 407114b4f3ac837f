"""How many live cameras this machine carries: 1080p25 H.264 4 Mbit/s in, 8 looks a second each, all rules on.

    python benchmarks/live.py [CLIP] [--site SITE.yaml] [--cameras N ...] [--seconds S] [--peer] [--json]

Each camera is a file played at its own speed, looped, in one process with the whole way behind it: network, tracker,
lamps, rules, sealing. A number of cameras is carried when each of them got at least 95 % of 8 looks a second, none is
unaccounted for and the newest picture looked at is younger than 2 s. ``--peer`` runs the usual loop under the same
rule: a thread per camera, cv2.VideoCapture paced alike, one ONNX Runtime session for all, boxes alone.
"""

import argparse
import json
import os
import platform
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import cv2  # noqa: E402  # run as a script, the repository is not on the path yet
import onnxruntime  # noqa: E402

from benchmarks.end_to_end import DEMO, STRIDE, at_25_fps  # noqa: E402
from cli.workbench import open_workbench  # noqa: E402
from core import log  # noqa: E402
from core.settings import Settings  # noqa: E402
from core.site import load_site  # noqa: E402
from core.source import Source  # noqa: E402
from models.registry import weights  # noqa: E402
from pipeline.cameras import Cameras  # noqa: E402
from pipeline.economy import Switches  # noqa: E402
from vision.detect import load_detector  # noqa: E402

WANTED_HZ = 8.0
SHARE = 0.95
OLDEST_S = 2.0


def ours(clip: Path, site_file: Path, count: int, seconds: float) -> dict[str, Any]:
    """Returns what became of ``count`` cameras, economy off: every picture counts as busy."""
    site = load_site(site_file)
    source = Source(url=str(clip), is_looped=True)
    sites = [
        site.model_copy(
            update={"source": source, "camera": site.camera.model_copy(update={"camera_id": f"camera-{number}"})}
        )
        for number in range(count)
    ]
    with tempfile.TemporaryDirectory() as home, open_workbench(Settings(home=Path(home), clock="operator")) as bench:
        cameras = Cameras(sites, bench, switches=Switches(gate=False, rest=False))
        spent, began = time.process_time(), time.monotonic()
        cameras.start()
        cameras.wait(seconds)
        ages = [c.watch.age_s() if c.watch else seconds for c in cameras.cameras]
        wall_s = time.monotonic() - began
        looks = [c.account.detected / wall_s for c in cameras.cameras]
        cpu_s = time.process_time() - spent
        left = cameras.stop()
        status = cameras.status()
    rows = status["cameras"]
    unaccounted = sum(c["waiting"] for c in rows)
    return {
        "cameras": count,
        "looks_per_s": round(min(looks), 2),
        "oldest_s": round(max(ages), 2),
        "late": sum(c["late"] for c in rows),
        "left_out": sum(c["shed"] for c in rows),
        "unaccounted": unaccounted,
        "cases": sum(c["cases"] for c in rows),
        "unsealed": left,
        "offence_to_queue_p95_s": status["sealing"]["p95_s"],
        "cpu_s_per_s": round(cpu_s / wall_s, 2),
        "carried": min(looks) >= WANTED_HZ * SHARE and max(ages) < OLDEST_S and unaccounted == 0,
    }


def usual(clip: Path, count: int, seconds: float) -> dict[str, Any]:
    """Returns how often the usual loop looks with ``count`` cameras."""
    net = onnxruntime.InferenceSession(str(weights("pole")), providers=["CPUExecutionProvider"])
    name, size = net.get_inputs()[0].name, load_detector().picture_size(1920, 1080)
    turn, halt, looks = threading.Lock(), threading.Event(), [0] * count

    def watch(number: int) -> None:
        video, index, began = cv2.VideoCapture(str(clip)), 0, time.monotonic()
        while not halt.is_set():
            is_read, picture = video.read()
            if not is_read:
                video, index, began = cv2.VideoCapture(str(clip)), 0, time.monotonic()
                continue
            index += 1
            lead_s = began + index / 25 - time.monotonic()
            if lead_s > 0:
                halt.wait(lead_s)
            if index % 3 == 0 and lead_s > -OLDEST_S:
                small = cv2.copyMakeBorder(cv2.resize(picture, size), 0, -size[1] % STRIDE, 0, 0, cv2.BORDER_CONSTANT)
                blob = cv2.dnn.blobFromImage(small, 1 / 255, swapRB=True)
                with turn:
                    table = net.run(None, {name: blob})[0][0]
                scores = table[4:].max(axis=0)
                keep = scores > 0.25
                cv2.dnn.NMSBoxes(table[:4, keep].T.tolist(), scores[keep].tolist(), 0.25, 0.6)
                looks[number] += 1

    threads = [threading.Thread(target=watch, args=(number,), daemon=True) for number in range(count)]
    spent, began = time.process_time(), time.monotonic()
    for thread in threads:
        thread.start()
    time.sleep(seconds)
    wall_s, cpu_s = time.monotonic() - began, time.process_time() - spent
    halt.set()
    for thread in threads:
        thread.join(timeout=10)
    rate = min(looks) / wall_s
    return {
        "cameras": count,
        "looks_per_s": round(rate, 2),
        "cpu_s_per_s": round(cpu_s / wall_s, 2),
        "carried": rate >= WANTED_HZ * SHARE,
    }


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clip", nargs="?", type=Path)
    parser.add_argument("--site", type=Path, default=DEMO / "junction.site.yaml")
    parser.add_argument("--cameras", type=int, nargs="+", default=[1, 2, 4, 6, 8])
    parser.add_argument("--seconds", type=float, default=45.0)
    parser.add_argument("--peer", action="store_true")
    parser.add_argument("--json", action="store_true")
    wanted = parser.parse_args()
    log.configure(level="error")
    cv2.setNumThreads(1)
    with tempfile.TemporaryDirectory() as folder:
        clip = wanted.clip or at_25_fps(DEMO / "junction.mp4", Path(folder) / "clip.mp4")
        load = [round(v, 2) for v in os.getloadavg()]
        result = {
            "benchmark": "live",
            "machine": {"cpu": platform.processor() or platform.machine(), "cores": os.cpu_count()},
            "load_at_start": load,
            "seconds": wanted.seconds,
            "ours": [ours(clip, wanted.site, count, wanted.seconds) for count in wanted.cameras],
            "usual": [usual(clip, count, wanted.seconds) for count in wanted.cameras] if wanted.peer else [],
        }
    if wanted.json:
        print(json.dumps(result))
        return
    for who in ("ours", "usual"):
        for row in result[who]:
            print(who, " ".join(f"{name}={value}" for name, value in row.items()))


if __name__ == "__main__":
    main()
