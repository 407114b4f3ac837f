"""Words on the composite: what each field is called and how its value reads, in Chinese or (without a font) English."""

from dataclasses import dataclass
from datetime import datetime, timedelta, timezone, tzinfo
from itertools import pairwise
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from core.catalogue import Violation
from core.errors import ConfigError
from core.observations import Role, SignalState
from evidence.draft import Draft, StillImage

CHINA = timezone(timedelta(hours=8))

ZH = {
    "title": "道路交通安全违法行为证据合成图",
    "case": "证据编号",
    "time": "违法时间",
    "place": "违法地点",
    "lane": "方向/车道",
    "offence": "违法行为",
    "code": "违法代码",
    "device": "设备编号",
    "plate": "号牌",
    "signal": "信号状态",
    "picture": "图片序号",
    "clock": "时钟误差",
    "interval": "图片间隔",
    "mark": "防伪码",
    "closeup": "目标局部放大（非原始图片）",
    "unknown": "未知",
    "most": "≤",
    "unread": "未识别",
    "on_foot": "无（行人）",
    "none": "—",
    "no_time": "时间未知",
    "position": "录像位置",
    "lit": "已亮",
    "lit_least": "已亮至少",
    "no_signal": "不涉及信号灯",
    "foot": "原始图片未作任何改动，本图由其缩小拼合，黄框为目标标示。防伪码为原始图片文件 SHA-256 前 16 位，"
    "可用 lukou verify 离线核验。机器仅作初筛，须经人工审核。",
    "from": "取自",
}
EN = {
    "title": "Traffic violation evidence - composite",
    "case": "Case",
    "time": "Time",
    "place": "Place",
    "lane": "Direction/lane",
    "offence": "Offence",
    "code": "Code",
    "device": "Device",
    "plate": "Plate",
    "signal": "Signal",
    "picture": "Picture",
    "clock": "Clock error",
    "interval": "Interval",
    "mark": "Anti-forgery",
    "closeup": "Subject, enlarged (not an original)",
    "unknown": "unknown",
    "most": "at most",
    "unread": "not read",
    "on_foot": "none (on foot)",
    "none": "-",
    "no_time": "time unknown",
    "position": "position in footage",
    "lit": "for",
    "lit_least": "for at least",
    "no_signal": "no lamp involved",
    "foot": "The originals are untouched; this picture shows them reduced, the yellow box marks the subject. "
    "The anti-forgery code begins the SHA-256 of the original file; check offline with lukou verify. "
    "Proposed by machine; a person decides.",
    "from": "from ",
}
STATES_ZH = {
    SignalState.RED: "红灯",
    SignalState.YELLOW: "黄灯",
    SignalState.GREEN: "绿灯",
    SignalState.OFF: "灯灭",
    SignalState.UNKNOWN: "无法辨认",
    SignalState.FLASHING_YELLOW: "黄灯闪烁",
    SignalState.FAULT: "信号灯故障",
}
ROLES_ZH = {
    Role.P1_BEFORE: "违法前",
    Role.P2_DURING: "违法中",
    Role.P3_AFTER: "违法后",
    Role.T0_OVERVIEW: "首次取证",
    Role.T1_OVERVIEW: "再次取证",
}
ROLES_EN = {
    Role.P1_BEFORE: "before",
    Role.P2_DURING: "during",
    Role.P3_AFTER: "after",
    Role.T0_OVERVIEW: "first overview",
    Role.T1_OVERVIEW: "second overview",
}


def place_zone(name: str) -> tzinfo:
    """Returns the time zone of the place.

    Raises:
        ConfigError: no such zone on this machine.
    """
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as error:
        if name == "Asia/Shanghai":  # a machine without zone data; no summer time there since 1991
            return CHINA
        raise ConfigError(f"time zone '{name}' is not known here; correct time_zone or install tzdata") from error


