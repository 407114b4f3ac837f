"""How many live cameras this machine carries, beside two usual ways, in one command of about four minutes.

    python benchmarks/live.py [CLIP --site SITE.yaml] [--peer] [--seconds S] [--limit S] [--out FILE]

Cameras are 1080p25 H.264 files of 4 Mbit/s played at their own speed, looped, in one process with the whole way behind
them: network, tracker, lamps, rules, sealing. *busy*: something moves in every picture, no economy. *substreams*: the
same, looked at in 640x360 streams beside the main ones, which are kept for evidence. *mixed*: seven cameras of ten show
a still road, economy on. *usual* and *usual-openvino* (``--peer``): a thread a camera, ``cv2.VideoCapture`` paced
alike, one session of ONNX Runtime or OpenVINO for the same network at the same size, boxes alone.

A number of cameras is carried when each gets 95 % of 8 looks a second (mixed: of the looks it asked for), its newest
picture is younger than 2 s, and none is unaccounted for. Each trial is a process of its own; the number is estimated
from processor time, then tried, and moved by one until the border is found or ``--limit`` is reached.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from fractions import Fraction
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import av  # noqa: E402  # run as a script, the repository is not on the path yet
import cv2  # noqa: E402
import numpy as np  # noqa: E402

from benchmarks.detect import machine  # noqa: E402
from benchmarks.end_to_end import DEMO, at_25_fps  # noqa: E402
from cli.workbench import open_workbench  # noqa: E402
from core import log  # noqa: E402
from core.memory import read_memory  # noqa: E402
from core.observations import Picture  # noqa: E402
from core.settings import Settings  # noqa: E402
from core.site import load_site  # noqa: E402
from core.source import Source  # noqa: E402
from models.picture import pad  # noqa: E402
from models.registry import weights  # noqa: E402
from pipeline.cameras import Cameras  # noqa: E402
from pipeline.economy import Switches  # noqa: E402
from vision.detect import load_detector, load_network  # noqa: E402

OUT = ROOT / "benchmarks" / "results" / "live.json"
WANTED_HZ, SHARE, OLDEST_S = 8.0, 0.95, 2.0
BUSY_SHARE = 0.3
"""Source: issue 5, a mixed day profile is 70 % idle."""
SMALL_PX, SMALL_BITS = (640, 360), 512_000
STILL_S = 30
WARM_S = {"mixed": 14.0}
"""Seconds before counting: resting begins after ten still seconds."""
OURS, PEERS = ("busy", "substreams", "mixed"), ("usual", "usual-openvino")
COLUMNS = ("cameras", "looks_per_s", "oldest_s", "not_managed", "cpu_s_per_s", "resident_mb", "own_mb", "p95_s")


def small_clip(source: Path, target: Path) -> Path:
    """Writes the clip as a camera's small stream."""
    with av.open(str(source)) as reading, av.open(str(target), "w") as output:
        stream = output.add_stream("libx264", rate=25, options={"preset": "veryfast", "g": "50", "bf": "0"})
        stream.width, stream.height, stream.pix_fmt = *SMALL_PX, "yuv420p"
        stream.bit_rate = SMALL_BITS
        for number, frame in enumerate(reading.decode(video=0)):
            copy = frame.reformat(*SMALL_PX, format="yuv420p")
            copy.pts, copy.time_base = number, Fraction(1, 25)
            output.mux(stream.encode(copy))
        output.mux(stream.encode(None))
    return target


def still_clip(source: Path, target: Path) -> Path:
    """Writes the first picture with sensor noise for half a minute."""
    with av.open(str(source)) as reading:
        ground = next(reading.decode(video=0)).to_ndarray(format="yuv420p").astype(np.int16)
    rng = np.random.default_rng(3)
    noise = rng.integers(-2, 3, (8, *ground.shape), dtype=np.int16)
    with av.open(str(target), "w") as output:
        stream = output.add_stream("libx264", rate=25, options={"preset": "ultrafast", "g": "50", "bf": "0"})
        stream.width, stream.height, stream.pix_fmt = ground.shape[1], ground.shape[0] * 2 // 3, "yuv420p"
        stream.bit_rate = 4_000_000
        for number in range(25 * STILL_S):
            picture = np.clip(ground + noise[number % 8], 0, 255).astype(np.uint8)
            frame = av.VideoFrame.from_ndarray(picture, format="yuv420p")
            frame.pts, frame.time_base = number, Fraction(1, 25)
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    return target


