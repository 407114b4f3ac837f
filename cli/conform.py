"""``lukou conform``: the rules against the conformance set, exactly or under disturbances."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text

from cli.boundary import DIFFERS, OK
from cli.console import emit, out, say, show_table
from cli.home import JsonOption
from core.catalogue import catalogue
from core.errors import ConfigError

if TYPE_CHECKING:
    from cli.scoring import Report, Result
    from sim.trajectories import Case

SHOWN = 30
"""Differing scenes named in the table; --json names all."""


def conform(
    only: Annotated[
        list[str] | None, typer.Argument(metavar="[TEXT]...", help="Only scenes whose id contains one of these.")
    ] = None,
    fps: Annotated[
        list[float] | None, typer.Option(metavar="FPS", min=1, max=120, help="Frame rate; may be given again.")
    ] = None,
    grid: Annotated[
        bool, typer.Option("--grid", help="Disturb the detections instead: jitter, misses, id switches, bad lamps.")
    ] = False,
    setting: Annotated[
        str | None, typer.Option(metavar="TEXT", help="With --grid: only settings whose name contains this.")
    ] = None,
    seed: Annotated[int, typer.Option(metavar="N", min=0, help="Seed of the disturbances and of --most.")] = 0,
    export: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Write the scenes into a new folder for another project to judge."),
    ] = None,
    events: Annotated[
        Path | None, typer.Option("--score", metavar="DIR", help="Score the events.json another project wrote there.")
    ] = None,
    every: Annotated[int, typer.Option(metavar="N", min=1, help="Take every Nth scene only.")] = 1,
    most: Annotated[
        int | None,
        typer.Option(metavar="N", min=2, help="Draw at most N scenes of each offence, half of them lawful, by --seed."),
    ] = None,
    as_json: JsonOption = False,
) -> int:
    """Judges every scene of the conformance set and says where the rules differ from the law."""
    from cli.scoring import all_cases, drawn

    if events is not None:
        from cli.adapter import score_events

        return _show(score_events(events), as_json)
    cases = all_cases(only or ())[::every]
    if grid or export is not None:
        cases = [case for case in cases if case.scene.visits is None]  # days are no frames to disturb or to hand out
    cases = cases if most is None else drawn(cases, most, seed)
    if not cases:
        raise ConfigError("no scene's id contains that; run lukou conform without a text to see all")
    if export is not None:
        from cli.adapter import EXPORT_FPS, export_scenes

        say(f"{export_scenes(cases, export, (fps or [EXPORT_FPS])[0])} scenes written to {export}")
        return OK
    return _grid(cases, setting or "", seed, as_json) if grid else _exact(cases, fps, as_json)


def _exact(cases: "list[Case]", fps: list[float] | None, as_json: bool) -> int:
    from cli.scoring import FRAME_RATES, Report, score

    report = Report()
    for case in cases:
        for rate in fps or case.scene.fps or FRAME_RATES:
            report.add(score(case, rate))
    return _show(report, as_json)


def _show(report: "Report", as_json: bool) -> int:
    if as_json:
        emit({"passed": report.is_passed, **_facts(report), "differing": [_told(r) for r in report.differing]})
    else:
        scenes = sum(tally.scenes for tally in report.tallies.values())
        show_table(f"Conformance set: {scenes} verdicts", COLUMNS, _rows(report))
        _show_differing(report)
        out().print("passed" if report.is_passed else "NOT passed", soft_wrap=True)
    return OK if report.is_passed else DIFFERS


def _grid(cases: "list[Case]", wanted: str, seed: int, as_json: bool) -> int:
    from cli.noise import GRID, score_disturbed
    from cli.scoring import Report

    reports: dict[str, Report] = {}
    settings = [setting for setting in GRID if wanted in setting.name]
    if not settings:
        raise ConfigError(f"no setting's name contains '{wanted}'; choose {', '.join(s.name for s in GRID)}")
    for setting in settings:
        say(f"{setting.name} ...")
        report = reports.setdefault(setting.name, Report())
        for case in cases:
            report.add(score_disturbed(case, setting, seed=seed))
    if as_json:
        emit({"scenes": len(cases), "seed": seed, "settings": {name: _facts(r) for name, r in reports.items()}})
        return OK
    offences = sorted({offence for report in reports.values() for offence, _ in report.tallies})
    rows = [
        (s.name, *(_share(reports[s.name], offence, s.fps) for offence in offences), _total(reports[s.name], s.fps))
        for s in settings
    ]
    title = f"Robustness: recall / precision, {len(cases)} scenes through tracker and lamp reader"
    show_table(title, ("disturbance", *offences, "all"), rows)
    return OK


COLUMNS = ("offence", "what", "fps", "scenes", "legal", "exact", "missed", "false", "recall")


def _rows(report: "Report") -> Iterable[tuple[str, ...]]:
    for (offence, fps), tally in sorted(report.tallies.items()):
        yield (
            offence,
            catalogue().get(offence).short_zh,
            f"{fps:g}",
            *(str(n) for n in (tally.scenes, tally.legal, tally.exact, tally.missed, tally.false)),
            f"{tally.recall:.3f}",
        )


def _show_differing(report: "Report") -> None:
    rows = [
        (f"{r.fps:g}", Text(r.case.case_id), _said(r.missed), _said(r.false), _said(r.unsaid), r.case.scene.law)
        for r in report.differing[:SHOWN]
    ]
    if rows:
        more = len(report.differing) - len(rows)
        title = "Differences" + (f" ({more} more with --json)" if more else "")
        show_table(title, ("fps", "scene", "missed", "false", "not said undecided", "law"), rows)


def _share(report: "Report", offence: str, fps: float) -> str:
    tally = report.tallies[offence, fps]
    return f"{tally.recall:.2f} / {tally.precision:.2f}"


def _total(report: "Report", fps: float) -> str:
    tally = report.total(fps)
    return f"{tally.recall:.3f} / {tally.precision:.3f}"


def _facts(report: "Report") -> dict[str, Any]:
    rates = sorted({fps for _, fps in report.tallies})
    return {
        "all": {f"{fps:g}": report.total(fps).as_dict() for fps in rates},
        "offences": {
            offence: {f"{fps:g}": t.as_dict() for (name, fps), t in sorted(report.tallies.items()) if name == offence}
            for offence in sorted({name for name, _ in report.tallies})
        },
    }


def _told(result: "Result") -> dict[str, Any]:
    return {
        "scene": result.case.case_id,
        "fps": result.fps,
        "law": result.case.scene.law,
        "missed": [list(pair) for pair in result.missed],
        "false": [list(pair) for pair in result.false],
        "not_said_undecided": [list(pair) for pair in result.unsaid],
    }


def _said(pairs: "tuple[tuple[str, str], ...]") -> str:
    return ", ".join(f"{rule} {who}" for rule, who in pairs)
