"""Journals of live sessions: gone after some days, never at the price of the camera; files' journals stay."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from core.errors import StoreError
from core.observations import Detections
from core.settings import Settings
from pipeline.account import Account
from pipeline.journal import Journal
from pipeline.kept import read_journal
from pipeline.live_journal import LiveJournal, forget_old
from pipeline.observation import Observation

WATCH = cast(
    "Any",
    SimpleNamespace(
        session=SimpleNamespace(session_id="S1"),
        site=SimpleNamespace(sha256=lambda: "0" * 64),
        lamps=SimpleNamespace(pins={"lamp": "1" * 64, "feed": ""}),
    ),
)


def seen(pts_ns: int) -> Observation:
    detections = Detections(
        pts_ns=pts_ns,
        xyxy=np.array([[1, 2, 30, 40]], np.float32),
        confidence=np.array([0.5], np.float32),
        class_id=np.array([3]),
    )
    return Observation(detections=detections, lamps={}, is_after_gap=False)


def open_journal(home: Path) -> LiveJournal:
    return LiveJournal(WATCH, Account(), Settings(home=home), "2" * 64)


def test_what_was_seen_is_read_back_as_of_any_session(tmp_path: Path) -> None:
    journal = open_journal(tmp_path)
    for pts_ns in (0, 125_000_000):
        journal.append(seen(pts_ns))
    journal.close()
    name, observations = read_journal(Settings(home=tmp_path).checkpoint_dir / "S1.jsonl")
    assert name == "S1"
    assert [o.pts_ns for o in observations] == [0, 125_000_000]


def test_a_disk_that_refuses_costs_the_journal_not_the_camera(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = open_journal(tmp_path)
    calls = []

    def refuse(self: Journal, *_: Any) -> None:
        calls.append(1)
        raise StoreError("no space left; free some")

    monkeypatch.setattr(Journal, "append", refuse)
    for pts_ns in range(5):
        journal.append(seen(pts_ns))
    journal.close()
    assert len(calls) == 1


def test_only_old_journals_of_live_sessions_go(tmp_path: Path) -> None:
    for name, is_live, days in (("old", True, 4), ("new", True, 1), ("file", False, 400)):
        path = tmp_path / f"{name}.jsonl"
        path.write_text(json.dumps({"session_id": name, "live": is_live}) + "\n", encoding="utf-8")
        path.with_suffix(".tracks.npz").touch()
        os.utime(path, (time.time() - days * 86_400,) * 2)
    (tmp_path / "torn.jsonl").write_text('{"sess', encoding="utf-8")
    os.utime(tmp_path / "torn.jsonl", (0, 0))
    assert forget_old(tmp_path) == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "file.jsonl",
        "file.tracks.npz",
        "new.jsonl",
        "new.tracks.npz",
        "torn.jsonl",
    ]
