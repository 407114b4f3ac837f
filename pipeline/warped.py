"""Pictures of a strange camera seen through the eyes of a site's own: every frame put onto the site's picture anew."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from core.observations import Picture
from core.time import NS_PER_S
from evidence.inspector import opened
from vision.register import Matrix, Registrar

GAP_S = 2.0
"""Without a frame that registers for longer, what comes after is another passage."""
Rgb = NDArray[np.uint8]


@dataclass(frozen=True, slots=True, kw_only=True)
class WarpedFrame:
    """One frame (h, w, 3) RGB and the matrix (3, 3) from its pixels to the site's picture."""

    pts_ns: int
    rgb: Rgb
    onto: Matrix
    size_px: tuple[int, int]
    is_after_gap: bool

    def picture(self, size_px: tuple[int, int]) -> Picture:
        """Returns the site's picture as a network wants it; black where this frame shows nothing of it."""
        shrink = np.diag([size_px[0] / self.size_px[0], size_px[1] / self.size_px[1], 1.0])
        near = max(1.0, min(self.rgb.shape[1] / size_px[0], self.rgb.shape[0] / size_px[1]))
        small = cv2.resize(self.rgb, None, fx=1 / near, fy=1 / near, interpolation=cv2.INTER_AREA)
        grow = np.diag([self.rgb.shape[1] / small.shape[1], self.rgb.shape[0] / small.shape[0], 1.0])
        rgb = np.asarray(cv2.warpPerspective(small, shrink @ self.onto @ grow, size_px), np.uint8)
        return Picture(pts_ns=self.pts_ns, rgb=rgb, source_size_px=self.size_px)

    def crop(self, region_xyxy: tuple[float, float, float, float]) -> Rgb:
        """Returns a region of the site's picture at full resolution; empty where this frame does not show all of it."""
        left, top = (int(v) for v in region_xyxy[:2])
        right, bottom = (int(np.ceil(v)) for v in region_xyxy[2:])
        corners = np.array([(left, top, 1), (right, top, 1), (right, bottom, 1), (left, bottom, 1)], np.float64)
        seen = corners @ np.linalg.inv(self.onto).T
        points = seen[:, :2] / seen[:, 2:]
        if (points < 0).any() or (points > (self.rgb.shape[1], self.rgb.shape[0])).any():
            return np.zeros((0, 0, 3), np.uint8)
        shift = np.array([(1, 0, -left), (0, 1, -top), (0, 0, 1)], np.float64)
        size_px = (max(1, right - left), max(1, bottom - top))
        return np.asarray(cv2.warpPerspective(self.rgb, shift @ self.onto, size_px), np.uint8)


def frames(video: Path, ending: str, *, detect_hz: float) -> Iterator[tuple[int, Rgb]]:
    """Yields session time and picture, RGB, ``detect_hz`` times a second or as often as there are any."""
    with opened(video, ending) as (container, stream):
        origin: float | None = None
        due_s = 0.0
        for frame in container.decode(stream):
            origin = (frame.time or 0.0) if origin is None else origin
            at_s = (frame.time or 0.0) - origin
            if at_s >= due_s:
                due_s = max(due_s + 1 / detect_hz, at_s + 0.5 / detect_hz)  # after a hole no moment comes twice
                yield round(at_s * NS_PER_S), np.asarray(frame.to_ndarray(format="rgb24"), np.uint8)


def warped(
    pictures: Iterator[tuple[int, Rgb]], registrar: Registrar, size_px: tuple[int, int]
) -> Iterator[WarpedFrame]:
    """Yields every picture that shows the site's view."""
    last_ns: int | None = None
    for pts_ns, rgb in pictures:
        onto = registrar.homography(rgb)
        if onto is not None:
            is_after_gap = last_ns is not None and pts_ns - last_ns > GAP_S * NS_PER_S
            yield WarpedFrame(pts_ns=pts_ns, rgb=rgb, onto=onto, size_px=size_px, is_after_gap=is_after_gap)
            last_ns = pts_ns
