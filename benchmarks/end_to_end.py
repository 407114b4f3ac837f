"""1080p25 H.264 to judged tracks: the pipeline beside the usual way, same clip, same network, same run.

    python benchmarks/end_to_end.py [CLIP --site SITE.yaml] [--rounds N] [--json]

Without CLIP the bundled demo scene is brought to 25 pictures a second first. Ours is ``pipeline.process``:
decode, detect at 8 Hz or more, track, read lamps, judge, seal every case. The usual way is what most projects
do: ``cv2.VideoCapture.read`` every picture, every third resized in OpenCV to the same input and run through
ONNX Runtime one at a time, ``cv2.dnn.NMSBoxes``; no tracking, rules or evidence. Rounds alternate, the median
counts.
"""

import argparse
import json
import os
import platform
import statistics
import sys
import tempfile
import time
from fractions import Fraction
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import av  # noqa: E402  # run as a script, the repository is not on the path yet
import cv2  # noqa: E402
import numpy as np  # noqa: E402
import onnxruntime  # noqa: E402

from cli.workbench import open_workbench  # noqa: E402
from core import log  # noqa: E402
from core.observations import Candidate  # noqa: E402
from core.settings import Settings  # noqa: E402
from core.site import load_site  # noqa: E402
from ingest.session import open_session  # noqa: E402
from models.registry import weights  # noqa: E402
from pipeline.process import process  # noqa: E402
from vision.detect import load_detector  # noqa: E402

DEMO = ROOT / "sim" / "demo"
FPS = 25
STRIDE = 32


class Mute:
    """A listener that shows nothing."""

    def progressed(self, footage_s: float, total_s: float | None) -> None:
        """Shows nothing."""

    def found(self, case_id: str, candidate: Candidate, *, is_new: bool) -> None:
        """Shows nothing."""


def at_25_fps(source: Path, target: Path) -> Path:
    """Writes the clip at 25 pictures a second, 4 Mbit/s, as a junction camera sends it."""
    with av.open(str(source)) as reading, av.open(str(target), "w") as output:
        stream = output.add_stream("libx264", rate=FPS, options={"preset": "veryfast", "g": "50", "bf": "0"})
        first = reading.streams.video[0]
        stream.width, stream.height, stream.pix_fmt = first.width, first.height, "yuv420p"
        stream.bit_rate = 4_000_000
        stream.codec_context.time_base = Fraction(1, FPS)
        repeat = max(1, round(FPS / float(first.average_rate or FPS)))
        number = 0
        for frame in reading.decode(first):
            for _ in range(repeat):
                copy = frame.reformat(format="yuv420p")
                copy.pts, copy.time_base = number, Fraction(1, FPS)
                output.mux(stream.encode(copy))
                number += 1
        output.mux(stream.encode(None))
    return target


def ours(clip: Path, site_file: Path) -> float:
    """Returns seconds our pipeline needs, everything sealed."""
    with tempfile.TemporaryDirectory() as home, open_workbench(Settings(home=Path(home))) as bench:
        site = load_site(site_file)
        session = open_session([clip], camera_id=site.camera.camera_id)
        began = time.perf_counter()
        process(session, site, workbench=bench, listener=Mute())
        return time.perf_counter() - began


def usual(clip: Path) -> float:
    """Returns seconds the usual way needs for decoding and boxes alone."""
    net = onnxruntime.InferenceSession(str(weights("pole")), providers=["CPUExecutionProvider"])
    name, size = net.get_inputs()[0].name, load_detector().picture_size(1920, 1080)
    began = time.perf_counter()
    video, number = cv2.VideoCapture(str(clip)), 0
    while True:
        is_read, picture = video.read()
        if not is_read:
            break
        if number % 3 == 0:
            small = cv2.copyMakeBorder(cv2.resize(picture, size), 0, -size[1] % STRIDE, 0, 0, cv2.BORDER_CONSTANT)
            blob = cv2.dnn.blobFromImage(small, 1 / 255, swapRB=True)
            table = net.run(None, {name: blob})[0][0]
            scores = table[4:].max(axis=0)
            keep = scores > 0.25
            cv2.dnn.NMSBoxes(table[:4, keep].T.tolist(), scores[keep].tolist(), 0.25, 0.6)
        number += 1
    return time.perf_counter() - began


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clip", nargs="?", type=Path)
    parser.add_argument("--site", type=Path, default=DEMO / "junction.site.yaml")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    wanted = parser.parse_args()
    log.configure(level="error")
    with tempfile.TemporaryDirectory() as folder:
        clip = wanted.clip or at_25_fps(DEMO / "junction.mp4", Path(folder) / "clip.mp4")
        session = open_session([clip], camera_id="bench")
        length_s = float(session.duration_s or 0)
        times: dict[str, list[float]] = {"ours": [], "usual": []}
        for _ in range(wanted.rounds):
            times["ours"].append(ours(clip, wanted.site))
            times["usual"].append(usual(clip))
    median = {name: statistics.median(values) for name, values in times.items()}
    result = {
        "benchmark": "end_to_end",
        "machine": {"cpu": platform.processor() or platform.machine(), "cores": os.cpu_count()},
        "load_at_start": [round(v, 2) for v in os.getloadavg()],
        "clip": {
            "seconds": round(length_s, 1),
            "fps": round(session.fps, 2),
            "px": [session.width_px, session.height_px],
        },
        "rounds": wanted.rounds,
        "ours_realtime_factor": round(length_s / median["ours"], 2),
        "usual_realtime_factor": round(length_s / median["usual"], 2),
        "ratio": round(median["usual"] / median["ours"], 2),
        "spread": {name: round(float(np.ptp(values)) / median[name], 2) for name, values in times.items()},
    }
    if wanted.json:
        print(json.dumps(result))
        return
    print(
        f"{length_s:.0f} s of {session.width_px}x{session.height_px} at {session.fps:.0f} fps, {os.cpu_count()} cores"
    )
    print(f"ours   {result['ours_realtime_factor']:5.2f}x real time (decode, detect, track, judge, seal)")
    print(f"usual  {result['usual_realtime_factor']:5.2f}x real time (decode, detect only)")
    print(f"ratio  {result['ratio']:5.2f}")


if __name__ == "__main__":
    main()
