"""COMPOSITE.jpg: all overview pictures side by side, the subject enlarged, and an info bar below; nothing is covered.

Made from the sealed originals, which stay untouched: the box around the subject exists on this picture only.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Any

from PIL import Image, ImageDraw

from core.catalogue import Violation
from evidence.draft import Box, Draft, StillImage
from evidence.picture import crop_box, decode_jpeg, mark_box
from evidence.typeface import Font, Typeface, find_typeface
from evidence.wording import Wording

CELL_MAX_PX = 1280
CELL_MIN_PX = 640
QUALITY = 90
INK, SOFT, RULE, PAPER, TINT = (18, 22, 28), (92, 100, 110), (150, 156, 164), (255, 255, 255), (238, 241, 244)


@dataclass(frozen=True, slots=True, kw_only=True)
class Original:
    """One sealed overview picture: its JPEG bytes and their SHA-256."""

    still: StillImage
    content: bytes
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One picture of the sheet with the two lines below it, each with a left and a right text."""

    picture: Image.Image
    title: str
    right: str
    second: str
    mark: str


def build_composite(
    draft: Draft, violation: Violation, originals: tuple[Original, ...], *, typeface: Typeface | None = None
) -> tuple[bytes, dict[str, Any]]:
    """Returns the composite as JPEG and what the manifest says about it."""
    face = typeface or find_typeface()
    wording = Wording(face.is_cjk)
    shots = [(o, decode_jpeg(o.content)) for o in originals]
    cell_w, cell_h = _cell_size(shots[0][1].size)
    cells = [_overview(draft, wording, shots, i, (cell_w, cell_h)) for i in range(len(shots))]
    cells += [_closeup(wording, shots, i, (cell_w, cell_h)) for i in _enlarged(shots)]
    sheet = Sheet(face, cell_w, cell_h, count=len(cells))
    sheet.put_cells(cells)
    sheet.put_bar(_fields(draft, violation, wording), wording, draft.case_id)
    target = io.BytesIO()
    picture = sheet.finish()
    picture.save(target, "JPEG", quality=QUALITY, subsampling=0)
    columns = sheet.columns
    facts = {
        "layout": f"{columns}x{-(-len(cells) // columns)}",
        "width_px": picture.width,
        "height_px": picture.height,
        "font": {"family": face.family, "is_cjk": face.is_cjk, "note": face.note},
    }
    return target.getvalue(), facts


def _cell_size(size_px: tuple[int, int]) -> tuple[int, int]:
    width, height = size_px
    cell_w = min(CELL_MAX_PX, max(CELL_MIN_PX, width))
    cell_h = round(cell_w * height / width)
    if cell_h > CELL_MAX_PX:  # an upright picture
        return max(CELL_MIN_PX, round(CELL_MAX_PX * width / height)), CELL_MAX_PX
    return cell_w, cell_h


