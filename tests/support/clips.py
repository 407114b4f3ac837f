"""Citizens' videos: seconds of other footage as a telephone would have filmed and encoded them."""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray

Rgb = NDArray[np.uint8]
MS = Fraction(1, 1000)


def write_clip(path: Path, pictures: Iterator[tuple[float, Rgb]]) -> Path:
    """Writes pictures with their seconds as H.264, of the quality messengers leave."""
    with av.open(str(path), "w") as target:
        stream = None
        for at_s, rgb in pictures:
            if stream is None:
                stream = target.add_stream("libx264", rate=25, options={"crf": "26", "preset": "veryfast"})
                stream.width, stream.height, stream.pix_fmt = rgb.shape[1], rgb.shape[0], "yuv420p"
                stream.codec_context.time_base = MS
                stream.codec_context.thread_count = 1
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(rgb), format="rgb24")
            frame.pts, frame.time_base = round(at_s * 1000), MS
            target.mux(stream.encode(frame))
        assert stream is not None
        target.mux(stream.encode())
    return path


def footage(path: Path, from_s: float, to_s: float) -> Iterator[tuple[float, Rgb]]:
    """Yields the pictures of a span, times counted from its start."""
    with av.open(str(path)) as source:
        for frame in source.decode(video=0):
            if from_s <= (frame.time or 0.0) <= to_s:
                yield (frame.time or 0.0) - from_s, np.asarray(frame.to_ndarray(format="rgb24"), np.uint8)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hand:
    """A shaking hand with a telephone: turns, zooms, crops and moves the picture, another way at every moment."""

    turn_deg: float = 3.0
    zoom: float = 1.06
    size_px: tuple[int, int] = (1280, 720)

    def matrix(self, at_s: float, own_px: tuple[int, int]) -> NDArray[np.float64]:
        """Returns where pixels of a picture of its own size land, (2, 3)."""
        (width, height), (to_width, to_height) = own_px, self.size_px
        angle = self.turn_deg + 0.6 * float(np.sin(2.1 * at_s))
        matrix = cv2.getRotationMatrix2D((width / 2, height / 2), angle, self.zoom * to_width / width)
        steady = (14 * np.sin(at_s), 8 * np.cos(1.3 * at_s))
        drift = np.random.default_rng(round(1000 * at_s)).normal(steady, 3)
        matrix[:, 2] += (to_width / 2 - width / 2 + drift[0], to_height / 2 - height / 2 + drift[1])
        return np.asarray(matrix, np.float64)

    def film(self, at_s: float, rgb: Rgb) -> Rgb:
        """Returns the picture the telephone takes."""
        matrix = self.matrix(at_s, (rgb.shape[1], rgb.shape[0]))
        return np.asarray(cv2.warpAffine(rgb, matrix, self.size_px, flags=cv2.INTER_AREA), np.uint8)
