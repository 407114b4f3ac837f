"""Small clips whose every picture carries its number, so that a test can tell exactly which one it got."""

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray

Rgb = NDArray[np.uint8]

BITS = 16
BLOCK_PX = 16
TICKS = 90_000


def numbered_picture(number: int, size: tuple[int, int]) -> Rgb:
    """A picture that moves, with ``number`` as black and white blocks in its top left corner."""
    width, height = size
    rows, columns = np.mgrid[0:height, 0:width]
    rgb = np.empty((height, width, 3), dtype=np.uint8)
    rgb[..., 0] = (columns + 5 * number) % 256
    rgb[..., 1] = (rows * 2 + 3 * number) % 256
    rgb[..., 2] = (columns // 2 + rows // 2 + 200 - number) % 256
    for bit in range(BITS):
        x, y = bit % 8 * BLOCK_PX, bit // 8 * BLOCK_PX
        rgb[y : y + BLOCK_PX, x : x + BLOCK_PX] = 235 if number >> bit & 1 else 20
    return rgb


def read_number(rgb: Rgb) -> int:
    """The number a picture carries."""
    middle = BLOCK_PX // 2
    number = 0
    for bit in range(BITS):
        x, y = bit % 8 * BLOCK_PX + middle, bit // 8 * BLOCK_PX + middle
        number |= int(rgb[y - 4 : y + 4, x - 4 : x + 4].mean() > 127) << bit
    return number


def make_clip(
    path: Path,
    fps: float = 25.0,
    seconds: float = 2.0,
    size: tuple[int, int] = (160, 96),
    *,
    codec: str = "libx264",
    pts: Sequence[float] | None = None,
    first_number: int = 0,
    gop: int = 25,
    b_frames: int = 0,
    pix_fmt: str | None = None,
    options: dict[str, str] | None = None,
    metadata: dict[str, str] | None = None,
) -> Path:
    """Writes a clip of numbered pictures; the container follows from the path's ending.

    ``pts``: show time of each picture in seconds, instead of an even ``fps`` over ``seconds``.
    """
    times = [n / fps for n in range(round(fps * seconds))] if pts is None else list(pts)
    rate = Fraction(fps).limit_denominator(1001)
    with av.open(str(path), "w") as output:
        output.metadata.update(metadata or {})
        stream = output.add_stream(codec, rate=rate)
        stream.width, stream.height = size
        stream.pix_fmt = pix_fmt or ("yuvj420p" if codec == "mjpeg" else "yuv420p")
        is_even_only = path.suffix == ".avi" or codec in {"mpeg4", "mpeg2video", "wmv2"}
        stream.codec_context.time_base = 1 / rate if is_even_only else Fraction(1, TICKS)
        stream.codec_context.gop_size = gop
        stream.codec_context.max_b_frames = b_frames
        stream.codec_context.thread_count = 1
        quick = {"preset": "ultrafast", "bf": str(b_frames), "sc_threshold": "0"} if codec == "libx264" else {}
        stream.codec_context.options = quick | (options or {})
        for number, t_s in enumerate(times):
            frame = av.VideoFrame.from_ndarray(numbered_picture(first_number + number, size), format="rgb24")
            frame.time_base = stream.codec_context.time_base
            frame.pts = round(t_s / frame.time_base)
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    return path


def make_sound(path: Path, seconds: float = 0.5) -> Path:
    """Writes a file with sound only."""
    with av.open(str(path), "w") as output:
        stream = output.add_stream("aac", rate=16_000)
        stream.layout = "mono"
        for block in range(int(16_000 * seconds) // 1024):
            frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), dtype=np.float32), format="fltp", layout="mono")
            frame.sample_rate = 16_000
            frame.pts = block * 1024
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    return path


def rewrite_stamps(source: Path, target: Path, stamps: Sequence[int]) -> Path:
    """Copies packets with the given pts (= dts, stream units), in decode order, however wrong they are."""
    with av.open(str(source)) as reading, av.open(str(target), "w") as output:
        stream = output.add_stream_from_template(reading.streams.video[0])
        packets = [p for p in reading.demux(reading.streams.video[0]) if p.size]
        for packet, stamp in zip(packets, stamps, strict=True):
            packet.stream = stream
            packet.pts = packet.dts = stamp
            output.mux_one(packet)
    return target


def decode_all(path: Path) -> list[tuple[float, Rgb]]:
    """(seconds, planes as stored) of every picture of a file, decoded independently of our own reader."""
    with av.open(str(path)) as reading:
        return [(float(frame.pts * frame.time_base), frame.to_ndarray()) for frame in reading.decode(video=0)]


def decode_planes(path: Path) -> list[Rgb]:
    """Planes of every picture in the order FFmpeg shows them."""
    with av.open(str(path)) as reading:
        return [frame.to_ndarray() for frame in reading.decode(video=0)]


def data_file(name: str) -> Path:
    """A file of ../shared/data; the test skips, saying so, where the folder is absent."""
    path = Path(__file__).resolve().parents[2].parent / "shared" / "data" / name
    if not path.exists():
        pytest.skip(f"real footage absent: ../shared/data/{name}")
    return path