def _fitted(picture: Image.Image, size_px: tuple[int, int], box: Box) -> Image.Image:
    """Returns the picture scaled into a cell (bands where the shape differs), the subject marked."""
    scale = min(size_px[0] / picture.width, size_px[1] / picture.height)
    small = picture.resize((round(picture.width * scale), round(picture.height * scale)), Image.Resampling.LANCZOS)
    x1, y1, x2, y2 = box
    mark_box(small, (x1 * scale, y1 * scale, x2 * scale, y2 * scale), line_px=2)
    if small.size == size_px:
        return small
    cell = Image.new("RGB", size_px, TINT)
    cell.paste(small, ((size_px[0] - small.width) // 2, (size_px[1] - small.height) // 2))
    return cell


def _overview(
    draft: Draft, wording: Wording, shots: list[tuple[Original, Image.Image]], index: int, size_px: tuple[int, int]
) -> Cell:
    original, picture = shots[index]
    still = original.still
    return Cell(
        picture=_fitted(picture, size_px, still.xyxy),
        title=f"{wording.label('picture')} {index + 1}/{len(shots)}   {wording.role(still.role)}",
        right=wording.still_time(draft, still),
        second=f"{wording.label('signal')}  {wording.still_signal(draft, still)}",
        mark=f"{wording.label('mark')} {original.sha256[:16]}",
    )


def _enlarged(shots: list[tuple[Original, Image.Image]]) -> list[int]:
    """Returns which pictures get a close-up: the largest view of the subject; with two pictures both, to compare."""
    if len(shots) == 2:
        return [0, 1]
    areas = [_area(original.still.xyxy) for original, _ in shots]
    return [areas.index(max(areas))] if len(shots) in (1, 3) else []


def _area(box: Box) -> float:
    return (box[2] - box[0]) * (box[3] - box[1])


def _closeup(wording: Wording, shots: list[tuple[Original, Image.Image]], index: int, size_px: tuple[int, int]) -> Cell:
    original, picture = shots[index]
    x1, y1, x2, y2 = crop_box(picture.size, original.still.xyxy, aspect=size_px[0] / size_px[1])
    bx1, by1, bx2, by2 = original.still.xyxy
    part = picture.crop((x1, y1, x2, y2))
    return Cell(
        picture=_fitted(part, size_px, (bx1 - x1, by1 - y1, bx2 - x1, by2 - y1)),
        title=wording.label("closeup"),
        right="",
        second=wording.aside(
            f"{wording.label('from')}{wording.label('picture')} {index + 1}/{len(shots)}",
            wording.role(original.still.role),
        ),
        mark=f"{wording.label('mark')} {original.sha256[:16]}",
    )


def _fields(draft: Draft, violation: Violation, wording: Wording) -> list[list[tuple[str, str]]]:
    """Returns the rows of the info bar, each a list of (label, value)."""
    moment = next((s for s in draft.panoramas if s.role.startswith("P2")), draft.panoramas[0])
    lane = " / ".join(t for t in (draft.direction, draft.lane) if t)
    none = wording.label("none")
    return [
        [("time", wording.still_time(draft, moment)), ("place", draft.place or none), ("lane", lane or none)],
        [
            ("offence", wording.offence(violation)),
            ("code", violation.code.current or none),
            ("device", draft.device["device_code"] or none),
        ],
        [
            ("signal", wording.still_signal(draft, moment)) if draft.signal else ("interval", wording.interval(draft)),
            ("plate", wording.plate(draft, violation)),
            ("clock", wording.clock(draft)),
        ],
    ]


class Sheet:
    """The paper being composed; every size follows from the cell's width."""

    def __init__(self, face: Typeface, cell_w: int, cell_h: int, *, count: int) -> None:
        self._face = face
        self._cell = (cell_w, cell_h)
        self.columns = min(2, count)
        self._rows = -(-count // self.columns)
        self._unit = max(14, cell_w // 45)  # text height of a caption
        self._gap = max(6, self._unit // 3)
        self._caption_h = round(self._unit * 3.8)
        self.width = self.columns * cell_w + (self.columns + 1) * self._gap
        self._bar_top = self._gap + self._rows * (cell_h + self._caption_h + self._gap)
        self._height = self._bar_top + round(self._unit * 14.2)
        self._paper = Image.new("RGB", (self.width, self._height), PAPER)
        self._draw = ImageDraw.Draw(self._paper)

    def put_cells(self, cells: list[Cell]) -> None:
        """Places the pictures with their captions below them."""
        for index, cell in enumerate(cells):
            x = self._gap + index % self.columns * (self._cell[0] + self._gap)
            y = self._gap + index // self.columns * (self._cell[1] + self._caption_h + self._gap)
            self._paper.paste(cell.picture, (x, y))
            self._caption(cell, x, y + self._cell[1])

    def _caption(self, cell: Cell, x: int, y: int) -> None:
        right = x + self._cell[0]
        self._draw.rectangle((x, y, right - 1, y + self._caption_h - 1), fill=TINT)
        pad, unit = self._unit // 2, self._unit
        first, second = y + round(unit * 0.45), y + round(unit * 2.0)
        self._text((x + pad, first), cell.title, unit, is_bold=True, room=self._cell[0] // 2)
        self._text((right - pad, first), cell.right, unit, is_bold=True, anchor="ra", room=self._cell[0] // 2)
        self._text((x + pad, second), cell.second, unit, colour=INK, room=self._cell[0] // 2)
        self._text((right - pad, second), cell.mark, unit, colour=SOFT, anchor="ra", room=self._cell[0] // 2)

    def put_bar(self, rows: list[list[tuple[str, str]]], wording: Wording, case_id: str) -> None:
        """Draws title, table and foot line below the pictures."""
        unit, left, right = self._unit, self._gap, self.width - self._gap
        y = self._bar_top + unit // 2
        self._text((left + unit // 2, y), wording.label("title"), round(unit * 1.5), is_bold=True, room=self.width // 2)
        case = f"{wording.label('case')} {case_id}"
        self._text((right - unit // 2, y + unit // 2), case, unit, colour=SOFT, anchor="ra", room=self.width // 2)
        y += round(unit * 2.4)
        self._draw.line((left, y, right, y), fill=INK, width=max(2, unit // 10))
        for row in rows:
            self._row(row, wording, y)
            y += round(unit * 2.6)
            self._draw.line((left, y, right, y), fill=RULE, width=1)
        self._draw.line((left, y, right, y), fill=INK, width=max(2, unit // 10))
        foot = wording.label("foot")
        self._text((left + unit // 2, y + unit // 2), foot, round(unit * 0.8), colour=SOFT, room=self.width - 2 * unit)

    def _row(self, row: list[tuple[str, str]], wording: Wording, y: int) -> None:
        unit = self._unit
        label_w = round(unit * 5.2) if self._face.is_cjk else round(unit * 7.2)
        shares = (0.43, 0.32, 0.25)
        x = float(self._gap)
        for (key, value), share in zip(row, shares, strict=True):
            column_w = (self.width - 2 * self._gap) * share
            self._text(
                (round(x) + unit // 2, y + round(unit * 0.75)), wording.label(key), unit, colour=SOFT, room=label_w
            )
            room = round(column_w) - label_w - unit
            self._text((round(x) + label_w, y + round(unit * 0.6)), value, round(unit * 1.15), is_bold=True, room=room)
            x += column_w

    def _text(
        self,
        at: tuple[int, int],
        text: str,
        size_px: int,
        *,
        room: int,
        colour: tuple[int, int, int] = INK,
        is_bold: bool = False,
        anchor: str = "la",
    ) -> None:
        """Draws one line, smaller when it would not fit: no fact is ever cut off."""
        shown = self._face.drawable(text)
        font = self._fitting(shown, size_px, room, is_bold=is_bold)
        self._draw.text((at[0], at[1] + (size_px - font.size) / 2), shown, font=font, fill=colour, anchor=anchor)

    def _fitting(self, text: str, size_px: int, room: int, *, is_bold: bool) -> Font:
        font = self._face.font(size_px, is_bold=is_bold)
        while font.size > 8 and font.getlength(text) > room:
            font = self._face.font(int(font.size) - 1, is_bold=is_bold)
        return font

    def finish(self) -> Image.Image:
        """Returns the finished picture."""
        return self._paper
