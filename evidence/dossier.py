"""DOSSIER.pdf: one case on paper, for people: facts, pictures, measurements, who decided what, and every hash.

Made from the sealed package and the signed record by Typst; a derivative that can be made again, never evidence itself.
"""

import hashlib
import json
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any, Protocol

from core.catalogue import Violation, catalogue
from core.errors import ConfigError
from core.observations import Role, SignalState
from evidence import standalone
from evidence.manifest import ImageEntry, Manifest
from evidence.wording import ROLES_ZH, STATES_ZH, place_zone

FONTS = (
    "Noto Serif CJK SC",
    "Source Han Serif SC",
    "Noto Sans CJK SC",
    "Source Han Sans SC",
    "SimSun",
    "WenQuanYi Zen Hei",
    "WenQuanYi Micro Hei",
    "Microsoft YaHei",
    "PingFang SC",
    "Droid Sans Fallback",
)
ROOT = f"{standalone.ROOTS_DIR}/"
TITLE = "道路交通安全违法行为证据卷宗"
LAWS = {
    "rtsl": "《中华人民共和国道路交通安全法》",
    "reg": "《中华人民共和国道路交通安全法实施条例》",
}
STAGES = {"FIRST_REVIEW": "初审", "SECOND_REVIEW": "复审", "THIRD_REVIEW": "裁定", "EX_OFFICIO": "依职权消除"}
DECISIONS = {"accept": "采用", "reject": "不予采用", "cancel": "消除"}
RESULTS = {True: "符合", False: "不符合", None: "不适用"}


CLAUSES = {
    "clock error at most 1.0 s": "时钟误差不超过 1.0 s",
    "two or more panoramas": "不同时刻的全景图不少于两幅",
    "pictures at least 1280x720": "图像不低于 1280×720",
    "24-bit colour": "24 位彩色",
    "interval between": "图像间隔",
    "standing": "静止类违法：图像间隔不少于规定时间（至少 10 s）",
    "moving": "移动类违法：图像间有明显位移",
    "panorama shows": "全景图包含完整目标",
    "lamp readable": "须显示信号灯的图像中灯色可辨",
    "plate legible": "号牌清晰可辨",
    "plate the same": "各图号牌识别一致",
    "video covers": "录像覆盖取证前后各 5 s（本系统格式要求）",
    "overlay": "叠加信息完整",
}
"""Beginning of a clause (``evidence.conformance``) and its Chinese."""


