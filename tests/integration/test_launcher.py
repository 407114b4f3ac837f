"""``./lukou``: what a newcomer meets first. A stand-in Python records what it is asked to do; nothing is installed."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

STAND_IN = """#!/bin/sh
echo "$*" >> "{log}"
case "$*" in
  *version_info*) exit {is_old} ;;
  *ensurepip*) exit {has_no_venv} ;;
  "-m venv"*) for target; do :; done; mkdir -p "$target/bin"; cp "$0" "$target/bin/python" ;;
  *"-m pip install"*) exit {pip_fails} ;;
  -V) echo "Python 3.9.2" ;;
  "-P -m cli"*) shift 3; echo "HOME=$HOME PWD=$PWD"; for a; do echo "[$a]"; done ;;
esac
"""


class Machine:
    """A fresh machine: a checkout, an empty home, and one Python."""

    def __init__(
        self, folder: Path, *, is_old: bool = False, has_no_venv: bool = False, pip_fails: bool = False
    ) -> None:
        self.root, self.home, self.log = folder / "my checkout", folder / "home", folder / "log"
        bin_dir = folder / "bin"
        for path in (self.root, self.home, bin_dir, self.root / "core"):
            path.mkdir()
        for name in ("lukou", "requirements.lock", "requirements-dev.lock", "pyproject.toml"):
            shutil.copy(ROOT / name, self.root / name)
        (self.root / "core" / "__init__.py").touch()
        (self.root / ".ci").mkdir()
        (self.root / ".ci" / "checks").write_text('#!/bin/sh\necho "checks in $PWD"; for a; do echo "[$a]"; done\n')
        (self.root / ".ci" / "checks").chmod(0o755)
        text = STAND_IN.format(log=self.log, is_old=int(is_old), has_no_venv=int(has_no_venv), pip_fails=int(pip_fails))
        for name in ("python3", "python3.13", "python3.12", "python3.11", "python"):
            (bin_dir / name).write_text(text)
            (bin_dir / name).chmod(0o755)
        self.environment = {"PATH": f"{bin_dir}:/usr/bin:/bin", "HOME": str(self.home)}

    def run(self, *arguments: str, program: Path | None = None, **changes: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(program or self.root / "lukou"), *arguments],
            cwd="/",
            env={**self.environment, **changes},
            capture_output=True,
            text=True,
            check=False,
        )

    def asked(self) -> list[str]:
        lines = self.log.read_text().splitlines() if self.log.exists() else []
        self.log.unlink(missing_ok=True)
        return lines


def test_shell_scripts_are_plain_sh() -> None:
    for script in ("lukou", ".ci/run", ".ci/checks", ".ci/lock"):
        assert os.access(ROOT / script, os.X_OK), script
        assert (ROOT / script).read_text().startswith("#!/bin/sh\n"), script
        assert subprocess.run(["sh", "-n", str(ROOT / script)], check=False).returncode == 0, script


def test_first_run_installs_the_hashed_lock_and_hands_over(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    run = machine.run("process", "a b.mp4", "--site", "x.yaml")
    assert run.returncode == 0, run.stderr
    assert run.stdout.splitlines()[1:] == ["[process]", "[a b.mp4]", "[--site]", "[x.yaml]"]
    pip = [line for line in machine.asked() if "pip install" in line]
    assert len(pip) == 2
    assert "--require-hashes --no-deps" in pip[0]
    assert pip[0].endswith("requirements.lock")
    assert "--no-deps" in pip[1]
    assert "--no-index" in pip[1]
    assert "first run" in run.stderr


def test_second_run_installs_nothing_and_says_nothing(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    machine.run("cases")
    machine.asked()
    run = machine.run("cases")
    assert run.stderr == ""
    assert not [line for line in machine.asked() if "pip" in line or "venv" in line]


@pytest.mark.parametrize("change", ["requirements.lock", "a new package", "a moved checkout"])
def test_what_changed_is_installed_again(change: str, tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    machine.run("cases")
    machine.asked()
    if change == "requirements.lock":
        (machine.root / change).write_text("other==1.0 --hash=sha256:00\n")
    elif change == "a new package":
        (machine.root / "rules").mkdir()
        (machine.root / "rules" / "__init__.py").touch()
    else:
        machine.root = machine.root.rename(tmp_path / "elsewhere")
    assert machine.run("cases").returncode == 0
    assert [line for line in machine.asked() if "pip install" in line]


def test_works_through_a_link_from_anywhere(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    link = tmp_path / "link"
    link.symlink_to("my checkout/lukou")
    run = machine.run("cases", program=link)
    assert run.returncode == 0, run.stderr
    assert "PWD=/" in run.stdout
    assert (machine.root / ".venv").is_dir()


@pytest.mark.parametrize("home", ["", None])
def test_home_empty_or_unset_falls_back(home: str | None, tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    if home is None:
        del machine.environment["HOME"]
    run = machine.run("cases", **({} if home is None else {"HOME": home}))
    assert run.returncode == 0, run.stderr
    used = run.stdout.splitlines()[0].removeprefix("HOME=").split(" PWD")[0]
    assert used.startswith("/")
    assert used != "/"


def test_old_python_is_named_with_what_to_do(tmp_path: Path) -> None:
    run = Machine(tmp_path, is_old=True).run("demo")
    assert run.returncode == 2
    assert "needs Python 3.11 or newer, found Python 3.9.2" in run.stderr
    assert len(run.stderr.splitlines()) == 1


def test_missing_venv_module_names_the_package(tmp_path: Path) -> None:
    run = Machine(tmp_path, has_no_venv=True).run("demo")
    assert run.returncode == 2
    assert "apt-get install python3-venv" in run.stderr


def test_chosen_python_that_is_too_old_is_refused(tmp_path: Path) -> None:
    machine = Machine(tmp_path, is_old=True)
    run = machine.run("demo", LUKOU_PYTHON=f"{tmp_path}/bin/python3")
    assert run.returncode == 2
    assert "LUKOU_PYTHON" in run.stderr


def test_failed_install_says_so_and_is_tried_again(tmp_path: Path) -> None:
    machine = Machine(tmp_path, pip_fails=True)
    for _ in range(2):
        run = machine.run("demo")
        assert run.returncode == 2
        assert "check the network" in run.stderr
        assert [line for line in machine.asked() if "pip install" in line]


def test_test_command_adds_the_developers_lock_and_runs_the_checks(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    run = machine.run("test", "tests/unit", "-k", "a b")
    assert run.stdout.splitlines() == [f"checks in {machine.root}", "[tests/unit]", "[-k]", "[a b]"]
    assert any(line.endswith("requirements-dev.lock") for line in machine.asked())
