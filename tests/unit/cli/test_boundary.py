import errno

import pytest
import typer

from cli.boundary import guarded
from cli.main import call
from core.errors import CaseNotFound, ConfigError, HashMismatch, LukouError, SourceUnreachable, StoreError


def failing(error: BaseException) -> object:
    raise error


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ConfigError("site file is wrong; correct it"), 2),
        (SourceUnreachable("no such file; check the path"), 2),
        (CaseNotFound("no case X; list them"), 3),
        (HashMismatch("P1.jpg changed"), 3),
        (StoreError("disk is full; free some"), 3),
    ],
)
def test_deliberate_error_is_one_line_and_a_code(
    error: LukouError, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert guarded(lambda: failing(error)) == code
    streams = capsys.readouterr()
    assert streams.err == f"{error.message}\n"
    assert streams.out == ""


def test_long_message_is_not_broken_into_lines(capsys: pytest.CaptureFixture[str]) -> None:
    guarded(lambda: failing(ConfigError("word " * 100)))
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_brackets_in_a_message_are_printed_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    guarded(lambda: failing(ConfigError("key '[bold]x' is unknown")))
    assert "[bold]x" in capsys.readouterr().err


def test_interrupt_says_how_to_go_on(capsys: pytest.CaptureFixture[str]) -> None:
    assert guarded(lambda: failing(KeyboardInterrupt())) == 130
    assert capsys.readouterr().err == "stopped; run the same command again to go on\n"


def test_full_disk_is_no_defect(capsys: pytest.CaptureFixture[str]) -> None:
    assert guarded(lambda: failing(OSError(errno.ENOSPC, "No space left on device"))) == 3
    assert "no space left" in capsys.readouterr().err


def test_defect_is_one_line_without_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    assert guarded(lambda: failing(ZeroDivisionError("division by zero"))) == 70
    text = capsys.readouterr().err
    assert text.startswith("internal error (ZeroDivisionError: division by zero); run again with --debug")
    assert "Traceback" not in text


def test_debug_lets_the_traceback_through() -> None:
    with pytest.raises(ConfigError):
        guarded(lambda: failing(ConfigError("wrong")), is_debug=True)


def test_exit_code_of_a_command_is_kept() -> None:
    assert guarded(lambda: failing(typer.Exit(1))) == 1
    assert guarded(lambda: 1) == 1
    assert guarded(lambda: None) == 0


@pytest.mark.parametrize(
    "line",
    [["nonsense"], ["process"], ["cases", "--limit", "0"], ["process", "a.mp4"], ["cases", "--state", "LOST"]],
    ids=" ".join,
)
def test_wrong_command_line_is_one_line(line: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert call(line) == 2
    text = capsys.readouterr().err
    assert len(text.splitlines()) == 1
    assert "--help" in text


def test_debug_is_understood_anywhere_on_the_line() -> None:
    with pytest.raises(ConfigError):
        call(["cases", "--debug"])


def test_wrong_setting_names_its_variable(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("LUKOU_PORT", "many")
    assert call(["cases"]) == 2
    assert "LUKOU_PORT" in capsys.readouterr().err
