"""The process that makes an H.264 copy of an H.265 clip: ``python -m evidence.proxy CLIP.mp4 PROXY.mp4``.

Exits 0 when the copy is there, 3 when none is needed or no encoder is there. It limits itself first: clips of strangers
come through here too.
"""

import resource
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.stream import VideoStream

MEMORY_BYTES = 3 << 30
CPU_S = 120
OUTPUT_BYTES = 256 << 20
WIDTH_MAX_PX = 1920
"""A console's width; the original keeps its own."""
NOT_NEEDED = 3
OPTIONS = {"preset": "ultrafast", "crf": "23"}


def transcode(clip: Path, target: Path) -> bool:
    """Returns whether ``target`` was written: H.264 with the clip's own times, only for H.265 and with an encoder."""
    import av

    if "libx264" not in av.codecs_available:
        return False
    with av.open(clip, format="mov") as source:
        if not source.streams.video or source.streams.video[0].codec_context.name != "hevc":
            return False
        _copy(source, source.streams.video[0], target)
    return True


def _copy(source: "InputContainer", stream: "VideoStream", target: Path) -> None:
    import av

    scale = min(1.0, WIDTH_MAX_PX / stream.width)
    width_px, height_px = (round(side * scale / 2) * 2 for side in (stream.width, stream.height))
    with av.open(target, "w", format="mp4", options={"movflags": "+faststart"}) as out:
        copy = out.add_stream("libx264", rate=stream.average_rate, options=OPTIONS)
        copy.width, copy.height = width_px, height_px
        copy.pix_fmt, copy.thread_count = "yuv420p", 1
        if stream.time_base is not None:
            copy.time_base = copy.codec_context.time_base = stream.time_base
        for frame in source.decode(stream):
            out.mux(copy.encode(frame.reformat(width_px, height_px, format="yuv420p")))
        out.mux(copy.encode(None))


def main(arguments: Sequence[str]) -> int:
    """Runs the command line; returns its exit status."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_S, CPU_S))
    resource.setrlimit(resource.RLIMIT_FSIZE, (OUTPUT_BYTES, OUTPUT_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    clip, target = map(Path, arguments)
    return 0 if transcode(clip, target) else NOT_NEEDED


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
