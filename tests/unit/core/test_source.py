"""Addresses of cameras: no password in a site file, none in a log."""

import pytest
from pydantic import ValidationError

from core.errors import ConfigError
from core.source import Source, address, shown


def test_a_login_in_the_file_is_refused() -> None:
    with pytest.raises(ValidationError, match="keep the login out of the file"):
        Source(url="rtsp://admin:secret@10.0.0.5/ch1")
    with pytest.raises(ValidationError, match="keep the login out of the file"):
        Source(url="rtsp://10.0.0.5/ch1", substream="rtsp://admin:secret@10.0.0.5/ch2")


def test_the_login_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    source = Source(url="rtsp://${CAM_LOGIN}@10.0.0.5/ch1")
    with pytest.raises(ConfigError, match="CAM_LOGIN, which is not set"):
        address(source.url)
    monkeypatch.setenv("CAM_LOGIN", "admin:secret")
    assert address(source.url) == "rtsp://admin:secret@10.0.0.5/ch1"
    assert "secret" not in shown(address(source.url))
    assert shown("rtsp://u:p@h/x") == "rtsp://h/x"
