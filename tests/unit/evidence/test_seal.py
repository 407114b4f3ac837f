"""Sealing: what a package holds, write-once, checked reading, and one-line refusals that leave nothing behind."""

import errno
import hashlib
import json
import os
import stat
from pathlib import Path
from typing import Any

import pytest
import rfc8785

from core.errors import AlreadySealed, CaseNotFound, EvidenceError, HashMismatch, SignatureInvalid, StoreError
from core.observations import Role
from evidence.draft import Draft
from evidence.seal import Vault
from evidence.verify import verify_store
from tests.support.drafts import CLIP, StandingClock, case_id, draft, filled_vault, still, vault

MONTH = ("2026", "07")
"""What the ULIDs of the builder hold."""


def refused(store: Vault, todo: Draft) -> str | None:
    """Seals; returns the message of the refusal, None when there was none."""
    try:
        store.seal(todo)
    except StoreError as error:
        return error.message
    return None


def leftovers(root: Path) -> list[str]:
    """Everything in a store that is neither its lock, key nor an empty folder."""
    files = [str(p.relative_to(root)) for p in root.rglob("*") if p.is_file()]
    return sorted(set(files) - {".lock", "public_key.pem"})


def test_package_holds_what_the_standard_asks(tmp_path: Path) -> None:
    store = vault(tmp_path)
    sealed = store.seal(draft(tmp_path))
    assert sealed.path.relative_to(store.root).parts == (*MONTH, case_id(1))
    manifest = json.loads((sealed.path / "manifest.json").read_bytes())
    assert (sealed.path / "manifest.json").read_bytes() == rfc8785.dumps(manifest)
    assert sealed.manifest_sha256 == hashlib.sha256((sealed.path / "manifest.json").read_bytes()).hexdigest()
    listed = {f["name"]: f for f in manifest["files"]}
    assert set(listed) == {p.name for p in sealed.path.iterdir()} - {"manifest.json", "manifest.sig"}
    for name, entry in listed.items():
        content = (sealed.path / name).read_bytes()
        assert entry["sha256"] == hashlib.sha256(content).hexdigest()
        assert entry["size_bytes"] == len(content)
    assert (sealed.path / "CLIP.mp4").read_bytes() == CLIP + b"1"


def test_manifest_pins_site_rule_model_code_and_times(tmp_path: Path) -> None:
    store = vault(tmp_path)
    store.seal(draft(tmp_path))
    manifest = json.loads(store.read(case_id(1), "manifest.json"))
    assert manifest["site"] == {"site_id": "site", "sha256": "0" * 64, "calibration": "vehicle_length"}
    assert manifest["rule"]["parameters"] == {"red_guard_s": 0.5}
    assert manifest["model"]["sha256"] == "1" * 64
    assert manifest["code"] == {"version": "0.1.0", "commit": None}
    assert manifest["violation"]["code"] == "1625"
    # START is 00:15:00 UTC, Shanghai is 8 hours ahead, P2 is 7.4 s in, red began 2.65 s in
    assert [i["captured"] for i in manifest["images"]] == [
        "2026-11-22T08:15:06.000+08:00",
        "2026-11-22T08:15:07.400+08:00",
        "2026-11-22T08:15:08.900+08:00",
    ]
    assert manifest["signal"]["red_onset"] == "2026-11-22T08:15:02.650+08:00"
    assert manifest["signal"]["states"] == {"P1_before": "red", "P2_during": "red", "P3_after": "red"}
    assert manifest["images"][1]["mark"] == manifest["images"][1]["sha256"][:16]


def test_unknown_clock_is_null_and_said(tmp_path: Path) -> None:
    stills = tuple(still(r, t, captured_utc=None) for r, t in ((Role.P1_BEFORE, 6.0), (Role.P2_DURING, 3725.48)))
    store = vault(tmp_path)
    store.seal(draft(tmp_path, stills=stills, start_utc=None, clip_end_ns=3800 * 10**9))
    manifest = json.loads(store.read(case_id(1), "manifest.json"))
    assert [i["captured"] for i in manifest["images"]] == [None, None]
    assert [i["position"] for i in manifest["images"]] == ["00:00:06.000", "01:02:05.480"]
    assert manifest["clock"]["session_start"] is None
    assert "unknown" in manifest["clock"]["note"]
    assert manifest["signal"]["red_onset"] is None


def test_files_are_read_only_and_the_key_is_private(tmp_path: Path) -> None:
    sealed = vault(tmp_path).seal(draft(tmp_path))
    assert {stat.S_IMODE(p.stat().st_mode) for p in sealed.path.iterdir()} == {0o444}
    assert stat.S_IMODE((tmp_path / "keys" / "evidence_signing.pem").stat().st_mode) == 0o600


def test_clip_is_moved_and_second_sealing_refused(tmp_path: Path) -> None:
    store = vault(tmp_path)
    first = draft(tmp_path)
    before = store.seal(first)
    assert not first.clip.exists()
    with pytest.raises(AlreadySealed, match="never written again"):
        store.seal(draft(tmp_path, place="another place"))
    assert store.sealed(case_id(1)) == before
    assert verify_store(store.root).is_valid


