"""The composite: whole pictures, bar below them, subject marked there only, words in the language the font has."""

import hashlib
import io
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from core.catalogue import catalogue
from core.observations import Role, SignalState
from evidence.composite import Original, build_composite
from evidence.draft import Draft
from evidence.picture import build_closeup, crop_box, decode_jpeg, encode_jpeg
from evidence.typeface import LATIN_NOTE, Typeface, find_typeface
from evidence.wording import CHINA, Wording, clock_text, lit_s, place_zone
from tests.support.drafts import NS, draft, picture, red_light_stills, still

LATIN = Typeface(family="built-in", is_cjk=False, note=LATIN_NOTE)
HD = (1280, 720)


def composed(todo: Draft, **options: Any) -> tuple[Image.Image, dict[str, Any]]:
    jpegs = [(s, encode_jpeg(s.rgb)) for s in todo.panoramas]
    originals = tuple(Original(still=s, content=c, sha256=hashlib.sha256(c).hexdigest()) for s, c in jpegs)
    content, facts = build_composite(todo, catalogue().get(todo.violation_id), originals, **options)
    return decode_jpeg(content), facts


def large(role: Role, pts_s: float) -> Any:
    return still(role, pts_s, rgb=picture(3, size_px=HD), xyxy=(500, 300, 620, 400))


def test_pictures_are_whole_and_the_bar_lies_below_them(tmp_path: Path) -> None:
    stills = (large(Role.P1_BEFORE, 6.0), large(Role.P2_DURING, 7.0), large(Role.P3_AFTER, 8.0))
    sheet, facts = composed(draft(tmp_path, stills=stills))
    assert facts["layout"] == "2x2"
    assert sheet.size == (facts["width_px"], facts["height_px"])
    gap = (sheet.width - 2 * HD[0]) // 3
    shown = np.asarray(sheet.crop((gap, gap, gap + HD[0], gap + HD[1])), dtype=int)
    wanted = picture(3, size_px=HD).astype(int)
    difference = np.abs(shown - wanted).max(axis=2)
    difference[290:410, 490:630] = 0  # the box around the subject is drawn here, and nowhere else
    assert np.percentile(difference, 99.9) < 12
    assert difference.max() < 40  # JPEG noise; text or lines would differ by far more
    assert facts["height_px"] > 2 * HD[1] + 300


def test_subject_is_marked_on_the_composite_and_not_on_the_original(tmp_path: Path) -> None:
    one = large(Role.P1_BEFORE, 6.0)
    before = one.rgb.copy()
    sheet, _ = composed(draft(tmp_path, stills=(one, large(Role.P2_DURING, 7.0), large(Role.P3_AFTER, 8.0))))
    gap = (sheet.width - 2 * HD[0]) // 3
    edge = np.asarray(sheet, dtype=int)[gap + 300 : gap + 400, gap + 498]
    assert (edge[:, 0] - edge[:, 2] > 100).mean() > 0.9  # yellow: red far above blue
    assert np.array_equal(one.rgb, before)


@pytest.mark.parametrize(
    ("roles", "layout"),
    [
        ([Role.P2_DURING], "2x1"),
        ([Role.T0_OVERVIEW, Role.T1_OVERVIEW], "2x2"),
        ([Role.P1_BEFORE, Role.P2_DURING, Role.P3_AFTER], "2x2"),
        ([Role.T0_OVERVIEW, Role.T1_OVERVIEW, Role.P1_BEFORE, Role.P2_DURING], "2x2"),
    ],
)
def test_layout_follows_the_number_of_pictures(tmp_path: Path, roles: list[Role], layout: str) -> None:
    stills = tuple(still(r, 6.0 + i) for i, r in enumerate(roles))
    assert composed(draft(tmp_path, stills=stills))[1]["layout"] == layout


@pytest.mark.parametrize("size_px", [(54, 96), (200, 54), (3840, 2160)])
def test_any_shape_of_picture(tmp_path: Path, size_px: tuple[int, int]) -> None:
    rgb = picture(1, size_px=size_px)
    stills = (still(Role.P1_BEFORE, 6.0, rgb=rgb), still(Role.P2_DURING, 7.0, rgb=rgb))
    sheet, _ = composed(draft(tmp_path, stills=stills))
    assert sheet.width < 2700


def test_without_a_chinese_font_it_says_so_and_still_draws(tmp_path: Path) -> None:
    sheet, facts = composed(draft(tmp_path), typeface=LATIN)
    assert facts["font"] == {"family": "built-in", "is_cjk": False, "note": LATIN_NOTE}
    bar = np.asarray(sheet.convert("L"))[-250:]
    assert (bar < 80).sum() > 2000  # there is text


