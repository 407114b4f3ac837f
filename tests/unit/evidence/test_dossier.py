"""The dossier says what the package says, in Chinese, and is the same every time."""

import hashlib
import json
import os
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from api.labels import Labels
from core.catalogue import catalogue
from core.errors import ConfigError
from evidence import dossier
from evidence.conformance import check_conformance
from evidence.dossier import CaseFile, build_dossier, clause_text, dossier_data
from evidence.seal import Vault
from evidence.typeface import find_typeface
from tests.support.drafts import StandingClock, case_id, draft, filled_vault, record, vault

WORDS = Labels("zh")
DECISION = {
    "stage": "FIRST_REVIEW",
    "officer": "P-0123456789",
    "decision": "accept",
    "reason": None,
    "note": "号牌清晰",
    "facts": ["plate", "time"],
    "cues_checked": [],
    "decided_utc": "2026-11-22T08:00:00+00:00",
}
ACTION = {
    "seq": 7,
    "at_utc": "2026-11-22T08:00:00+00:00",
    "actor": "P-0123456789",
    "action": "first_review_accepted",
    "entry_sha256": "f" * 64,
}


def case_file(store: Vault, **told: Any) -> CaseFile:
    return CaseFile(
        manifest=store.manifest(case_id(1)),
        entry=json.loads(store.chain_entry(case_id(1))),
        record=record(**told),
        way=store.way_to_root(case_id(1)),
    )


@pytest.fixture(autouse=True)
def _chinese() -> None:
    if not find_typeface().is_cjk:
        reason = "needs a Chinese font (Debian: apt-get install fonts-noto-cjk)"
        pytest.fail(reason) if os.environ.get("CI") else pytest.skip(reason)


def test_dossier_is_a_pdf_and_the_same_every_time(tmp_path: Path) -> None:
    store = filled_vault(tmp_path, 1)
    pictures = {n: store.read(case_id(1), n) for n in store.names(case_id(1)) if n.endswith(".jpg")}
    case = case_file(store, decisions=[DECISION], actions=[ACTION], state="ACCEPTED")
    one, two = (build_dossier(case, pictures, WORDS) for _ in range(2))
    assert one == two
    assert one.startswith(b"%PDF-")
    for name in ("P1.jpg", "P2.jpg", "P3.jpg"):  # the originals' own bytes, not re-encoded
        assert pictures[name] in one


def test_dossier_tells_the_case(tmp_path: Path) -> None:
    store = filled_vault(tmp_path, 1)
    case = case_file(store, decisions=[DECISION], actions=[ACTION], state="ACCEPTED", plate="浙A12345")
    manifest, entry, data = case.manifest, case.entry, dossier_data(case, WORDS)
    facts = dict(data["facts"])
    assert facts["违法行为"].startswith("驾驶机动车违反道路交通信号灯通行")
    assert "第51条（5）" in facts["法律依据"]
    assert facts["违法时间"] == "2026-11-22 08:15:07.400（北京时间）"
    assert facts["违法地点"] == "文一西路与古墩路路口"
    assert facts["号牌"] == "浙A12345（人工录入；机器识别：未识别）"
    assert facts["案件状态"] == "已通过"
    assert [p["title"] for p in data["pictures"]] == ["图 1/3　违法前", "图 2/3　违法中", "图 3/3　违法后"]
    assert [p["sha256"] for p in data["pictures"]] == [i.sha256 for i in manifest.images]
    assert data["decisions"] == [["初审", "P-0123456789", "采用", "号牌、时间；号牌清晰", "2026-11-22 16:00:00"]]
    assert data["actions"][0][:4] == ["7", "2026-11-22 16:00:00", "P-0123456789", "first_review_accepted"]
    assert entry["entry_sha256"] in dict(data["custody"]).values()
    assert {name: sha256 for name, _, sha256 in data["files"]} == {f.name: f.sha256 for f in manifest.files}
    assert data["conformance"].startswith("不符合 GA/T 832-2014，因为：")


def test_closed_day_is_named_with_its_root(tmp_path: Path) -> None:
    clock = StandingClock()
    store = vault(tmp_path, clock)
    store.seal(draft(tmp_path, 1))
    assert dict(dossier_data(case_file(store), WORDS)["custody"])["每日根"] == "当日尚未结算"
    clock.now += timedelta(days=1)
    (root,) = store.close_days(lambda: (1, "a" * 64))
    custody = dict(dossier_data(case_file(store), WORDS)["custody"])
    assert custody["每日根"] == f"2026-11-22，SHA-256 {hashlib.sha256(root.read_bytes()).hexdigest()}"
    assert custody["外部时间戳"] == "无"


def test_every_clause_of_the_self_check_has_chinese_words(tmp_path: Path) -> None:
    for violation in ("V01", "V02"):
        clauses = check_conformance(draft(tmp_path, violation_id=violation), catalogue().get(violation))["clauses"]
        for clause in clauses:
            assert clause_text(clause["clause"]) != clause["clause"]


def test_missing_font_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dossier, "FONTS", ())
    dossier._fonts.cache_clear()
    with pytest.raises(ConfigError, match="fonts-noto-cjk"):
        dossier._fonts()
    dossier._fonts.cache_clear()
    assert "typst" in sys.modules
