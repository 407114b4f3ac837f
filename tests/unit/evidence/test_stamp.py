"""Timestamps of an authority made with ``openssl ts``: asked for over HTTP, checked, refused when they lie."""

import hashlib
import subprocess
from pathlib import Path

import pytest

from core.errors import ConfigError, StoreError
from evidence.stamp import request_stamp, stamp_problem, stamped_utc
from tests.support.tsa import Authority, make_authority, served

pytestmark = pytest.mark.enable_socket
CONTENT = b'{"day":"2026-11-22"}'


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return make_authority(tmp_path_factory.mktemp("tsa"))


@pytest.fixture(scope="module")
def stamp(authority: Authority) -> bytes:
    with served(authority) as url:
        return request_stamp(CONTENT, url)


def test_stamp_is_what_openssl_itself_accepts(authority: Authority, stamp: bytes, tmp_path: Path) -> None:
    (tmp_path / "day.json").write_bytes(CONTENT)
    (tmp_path / "day.tsr").write_bytes(stamp)
    command = ["openssl", "ts", "-verify", "-data", "day.json", "-in", "day.tsr", "-CAfile", authority.certificates]
    assert subprocess.run(command, cwd=tmp_path, check=False, capture_output=True, timeout=30).returncode == 0
    assert stamp_problem(CONTENT, stamp, authority.certificates) is None
    assert stamp_problem(CONTENT, stamp, None) is None
    assert stamped_utc(stamp).tzinfo is not None


def test_stamp_of_other_bytes_or_of_a_stranger_is_refused(authority: Authority, stamp: bytes, tmp_path: Path) -> None:
    assert stamp_problem(CONTENT + b" ", stamp, authority.certificates) is not None
    assert stamp_problem(CONTENT + b" ", stamp, None) is not None
    stranger = make_authority(tmp_path)
    assert "trusted authority" in str(stamp_problem(CONTENT, stamp, stranger.certificates))


def test_changed_byte_of_what_a_stamp_says_is_seen(authority: Authority, stamp: bytes) -> None:
    """Its hash and its time; bytes around the signature that mean nothing are guarded by the database's hash."""
    hashed = hashlib.sha256(CONTENT).digest()
    said = f"{stamped_utc(stamp):%Y%m%d%H%M%S}Z".encode()
    for part in (hashed, said):
        start = stamp.index(part)
        for at in range(start, start + len(part)):
            changed = stamp[:at] + bytes([stamp[at] ^ 1]) + stamp[at + 1 :]
            assert stamp_problem(CONTENT, changed, authority.certificates) is not None, at


def test_authority_that_is_down_is_said_in_one_line(authority: Authority) -> None:
    with served(authority) as url:
        authority.is_down = True
        with pytest.raises(StoreError, match="does not answer"):
            request_stamp(CONTENT, url)
        authority.is_down = False
    with pytest.raises(StoreError, match="does not answer"):
        request_stamp(CONTENT, url)
    with pytest.raises(ConfigError, match="LUKOU_TSA_URL"):
        request_stamp(CONTENT, "file:///etc/passwd")


def test_answer_of_something_else_is_refused(
    authority: Authority, monkeypatch: pytest.MonkeyPatch, stamp: bytes
) -> None:
    for answer, reason in ((b"<html>", "not answer like"), (stamp, "something else")):
        monkeypatch.setattr(authority, "answer", lambda _query, said=answer: said)
        with served(authority) as url, pytest.raises(StoreError, match=reason):
            request_stamp(CONTENT, url)
