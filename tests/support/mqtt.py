"""A broker for tests: Debian's mosquitto on a free port, stopped and started at will."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.rtsp import wait_for

HOST = "localhost"
USER, PASSWORD = "lukou", "correct horse battery"


class TestBroker:
    """One mosquitto; what it is asked to be is in its configuration."""

    __test__ = False

    def __init__(self, folder: Path, lines: list[str]) -> None:
        self._program = shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
        if self._program is None:
            reason = "no MQTT broker; install it: apt-get install mosquitto"
            (pytest.fail if os.environ.get("CI", "").lower() in {"1", "true"} else pytest.skip)(reason)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self._file = folder / "mosquitto.conf"
        listen = [f"listener {self.port} 127.0.0.1", "persistence false", f"user {os.environ.get('USER', 'root')}"]
        self._file.write_text("\n".join([*listen, *lines]) + "\n", encoding="utf-8")
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    def start(self) -> None:
        """Begins to listen; returns when it does."""
        self._process = subprocess.Popen(
            [str(self._program), "-c", str(self._file)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        wait_for(self._answers)

    def stop(self) -> None:
        """Is gone, connections and all."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(timeout=10)
            self._process = None

    def _answers(self) -> bool:
        with socket.socket() as probe:
            probe.settimeout(1)
            return probe.connect_ex(("127.0.0.1", self.port)) == 0


@contextmanager
def broker(folder: Path, *lines: str) -> Iterator[TestBroker]:
    """Yields a broker; without mosquitto a failure in CI and a skip elsewhere."""
    running = TestBroker(folder, list(lines) or ["allow_anonymous true"])
    try:
        yield running
    finally:
        running.stop()


def certificate(folder: Path) -> tuple[Path, Path]:
    """Returns the files of a certificate for ``HOST`` that signs itself, and of its key."""
    certificate_file, key = folder / "broker.pem", folder / "broker.key"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN={HOST}"]
    command += ["-addext", f"subjectAltName=DNS:{HOST}", "-keyout", str(key), "-out", str(certificate_file)]
    subprocess.run(command, check=True, capture_output=True)
    return certificate_file, key


def password_file(folder: Path) -> Path:
    """Returns a mosquitto password file that knows ``USER``."""
    path = folder / "passwords"
    command = ["mosquitto_passwd", "-b", "-c", str(path), USER, PASSWORD]
    subprocess.run(command, check=True, capture_output=True)
    return path
