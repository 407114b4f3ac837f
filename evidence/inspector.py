"""The process that opens what strangers hand in: ``python -m evidence.inspector OUT_DIR FIRST_NUMBER FILE...``.

It limits its own memory, time and output before it loads a decoder, decodes each file whole, writes derived stills and
prints one line of JSON per file. What kills it (memory, time, a decoder's crash) becomes a refusal in
``evidence.upload``.
"""

import json
import os
import resource
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

MEMORY_BYTES = 3 << 30
"""Address space, libraries included; a 64-megapixel photo needs about 0.8 GB of it."""
CPU_S = 45
OUTPUT_BYTES = 64 << 20
STILL_LONG_SIDE_PX = 4096
STILL_QUALITY = 93
VIDEO_SHARES = (0.15, 0.5, 0.85)
"""Where in a video its three stills are taken; the officer has the whole clip."""


def limit(memory_bytes: int = MEMORY_BYTES, cpu_s: int = CPU_S) -> None:
    """Takes from this process what a broken file could abuse."""
    os.nice(10)  # whoever is sending goes first
    resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    resource.setrlimit(resource.RLIMIT_CPU, (cpu_s, cpu_s))
    resource.setrlimit(resource.RLIMIT_FSIZE, (OUTPUT_BYTES, OUTPUT_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def inspect_photo(path: Path, ending: str, out_dir: Path, number: int) -> dict[str, Any]:
    """Returns what a photo is; writes its derived still."""
    import imagehash
    import pi_heif
    from PIL import Image, ImageOps

    from evidence import forgery
    from evidence.upload import PHOTO_ENDINGS, PIXELS_MAX, TOO_LARGE

    Image.MAX_IMAGE_PIXELS = None  # the limit below comes before decoding too, and says why
    pi_heif.register_heif_opener(thumbnails=False)
    formats = {"jpg": "JPEG", "png": "PNG", "webp": "WEBP", "heic": "HEIF"}
    with Image.open(path, formats=[formats[e] for e in PHOTO_ENDINGS]) as picture:
        if picture.width * picture.height > PIXELS_MAX:
            return _refused(ending, TOO_LARGE)
        picture.load()
        capture, signs = forgery.read_capture(picture), forgery.find_signs(picture)
        upright = ImageOps.exif_transpose(picture).convert("RGB")
    upright.thumbnail((STILL_LONG_SIDE_PX, STILL_LONG_SIDE_PX))
    still = _save(upright, out_dir / f"{number}-1.jpg", 0.0)
    return {
        **_refused(ending, ""),
        "phash": str(imagehash.phash(upright)),
        "capture": {**asdict(capture), "taken": capture.taken.isoformat() if capture.taken else None},
        "signs": [asdict(sign) for sign in signs],
        "stills": [still],
    }


@contextmanager
def opened(path: Path, ending: str) -> Iterator[tuple[Any, Any]]:
    """Opens a video with the one demuxer its first bytes allow; yields container and video stream."""
    import av

    demuxer = "mov" if ending in ("mp4", "mov") else "matroska"
    with av.open(str(path), format=demuxer, options={"enable_drefs": "0", "use_absolute_path": "0"}) as container:
        stream = container.streams.video[0]
        stream.codec_context.thread_count = 1
        yield container, stream


def inspect_video(path: Path, ending: str, out_dir: Path, number: int) -> dict[str, Any]:
    """Returns what a video is; writes its derived stills."""
    import imagehash

    from evidence.upload import EMPTY, PIXELS_MAX, TOO_LARGE, TOO_LONG, VIDEO_MAX_S

    with opened(path, ending) as (container, stream):
        duration_s = float(container.duration or 0) / 1_000_000
        if not 0 < duration_s <= VIDEO_MAX_S + 1:
            return _refused(ending, TOO_LONG)
        if stream.width * stream.height > PIXELS_MAX:
            return _refused(ending, TOO_LARGE)
        wanted = [duration_s * share for share in VIDEO_SHARES]
        stills: list[dict[str, Any]] = []
        mark = ""
        origin: float | None = None
        for frame in container.decode(stream):
            origin = (frame.time or 0.0) if origin is None else origin
            at_s = (frame.time or 0.0) - origin
            if len(stills) < len(wanted) and at_s >= wanted[len(stills)]:
                picture = frame.to_image()
                mark = mark or str(imagehash.phash(picture))
                stills.append(_save(picture, out_dir / f"{number}-{len(stills) + 1}.jpg", at_s))
        made = container.metadata.get("creation_time", "")
    if not stills:
        return _refused(ending, EMPTY)
    taken = _utc_stamp(made)
    capture = {"taken": taken}
    return {**_refused(ending, ""), "duration_s": duration_s, "phash": mark, "capture": capture, "stills": stills}


def _utc_stamp(text: str) -> str | None:
    try:
        made = datetime.fromisoformat(text)
    except ValueError:
        return None
    return made.isoformat() if made.year > 1990 else None  # phones without a clock write 1904


def _save(picture: Any, path: Path, at_s: float) -> dict[str, Any]:
    picture.save(path, "JPEG", quality=STILL_QUALITY, subsampling=0)
    return {"path": str(path), "at_s": round(at_s, 3), "width_px": picture.width, "height_px": picture.height}


def _refused(ending: str, why: str) -> dict[str, Any]:
    return {
        "ending": ending,
        "refused": why,
        "duration_s": 0.0,
        "phash": "",
        "capture": {"taken": None},
        "signs": [],
        "stills": [],
    }


def inspect_file(path: Path, out_dir: Path, number: int) -> dict[str, Any]:
    """Returns what a file is, told by its content."""
    from evidence.upload import PHOTO_ENDINGS, SNIFF_BYTES, UNKNOWN, sniff

    with path.open("rb") as file:
        ending = sniff(file.read(SNIFF_BYTES))
    if ending is None:
        return _refused("", UNKNOWN)
    inspect = inspect_photo if ending in PHOTO_ENDINGS else inspect_video
    return inspect(path, ending, out_dir, number)


def try_inspect(path: Path, out_dir: Path, number: int) -> dict[str, Any]:
    """Returns what a file is, or that it cannot be read."""
    from evidence.upload import UNREADABLE

    try:
        return inspect_file(path, out_dir, number)
    except Exception:  # noqa: BLE001 - a decoder may raise anything over a hostile file; the next file may be fine
        return _refused("", UNREADABLE)


def run() -> None:
    """Inspects the files in order."""
    limit()
    out_dir, first, *files = sys.argv[1:]
    for number, path in enumerate(files, int(first)):
        sys.stdout.write(json.dumps(try_inspect(Path(path), Path(out_dir), number)) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    run()