def test_chain_counts_per_device_and_over_days(tmp_path: Path) -> None:
    clock = StandingClock()
    store = vault(tmp_path, clock)
    one = store.seal(draft(tmp_path, 1))
    two = store.seal(draft(tmp_path, 2, device={"camera_id": "南口/2", "device_code": ""}))
    clock.now = clock.now.replace(day=23)
    three = store.seal(draft(tmp_path, 3))
    clock.now = clock.now.replace(day=20)  # somebody sets the clock back
    four = store.seal(draft(tmp_path, 4))
    assert [s.chain_index for s in (one, two, three, four)] == [0, 0, 1, 2]
    entry = json.loads(store.chain_entry(case_id(4)))
    assert (entry["prev_sha256"], entry["day"]) == (three.entry_sha256, "2026-11-23")
    assert verify_store(store.root, public_key_pem=store.public_key_pem).is_valid


def test_reading_is_checked(tmp_path: Path) -> None:
    store = filled_vault(tmp_path, 2)
    path = store.path(case_id(1)) / "P1.jpg"
    path.chmod(0o644)
    path.write_bytes(path.read_bytes() + b"\0")
    with pytest.raises(HashMismatch, match=r"P1\.jpg .* changed after sealing"):
        store.read(case_id(1), "P1.jpg")
    assert store.read(case_id(1), "P2.jpg")
    (store.path(case_id(1)) / "P2.jpg").unlink()
    with pytest.raises(HashMismatch, match="missing"):
        store.read(case_id(1), "P2.jpg")
    manifest = store.path(case_id(2)) / "manifest.json"
    manifest.chmod(0o644)
    manifest.write_bytes(manifest.read_bytes().replace(b"0.97", b"0.98"))
    with pytest.raises(SignatureInvalid, match=r"manifest\.json: changed"):
        store.read(case_id(2), "P1.jpg")


@pytest.mark.parametrize("name", ["../../../keys/evidence_signing.pem", "P9.jpg", ""])
def test_reading_reaches_nothing_but_the_package(tmp_path: Path, name: str) -> None:
    with pytest.raises(EvidenceError, match="has no file"):
        filled_vault(tmp_path, 1).read(case_id(1), name)


@pytest.mark.parametrize("wrong", ["../../keys", "", "01KWK000000000000000000001".lower(), case_id(2)])
def test_unknown_case_is_said(tmp_path: Path, wrong: str) -> None:
    with pytest.raises(CaseNotFound):
        filled_vault(tmp_path, 1).read(wrong, "P1.jpg")


@pytest.mark.parametrize("failing", ["write", "fsync", "rename", "mkdir"])
def test_full_disk_says_so_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing: str) -> None:
    """Fails the n-th call of one primitive for every n until sealing goes through; each time nothing may remain."""
    store = vault(tmp_path)
    real = getattr(os, failing)
    for n in range(60):
        calls = 0

        def full(*args: Any, _n: int = n, **kwargs: Any) -> Any:
            nonlocal calls
            calls += 1
            if calls == _n + 1:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return real(*args, **kwargs)

        todo = draft(tmp_path)
        with monkeypatch.context() as patch:
            patch.setattr(os, failing, full)
            refusal = refused(store, todo)
        if refusal is None:
            break
        assert "disk is full; free space" in refusal
        assert "\n" not in refusal
        assert leftovers(store.root) == [], f"after failure {n} of {failing}"
        assert not store.path(case_id(1)).exists()
        assert todo.clip.exists()  # the clip is still there to try again with
    assert n > 0, f"sealing never called os.{failing}: the test would prove nothing"
    assert verify_store(store.root).is_valid
    assert store.sealed(case_id(1)).chain_index == 0


def test_missing_clip_is_said(tmp_path: Path) -> None:
    todo = draft(tmp_path)
    todo.clip.unlink()
    store = vault(tmp_path)
    with pytest.raises(EvidenceError, match=r"clip .* is missing; cut it again"):
        store.seal(todo)
    assert leftovers(store.root) == []


def test_value_json_cannot_hold_is_refused(tmp_path: Path) -> None:
    store = vault(tmp_path)
    rule = {"id": "V01", "version": "1", "parameters": {}, "facts": {"speed_mps": float("nan")}, "cues": []}
    with pytest.raises(EvidenceError, match="canonical JSON"):
        store.seal(draft(tmp_path, rule=rule))
    assert leftovers(store.root) == []


def test_lost_key_is_not_silently_replaced(tmp_path: Path) -> None:
    filled_vault(tmp_path, 1)
    (tmp_path / "keys" / "evidence_signing.pem").unlink()
    with pytest.raises(EvidenceError, match="restore the key from backup"):
        vault(tmp_path)


def test_foreign_key_cannot_open_the_store(tmp_path: Path) -> None:
    filled_vault(tmp_path / "a", 1)
    filled_vault(tmp_path / "b", 1)
    (tmp_path / "b" / "keys" / "evidence_signing.pem").replace(tmp_path / "a" / "keys" / "evidence_signing.pem")
    with pytest.raises(EvidenceError, match="does not belong"):
        vault(tmp_path / "a")


def test_key_others_can_read_is_refused(tmp_path: Path) -> None:
    filled_vault(tmp_path, 1)
    (tmp_path / "keys" / "evidence_signing.pem").chmod(0o640)
    with pytest.raises(EvidenceError, match="chmod 600"):
        vault(tmp_path)


def test_damaged_last_entry_stops_sealing(tmp_path: Path) -> None:
    store = filled_vault(tmp_path, 1)
    path = next((store.root / "chain").glob("*/*.jsonl"))
    path.write_bytes(path.read_bytes().replace(b'"index":0', b'"index":4'))
    with pytest.raises(HashMismatch, match="last entry"):
        store.seal(draft(tmp_path, 2))
    assert not store.path(case_id(2)).exists()