def ours(kind: str, count: int, seconds: float, folder: Path, site_file: Path) -> dict[str, Any]:
    """Returns what became of ``count`` cameras."""
    site = load_site(site_file)
    clip, small, still = (str(folder / name) for name in ("clip.mp4", "small.mp4", "still.mp4"))
    busy = max(1, round(BUSY_SHARE * count)) if kind == "mixed" else count
    sites = [
        site.model_copy(
            update={
                "source": Source(
                    url=clip if number < busy else still,
                    substream=small if kind == "substreams" else None,
                    is_looped=True,
                ),
                "camera": site.camera.model_copy(update={"camera_id": f"camera-{number}"}),
            }
        )
        for number in range(count)
    ]
    switches = Switches() if kind == "mixed" else Switches(gate=False, rest=False, rush=False)
    with tempfile.TemporaryDirectory() as home, open_workbench(Settings(home=Path(home), clock="operator")) as bench:
        size = SMALL_PX if kind == "substreams" else bench.detector.picture_size(1920, 1080)
        blank = Picture(pts_ns=0, rgb=np.zeros((size[1], size[0], 3), np.uint8), source_size_px=(1920, 1080))
        bench.detector.detect([blank])
        cameras = Cameras(sites, bench, switches=switches)
        cameras.start()
        cameras.wait(WARM_S.get(kind, 4.0))
        before = [camera.account.as_dict() for camera in cameras.cameras]
        spent, began = time.process_time(), time.monotonic()
        cameras.wait(seconds)
        ages = [camera.watch.age_s() if camera.watch else seconds for camera in cameras.cameras]
        wall_s, cpu_s = time.monotonic() - began, time.process_time() - spent
        after = [camera.account.as_dict() for camera in cameras.cameras]
        memory = read_memory()
        left = cameras.stop()
        status = cameras.status()
    counts = [{name: now[name] - then[name] for name in now} for then, now in zip(before, after, strict=True)]
    missed = [row["late"] + row["shed"] + row["failed"] for row in counts]
    shares = [gone / max(1, gone + row["detected"]) for gone, row in zip(missed, counts, strict=True)]
    looks = min(row["detected"] / wall_s for row in counts)
    unaccounted = sum(row["waiting"] for row in status["cameras"])
    has_rate = kind == "mixed" or looks >= WANTED_HZ * SHARE
    return {
        "cameras": count,
        "looks_per_s": round(looks, 2),
        "oldest_s": round(max(ages), 2),
        "not_managed": round(max(shares), 3),
        "unaccounted": unaccounted,
        "cases": sum(row["cases"] for row in status["cameras"]),
        "unsealed": left,
        "p95_s": status["sealing"]["p95_s"],
        "cpu_s_per_s": round(cpu_s / wall_s, 2),
        **memory,
        "carried": has_rate and max(shares) <= 1 - SHARE and max(ages) < OLDEST_S and unaccounted == 0,
    }


def usual(kind: str, count: int, seconds: float, folder: Path) -> dict[str, Any]:
    """Returns how often the usual loop looks with ``count`` cameras."""
    engine = "openvino" if kind == "usual-openvino" else "onnxruntime"
    net, size = load_network(weights("pole"), engine), load_detector().picture_size(1920, 1080)
    turn, halt, looks, behind = threading.Lock(), threading.Event(), [0] * count, [0.0] * count
    net.run([pad(np.zeros((size[1], size[0], 3), np.uint8), 32)])

    def watch(number: int) -> None:
        video, index, began = cv2.VideoCapture(str(folder / "clip.mp4")), 0, time.monotonic()
        while not halt.is_set():
            is_read, picture = video.read()
            if not is_read:
                video, index, began = cv2.VideoCapture(str(folder / "clip.mp4")), 0, time.monotonic()
                continue
            index += 1
            lead_s = began + index / 25 - time.monotonic()
            behind[number] = -lead_s
            if lead_s > 0:
                halt.wait(lead_s)
            if index % 3 == 0 and lead_s > -OLDEST_S:
                rgb = pad(np.asarray(cv2.cvtColor(cv2.resize(picture, size), cv2.COLOR_BGR2RGB), np.uint8), 32)
                with turn:
                    table = net.run([rgb])[0]
                scores = table[4:].max(axis=0)
                keep = scores > 0.25
                cv2.dnn.NMSBoxes(table[:4, keep].T.tolist(), scores[keep].tolist(), 0.25, 0.6)
                looks[number] += 1

    threads = [threading.Thread(target=watch, args=(number,), daemon=True) for number in range(count)]
    for thread in threads:
        thread.start()
    time.sleep(2.0)
    before, spent, began = list(looks), time.process_time(), time.monotonic()
    time.sleep(seconds)
    wall_s, cpu_s = time.monotonic() - began, time.process_time() - spent
    rate, oldest = min(now - then for then, now in zip(before, looks, strict=True)) / wall_s, max(behind)
    halt.set()
    for thread in threads:
        thread.join(timeout=10)
    return {
        "cameras": count,
        "looks_per_s": round(rate, 2),
        "oldest_s": round(max(0.0, oldest), 2),
        "cpu_s_per_s": round(cpu_s / wall_s, 2),
        **read_memory(),
        "carried": rate >= WANTED_HZ * SHARE and oldest < OLDEST_S,
    }


