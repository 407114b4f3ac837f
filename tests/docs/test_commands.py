"""The documentation and the command line say the same."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.main import get_command

from cli.main import app
from core.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
CLI_PAGE = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
READMES = ("README.md", "README.zh-CN.md")


def commands() -> Iterator[tuple[str, set[str]]]:
    """Yields each command as typed, with its long options."""

    def walk(name: str, command: object) -> Iterator[tuple[str, set[str]]]:
        children = getattr(command, "commands", None)
        if children:
            for child_name, child in children.items():
                yield from walk(f"{name} {child_name}", child)
            return
        options = {o for p in getattr(command, "params", ()) for o in p.opts if o.startswith("--")}
        yield name, options - {"--help"}

    yield from walk("lukou", get_command(app))


def section(command: str) -> str:
    parts = re.split(r"^## ", CLI_PAGE, flags=re.MULTILINE)
    return next((part for part in parts if part.startswith(f"{command}\n")), "")


def test_there_are_commands() -> None:
    assert {name for name, _ in commands()} >= {"lukou demo", "lukou process", "lukou site check", "lukou verify"}


@pytest.mark.parametrize(("name", "options"), list(commands()), ids=[name for name, _ in commands()])
def test_every_command_and_option_is_documented(name: str, options: set[str]) -> None:
    text = section(name)
    assert text, f"docs/cli.md has no section '## {name}'"
    assert not {option for option in options if option not in text}


def test_no_command_is_documented_that_does_not_exist() -> None:
    headed = set(re.findall(r"^## (lukou [a-z ]+)$", CLI_PAGE, flags=re.MULTILINE))
    assert headed == {name for name, _ in commands()}


def test_every_setting_is_documented() -> None:
    wanted = {f"LUKOU_{name.upper()}" for name in Settings.model_fields}
    assert not {name for name in wanted if name not in CLI_PAGE}


@pytest.mark.parametrize("readme", READMES)
def test_readme_commands_exist(readme: str) -> None:
    text = (ROOT / readme).read_text(encoding="utf-8")
    known = {name for name, _ in commands()} | {"lukou test"}
    used = re.findall(r"(?:^|[\s`])(?:\./)?(lukou(?: [a-z]+)+)", "\n".join(code_of(text)))
    assert used
    for words in used:
        assert any(words == name or words.startswith(f"{name} ") for name in known), words


@pytest.mark.parametrize("readme", READMES)
def test_readme_links_lead_somewhere(readme: str) -> None:
    text = (ROOT / readme).read_text(encoding="utf-8")
    targets = [t for t in re.findall(r"\]\(([^)#\s]+)", text) if "://" not in t]
    assert targets
    assert not [t for t in targets if not (ROOT / t).exists()]


def test_readmes_name_the_two_commands() -> None:
    for readme in READMES:
        text = (ROOT / readme).read_text(encoding="utf-8")
        assert "./lukou demo" in text
        assert "./lukou test" in text


def test_ci_calls_exactly_the_documented_test_command() -> None:
    lines = (ROOT / ".ci" / "run").read_text(encoding="utf-8").strip().splitlines()
    assert lines[-1] == "exec ./lukou test"


def code_of(markdown: str) -> list[str]:
    blocks = re.findall(r"```[a-z]*\n(.*?)```", markdown, flags=re.DOTALL)
    return blocks + re.findall(r"`([^`\n]+)`", re.sub(r"```.*?```", "", markdown, flags=re.DOTALL))
