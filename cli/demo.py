"""``lukou demo``: the whole way on bundled footage whose answer is known, from pixels to the console."""

import secrets
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text

from cases.states import UserRole
from cli.boundary import DIFFERS
from cli.cases import entries_known, open_vault
from cli.console import emit, offset_text, out, say, show_table
from cli.home import JsonOption, open_cases, settings_for
from cli.known import Answer, Trap, load_answer
from cli.process import report_facts, run_pipeline, show_counts
from cli.serve import run_server, with_address
from cli.truth import Comparison, Expected, Found, are_together, compare, found_from, time_apart_s
from core.catalogue import catalogue
from core.errors import ConfigError
from core.settings import Settings
from core.site import load_site
from evidence.verify import Verdict, verify_store

if TYPE_CHECKING:
    from pipeline.process import RunReport

MARK = ".lukou-demo"
"""Lies in every folder the demo made: only such a folder is ever wiped."""
OFFICERS = ("officer-a", "officer-b")


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What the demo found, against what it must find."""

    comparison: Comparison
    traps: tuple[tuple[Trap, Found | None], ...]
    verdict: Verdict

    @property
    def is_right(self) -> bool:
        """Tells whether the demo gave exactly the known answer and its evidence verifies."""
        return self.comparison.is_exact and self.verdict.is_valid


def demo(
    no_serve: Annotated[
        bool, typer.Option("--no-serve", help="End after the table instead of serving the console.")
    ] = False,
    out_dir: Annotated[
        Path | None,
        typer.Option(
            "--out",
            metavar="DIR",
            help="Folder for the demo's results, wiped at each start. Default: demo/ in the folder of results.",
            show_default=False,
        ),
    ] = None,
    port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="Port of the console; 0 picks a free one.", show_default=False)
    ] = None,
    as_json: JsonOption = False,
) -> int | None:
    """Shows the whole way: bundled synthetic footage in, expected against found, console out.

    The exit code is 1 when what was found differs from the known answer.
    """
    settings = settings_for(prepare_home(out_dir or settings_for(None).home / "demo"))
    video, site_file, answer_file = bundled()
    site = load_site(site_file)
    answer = load_answer(answer_file, site.time_zone)
    session, report = run_pipeline([video], site, settings, answer.start_utc)
    outcome = judge(answer, report, settings)
    if as_json:
        emit({**report_facts(report, answer.start_utc), "answer": outcome_facts(outcome)})
    else:
        show_outcome(outcome)
        show_counts(session, report)
    if not outcome.is_right:
        say("the demo differs from its known answer: this installation does not work as it should", style="red")
        return DIFFERS
    if not no_serve:
        serve_demo(with_address(settings, None, port))
    return None


def bundled() -> tuple[Path, Path, Path]:
    """Returns the demo's footage, site file and known answer.

    Raises:
        ConfigError: they are not installed.
    """
    folder = Path(str(files("sim"))) / "demo"
    found = tuple(folder / f"junction.{ending}" for ending in ("mp4", "site.yaml", "truth.json"))
    for path in found:
        if not path.is_file():
            raise ConfigError(f"demo file {path} is missing; install Lukou again or restore the checkout")
    return found[0], found[1], found[2]


def prepare_home(folder: Path) -> Path:
    """Returns an empty folder for the demo; one the demo made before is wiped, any other is left alone.

    Raises:
        ConfigError: the folder holds something else.
    """
    if folder.exists() and not (folder / MARK).is_file() and (not folder.is_dir() or any(folder.iterdir())):
        raise ConfigError(f"{folder} holds something that is not the demo's; give --out a new or empty folder")
    if folder.is_dir():
        for entry in folder.iterdir():
            if entry.is_dir() and not entry.is_symlink():
                shutil.rmtree(entry)
            else:
                entry.unlink()
    folder.mkdir(parents=True, exist_ok=True)
    (folder / MARK).write_text("made by `lukou demo`, wiped at its next start\n", encoding="utf-8")
    return folder


def judge(answer: Answer, report: "RunReport", settings: Settings) -> Outcome:
    """Returns what was found against the known answer, with every sealed package verified."""
    found = [found_from(case_id, candidate) for case_id, candidate in report.found]
    comparison = compare(answer.expected, found)
    vault = open_vault(settings)
    with open_cases(settings) as store:
        verdict = verify_store(
            settings.evidence_dir, public_key_pem=vault.public_key_pem, expected_entries=entries_known(store)
        )
    return Outcome(
        comparison=comparison,
        traps=tuple((trap, sprung_by(trap, comparison.false_alarms)) for trap in answer.traps),
        verdict=verdict,
    )


def sprung_by(trap: Trap, false_alarms: tuple[Found, ...]) -> Found | None:
    """Returns the false alarm a lawful look-alike was taken for, None when it was rightly passed over."""
    for case in false_alarms:
        is_then = case.start_s <= trap.end_s and case.end_s >= trap.start_s
        if is_then and case.group == trap.group and are_together(trap.sightings, case.sightings):
            return case
    return None


def show_outcome(outcome: Outcome) -> None:
    """Prints expected against found."""
    comparison = outcome.comparison
    hit = {pair.expected.event_id: pair.found for pair in (*comparison.hits, *comparison.extras)}
    events = sorted((*(p.expected for p in comparison.hits), *comparison.misses), key=lambda e: e.start_s)
    rows = [_event_row(event, hit.get(event.event_id)) for event in events]
    rows += [_false_row(case) for case in comparison.false_alarms]
    show_table(
        "Expected and found (synthetic footage)",
        ("rule", "offence", "expected", "found", "subject", "result"),
        rows,
    )
    out().print()
    show_table(
        "Lawful look-alikes: none may be raised",
        ("situation", "times", "by", "result"),
        trap_rows(outcome.traps),
    )
    out().print()
    required = len(comparison.hits) + len(comparison.misses)
    out().print(
        f"{len(comparison.hits)} of {required} offences found, {len(comparison.false_alarms)} false alarms, "
        f"{sum(case is None for _, case in outcome.traps)} of {len(outcome.traps)} look-alikes passed over",
        soft_wrap=True,
    )
    if outcome.verdict.is_valid:
        out().print("every evidence package verifies: files, signatures, hash chain", soft_wrap=True)
    for problem in outcome.verdict.problems:
        out().print(f"CHANGED {problem}", style="red", markup=False, soft_wrap=True)


def trap_rows(traps: Sequence[tuple[Trap, Found | None]]) -> list[tuple[str | Text, ...]]:
    """Returns one row per kind of look-alike, with every one that was raised."""
    by_kind: dict[str, list[tuple[Trap, Found | None]]] = {}
    for trap, case in traps:
        by_kind.setdefault(trap.kind, []).append((trap, case))
    rows: list[tuple[str | Text, ...]] = []
    for kind, members in by_kind.items():
        raised = [f"{case.violation_id} at {offset_text(trap.start_s)}" for trap, case in members if case is not None]
        result = Text(f"RAISED {', '.join(raised)}", style="bold red") if raised else Text("silent", style="green")
        subjects = ", ".join(dict.fromkeys(trap.subject for trap, _ in members))
        rows.append((kind.replace("_", " "), str(len(members)), subjects, result))
    return rows


def outcome_facts(outcome: Outcome) -> dict[str, Any]:
    """Returns the outcome as JSON for machines."""
    comparison = outcome.comparison
    return {
        "is_right": outcome.is_right,
        "hits": [{"event": p.expected.event_id, "case_id": p.found.case_id} for p in comparison.hits],
        "misses": [e.event_id for e in comparison.misses],
        "false_alarms": [f.case_id for f in comparison.false_alarms],
        "traps_sprung": [trap.kind for trap, case in outcome.traps if case is not None],
        "evidence_problems": list(outcome.verdict.problems),
    }


def serve_demo(settings: Settings) -> None:
    """Adds two officers and serves the console."""
    passwords = {name: secrets.token_urlsafe(9) for name in OFFICERS}
    with open_cases(settings) as store:
        for name, password in passwords.items():
            store.add_user(name, password, UserRole.OFFICER)

    def announce(url: str) -> None:
        out().print()
        out().print(f"console at {url}", style="bold", soft_wrap=True)
        for name, password in passwords.items():
            out().print(f"  login {name}  password {password}", markup=False, soft_wrap=True)
        say("two officers, because nobody decides a case alone; Ctrl-C ends the demo")

    run_server(settings, announce=announce)


def _event_row(event: Expected, case: Found | None) -> tuple[str | Text, ...]:
    entry = catalogue().get(event.violation_id)
    return (
        event.violation_id,
        entry.short_zh,
        offset_text(event.start_s),
        "-" if case is None else offset_text(_nearest_s(event, case)),
        event.note,
        Text("MISS", style="bold red") if case is None else Text("hit", style="green"),
    )


def _false_row(case: Found) -> tuple[str | Text, ...]:
    return (
        case.violation_id,
        catalogue().get(case.violation_id).short_zh,
        "-",
        offset_text(case.start_s),
        case.group.replace("_", " "),
        Text("FALSE ALARM", style="bold red"),
    )


def _nearest_s(event: Expected, case: Found) -> float:
    """Returns the case's moment to show beside the event's onset."""
    return min((s.t_s for s in case.sightings), key=lambda t: (abs(t - event.start_s), time_apart_s(event, case)))
