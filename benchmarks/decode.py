"""Decoding on one core: our reader beside ``cv2.VideoCapture``, same clip, same run.

    python benchmarks/decode.py [CLIP] [--rounds N] [--json]

Without CLIP a synthetic 1080p25 H.264 clip of 4 Mbit/s is made first. Each way decodes every picture; where
it says so, every third (8.3 Hz) becomes a 640x360 RGB picture for the network. Ways run in turn, the
median round counts. ``cpu_ms`` (process time per picture) is the figure to trust on a shared machine.
"""

import argparse
import json
import os
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import av  # noqa: E402  # run as a script, the repository is not on the path yet
import cv2  # noqa: E402
import numpy as np  # noqa: E402

from ingest.session import open_session  # noqa: E402

NETWORK_PX = (640, 360)
DETECT_HZ = 8.0
BITRATE = 4_000_000
SECONDS = 12


def make_scene(path: Path) -> Path:
    """Writes moving blocks on a textured ground with sensor noise, like a fixed camera's picture."""
    rng = np.random.default_rng(7)
    ground = cv2.GaussianBlur(rng.integers(60, 190, (1080, 1920, 3), dtype=np.uint8), (0, 0), 3)
    noise = rng.integers(0, 6, (8, 1080, 1920, 3), dtype=np.uint8)
    with av.open(str(path), "w") as output:
        stream = output.add_stream("libx264", rate=25, options={"preset": "veryfast", "bf": "0", "g": "50"})
        stream.width, stream.height, stream.pix_fmt, stream.bit_rate = 1920, 1080, "yuv420p", BITRATE
        stream.codec_context.time_base = Fraction(1, 25)
        for number in range(25 * SECONDS):
            picture = ground + noise[number % 8]
            for mover in range(25):
                x, y = (number * (3 + mover % 9) + mover * 137) % 1800, 40 * mover + 20
                picture[y : y + 50, x : x + 110] = (40 * mover % 255, 90, 200 - 7 * mover)
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts = number
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    return path


def ours_only(path: Path) -> int:
    """Decodes with the session, no picture converted."""
    session = open_session([path], camera_id="bench")
    for _ in session.frames(detect_hz=DETECT_HZ):
        pass
    return session.counts.decoded


def ours(path: Path) -> int:
    """Decodes with the session, chosen pictures scaled, one lamp region cropped."""
    session = open_session([path], camera_id="bench")
    for frame in session.frames(detect_hz=DETECT_HZ):
        frame.picture(NETWORK_PX)
        frame.crop((900, 100, 940, 180))
    return session.counts.decoded


def opencv_only(path: Path) -> int:
    """Decodes with cv2, BGR of every picture as ``read`` gives it."""
    capture = cv2.VideoCapture(str(path))
    count = 0
    while capture.read()[0]:
        count += 1
    return count


def opencv(path: Path) -> int:
    """Decodes with cv2, every third picture scaled and turned to RGB."""
    capture = cv2.VideoCapture(str(path))
    count = 0
    while True:
        is_read, bgr = capture.read()
        if not is_read:
            return count
        if count % 3 == 0:
            cv2.cvtColor(cv2.resize(bgr, NETWORK_PX), cv2.COLOR_BGR2RGB)
        count += 1


WAYS: dict[str, Callable[[Path], int]] = {
    "lukou decode": ours_only,
    "lukou decode + 8.3 Hz 640x360 + lamp crop": ours,
    "cv2 read": opencv_only,
    "cv2 read + 8.3 Hz 640x360": opencv,
}


def measured(path: Path, rounds: int) -> dict[str, dict[str, float]]:
    """Returns pictures per second and cpu ms per picture of each way, the median of its rounds."""
    samples: dict[str, list[tuple[float, float]]] = {name: [] for name in WAYS}
    for number in range(rounds + 1):
        for name, way in WAYS.items():
            wall, cpu = time.perf_counter(), time.process_time()
            count = way(path)
            wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
            if number:  # the first round warms up
                samples[name].append((count / wall, 1000 * cpu / count))
    return {
        name: {
            "fps": round(statistics.median(s[0] for s in got), 1),
            "cpu_ms": round(statistics.median(s[1] for s in got), 2),
        }
        for name, got in samples.items()
    }


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description="decoding on one core, beside cv2.VideoCapture")
    parser.add_argument("clip", nargs="?", type=Path)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    os.environ["OPENCV_FFMPEG_CAPTURE_OPTIONS"] = "threads;1"
    with tempfile.TemporaryDirectory() as folder:
        clip = options.clip or make_scene(Path(folder) / "scene.mp4")
        if hasattr(os, "sched_setaffinity"):
            os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
        results = measured(clip, options.rounds)
    ours_ms, theirs_ms = (results[k]["cpu_ms"] for k in (list(WAYS)[1], list(WAYS)[3]))
    ratio = round(theirs_ms / ours_ms, 2)
    if options.json:
        machine = {"cpu": platform.machine(), "av": av.__version__, "cv2": cv2.__version__}
        print(json.dumps({"ways": results, "ratio_cpu": ratio, "machine": machine}, indent=2))
        return
    for name, figures in results.items():
        print(f"{name:44} {figures['fps']:8.1f} fps {figures['cpu_ms']:7.2f} cpu ms")
    print(f"{'cv2 / lukou, cpu':44} {ratio:8.2f}")


if __name__ == "__main__":
    main()
