"""``lukou plan``: how many cameras this machine carries, from its own measured rates."""

import os
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import typer

from cli.console import emit, out, say, show_pairs
from cli.home import JsonOption, settings_for
from core.errors import ConfigError

CLIP = Path(__file__).resolve().parent.parent / "sim" / "demo" / "junction.mp4"
FPS = 25.0
SHARE = 0.8
"""Share of the processor planned for; the rest is for bursts, sealing and the console."""
QUIET = 0.7
"""Part of a day in which nothing moves on a mixed road. Source: issue 5's day profile."""
PULSE_HZ = 1.0
KEYS_HZ = 0.5
"""Pictures decoded a second while a camera rests: key frames every two seconds."""
BASE_MB, CAMERA_MB = 400, 40
"""Source: benchmarks/live.py, resident memory of 1 and 3 cameras of 1080p at 4 Mbit/s, everything used once."""
BITRATE_MBIT = 4.0
BATCH = 4
ROUNDS = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """Processor milliseconds of one core."""

    decode_ms: float
    scale_ms: float
    detect_ms: float

    def busy(self, detect_hz: float) -> float:
        """Cores a camera needs while something moves."""
        return (FPS * self.decode_ms + detect_hz * (self.scale_ms + self.detect_ms)) / 1000

    def still(self) -> float:
        """Cores a camera needs while nothing moves."""
        return (KEYS_HZ * self.decode_ms + PULSE_HZ * (self.scale_ms + self.detect_ms)) / 1000


def plan(
    cameras: Annotated[int, typer.Option("--cameras", min=1, help="Cameras wanted.")],
    clip: Annotated[
        Path | None, typer.Option(metavar="VIDEO", help="Footage of your cameras.", show_default=False)
    ] = None,
    seconds: Annotated[float, typer.Option(min=2, help="How long to measure.")] = 20.0,
    as_json: JsonOption = False,
) -> None:
    """Measures decoding and detection here and sizes a machine for N cameras at 25 pictures a second."""
    settings = settings_for(None)
    if not (clip or CLIP).is_file():
        raise ConfigError(f"no footage at {clip or CLIP}; name some: --clip VIDEO")
    rates = measure(clip or CLIP, seconds, settings.engine)
    cores = os.cpu_count() or 1
    busy, still = rates.busy(settings.detect_hz), rates.still()
    mixed = (1 - QUIET) * busy + QUIET * still
    facts = {
        "cores_here": cores,
        **{name: round(value, 2) for name, value in asdict(rates).items()},
        "carries_busy": int(cores * SHARE / busy),
        "carries_mixed": int(cores * SHARE / mixed),
        "cameras": cameras,
        "cores_needed_busy": round(cameras * busy / SHARE, 1),
        "cores_needed_mixed": round(cameras * mixed / SHARE, 1),
        "memory_mb": BASE_MB + CAMERA_MB * cameras,
        "spool_gb": round(cameras * BITRATE_MBIT / 8 * 1200 / 1000, 1),
        "network_mbit_s": round(cameras * BITRATE_MBIT, 1),
    }
    if as_json:
        emit(facts)
        return
    show_pairs("measured here, milliseconds of one core a picture", {k: f"{v:.1f}" for k, v in asdict(rates).items()})
    out().print(
        f"this machine ({cores} cores) carries {facts['carries_busy']} cameras where something always moves, "
        f"{facts['carries_mixed']} over a day that is still {QUIET:.0%} of the time",
        soft_wrap=True,
    )
    out().print(
        f"{cameras} cameras need {facts['cores_needed_busy']} such cores (mixed day: {facts['cores_needed_mixed']}), "
        f"{facts['memory_mb']} MB of memory, {facts['spool_gb']} GB of disk for the ring, "
        f"{facts['network_mbit_s']} Mbit/s of network at {BITRATE_MBIT:g} Mbit/s a camera",
        soft_wrap=True,
    )
    say(f"planned to {SHARE:.0%} of the processor at {settings.detect_hz:g} looks a second; more in docs/live.md")


def measure(clip: Path, seconds: float, engine: str) -> Rates:
    """Returns what a picture costs here, in processor time, which a busy neighbour disturbs least."""
    from ingest.session import open_session
    from vision.detect import load_detector

    session = open_session([clip], camera_id="plan")
    detector = load_detector(engine=engine)
    size = detector.picture_size(session.width_px, session.height_px)
    spent, end = time.process_time(), time.monotonic() + seconds / 3
    for frame in session.frames(detect_hz=FPS):
        picture = frame.picture(size)
        if time.monotonic() > end:
            break
    read_ms = _ms_since(spent) / session.counts.decoded
    spent = time.process_time()
    for _ in range(ROUNDS):
        frame.picture(size)
    scale_ms = _ms_since(spent) / ROUNDS
    detector.detect([picture] * BATCH)
    looks, spent, end = 0, time.process_time(), time.monotonic() + seconds / 2
    while time.monotonic() < end:
        looks += len(detector.detect([picture] * BATCH))
    return Rates(
        decode_ms=max(0.1, read_ms - scale_ms * session.counts.analysed / session.counts.decoded),
        scale_ms=scale_ms,
        detect_ms=_ms_since(spent) / looks,
    )


def _ms_since(spent_s: float) -> float:
    return (time.process_time() - spent_s) * 1000
