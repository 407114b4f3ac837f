"""``lukou roots | purge``: closing days with a signed root, and deleting what is over its time."""

import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from cases.custody import StampCheck
from cases.retention import REPORT, WORKING_FILE, Due, due_files
from cases.store import CaseStore
from cli.boundary import DIFFERS
from cli.console import clock_text, emit, out, say, show_table
from cli.home import JsonOption, OutOption, open_cases, settings_for
from core import log
from core.errors import LukouError
from core.settings import Settings
from core.time import SystemClock
from evidence.root import roots_of
from evidence.seal import Vault

CLOSING_EVERY_S = 3600.0
STOPPING_MAX_S = 30.0
_log = log.get(__name__)


def close_days(out_dir: OutOption = None, as_json: JsonOption = False) -> int | None:
    """Signs the root of every finished day and asks for the timestamps still missing; made for a daily timer."""
    settings = settings_for(out_dir)
    vault = Vault(settings.evidence_dir, settings.keys_dir)
    with open_cases(settings) as store:
        failed = store.custody.close_days(vault, _stamper(settings))
    days = [path.stem for path in roots_of(vault.root)]
    if as_json:
        emit({"days": days, "failed": failed})
    else:
        out().print(f"{len(days)} days closed" + (f", the last {days[-1]}" if days else ""))
        for line in failed:
            say(line, style="yellow")
    return DIFFERS if failed else None


def purge(
    out_dir: OutOption = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what is over its time.")] = False,
    as_json: JsonOption = False,
) -> int | None:
    """Deletes evidence whose retention period is over and that is on no legal hold; tombstones stay."""
    settings = settings_for(out_dir)
    vault = Vault(settings.evidence_dir, settings.keys_dir)
    working = due_files((settings.checkpoint_dir, settings.home / "replays"), SystemClock().now_utc())
    with open_cases(settings) as store:
        due = [*store.custody.due(), *working]
        failed = [] if dry_run else _erase(settings, store, vault, due)
    if as_json:
        items = [{"kind": d.period.kind, "subject": d.subject, "since_utc": d.since_utc.isoformat()} for d in due]
        emit({"dry_run": dry_run, "due": items, "failed": failed})
    else:
        _show(due, "over their time" if dry_run else "deleted", failed)
    return DIFFERS if failed else None


@contextmanager
def closing_days(settings: Settings, store: CaseStore, vault: Vault) -> Iterator[None]:
    """Closes finished days now and every hour, in the background; what fails is in the log and tried again."""
    stop = threading.Event()

    def work() -> None:
        while True:
            try:
                store.custody.close_days(vault, _stamper(settings))
            except LukouError as error:
                _log.warning("days_not_closed", reason=error.message)
            if stop.wait(CLOSING_EVERY_S):
                return

    thread = threading.Thread(target=work, name="close-days", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(STOPPING_MAX_S)


def media_dir(settings: Settings) -> Path:
    """Returns the folder of citizens' originals."""
    return settings.home / "reports"


def stamp_check(settings: Settings) -> StampCheck:
    """Returns how a timestamp is checked in this installation."""
    from evidence.stamp import stamp_problem

    return partial(stamp_problem, certificates=settings.tsa_certificate)


def _stamper(settings: Settings) -> partial[bytes] | None:
    from evidence.stamp import request_stamp

    return partial(request_stamp, url=settings.tsa_url) if settings.tsa_url else None


def _erase(settings: Settings, store: CaseStore, vault: Vault, due: list[Due]) -> list[str]:
    """Returns one line for each thing that was kept because it could not be deleted."""
    failed = []
    for item in due:
        try:
            if not _erase_one(settings, store, vault, item):
                failed.append(f"{item.subject}: no longer over its time; a hold was placed, or another run was faster")
        except LukouError as error:
            failed.append(f"{item.subject}: {error.message}")
    return failed


def _erase_one(settings: Settings, store: CaseStore, vault: Vault, due: Due) -> bool:
    if due.period is WORKING_FILE:
        Path(due.subject).unlink(missing_ok=True)
        return True
    if due.period is REPORT:
        return store.custody.erase_report(vault, media_dir(settings), due)
    return store.custody.erase_case(vault, due)


def _show(due: list[Due], what: str, failed: list[str]) -> None:
    kinds: dict[str, list[Due]] = defaultdict(list)
    for item in due:
        kinds[item.period.kind].append(item)
    show_table(
        f"{len(due) - len(failed)} {what}",
        ("kind", "number", "oldest", "kept for", "why"),
        [
            (
                kind,
                str(len(items)),
                clock_text(min(i.since_utc for i in items)),
                f"{items[0].period.days} d",
                items[0].period.basis,
            )
            for kind, items in kinds.items()
        ],
    )
    for line in failed:
        say(f"kept {line}", style="yellow")
