"""The error boundary: what went wrong becomes one line and an exit code, never a traceback."""

import errno
import os
import sys
from collections.abc import Callable

import typer
from typer.exceptions import TyperException

from cli.console import say
from core.errors import ConfigError, LukouError, SourceError

OK = 0
DIFFERS = 1
"""The command ran and its answer is no: a package does not verify, the demo differs from the known answer."""
USAGE = 2
"""Wrong command line, setting, site file or footage."""
REFUSED = 3
"""Evidence, cases, models or the store refuse."""
INTERNAL = 70
"""A defect of Lukou."""
STOPPED = 130
"""Ctrl-C."""


def guarded(call: Callable[[], object], *, is_debug: bool = False) -> int:
    """Returns the exit code of a command; says what went wrong in one line, unless ``is_debug`` wants the traceback."""
    try:
        code = call()
    except KeyboardInterrupt:
        code = STOPPED
    except Exception as error:
        if is_debug and not isinstance(error, TyperException | typer.Exit | typer.Abort):
            raise
        code = _report(error)
    if code == STOPPED:
        say("stopped; run the same command again to go on", style="yellow")
    return code if isinstance(code, int) else OK


def _report(error: Exception) -> int:
    if isinstance(error, LukouError):
        say(error.message, style="red")
        return USAGE if isinstance(error, ConfigError | SourceError) else REFUSED
    if isinstance(error, typer.Exit):
        return error.exit_code
    if isinstance(error, typer.Abort):
        return STOPPED
    if isinstance(error, TyperException):
        message = error.format_message().strip().rstrip(".")
        if message:  # without one the help was shown already
            say(f"{message}; add --help to see how to call this", style="red")
        return USAGE
    if isinstance(error, OSError):
        return _report_os(error)
    return _report_defect(error)


def _report_os(error: OSError) -> int:
    if isinstance(error, BrokenPipeError):  # `lukou cases | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return OK
    if error.errno == errno.ENOSPC:
        say("no space left on the disk; free some and run the same command again to go on", style="red")
        return REFUSED
    if error.errno in {errno.EACCES, errno.EROFS, errno.EPERM}:
        say(f"no permission for {error.filename}; check its owner or choose another folder with --out", style="red")
        return REFUSED
    return _report_defect(error)


def _report_defect(error: Exception) -> int:
    first = (str(error).strip().splitlines() or ["no message"])[0]
    say(f"internal error ({type(error).__name__}: {first}); run again with --debug and report it", style="red")
    return INTERNAL