class Words(Protocol):
    """Names of facts, cues and coded values in Chinese: the console's own."""

    def __call__(self, key: str) -> str:
        """Returns the name of a state (``state_ACCEPTED``) or of one of the six facts (``fact_plate``)."""

    def fact(self, key: str) -> str:
        """Returns the name of a fact or parameter."""

    def value(self, key: str, value: Any) -> str:
        """Returns a value with its unit."""

    def cue(self, key: str) -> str:
        """Returns what a reviewer must look at."""

    def word(self, value: str) -> str:
        """Returns a coded value in words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseFile:
    """What a dossier is made of: manifest, chain entry, record of reviews, and the files of ``Vault.way_to_root``."""

    manifest: Manifest
    entry: Mapping[str, Any]
    record: Mapping[str, Any]
    way: Mapping[str, bytes]


def build_dossier(case: CaseFile, pictures: Mapping[str, bytes], words: Words) -> bytes:
    """Returns the PDF; the same case gives the same bytes on one machine.

    Raises:
        ConfigError: no Chinese font on this machine.
    """
    import typst

    fonts = _fonts()
    with tempfile.TemporaryDirectory(prefix="lukou-dossier-") as name:
        folder = Path(name)
        for file, content in pictures.items():
            (folder / file).write_bytes(content)
        data = dossier_data(case, words)
        (folder / "data.json").write_text(json.dumps({**data, "fonts": fonts}, ensure_ascii=False), encoding="utf-8")
        (folder / "dossier.typ").write_bytes(Path(__file__).with_name("dossier.typ").read_bytes())
        pdf = typst.compile(
            folder / "dossier.typ",
            root=folder,
            timestamp=datetime.fromisoformat(case.manifest.sealed_utc).replace(microsecond=0),
            pdf_standards="a-2b",
        )
    return bytes(pdf)


@cache
def _fonts() -> list[str]:
    import typst

    there = set(typst.Fonts().families())
    fonts = [family for family in FONTS if family in there]
    if not fonts:
        raise ConfigError("no Chinese font for the dossier; install one (Debian: apt-get install fonts-noto-cjk)")
    return fonts[:1]


def dossier_data(case: CaseFile, words: Words) -> dict[str, Any]:
    """Returns every text of the dossier, as ``dossier.typ`` arranges it."""
    manifest, record = case.manifest, case.record
    violation = catalogue().get(str(manifest.violation["id"]))
    panoramas = [image for image in manifest.images if Role(image.role) in ROLES_ZH]
    closeups = {"PLATE.jpg": "号牌特写（原图裁切）", "SUBJECT.jpg": "目标特写（派生图）"}
    return {
        "title": TITLE,
        "authority": "公安机关交通管理部门",
        "case_id": manifest.case_id,
        "foot": "本卷宗由封存的证据包生成，以原始电子文件为准。",
        "facts": _facts(manifest, violation, record, words),
        "pictures_note": "以下图片为原始图像，未作任何改动；防伪码为该文件 SHA-256 前 16 位。",
        "pictures": [_picture(i, n + 1, len(panoramas)) for n, i in enumerate(panoramas)],
        "composite": "COMPOSITE.jpg",
        "composite_note": "合成图由原始图像缩小拼合，方框为目标标示，仅供查看。",
        "closeups": [{"file": n, "title": t} for n, t in closeups.items() if manifest.file(n) is not None],
        "measured": [[words.fact(k), words.value(k, v)] for k, v in manifest.rule["facts"].items()],
        "thresholds": [[words.fact(k), words.value(k, v)] for k, v in manifest.rule["parameters"].items()],
        "rule": f"{manifest.rule['id']}，版本 {manifest.rule['version']}",
        "cues": [words.cue(cue) for cue in manifest.rule["cues"]],
        "standard": manifest.conformance.standard,
        "conformance": _conclusion(manifest),
        "clauses": [[clause_text(c.clause), RESULTS[c.ok], c.why] for c in manifest.conformance.clauses],
        **_review(manifest, record, words),
        "custody": _custody(case),
        "files": [[f.name, f"{f.size_bytes:,}", f.sha256] for f in manifest.files],
        "closing": "核验方法：解压证据包后运行 python3 verify.py --key 公钥文件.pem，输出 VALID 即自封存以来未改动。"
        "公钥应向公安机关交通管理部门索取。机器仅作初筛，本案结论由人工审核作出。",
    }


def _facts(manifest: Manifest, violation: Violation, record: Mapping[str, Any], words: Words) -> list[list[str]]:
    place, device, subject = manifest.place, manifest.device, manifest.subject
    moment = next((i for i in manifest.images if i.role.startswith("P2")), manifest.images[0])
    return [
        ["违法行为", f"{violation.name_zh}（{violation.name_en}）"],
        ["违法代码", f"{violation.code.current or '—'}（代码表 {manifest.violation['code_table_version']}）"],
        ["法律依据", law_text(violation.law)],
        ["违法时间", _time(moment)],
        ["违法地点", place["text"] or "—"],
        ["方向／车道", "／".join(t for t in (place["direction"], place["lane"]) if t) or "—"],
        ["设备编号", f"{device['device_code'] or '—'}（摄像机 {device['camera_id']}）"],
        ["设备合法性", _gates(device)],
        ["交通参与者", words.word(str(subject["class_name"]).upper())],
        ["号牌", _plate(manifest, violation, str(record["plate"]))],
        ["信号灯", _signal(manifest)],
        ["时钟", _clock(manifest)],
        ["案件状态", words(f"state_{record['state']}")],
    ]


def _gates(device: Mapping[str, Any]) -> str:
    failed = device.get("failed_gates")
    if failed is None:
        return "未配置设备登记，未作检查"
    return (
        f"不符合法定条件：{'；'.join(failed)}" if failed else "登记的法制审核、技术审核、检定、标志、公布等条件均符合"
    )


def _plate(manifest: Manifest, violation: Violation, plate: str) -> str:
    if violation.subject == "pedestrian":
        return "无（行人）"
    read = "未识别" if manifest.subject["plate"] == "UNREADABLE" else str(manifest.subject["plate"])
    return f"{plate}（人工录入；机器识别：{read}）" if plate and plate != read else read


def law_text(law: Mapping[str, Any]) -> str:
    """Returns the articles of a catalogue entry.

    >>> law_text({"rtsl": ["38", "90"], "reg": ["51(5)"]})
    '《中华人民共和国道路交通安全法》第38条、第90条；《中华人民共和国道路交通安全法实施条例》第51条（5）'
    """
    parts = []
    for key, name in LAWS.items():
        articles = [str(a).partition("(") for a in law.get(key, ())]
        if articles:
            parts.append(
                name + "、".join(f"第{n}条" + (f"（{rest.rstrip(')')}）" if rest else "") for n, _, rest in articles)
            )
    return "；".join(parts) or "—"


def _time(image: ImageEntry) -> str:
    if image.captured is None:
        return f"时间未知（录像位置 {image.position}）"
    return _moment(image.captured)


def _moment(text: str) -> str:
    return text.replace("T", " ").replace("+08:00", "（北京时间）")


def _picture(image: ImageEntry, number: int, count: int) -> dict[str, str]:
    signal = f"信号灯 {STATES_ZH[SignalState(image.signal)]}" if image.signal else "不涉及信号灯"
    return {
        "file": image.name,
        "title": f"图 {number}/{count}　{ROLES_ZH[Role(image.role)]}",
        "time": _time(image),
        "line": f"{signal}　录像位置 {image.position}　{image.width_px}×{image.height_px}",
        "mark": image.mark,
        "sha256": image.sha256,
    }


def _signal(manifest: Manifest) -> str:
    signal = manifest.signal
    if signal is None:
        return "本案不涉及信号灯"
    onset = signal["red_onset"]
    since = f"，红灯起始 {_moment(str(onset))}" if onset else ""
    seen = "" if signal["is_onset_seen"] else "（亮起时刻未摄入，至少自此时起）"
    source = {"video": "录像", "controller": "信号机", "both": "录像与信号机"}.get(
        str(signal["source"]), signal["source"]
    )
    return f"{signal['id']}，来源：{source}{since}{seen}"


def _clock(manifest: Manifest) -> str:
    uncertainty = manifest.clock["uncertainty_s"]
    if manifest.clock["note"] or uncertainty is None:
        return "与北京时间的误差未知"
    return f"来源 {str(manifest.clock['source']).upper()}，与北京时间误差不超过 {uncertainty:g} s"


def _conclusion(manifest: Manifest) -> str:
    failed = [clause_text(c.clause) for c in manifest.conformance.clauses if c.ok is False]
    if manifest.conformance.conforms:
        return f"符合 {manifest.conformance.standard}。"
    return f"不符合 {manifest.conformance.standard}，因为：{'；'.join(failed)}。"


def clause_text(clause: str) -> str:
    """Returns a clause in Chinese; one this version does not know as it is.

    >>> clause_text("clock error at most 1.0 s")
    '时钟误差不超过 1.0 s'
    """
    for start, text in CLAUSES.items():
        if clause.startswith(start):
            return text
    return clause


def _review(manifest: Manifest, record: Mapping[str, Any], words: Words) -> dict[str, Any]:
    zone = place_zone(str(manifest.place["time_zone"]))

    def local(text: str) -> str:
        return f"{datetime.fromisoformat(text).astimezone(zone):%Y-%m-%d %H:%M:%S}"

    objection = record["objection"]
    return {
        "review_note": "人员以代号表示，代号与姓名的对应关系由公安机关留存。",
        "decisions": [
            [STAGES[d["stage"]], d["officer"], DECISIONS[d["decision"]], _grounds(d, words), local(d["decided_utc"])]
            for d in record["decisions"]
        ],
        "objection": []
        if objection is None
        else [
            ["提出", f"{local(objection['received_utc'])}　事由 {objection['ground']}"],
            ["内容", objection["text"]],
            ["答复", objection["reply"] or "尚未答复"],
        ],
        "actions": [
            [str(a["seq"]), local(a["at_utc"]), a["actor"], a["action"], a["entry_sha256"][:20]]
            for a in record["actions"]
        ],
    }


def _grounds(decision: Mapping[str, Any], words: Words) -> str:
    parts = [
        decision["reason"] or "",
        "、".join(words(f"fact_{fact}") for fact in decision["facts"]),
        decision["note"],
    ]
    return "；".join(part for part in parts if part) or "—"


def _custody(case: CaseFile) -> list[Sequence[str]]:
    manifest, entry, head = case.manifest, case.entry, case.record["audit_head"]
    return [
        ["封存时间", f"{manifest.sealed_utc}（UTC）"],
        ["清单 SHA-256", entry["manifest_sha256"]],
        ["证据链条目", f"设备 {entry['device']}，第 {entry['index']} 条，{entry['day']}"],
        ["条目 SHA-256", entry["entry_sha256"]],
        ["前一条目", entry["prev_sha256"]],
        ["审计链末条", f"第 {head['seq']} 条，{head['entry_sha256']}"],
        ["每日根", _root(case.way)],
        ["外部时间戳", _stamp(case.way)],
        ["签名公钥指纹", manifest.key_id],
        ["现场配置", f"{manifest.site['site_id']}（{manifest.site['sha256']}）"],
        ["模型与软件", f"{manifest.model['name']} {manifest.model['version']}，Lukou {manifest.code['version']}"],
    ]


def _root(way: Mapping[str, bytes]) -> str:
    name = next((name for name in way if name.startswith(ROOT) and name.endswith(".json")), None)
    if name is None:
        return "当日尚未结算"
    return f"{name.removeprefix(ROOT).removesuffix('.json')}，SHA-256 {hashlib.sha256(way[name]).hexdigest()}"


def _stamp(way: Mapping[str, bytes]) -> str:
    from evidence.stamp import stamped_utc

    stamp = next((way[name] for name in way if name.endswith(".tsr")), None)
    return "无" if stamp is None else f"RFC 3161，{stamped_utc(stamp):%Y-%m-%d %H:%M:%S}（UTC）"
