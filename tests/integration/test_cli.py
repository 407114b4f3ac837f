"""The command line over the real parts: footage that cannot be used, a run to its end, cases proven and handed out."""

import io
import json
import os
import signal
import sqlite3
import subprocess
import sys
import zipfile
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from cli.main import call
from tests.support.footage import make_clip, make_sound
from tests.support.packages import open_vault, seal_case
from tests.support.people import PASSWORD, open_store

ROOT = Path(__file__).resolve().parents[2]

SITE = """
schema_version: 1
site_id: t
place: 测试路口
camera: {camera_id: c, picture_size_px: [160, 96]}
stop_lines:
- {id: s, points_px: [[10, 60], [150, 60]], towards_px: [80, 20], signal: lamp}
signals:
- {id: lamp, region_px: [140, 5, 150, 35]}
"""


@pytest.fixture
def site(tmp_path: Path) -> Path:
    path = tmp_path / "t.site.yaml"
    path.write_text(SITE, encoding="utf-8")
    return path


def said(capsys: pytest.CaptureFixture[str]) -> tuple[str, str]:
    streams = capsys.readouterr()
    return streams.out, streams.err


# -- footage and site files that cannot be used ---------------------------------------------------


def truncated(path: Path) -> Path:
    whole = make_clip(path.with_name("whole.mp4"))
    path.write_bytes(whole.read_bytes()[: whole.stat().st_size // 3])  # the index at the end is gone
    return path


BAD_FOOTAGE = {
    "missing": lambda folder: folder / "none.mp4",
    "empty": lambda folder: _written(folder / "empty.mp4", b""),
    "no video at all": lambda folder: _written(folder / "text.mp4", b"not a video " * 100),
    "sound only": lambda folder: make_sound(folder / "sound.mp4"),
    "truncated": lambda folder: truncated(folder / "cut.mp4"),
    "a folder": lambda folder: folder,
}


def _written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("kind", BAD_FOOTAGE)
def test_unusable_footage_is_one_line_that_names_it(
    kind: str, tmp_path: Path, site: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    footage = BAD_FOOTAGE[kind](tmp_path)
    assert call(["process", str(footage), "--site", str(site), "--start", "2026-11-22T08:00:00+08:00"]) == 2
    out, err = said(capsys)
    assert out == ""
    assert len(err.splitlines()) == 1, err
    assert footage.name in err
    assert ";" in err, "the line says what to do"


BAD_SITES = {
    "outside the picture": (SITE.replace("[150, 60]", "[900, 60]"), "outside"),
    "unknown key": (SITE.replace("towards_px", "toward_px"), "toward_px"),  # misspelt: missing and unknown at once
    "crossing polygon": (
        SITE + "no_stop_zones:\n- {id: z, polygon_px: [[10, 10], [60, 60], [60, 10], [10, 60]]}\n",
        "crosses itself",
    ),
    "unknown signal": (SITE.replace("signal: lamp", "signal: other"), "other"),
    "not YAML": ("site_id: [", "YAML"),
    "empty": ("", "empty"),
}


@pytest.mark.parametrize("kind", BAD_SITES)
def test_wrong_site_file_is_one_line_that_says_where(
    kind: str, tmp_path: Path, site: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text, named = BAD_SITES[kind]
    site.write_text(text, encoding="utf-8")
    assert call(["process", str(tmp_path / "any.mp4"), "--site", str(site)]) == 2
    _, err = said(capsys)
    assert len(err.splitlines()) == 1, err
    assert named in err
    assert site.name in err


def test_site_drawn_on_another_shape_of_picture(tmp_path: Path, site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    clip = make_clip(tmp_path / "tall.mp4", size=(96, 160))
    assert call(["site", "check", str(site), str(clip)]) == 2
    assert "96x160" in said(capsys)[1]


@pytest.mark.parametrize("start", ["yesterday", "2026-11-22T08:00:00"])
def test_start_without_a_usable_time(
    start: str, tmp_path: Path, site: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(["process", str(tmp_path / "a.mp4"), "--site", str(site), "--start", start]) == 2
    assert "+08:00" in said(capsys)[1]


# -- a run to its end -----------------------------------------------------------------------------


def test_footage_goes_through_and_a_second_run_knows_it(
    tmp_path: Path, site: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    clip = make_clip(tmp_path / "a.mp4", seconds=2.0)
    line = ["process", str(clip), "--site", str(site), "--out", str(tmp_path / "home")]
    assert call([*line, "--json"]) == 0
    out, err = said(capsys)
    first = json.loads(out)
    assert err.count("no time given") == 1
    assert first["footage_s"] == pytest.approx(2.0)
    assert first["frames"]["analysed"] >= 16
    assert first["frames"]["analysed"] + first["frames"]["skipped"] == first["frames"]["decoded"] == 50
    assert not first["was_complete"]
    assert call([*line, "--json"]) == 0
    again = json.loads(said(capsys)[0])
    assert again["was_complete"]
    assert again["session_id"] == first["session_id"]
    assert again["frames"] == first["frames"]


def test_two_files_are_one_session(tmp_path: Path, site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    clips = [str(make_clip(tmp_path / f"{n}.mp4", seconds=1.0, first_number=25 * n)) for n in range(2)]
    assert call(["process", *clips, "--site", str(site), "--json"]) == 0
    assert json.loads(said(capsys)[0])["frames"]["decoded"] == 50


def _until_quarter(running: subprocess.Popen[bytes]) -> bytes:
    """Returns the next line a run says, b"" once it said that a quarter of the footage is done."""
    assert running.stderr is not None
    said_line = running.stderr.readline()
    assert said_line, "the run ended before it could be stopped"
    return b"" if said_line.startswith(b"processed") else said_line


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL], ids=["Ctrl-C", "kill -9"])
def test_stopped_run_goes_on(how: signal.Signals, tmp_path: Path, site: Path) -> None:
    clip = make_clip(tmp_path / "long.mp4", seconds=20.0, fps=8)
    home = tmp_path / "home"
    line = [sys.executable, "-m", "cli", "process", str(clip), "--site", str(site), "--out", str(home), "--json"]
    # env gives Ctrl-C back its meaning where the test run itself was started in the background
    running = subprocess.Popen(
        ["env", "--default-signal=INT", *line], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    told = b"".join(iter(lambda: _until_quarter(running), b""))
    os.kill(running.pid, how)
    err = told + running.communicate(timeout=20)[1]
    if how is signal.SIGINT:
        assert running.returncode == 130
        assert b"run the same command again to go on" in err
    assert b"Traceback" not in err
    again = subprocess.run(line, cwd=ROOT, capture_output=True, check=False)
    assert again.returncode == 0, again.stderr
    report = json.loads(again.stdout)
    assert not report["was_complete"]
    assert report["frames"]["decoded"] >= 160
    assert report["footage_s"] == pytest.approx(20.0)


def test_site_check_draws_and_says_what_is_missing(
    tmp_path: Path, site: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    clip, png = make_clip(tmp_path / "a.mp4"), tmp_path / "drawn.png"
    assert call(["site", "check", str(site), str(clip), "--png", str(png), "--json"]) == 0
    told = json.loads(said(capsys)[0])
    assert png.read_bytes().startswith(b"\x89PNG")
    assert told["missing"]["V01"] == []
    assert told["missing"]["V08"] == ["draw no_stop_zones"]
    assert call(["site", "check", str(site), str(clip), "--png", str(tmp_path / "no" / "such" / "x.png")]) == 3
    assert len(said(capsys)[1].splitlines()) == 1


# -- cases: listed, shown, proven, handed out -----------------------------------------------------


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "home"
    folder.mkdir()
    store, vault = open_store(folder), open_vault(folder)
    for number in (1, 2):
        seal_case(store, vault, folder, number)
    store.close()
    return folder


def cases_of(home: Path, capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    assert call(["cases", "--out", str(home), "--json"]) == 0
    listed: list[dict[str, Any]] = json.loads(said(capsys)[0])
    return listed


def test_cases_are_listed_and_shown(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    listed = cases_of(home, capsys)
    assert [c["violation_id"] for c in listed] == ["V01", "V01"]
    assert {c["state"] for c in listed} == {"QUEUED"}
    assert call(["show", listed[0]["case_id"], "--out", str(home), "--json"]) == 0
    shown = json.loads(said(capsys)[0])
    assert shown["manifest"]["case_id"] == listed[0]["case_id"]
    assert call(["show", listed[0]["case_id"], "--out", str(home)]) == 0
    assert "机动车闯红灯" in said(capsys)[0]
    assert call(["cases", "--out", str(home), "--violation", "V02", "--json"]) == 0
    assert json.loads(said(capsys)[0]) == []


def test_unknown_case_is_one_line(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for line in (["show", "X"], ["verify", "X"], ["export", "X"]):
        assert call([*line, "--out", str(home)]) == 3
        assert len(said(capsys)[1].splitlines()) == 1


def test_untouched_evidence_verifies(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    case_id = cases_of(home, capsys)[0]["case_id"]
    package = open_vault(home).path(case_id)
    for target in ([], [case_id], [str(package)], [str(home / "evidence")]):
        assert call(["verify", *target, "--out", str(home)]) == 0, target
        assert said(capsys)[0].startswith("VALID")


def test_changed_picture_is_named_by_every_way_of_asking(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    case_id = cases_of(home, capsys)[0]["case_id"]
    package = open_vault(home).path(case_id)
    picture = min(package.glob("*.jpg"))
    content = bytearray(picture.read_bytes())
    content[len(content) // 2] ^= 1
    picture.chmod(0o644)
    picture.write_bytes(content)
    for target in ([], [case_id], [str(package)], [str(home / "evidence")]):
        assert call(["verify", *target, "--out", str(home)]) == 1, target
        assert picture.name in said(capsys)[0]
    assert call(["export", case_id, "--out", str(home), "--to", str(home)]) == 3
    assert picture.name in said(capsys)[1]


def test_every_kind_of_thing_is_guarded_for_one_case_too(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One flipped byte in each file of the package, its chain entry, its case row and its audit row."""
    case_id = cases_of(home, capsys)[0]["case_id"]
    package = open_vault(home).path(case_id)
    chain = next((home / "evidence" / "chain").glob("*/*.jsonl"))
    database = home / "lukou.db"

    def check(named: str) -> None:
        for target in ([], [case_id]):
            assert call(["verify", *target, "--out", str(home)]) == 1, (named, target)
            assert named in said(capsys)[0]

    for path in sorted(package.iterdir()):
        whole = path.read_bytes()
        path.chmod(0o644)
        path.write_bytes(whole[:-3] + bytes([whole[-3] ^ 1]) + whole[-2:])
        check(path.name)
        path.write_bytes(whole)
    entries = chain.read_bytes()
    place = entries.index(case_id.encode()) + 3
    chain.chmod(0o644)
    chain.write_bytes(entries[:place] + bytes([entries[place] ^ 1]) + entries[place + 1 :])
    check("chain")
    chain.write_bytes(entries)
    for table, column in (("cases", "place"), ("audit", "action")):
        with closing(sqlite3.connect(database)) as connection, connection:
            (before,) = connection.execute(f"SELECT {column} FROM {table} LIMIT 1").fetchone()
            connection.execute(f"UPDATE {table} SET {column} = ? WHERE {column} = ?", (before[:-1] + "~", before))
        check(table)
        with closing(sqlite3.connect(database)) as connection, connection:
            connection.execute(f"UPDATE {table} SET {column} = ? WHERE {column} = ?", (before, before[:-1] + "~"))
    assert call(["verify", case_id, "--out", str(home)]) == 0


def test_manifest_of_another_case_is_noticed(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A package swapped for another validly signed one still differs from what was filed."""
    first, second = (open_vault(home).path(c["case_id"]) for c in cases_of(home, capsys))
    for path in first.iterdir():
        other = second / path.name
        path.chmod(0o644)
        path.write_bytes(other.read_bytes())
    assert call(["verify", first.name, "--out", str(home)]) == 1
    assert "manifest.json" in said(capsys)[0]


def test_verify_refuses_what_is_no_evidence(tmp_path: Path, home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "other").mkdir()
    assert call(["verify", str(tmp_path / "other"), "--out", str(home)]) == 2
    assert call(["verify", str(home / "evidence"), "--key", str(tmp_path / "none.pem")]) == 2
    assert "none.pem" in said(capsys)[1]


def test_export_is_a_zip_that_verifies_itself(home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    case_id = cases_of(home, capsys)[0]["case_id"]
    assert call(["export", case_id, "--to", str(tmp_path), "--out", str(home), "--json"]) == 0
    path = Path(json.loads(said(capsys)[0])["path"])
    zipfile.ZipFile(path).extractall(tmp_path / "unpacked")
    run = subprocess.run(
        [sys.executable, "-I", str(tmp_path / "unpacked" / "verify.py")], capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert "VALID" in run.stdout


def test_user_is_added_once(home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    line = ["user", "add", "zhang", "--role", "officer", "--password-stdin", "--out", str(home), "--json"]
    monkeypatch.setattr(sys, "stdin", io.StringIO(PASSWORD + "\n"))
    assert call(line) == 0
    assert json.loads(said(capsys)[0]) == {"name": "zhang", "role": "officer"}
    store = open_store(home)
    assert store.try_authenticate("zhang", PASSWORD) is not None
    store.close()
    monkeypatch.setattr(sys, "stdin", io.StringIO(PASSWORD + "\n"))
    assert call(line) == 2
    monkeypatch.setattr(sys, "stdin", io.StringIO(""))
    assert call(line) == 2
    assert "standard input" in said(capsys)[1]
