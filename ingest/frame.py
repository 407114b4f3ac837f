"""One picture on its way through analysis, and one kept for evidence.

Nothing is converted before it is asked for: a network picture is scaled straight from the decoder's
planes, a small region is cut out of the planes and converted alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange, Colorspace, Interpolation, VideoReformatter
from numpy.typing import NDArray

from core.observations import Picture

if TYPE_CHECKING:
    from av.video.format import VideoFormat

Rgb = NDArray[np.uint8]

HD_HEIGHT_PX = 720
"""From this height on, untagged footage is taken as BT.709, below as BT.601.

Source: ITU-R BT.709 (HDTV), BT.601 (SDTV), the convention of players.
"""
UNTAGGED = 2
"""AVCOL_SPC_UNSPECIFIED."""
LUMA_FIRST = frozenset({"yuv420p", "yuvj420p", "yuv422p", "yuvj422p", "yuv444p", "yuvj444p", "nv12", "gray"})
"""Pixel formats whose first plane is brightness, a byte a pixel."""
POINT = Interpolation.POINT
FAST_BILINEAR = Interpolation.FAST_BILINEAR


class Converter:
    """Turns decoder frames into RGB; keeps its scaler tables between frames. One per thread."""

    def __init__(self) -> None:
        self._scaled = VideoReformatter()
        self._full = VideoReformatter()
        self._regions: dict[tuple[int, int], VideoReformatter] = {}

    def scaled(self, frame: VideoFrame, size_px: tuple[int, int]) -> Rgb:
        """Returns the frame scaled to (width, height), fast bilinear."""
        return _rgb(self._scaled, frame, size_px, frame.height, FAST_BILINEAR)

    def full(self, frame: VideoFrame) -> Rgb:
        """Returns the whole frame at its own size."""
        return _rgb(self._full, frame, (frame.width, frame.height), frame.height, POINT)

    def region(self, frame: VideoFrame, x1: int, y1: int, x2: int, y2: int) -> Rgb | None:
        """Returns a region converted alone; None where the pixel format does not allow cutting."""
        steps = plane_steps(frame.format)
        if steps is None:
            return None
        grid_x, grid_y = max(s[1] for s in steps), max(s[2] for s in steps)
        left, top = x1 // grid_x * grid_x, y1 // grid_y * grid_y
        width = min(-(-x2 // grid_x) * grid_x, frame.width) - left
        height = min(-(-y2 // grid_y) * grid_y, frame.height) - top
        part = VideoFrame(width, height, frame.format.name)
        for index, (bytes_per, by_x, by_y) in enumerate(steps):
            source, target = _rows(frame, index), _rows(part, index)
            columns = slice(left // by_x * bytes_per, -(-(left + width) // by_x) * bytes_per)
            cut = source[top // by_y : -(-(top + height) // by_y), columns]
            target[: cut.shape[0], : cut.shape[1]] = cut
        part.colorspace, part.color_range = frame.colorspace, frame.color_range
        scaler = self._regions.setdefault((width, height), VideoReformatter())
        rgb = _rgb(scaler, part, (width, height), frame.height, POINT)
        return np.ascontiguousarray(rgb[y1 - top : y2 - top, x1 - left : x2 - left])


def plane_steps(form: VideoFormat) -> list[tuple[int, int, int]] | None:
    """Returns for each plane (bytes per position, luma columns and rows per position); None if not cuttable."""
    if form.has_palette or form.is_bit_stream or form.width <= 0:
        return None
    planes: dict[int, list[Any]] = {}
    for component in form.components:
        planes.setdefault(component.plane, []).append(component)
    steps = []
    for index in sorted(planes):
        parts = planes[index]
        if len({(c.width, c.height) for c in parts}) != 1 or len({c.bits > 8 for c in parts}) != 1:
            return None
        is_chroma = any(c.is_chroma for c in parts)
        by_x = _subsampling(form.chroma_width(64), 64) if is_chroma else 1
        by_y = _subsampling(form.chroma_height(64), 64) if is_chroma else 1
        steps.append((len(parts) * (2 if parts[0].bits > 8 else 1), by_x, by_y))
    return steps


def _subsampling(small: int, large: int) -> int:
    return max(1, large // max(1, small))


def _rows(frame: VideoFrame, index: int) -> Rgb:
    plane = frame.planes[index]
    return np.frombuffer(plane, dtype=np.uint8).reshape(plane.height, plane.line_size)  # type: ignore[call-overload, no-any-return]


def _rgb(
    scaler: VideoReformatter, frame: VideoFrame, size_px: tuple[int, int], source_height: int, how: Interpolation
) -> Rgb:
    is_untagged = int(frame.colorspace) == UNTAGGED
    space = (Colorspace.ITU709 if source_height >= HD_HEIGHT_PX else Colorspace.ITU601) if is_untagged else None
    rgb = scaler.reformat(
        frame,
        size_px[0],
        size_px[1],
        "rgb24",
        src_colorspace=space,
        dst_color_range=ColorRange.JPEG,
        interpolation=how,
        threads=1,
    )
    return np.ascontiguousarray(_rows(rgb, 0)[:, : size_px[0] * 3]).reshape(size_px[1], size_px[0], 3)


class Frame:
    """One picture to analyse. Holds a decoder buffer: use it and let it go.

    ``is_after_gap``: more than 2 s of footage are missing before it. ``is_damaged``: the decoder could not restore
    all of it. ``counts``: the session's counters just after this picture, whatever was read ahead since.
    ``size_px``: size of the picture regions are named in, which is its own unless ``seen_as`` said another.
    """

    __slots__ = ("_converter", "_frame", "_full", "counts", "is_after_gap", "is_damaged", "pts_ns", "size_px")

    def __init__(
        self,
        frame: VideoFrame,
        converter: Converter,
        *,
        pts_ns: int,
        is_after_gap: bool,
        counts: Mapping[str, int] | None = None,
    ) -> None:
        self.counts = counts or {}
        self.pts_ns = pts_ns
        self.size_px = (frame.width, frame.height)
        self.is_after_gap = is_after_gap
        self.is_damaged = frame.is_corrupt
        self._frame = frame
        self._converter = converter
        self._full: Rgb | None = None

    @property
    def own_px(self) -> tuple[int, int]:
        """Width and height as decoded."""
        return self._frame.width, self._frame.height

    def seen_as(self, *, pts_ns: int, size_px: tuple[int, int]) -> Frame:
        """Returns the same picture standing for a larger one of another stream: with its time and in its pixels."""
        other = Frame(self._frame, self._converter, pts_ns=pts_ns, is_after_gap=self.is_after_gap, counts=self.counts)
        other.size_px = size_px
        return other

    def picture(self, size_px: tuple[int, int]) -> Picture:
        """Returns the frame scaled to (width, height) for a network."""
        rgb = self._converter.scaled(self._frame, size_px)
        return Picture(pts_ns=self.pts_ns, rgb=rgb, source_size_px=self.size_px)

    def crop(self, region_xyxy: Sequence[float]) -> Rgb:
        """Returns a region at full resolution, cut at whole pixels around it and at the picture's edge.

        Shapes: region_xyxy (4,) full-resolution pixels; result (h, w, 3), empty if wholly outside.
        """
        width, height = self._frame.width, self._frame.height
        scale = np.array([width / self.size_px[0], height / self.size_px[1]] * 2)
        region = np.asarray(region_xyxy, dtype=float) * scale
        x1, y1 = (max(0, int(np.floor(v))) for v in region[:2])
        x2, y2 = min(width, int(np.ceil(region[2]))), min(height, int(np.ceil(region[3])))
        if x2 <= x1 or y2 <= y1:
            return np.zeros((0, 0, 3), dtype=np.uint8)
        if self._full is None:
            part = self._converter.region(self._frame, x1, y1, x2, y2)
            if part is not None:
                return part
            self._full = self._converter.full(self._frame)
        return self._full[y1:y2, x1:x2].copy()

    def luma(self) -> Rgb:
        """Returns the brightness plane (h, w) as it lies in the decoder's buffer; others give their green."""
        if self._frame.format.name not in LUMA_FIRST:
            return np.ascontiguousarray(self.rgb()[..., 1])
        return _rows(self._frame, 0)[:, : self._frame.width]

    def rgb(self) -> Rgb:
        """Returns the whole picture at full resolution; slow, for single pictures only."""
        return self._converter.full(self._frame)


@dataclass(frozen=True, slots=True, kw_only=True)
class Still:
    """One full-resolution picture for evidence.

    Shapes: rgb (H, W, 3) uint8. ``stream_pts`` is the file's own stamp in stream units, None if it has none.
    """

    rgb: Rgb
    pts_ns: int
    file_index: int
    stream_pts: int | None