class Search:
    """Finds the border of one kind, trial by trial."""

    def __init__(self, kind: str, folder: Path, site: Path, end_s: float) -> None:
        self.kind, self._folder, self._site, self._end_s = kind, folder, site, end_s
        self.trials: list[dict[str, Any]] = []

    def trial(self, count: int, seconds: float) -> dict[str, Any]:
        """Returns one number of cameras, tried in a process of its own."""
        command = [sys.executable, __file__, "--trial", self.kind, "--cameras", str(count), "--seconds", str(seconds)]
        command += ["--folder", str(self._folder), "--site", str(self._site)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=seconds + 120)
        if done.returncode:
            raise SystemExit(f"{self.kind}, {count} cameras: {done.stderr.strip().splitlines()[-1:]}")
        row: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        self.trials.append(row)
        print(f"{self.kind:15} {count:3d} cameras: {'carried' if row['carried'] else 'not carried'}", file=sys.stderr)
        return row

    def run(self, first: int, seconds: float) -> dict[str, Any]:
        """Returns the border and all trials; ``first`` cameras tell what one costs."""
        row = self.trial(first, seconds / 2)
        count = max(1, int(0.97 * (os.cpu_count() or 1) * first / max(row["cpu_s_per_s"], 0.01)))
        if not row["carried"]:
            count = min(count, first - 1)
        tried: set[int] = set()
        while count >= 1 and count not in tried and time.monotonic() < self._end_s:
            tried.add(count)
            count += 1 if self.trial(count, seconds)["carried"] else -1
        carried = max((row["cameras"] for row in self.trials if row["carried"]), default=0)
        refused = [row["cameras"] for row in self.trials if not row["carried"]]
        return {"carried": carried, "is_border": carried + 1 in refused, "trials": self.trials}


def shown(result: dict[str, Any]) -> str:
    """Returns the table, one line a kind: its best trial."""
    lines = [f"{'':15} carried " + " ".join(f"{name:>12}" for name in COLUMNS)]
    for kind, found in result["found"].items():
        best = next((row for row in found["trials"] if row["cameras"] == found["carried"]), found["trials"][0])
        mark = "" if found["is_border"] else "+"
        lines.append(
            f"{kind:15} {str(found['carried']) + mark:>7} "
            + " ".join(f"{best.get(name, '-')!s:>12}" for name in COLUMNS)
        )
    return "\n".join(lines)


def measure(wanted: argparse.Namespace) -> dict[str, Any]:
    """Returns what every kind carries."""
    kinds = (*OURS, *PEERS) if wanted.peer else OURS
    load, began = [round(value, 2) for value in os.getloadavg()], time.monotonic()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        clip = at_25_fps(wanted.clip or DEMO / "junction.mp4", folder / "clip.mp4")
        small_clip(clip, folder / "small.mp4")
        still_clip(clip, folder / "still.mp4")
        found: dict[str, Any] = {}
        for number, kind in enumerate(kinds):
            end_s = began + wanted.limit * (number + 1) / len(kinds)
            first = max(2, 2 * found["busy"]["carried"]) if kind == "mixed" else 2
            found[kind] = Search(kind, folder, wanted.site, end_s).run(first, wanted.seconds)
    return {
        "benchmark": "live",
        "machine": machine(),
        "load_at_start": load,
        "seconds": wanted.seconds,
        "took_s": round(time.monotonic() - began),
        "found": found,
    }


def main() -> None:
    """Prints the table and writes the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clip", nargs="?", type=Path)
    parser.add_argument("--site", type=Path, default=DEMO / "junction.site.yaml")
    parser.add_argument("--seconds", type=float, default=12.0, help="length of a trial")
    parser.add_argument("--limit", type=float, default=210.0, help="no trial begins later than this")
    parser.add_argument("--peer", action="store_true", help="the usual ways too")
    parser.add_argument("--out", type=Path, default=OUT)
    parser.add_argument("--trial", choices=(*OURS, *PEERS), help="one trial, as the search runs it")
    parser.add_argument("--cameras", type=int, default=1, help="of a single trial")
    parser.add_argument("--folder", type=Path, default=Path(), help="clips of a single trial")
    wanted = parser.parse_args()
    log.configure(level="error")
    cv2.setNumThreads(1)
    if wanted.trial in OURS:
        print(json.dumps(ours(wanted.trial, wanted.cameras, wanted.seconds, wanted.folder, wanted.site)))
    elif wanted.trial:
        print(json.dumps(usual(wanted.trial, wanted.cameras, wanted.seconds, wanted.folder)))
    else:
        result = measure(wanted)
        wanted.out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
        print(shown(result))


if __name__ == "__main__":
    main()
