"""A live camera for tests: Debian's gst-rtsp-server in a process of its own."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

SCRIPT = Path(__file__).with_name("rtsp_server.py")
PYTHON = "/usr/bin/python3"
PROBE = "import gi; gi.require_version('GstRtspServer', '1.0'); from gi.repository import GstRtspServer"
PLUGINS = "gstreamer1.0-plugins-base gstreamer1.0-plugins-good gstreamer1.0-plugins-ugly"
PACKAGES = f"python3-gi gir1.2-gst-rtsp-server-1.0 {PLUGINS}"


class RtspCamera:
    """A running server; ``say`` makes it misbehave."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        assert process.stdout is not None
        server = f"rtsp://127.0.0.1:{int(process.stdout.readline())}"
        self.url, self.main, self.sub = (f"{server}/{mount}" for mount in ("live", "main", "sub"))

    def say(self, command: str) -> None:
        """Sends one command of rtsp_server.py."""
        assert self._process.stdin is not None
        self._process.stdin.write(command + "\n")
        self._process.stdin.flush()


@contextmanager
def rtsp_camera(size: str = "320x180", fps: int = 25) -> Iterator[RtspCamera]:
    """Yields a camera on a free port; without the server, a failure in CI and a skip elsewhere."""
    probe = subprocess.run([PYTHON, "-c", PROBE], capture_output=True, check=False) if Path(PYTHON).exists() else None
    if probe is None or probe.returncode != 0:
        reason = f"no RTSP server; install it: apt-get install {PACKAGES}"
        (pytest.fail if os.environ.get("CI", "").lower() in {"1", "true"} else pytest.skip)(reason)
    command = [PYTHON, str(SCRIPT), size, str(fps)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        camera = RtspCamera(process)
        try:
            yield camera
        finally:
            camera.say("quit")
            process.wait(timeout=10)


def wait_for(what: Callable[[], bool], timeout_s: float = 40.0) -> None:
    """Returns as soon as ``what`` holds; fails when it does not in time."""
    end = time.monotonic() + timeout_s
    while not what():
        assert time.monotonic() < end, f"did not happen within {timeout_s:g} s"
        time.sleep(0.02)