def test_latin_font_leaves_chinese_out_and_points_to_the_manifest() -> None:
    assert LATIN.drawable("文一西路与古墩路路口") == "(see manifest.json)"
    assert LATIN.drawable("由南向北 / 2车道") == "(see manifest.json)"
    assert LATIN.drawable("Köln, K12+300") == "Köln, K12+300"
    assert LATIN.drawable("CAM-03") == "CAM-03"


def test_font_of_this_machine_is_stated_truly() -> None:
    face = find_typeface()
    assert face.is_cjk == (face.note == "")
    if face.is_cjk:  # two different characters must look different: no row of empty boxes
        assert bytes(face.font(20).getmask("违")) != bytes(face.font(20).getmask("法"))


def test_time_is_cut_to_a_tenth_never_rounded_up() -> None:
    moment = datetime(2026, 11, 22, 0, 15, 3, 499_999, tzinfo=UTC)
    assert clock_text(moment, CHINA) == "2026-11-22 08:15:03.4"
    assert clock_text(moment, place_zone("Asia/Shanghai")) == "2026-11-22 08:15:03.4"


def test_words_of_a_red_light_case(tmp_path: Path) -> None:
    todo, words = draft(tmp_path), Wording(is_chinese=True)
    violation = catalogue().get("V01")
    p2 = todo.panoramas[1]
    assert words.still_time(todo, p2) == "2026-11-22 08:15:07.4"
    assert words.still_signal(todo, p2) == "红灯（已亮 4.7 s）"  # red since 2.65 s, picture at 7.40 s, cut
    assert words.plate(todo, violation) == "未识别"
    assert words.plate(todo, catalogue().get("V04")) == "无（行人）"
    assert words.clock(todo) == "≤ 0.2 s（NTP）"


def test_onset_not_seen_is_a_least_time(tmp_path: Path) -> None:
    facts = {"id": "lamp", "red_onset_ns": 0, "is_onset_seen": False}
    todo = draft(tmp_path, signal=facts)
    assert Wording(is_chinese=True).still_signal(todo, todo.panoramas[0]) == "红灯（已亮至少 6.0 s）"


def test_lit_time_only_on_red(tmp_path: Path) -> None:
    stills = (*red_light_stills()[:2], still(Role.P3_AFTER, 9.0, signal=SignalState.GREEN))
    todo = draft(tmp_path, stills=stills)
    assert [lit_s(todo, s) for s in todo.panoramas] == [3.3, 4.7, None]
    assert lit_s(draft(tmp_path, signal={"id": "l", "red_onset_ns": 9 * NS, "is_onset_seen": True}), stills[0]) is None


def test_unknown_clock_is_written(tmp_path: Path) -> None:
    stills = tuple(still(r, t, captured_utc=None) for r, t in ((Role.P1_BEFORE, 6.0), (Role.P2_DURING, 7.4)))
    todo = draft(tmp_path, stills=stills, start_utc=None)
    assert Wording(is_chinese=True).still_time(todo, stills[1]) == "时间未知（录像位置 00:00:07.400）"
    assert Wording(is_chinese=False).still_time(todo, stills[1]) == "time unknown (position in footage 00:00:07.400)"
    assert Wording(is_chinese=True).clock(todo) == "未知"


@pytest.mark.parametrize("box", [(0, 0, 10, 10), (1900, 1070, 1920, 1080), (0, 0, 1920, 1080), (900, 0, 910, 1080)])
def test_closeup_stays_inside_the_picture_and_keeps_the_subject(box: tuple[float, float, float, float]) -> None:
    x1, y1, x2, y2 = crop_box((1920, 1080), box, aspect=4 / 3)
    assert 0 <= x1 < x2 <= 1920
    assert 0 <= y1 < y2 <= 1080
    if box[2] - box[0] < 1400:
        assert x1 <= box[0]
        assert box[2] <= x2
        assert y1 <= box[1]
        assert box[3] <= y2


def test_closeup_is_not_enlarged() -> None:
    one = still(Role.P1_BEFORE, 6.0, rgb=picture(3, size_px=HD), xyxy=(500, 300, 620, 400))
    shown = Image.open(io.BytesIO(build_closeup(one)))
    x1, y1, x2, y2 = crop_box(HD, one.xyxy, aspect=4 / 3)
    assert shown.size == (x2 - x1, y2 - y1)


def test_originals_keep_full_colour_resolution() -> None:
    lamp = np.zeros((64, 64, 3), np.uint8)
    lamp[30:33, 30:33] = (255, 0, 0)  # a lamp three pixels wide
    kept = np.asarray(decode_jpeg(encode_jpeg(lamp)))
    assert kept[31, 31, 0] > 220
    assert kept[31, 31, 1] < 40
