"""Crashes: a process killed at any point of sealing loses nothing sealed, doubles nothing and shows no half package."""

import json
import os
import random
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from evidence.seal import Vault
from evidence.verify import verify_package, verify_store
from tests.support.drafts import case_id, draft, filled_vault, vault

PRIMITIVES = ("write", "fsync", "fchmod", "rename", "mkdir")
"""Every call that changes the disk; killing before a write also covers the file just created empty."""

pytestmark = [
    pytest.mark.timeout(300),  # hundreds of processes on a busy machine
    pytest.mark.filterwarnings("ignore:This process:DeprecationWarning"),  # fork beside pytest-xdist's thread, 3.12+
]


def in_child(work: Callable[[], None]) -> int:
    """Runs work in a forked process; returns its wait status."""
    pid = os.fork()
    if pid == 0:
        try:
            work()
            os._exit(0)
        finally:
            os._exit(3)
    return os.waitpid(pid, 0)[1]


def chained(store: Vault) -> list[str]:
    lines = [line for p in (store.root / "chain").glob("*/*.jsonl") for line in p.read_bytes().splitlines()]
    return [json.loads(line)["case_id"] for line in lines]


def assert_sound(store: Vault) -> None:
    verdict = verify_store(store.root, public_key_pem=store.public_key_pem)
    assert verdict.is_valid, verdict.problems
    assert len(chained(store)) == len(set(chained(store)))
    assert not any((store.root / ".stage").iterdir())


def die_at(step: int) -> None:
    """Makes the process vanish at the step-th file operation; a write is torn in the middle first."""
    count = 0

    def wrap(name: str) -> Callable[..., Any]:
        real = getattr(os, name)
        write = os.write

        def counted(*args: Any, **kwargs: Any) -> Any:
            nonlocal count
            count += 1
            if count == step:
                if name == "write":
                    write(args[0], bytes(args[1])[: len(args[1]) // 2])
                os.kill(os.getpid(), signal.SIGKILL)
            return real(*args, **kwargs)

        return counted

    for name in PRIMITIVES:
        setattr(os, name, wrap(name))


def test_killed_at_every_single_step(tmp_path: Path) -> None:
    store = filled_vault(tmp_path, 1)
    survived, kept = 0, 0
    for step in range(1, 400):
        number = step + 1
        todo = draft(tmp_path, number)

        def work(todo: Any = todo, step: int = step) -> None:
            die_at(step)
            store.seal(todo)

        status = in_child(work)
        shown = store.path(case_id(number)).exists()
        if shown:
            assert verify_package(store.path(case_id(number))).is_valid, f"half a package visible after step {step}"
        Vault.recover(store)
        assert (case_id(number) in chained(store)) == shown
        kept += shown
        if status == 0:
            survived = step
            break
        assert os.WIFSIGNALED(status)
    # ten files written, protected and synced; a stage made, synced, renamed, synced; one entry written and synced
    assert survived > 10 * 3 + 4 + 2
    assert kept > 1, "no kill fell between rename and chain entry: the test would prove nothing"
    assert_sound(store)


def test_killed_at_random_times(tmp_path: Path) -> None:
    store = filled_vault(tmp_path, 1)
    chance = random.Random(20261122)
    sealed, number = {case_id(1)}, 1
    for _ in range(12):
        reader, writer = os.pipe()
        start = number + 1

        def work(writer: int = writer, start: int = start) -> None:
            own = vault(tmp_path)
            for n in range(start, start + 100):
                own.seal(draft(tmp_path, n))
                os.write(writer, f"{n}\n".encode())

        pid = os.fork()
        if pid == 0:
            try:
                work()
            finally:
                os._exit(3)
        os.close(writer)
        time.sleep(chance.uniform(0.01, 0.3))
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        with os.fdopen(reader) as told:
            numbers = [int(line) for line in told]
        sealed |= {case_id(n) for n in numbers}
        number = max([number, *numbers]) + 1  # the one under way when it was killed keeps its number
        vault(tmp_path).recover()
        assert sealed <= set(chained(store)), "a sealed package was lost"
        assert_sound(store)


def test_recover_says_what_it_did_and_only_once(tmp_path: Path) -> None:
    store = filled_vault(tmp_path, 2)
    path = next((store.root / "chain").glob("*/*.jsonl"))
    whole = path.read_bytes()
    path.write_bytes(whole[: whole.index(b"\n") + 40])  # the second entry is torn
    (store.root / ".stage" / f"{case_id(7)}.1.aa").mkdir()
    done = store.recover()
    assert [case_id(7) in d or "half-written" in d or case_id(2) in d for d in done] == [True] * 3
    assert path.read_bytes() == whole, "the entry made again is the entry that was lost, byte for byte"
    assert store.recover() == []
    assert_sound(store)


def test_line_end_alone_is_put_back(tmp_path: Path) -> None:
    store = filled_vault(tmp_path, 2)
    path = next((store.root / "chain").glob("*/*.jsonl"))
    whole = path.read_bytes()
    path.write_bytes(whole[:-1])
    assert len(store.recover()) == 1
    assert path.read_bytes() == whole


def test_sealing_heals_a_torn_line_by_itself(tmp_path: Path) -> None:
    store = filled_vault(tmp_path, 1)
    path = next((store.root / "chain").glob("*/*.jsonl"))
    with path.open("ab") as stream:
        stream.write(b'{"case_id":"01K')
    store.seal(draft(tmp_path, 2))
    assert_sound(store)


def test_recover_does_not_touch_a_living_stage(tmp_path: Path) -> None:
    store = vault(tmp_path)
    with store._stage(case_id(1)) as stage:
        assert vault(tmp_path).recover() == []
        assert stage.is_dir()
    assert not stage.exists()


@pytest.mark.parametrize("damage", ["P1.jpg", "manifest.json"])
def test_recover_chains_nothing_it_did_not_seal(tmp_path: Path, damage: str) -> None:
    store = filled_vault(tmp_path, 2)
    path = next((store.root / "chain").glob("*/*.jsonl"))
    path.write_bytes(path.read_bytes().splitlines(keepends=True)[0])
    target = store.path(case_id(2)) / damage
    target.chmod(0o644)
    target.write_bytes(target.read_bytes() + b" ")
    assert store.recover() == []
    assert chained(store) == [case_id(1)]


def test_two_processes_seal_side_by_side(tmp_path: Path) -> None:
    store = filled_vault(tmp_path, 1)
    pids = []
    for part in (range(10, 16), range(20, 26)):
        pid = os.fork()
        if pid == 0:
            try:
                own = vault(tmp_path)
                for n in part:
                    own.seal(draft(tmp_path, n))
                os._exit(0)
            finally:
                os._exit(3)
        pids.append(pid)
    assert [os.waitpid(p, 0)[1] for p in pids] == [0, 0]
    assert len(chained(store)) == 13
    assert_sound(store)
