"""A scripted reviewer with the keyboard alone: what the console costs beside looking.

    python benchmarks/review.py --cases 24

Every case has a 1080p H.264 clip. The script waits for the first frame, confirms (F) and accepts (A), and so on to the
end of the queue. Overhead is the time from pressing A to the first frame of the next case, both by the browser's clock;
the first frame is also counted from the start of its page, or from turning to it. Prints median and p95 with the
machine's load, and writes results/review.json.
"""

import argparse
import json
import logging
import multiprocessing
import os
import platform
import random
import statistics
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import av
import numpy as np
import structlog
from playwright.sync_api import Page

from tests.support import packages
from tests.support.browser import log_in, open_browser, served
from tests.support.console import Office

OUT = Path(__file__).with_name("results") / "review.json"
WATCH = """
addEventListener("keydown", (event) => {
  if (event.key === "a") sessionStorage.setItem("pressed", performance.timeOrigin + performance.now());
}, true);
const watch = (video, began) => video?.requestVideoFrameCallback((now) => {
  const pressed = Number(sessionStorage.getItem("pressed"));
  const seen = JSON.parse(sessionStorage.getItem("seen") ?? "[]");
  seen.push([pressed ? performance.timeOrigin + now - pressed : null, now - began]);
  sessionStorage.setItem("seen", JSON.stringify(seen));
  document.documentElement.dataset.seen = seen.length;
});
addEventListener("DOMContentLoaded", () => watch(document.querySelector("evidence-player video"), 0));
const push = history.pushState;
history.pushState = function (...to) {
  const began = performance.now();
  new MutationObserver((_changes, observer) => {
    observer.disconnect();
    watch(document.querySelector("evidence-player video"), began);
  }).observe(document.body, { childList: true });
  return push.apply(this, to);
};
"""


def clip(seconds: float = 8, fps: int = 25) -> bytes:
    """Returns a 1080p clip of the drawn scene with a camera's noise, a key frame every second."""
    rng = np.random.default_rng(1)
    noise = [rng.normal(0, 6, (1080, 1920, 3)).astype(np.int16) for _ in range(4)]
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "clip.mp4"
        with av.open(str(path), "w", options={"movflags": "faststart"}) as container:
            stream = container.add_stream("libx264", rate=fps)
            stream.width, stream.height, stream.pix_fmt = 1920, 1080, "yuv420p"
            stream.options = {"preset": "veryfast", "g": str(fps), "threads": "1"}
            for index in range(round(seconds * fps)):
                drawn = packages.scene(min(index / fps, 4.0), (1920, 1080)).astype(np.int16)
                picture = np.clip(drawn + noise[index % len(noise)], 0, 255).astype(np.uint8)
                container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
            container.mux(stream.encode(None))
        return path.read_bytes()


def review(page: Page, cases: int, look_s: tuple[float, float]) -> list[tuple[float | None, float]]:
    """Returns what the browser saw of every case: ms since the last decision, ms since its page began."""
    rng = random.Random(1)  # noqa: S311 - how long somebody looks
    page.keyboard.press("s")
    for number in range(1, cases + 1):
        page.wait_for_selector(f"html[data-seen='{number}']", state="attached", timeout=60_000)
        page.wait_for_timeout(1000 * rng.uniform(*look_s))
        seen = page.evaluate("JSON.parse(sessionStorage.getItem('seen'))")
        page.keyboard.press("2")
        page.keyboard.press("f")
        page.keyboard.press("a")
    page.wait_for_url("**/queue", timeout=60_000)
    return [(since, first) for since, first in seen]


def main() -> None:
    """Fills, reviews, prints and writes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=24)
    parser.add_argument("--look", type=float, nargs=2, default=(1.0, 3.0), help="seconds a reviewer looks at a clip")
    arguments = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    content = clip()
    packages.clip_bytes = lambda: content  # type: ignore[assignment]
    with tempfile.TemporaryDirectory() as name:
        office = Office(Path(name))
        for number in range(arguments.cases):
            office.case(number)
        with served(office) as url, open_browser() as browser:
            page = browser.new_page(viewport={"width": 1366, "height": 768})
            page.add_init_script(WATCH)
            log_in(page, url, "li")
            seen = review(page, arguments.cases, tuple(arguments.look))
        decided = [case for case in office.store.queue() if case.reviewers]
    overhead = [since for since, _ in seen if since is not None]
    first = [ms for _, ms in seen][1:]
    result = {
        "machine": f"{platform.machine()} {multiprocessing.cpu_count()} cores",
        "load": round(os.getloadavg()[0], 1),
        "cases": len(decided),
        "clip_bytes": len(content),
        "overhead_ms": {"median": round(statistics.median(overhead)), "p95": round(np.quantile(overhead, 0.95))},
        "first_frame_ms": {"median": round(statistics.median(first)), "p95": round(np.quantile(first, 0.95))},
    }
    OUT.write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result))


if __name__ == "__main__":
    main()
