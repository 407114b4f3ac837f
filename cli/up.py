"""``lukou up``: cameras and console as one supervised command."""

import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from types import FrameType
from typing import Annotated

import typer

from cli.console import say
from cli.home import OutOption, open_cases, settings_for
from cli.run import FolderArgument, OverlayOption, SignalsOption, load_sites

BACK_OFF_S = (1.0, 2.0, 5.0, 15.0, 60.0)
STEADY_S = 60.0
"""A part that ran this long begins its back-off anew."""
GRACE_S = 60.0
"""Time for the last cases to be sealed."""
POLL_S = 0.2
WRONG_USE = 2
"""Exit code of a part whose settings are wrong: starting it again would not help."""


@dataclass(slots=True)
class Part:
    """One process that is kept running."""

    name: str
    arguments: Sequence[str]
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    due: float = 0.0
    failures: int = 0
    restarts: int = field(default=0)

    def keep(self, now: float) -> None:
        """Starts it when it is due, notices when it ended."""
        if self.process is None:
            if now >= self.due:
                self.process = subprocess.Popen(
                    [sys.executable, "-m", "cli", *self.arguments], stdin=subprocess.DEVNULL, start_new_session=True
                )
                self.started = now
            return
        code = self.process.poll()
        if code is None:
            return
        if code == WRONG_USE:
            raise typer.Exit(WRONG_USE)
        self.failures = 0 if now - self.started > STEADY_S else self.failures
        wait_s = BACK_OFF_S[min(self.failures, len(BACK_OFF_S) - 1)]
        say(f"{self.name} ended (code {code}); starting it again in {wait_s:g} s", style="yellow")
        self.process, self.due = None, now + wait_s
        self.failures += 1
        self.restarts += 1

    def end(self) -> None:
        """Asks it to end, and makes it end after the grace."""
        if self.process is None or self.process.poll() is not None:
            return
        self.process.terminate()  # not SIGINT: a part started from a background shell would ignore it
        try:
            self.process.wait(GRACE_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def up(
    folder: FolderArgument,
    overlay: OverlayOption = None,
    host: Annotated[str | None, typer.Option(help="Address the console listens on.", show_default=False)] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="Port of the console.", show_default=False)] = None,
    signals: SignalsOption = None,
    out_dir: OutOption = None,
) -> None:
    """Runs cameras and console together, starts again what dies, ends both on Ctrl-C."""
    load_sites(folder, overlay)  # a wrong file is said here, once
    settings = settings_for(out_dir)
    home = settings.home
    with open_cases(settings, must_exist=False):
        pass  # made or migrated once, before two processes open it
    watching = ["run", str(folder), "--out", str(home)]
    serving = ["serve", "--out", str(home)]
    serving += ["--sites", str(folder)] if folder.is_dir() else []
    watching += [] if overlay is None else ["--overlay", str(overlay)]
    watching += [] if signals is None else ["--signals", signals]
    serving += [] if host is None else ["--host", host]
    serving += [] if port is None else ["--port", str(port)]
    supervise([Part("cameras", watching), Part("console", serving)])


def supervise(parts: Sequence[Part]) -> None:
    """Keeps parts running until Ctrl-C or SIGTERM, or until one says that its settings are wrong."""

    def stop(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, stop)
    try:
        while True:
            for part in parts:
                part.keep(time.monotonic())
            time.sleep(POLL_S)
    except KeyboardInterrupt:
        say("ending")
    finally:
        for part in parts:
            part.end()
        signal.signal(signal.SIGTERM, before)
