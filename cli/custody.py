"""``lukou roots | purge``: closing days with a signed root, and deleting what is over its time."""

from collections import defaultdict
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
from core.errors import LukouError
from core.settings import Settings
from core.time import SystemClock
from evidence.root import roots_of
from evidence.seal import Vault


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
            if item.period is WORKING_FILE:
                Path(item.subject).unlink(missing_ok=True)
            elif item.period is REPORT:
                store.custody.erase_report(vault, media_dir(settings), item)
            else:
                store.custody.erase_case(vault, item)
        except LukouError as error:
            failed.append(f"{item.subject}: {error.message}")
    return failed


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
