"""``lukou process``: footage of one camera in, sealed cases out."""

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.console import clock_text, count_text, emit, offset_text, out, say, show_table
from cli.home import JsonOption, OutOption, settings_for
from core.catalogue import catalogue
from core.observations import Candidate
from core.overlay import load_overlay
from core.settings import Settings
from core.site import Site, load_site
from core.time import at, parse_utc, seconds

if TYPE_CHECKING:
    from ingest.controller import SignalFeed
    from ingest.session import Session
    from pipeline.process import RunReport


def process(
    videos: Annotated[
        list[Path],
        typer.Argument(metavar="VIDEO...", help="Footage of one camera, in order; several files are one session."),
    ],
    site_file: Annotated[
        Path, typer.Option("--site", metavar="SITE.yaml", help="What is drawn on this camera's picture.")
    ],
    start: Annotated[
        str | None,
        typer.Option(metavar="ISO8601", help="World time of the first frame, e.g. 2026-11-22T08:15:03+08:00."),
    ] = None,
    signals: Annotated[
        Path | None, typer.Option(metavar="FEED.jsonl", help="What the signal controller said, see docs/signals.md.")
    ] = None,
    overlay: Annotated[
        Path | None, typer.Option(metavar="AREA6.yaml", help="The city's own switches and thresholds.")
    ] = None,
    out_dir: OutOption = None,
    as_json: JsonOption = False,
) -> None:
    """Finds offences in footage and files each with sealed evidence; stopped runs go on where they were."""
    site = load_site(site_file) if overlay is None else load_overlay(overlay).applied_to(load_site(site_file))
    start_utc = None if start is None else parse_utc(start)
    settings = settings_for(out_dir)
    session, report = run_pipeline(videos, site, settings, start_utc, feed=load_feed(signals, site))
    if as_json:
        emit(report_facts(report, start_utc))
        return
    show_cases(report, start_utc, site.time_zone)
    show_counts(session, report)
    say(f"decide them in the console: lukou serve{'' if out_dir is None else f' --out {out_dir}'}")


def load_feed(path: Path | None, site: Site) -> "SignalFeed | None":
    """Returns what a controller said about the lamps of a site; None without a feed."""
    from ingest.controller import read_feed

    told = [s.feed_id or s.id for s in site.signals if s.source != "video"]
    return None if path is None else read_feed(path, told)


def run_pipeline(
    videos: list[Path],
    site: Site,
    settings: Settings,
    start_utc: datetime | None,
    *,
    feed: "SignalFeed | None" = None,
) -> "tuple[Session, RunReport]":
    """Runs footage through the pipeline with a progress bar."""
    from cli.progress import ProgressListener
    from cli.workbench import open_workbench
    from ingest.session import open_session
    from pipeline.process import process as process_session

    session = open_session(videos, camera_id=site.camera.camera_id, start_utc=start_utc)
    if start_utc is None:
        _warn_of_unknown_time(session)
    with open_workbench(settings, [site]) as workbench, ProgressListener(videos[0].name) as listener:
        return session, process_session(session, site, workbench=workbench, listener=listener, feed=feed)


def show_cases(report: "RunReport", start_utc: datetime | None, time_zone: str) -> None:
    """Prints the table of what was found."""
    rows = [
        (
            case_id,
            candidate.violation_id,
            catalogue().get(candidate.violation_id).short_zh,
            clock_text(None if start_utc is None else at(start_utc, candidate.onset_ns), time_zone),
            offset_text(seconds(candidate.onset_ns)),
            candidate.subject.name.lower(),
        )
        for case_id, candidate in report.found
    ]
    known = len(report.found) - report.new_cases
    title = count_text(len(report.found), "case") + (f", {known} of them known before" if known else "")
    show_table(title, ("case", "rule", "what", "time", "in footage", "subject"), rows)


def show_counts(session: "Session", report: "RunReport") -> None:
    """Prints what could not be decided and what became of the frames."""
    undecided = [
        (rule, catalogue().get(rule).short_zh, reason, str(count))
        for rule, reasons in sorted(report.undecided.items())
        for reason, count in sorted(reasons.items())
    ]
    if undecided:
        show_table(
            "Undecided: possible offences a rule could not judge", ("rule", "what", "reason", "times"), undecided
        )
    show_lamps(report)
    counts = report.counts
    out().print(
        f"{offset_text(report.footage_s)} of footage at {session.fps:.1f} fps: "
        f"{counts.get('analysed', 0)} frames analysed, {counts.get('skipped', 0)} skipped by rate, "
        f"{counts.get('damaged', 0)} damaged, {counts.get('lost', 0)} lost",
        soft_wrap=True,
    )
    if report.was_complete:
        out().print("this footage was processed before; nothing was decoded again", soft_wrap=True)
    else:
        out().print(f"took {report.wall_s:.1f} s, {report.realtime_factor:.1f}x real time", soft_wrap=True)


def show_lamps(report: "RunReport") -> None:
    """Prints when lamps were at fault, and what could not be used of the controller's feed."""
    if report.faults:
        rows = [
            (f.signal_id, f.kind.replace("_", " "), offset_text(seconds(f.start_ns)), offset_text(seconds(f.end_ns)))
            for f in report.faults
        ]
        show_table("Lamps at fault: nobody is accused by them meanwhile", ("signal", "what", "from", "to"), rows)
    if report.feed:
        told = ", ".join(f"{name.replace('_', ' ')} {count}" for name, count in sorted(report.feed.items()))
        out().print(f"signal feed: {told}", soft_wrap=True)


def report_facts(report: "RunReport", start_utc: datetime | None) -> dict[str, Any]:
    """Returns a run as JSON for machines."""
    return {
        "session_id": report.session_id,
        "cases": [_candidate_facts(case_id, candidate, start_utc) for case_id, candidate in report.found],
        "new_cases": report.new_cases,
        "undecided": report.undecided,
        "signal_faults": [
            {
                "signal": f.signal_id,
                "kind": f.kind,
                "start_s": round(seconds(f.start_ns), 2),
                "end_s": round(seconds(f.end_ns), 2),
            }
            for f in report.faults
        ],
        "signal_feed": report.feed,
        "frames": report.counts,
        "footage_s": round(report.footage_s, 3),
        "wall_s": round(report.wall_s, 3),
        "realtime_factor": round(report.realtime_factor, 2),
        "was_complete": report.was_complete,
    }


def _candidate_facts(case_id: str, candidate: Candidate, start_utc: datetime | None) -> dict[str, Any]:
    return {
        "case_id": case_id,
        "violation_id": candidate.violation_id,
        "subject": candidate.subject.name.lower(),
        "onset_s": round(seconds(candidate.onset_ns), 3),
        "occurred_utc": None if start_utc is None else at(start_utc, candidate.onset_ns).isoformat(),
        "moments": [
            {"role": m.role.value, "t_s": round(seconds(m.pts_ns), 3), "xyxy": [round(v, 1) for v in m.xyxy]}
            for m in candidate.moments
        ],
        "facts": candidate.facts,
        "cues": list(candidate.cues),
    }


def _warn_of_unknown_time(session: "Session") -> None:
    hint = session.creation_utc_hint
    guess = "2026-11-22T08:15:03+08:00"
    if hint is not None:
        guess = f"{hint.isoformat(timespec='seconds')} (that is what the file says; check it)"
    say(
        'no time given: cases are marked "time unknown". If you know it, stop and start again with it, since the same '
        f"footage with a time counts as another session: --start {guess}",
        style="yellow",
    )
