"""Small pictures for lists, kept in memory: evidence never lies on disk twice."""

import io
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock

from PIL import Image

KEPT = 800


@dataclass(slots=True)
class Thumbnails:
    """The most recently used thumbnails."""

    _kept: OrderedDict[tuple[str, str, int], bytes] = field(default_factory=OrderedDict)
    _lock: Lock = field(default_factory=Lock)

    def get(self, case_id: str, name: str, width_px: int, read: Callable[[], bytes]) -> bytes:
        """Returns a picture scaled down to a width; ``read`` gives the original when it is not kept."""
        key = (case_id, name, width_px)
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        small = _shrink(read(), width_px)
        with self._lock:
            self._kept[key] = small
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        return small


def _shrink(jpeg: bytes, width_px: int) -> bytes:
    with Image.open(io.BytesIO(jpeg), formats=("JPEG",)) as picture:
        picture.draft("RGB", (width_px * 2, width_px * 2))
        small = picture.convert("RGB")
    small.thumbnail((width_px, width_px), Image.Resampling.BICUBIC)
    target = io.BytesIO()
    small.save(target, "JPEG", quality=82)
    return target.getvalue()