def position_text(pts_ns: int) -> str:
    """Returns a position in the footage.

    >>> position_text(3_725_480_000_000)
    '01:02:05.480'
    """
    ms = pts_ns // 1_000_000
    return f"{ms // 3_600_000:02d}:{ms // 60_000 % 60:02d}:{ms // 1000 % 60:02d}.{ms % 1000:03d}"


def clock_text(moment: datetime, zone: tzinfo) -> str:
    """Returns local time to 0.1 s, cut, never rounded up.

    >>> clock_text(datetime.fromisoformat("2026-11-22T00:15:03.499+00:00"), CHINA)
    '2026-11-22 08:15:03.4'
    """
    local = moment.astimezone(zone)
    return f"{local:%Y-%m-%d %H:%M:%S}.{local.microsecond // 100_000}"


@dataclass(frozen=True, slots=True)
class Wording:
    """Turns a draft into the texts of its composite."""

    is_chinese: bool

    def label(self, key: str) -> str:
        """Returns the name of a field."""
        return (ZH if self.is_chinese else EN)[key]

    def aside(self, text: str, more: str) -> str:
        """Returns a text with more in brackets."""
        return f"{text}（{more}）" if self.is_chinese else f"{text} ({more})"

    def still_time(self, draft: Draft, still: StillImage) -> str:
        """Returns when a picture was taken; without a clock, where in the footage it is."""
        if still.captured_utc is None:
            where = f"{self.label('position')} {position_text(still.pts_ns)}"
            return self.aside(self.label("no_time"), where)
        return clock_text(still.captured_utc, place_zone(draft.time_zone))

    def still_signal(self, draft: Draft, still: StillImage) -> str:
        """Returns the lamp state of a picture and, on red, how long it had been lit."""
        if still.signal is None:
            return self.label("no_signal") if draft.signal is None else self.state(SignalState.UNKNOWN)
        lit = lit_s(draft, still)
        if lit is None or draft.signal is None:
            return self.state(still.signal)
        how = self.label("lit" if draft.signal["is_onset_seen"] else "lit_least")
        return self.aside(self.state(still.signal), f"{how} {lit:.1f} s")

    def state(self, state: SignalState) -> str:
        """Returns the name of a lamp state."""
        return STATES_ZH[state] if self.is_chinese else str(state)

    def role(self, role: Role) -> str:
        """Returns what a picture shows."""
        return (ROLES_ZH if self.is_chinese else ROLES_EN).get(role, str(role))

    def plate(self, draft: Draft, violation: Violation) -> str:
        """Returns the plate, or that it was not read."""
        if violation.subject == "pedestrian":
            return self.label("on_foot")
        plate = draft.subject.get("plate", "UNREADABLE")
        return self.label("unread") if plate == "UNREADABLE" else plate

    def clock(self, draft: Draft) -> str:
        """Returns how far the time may be off, and where it comes from."""
        uncertainty_s = draft.clock["uncertainty_s"]
        if uncertainty_s is None or not draft.is_clock_known:
            return self.label("unknown")
        return self.aside(f"{self.label('most')} {uncertainty_s:g} s", draft.clock["source"].upper())

    def interval(self, draft: Draft) -> str:
        """Returns the times between the pictures, cut to 0.1 s."""
        gaps_ns = [b.pts_ns - a.pts_ns for a, b in pairwise(draft.panoramas)]
        return " / ".join(f"{gap // 100_000_000 / 10:.1f} s" for gap in gaps_ns) or self.label("none")

    def offence(self, violation: Violation) -> str:
        """Returns the offence in words."""
        return violation.name_zh if self.is_chinese else violation.name_en


def lit_s(draft: Draft, still: StillImage) -> float | None:
    """Returns how long the lamp had been red at a picture, s, cut to 0.1; None when not red or not known."""
    if draft.signal is None or draft.signal["red_onset_ns"] is None or still.signal is not SignalState.RED:
        return None
    elapsed_ns = still.pts_ns - draft.signal["red_onset_ns"]
    return elapsed_ns // 100_000_000 / 10 if elapsed_ns >= 0 else None
