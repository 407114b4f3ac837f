"""What may and may not be in the repository."""

import re
import subprocess
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LONGEST_MODULE = 600
EXEMPT_FROM_LENGTH: frozenset[str] = frozenset()
TEXT = frozenset(
    {
        ".py",
        ".md",
        ".toml",
        ".yaml",
        ".json",
        ".lock",
        ".html",
        ".css",
        ".js",
        ".txt",
        ".cfg",
        ".ini",
        ".mako",
        ".sh",
        "",
    }
)

# Written so that this file does not contain what it looks for.
REGISTRY_HOSTS = re.compile(
    r"pypi\.(org|python)|files\.pythonhosted|/simple/|(?<!no-emit-)index-url|npmjs\.|anaconda\.o|mirrors?\.[a-z]+\."
)
MACHINE_PATHS = re.compile(r"(?<![\w./-])/(work|home|root|Users|opt/(wheels|pypi))/\w")
UNFINISHED = re.compile(r"\b(TO" + r"DO|FIX" + r"ME|X" + r"XX)\b")
SECRETS = re.compile(r"-----BEGIN [A-Z ]*PRIVATE" + r" KEY-----")


@cache
def tracked() -> tuple[Path, ...]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False)
    if listed.returncode != 0:
        pytest.skip("not a git checkout")
    return tuple(ROOT / name for name in listed.stdout.decode().split("\0") if name)


def texts() -> list[tuple[Path, str]]:
    files = [p for p in tracked() if p.suffix in TEXT and p.name != "LICENSE" and p.is_file()]
    return [(p, p.read_text(encoding="utf-8")) for p in files if p != Path(__file__).resolve()]


def offending(pattern: re.Pattern[str]) -> list[str]:
    return [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()[:100]}"
        for path, text in texts()
        for number, line in enumerate(text.splitlines(), 1)
        if pattern.search(line)
    ]


def test_modules_stay_readable() -> None:
    lengths = {
        str(path.relative_to(ROOT)): text.count("\n") for path, text in texts() if path.suffix in {".py", ".js", ".css"}
    }
    assert lengths
    too_long = {name: n for name, n in lengths.items() if n > LONGEST_MODULE and name not in EXEMPT_FROM_LENGTH}
    assert not too_long


def test_no_package_index_is_named() -> None:
    assert not offending(REGISTRY_HOSTS)


def test_no_path_of_one_machine_is_named() -> None:
    assert not offending(MACHINE_PATHS)


def test_nothing_is_left_unfinished() -> None:
    assert not offending(UNFINISHED)


def test_no_private_key_is_committed() -> None:
    assert not offending(SECRETS)


def test_patterns_find_what_they_are_for() -> None:
    assert REGISTRY_HOSTS.search("https://pypi" + ".org/simple")
    assert MACHINE_PATHS.search("open('/home" + "/somebody/file')")
    assert not MACHINE_PATHS.search("import models/train/x and a/home/b")
    assert UNFINISHED.search("# TO" + "DO: later")


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-dev.lock"])
def test_every_locked_package_is_pinned_and_hashed(name: str) -> None:
    blocks = re.split(r"\n(?=\S)", (ROOT / name).read_text(encoding="utf-8").strip())
    assert len(blocks) > 40
    for block in blocks:
        assert re.match(r"[a-z0-9-]+==[^\s;]+", block), block.splitlines()[0]
        assert "--hash=sha256:" in block, block.splitlines()[0]


def test_locks_agree_with_each_other() -> None:
    def pins(name: str) -> set[str]:
        return {
            line.rstrip(" \\") for line in (ROOT / name).read_text(encoding="utf-8").splitlines() if line[:1].isalpha()
        }

    assert pins("requirements.lock") <= pins("requirements-dev.lock")


def test_licence_is_the_genuine_text() -> None:
    text = (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert text.lstrip().startswith("GNU AFFERO GENERAL PUBLIC LICENSE")
    assert text.count("\n") == 661
