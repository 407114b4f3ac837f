"""``lukou replay``: what another site file would change, from what was kept of footage already processed."""

import json
import re
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cases.records import QueueFilter
from cases.replays import Change, Replay, ReplayedEvent, ReplayedMoment, checked_name, save_replay
from cases.store import CaseStore
from cli.cases import open_vault
from cli.console import count_text, emit, offset_text, out, say, show_table
from cli.home import JsonOption, OutOption, open_cases, settings_for
from core.catalogue import catalogue
from core.errors import CaseNotFound, ConfigError, EvidenceError
from core.settings import Settings
from core.site import Site, load_site
from core.time import NS_PER_S, SystemClock, seconds

if TYPE_CHECKING:
    from evidence.seal import Vault
    from pipeline.replay import Difference, Event

MOST_CASES = 100_000
BEYOND_SESSIONS = frozenset({"V11"})
"""Offences that rest on many sessions: one session's tracks neither confirm nor refute them."""


def replay(
    site_file: Annotated[
        Path, typer.Option("--site", metavar="NEW.yaml", help="The site file to try out; the rules' parameters too.")
    ],
    session: Annotated[list[str] | None, typer.Argument(metavar="[SESSION]...", help="Ids of sessions.")] = None,
    all_sessions: Annotated[bool, typer.Option("--all", help="Every session kept of this site's camera.")] = False,
    since: Annotated[
        str, typer.Option(metavar="TIME", help="Sessions processed since then: 2026-11-22, or 36h, 7d ago.")
    ] = "",
    save: Annotated[str, typer.Option(metavar="NAME", help="Keep the result for the console's page /replays.")] = "",
    out_dir: OutOption = None,
    as_json: JsonOption = False,
) -> None:
    """Says which past cases a changed site file would keep, drop or add; nothing is filed or changed."""
    from pipeline.kept import read_kept
    from pipeline.replay import compare, rejudge

    drawn, settings = load_site(site_file), settings_for(out_dir)
    if bool(session) == (all_sessions or bool(since)):
        raise ConfigError("name one session or more, or give --all or --since TIME")
    oldest = parse_since(since, SystemClock().now_utc()) if since else None
    began = time.perf_counter()
    told: list[dict[str, Any]] = []
    events: list[ReplayedEvent] = []
    if save:
        checked_name(save)
    with open_cases(settings) as store:
        names = session or _sessions(store, settings, drawn.camera.camera_id, oldest)
        vault = open_vault(settings)
        for name in names:
            kept = read_kept(settings.checkpoint_dir / f"{name}.jsonl")
            before, size, start_utc = _filed(store, vault, name)
            site = drawn.scaled_to(*size) if size else drawn
            difference = compare(before, rejudge(kept, site, start_utc))
            told.append({"session_id": name, "footage_s": round(kept.footage_s, 1), **_facts(difference)})
            events += _replayed(name, difference)
            if not as_json:
                _show(name, difference)
    footage_s, wall_s = sum(row["footage_s"] for row in told), time.perf_counter() - began
    if save:
        path = save_replay(settings.home / "replays", _saved(save, drawn, names, events, (footage_s, wall_s)))
        say(f"kept for the console's page /replays/{save} ({path.name})")
    if as_json:
        emit({"site_id": drawn.site_id, "sessions": told, "footage_s": round(footage_s, 1), "wall_s": round(wall_s, 2)})
        return
    _warn_of_lamps(drawn)
    out().print(f"{offset_text(footage_s)} of footage judged anew in {wall_s:.1f} s; nothing was changed")


def parse_since(text: str, now: datetime) -> datetime:
    """Returns the moment a text names: so many hours or days before now, or a date or time of UTC.

    >>> from datetime import UTC
    >>> parse_since("36h", datetime(2026, 11, 22, 12, tzinfo=UTC)).isoformat()
    '2026-11-21T00:00:00+00:00'
    >>> parse_since("2026-11-20", datetime(2026, 11, 22, tzinfo=UTC)).isoformat()
    '2026-11-20T00:00:00+00:00'

    Raises:
        ConfigError: it is neither.
    """
    span = re.fullmatch(r"(\d{1,5})([hd])", text)
    if span:
        return now - timedelta(hours=int(span[1]) * (24 if span[2] == "d" else 1))
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise ConfigError(
            f"--since '{text}' is no time; write 2026-11-22, 2026-11-22T08:00 (UTC), 36h or 7d"
        ) from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _replayed(session_id: str, difference: "Difference") -> list[ReplayedEvent]:
    """Returns a session's differences as they are kept."""
    pairs: list[tuple[Change, Event | None, Event | None]] = [
        ("stays" if old.facts is None or old.facts == new.facts else "changes", old, new)
        for old, new in difference.stays
    ]
    pairs += [("disappears", old, None) for old in difference.goes]
    pairs += [("appears", None, new) for new in difference.comes]
    return [_event(session_id, change, old, new) for change, old, new in pairs]


def _event(session_id: str, change: Change, old: "Event | None", new: "Event | None") -> ReplayedEvent:
    shown, candidate = new or old, new.candidate if new else None
    if shown is None:
        raise ValueError("an event is on one side at least")
    return ReplayedEvent(
        change=change,
        violation_id=shown.violation_id,
        session_id=session_id,
        onset_ns=shown.onset_ns,
        subject=candidate.subject.name if candidate else None,
        case_id=old.case_id if old else None,
        before=old.facts if old else None,
        after=new.facts if new else None,
        moments=tuple(
            ReplayedMoment(role=m.role, pts_ns=m.pts_ns, signal=m.signal)
            for m in (candidate.moments if candidate else ())
        ),
        cues=candidate.cues if candidate else (),
    )


def _saved(
    name: str, site: Site, sessions: list[str], events: list[ReplayedEvent], spent: tuple[float, float]
) -> Replay:
    return Replay(
        name=name,
        made_utc=SystemClock().now_utc(),
        site_id=site.site_id,
        camera_id=site.camera.camera_id,
        site_sha256=site.sha256(),
        sessions=tuple(sessions),
        footage_s=round(spent[0], 1),
        wall_s=round(spent[1], 2),
        events=tuple(events),
    )


def _sessions(store: CaseStore, settings: Settings, camera_id: str, oldest: datetime | None) -> list[str]:
    """Returns the kept sessions of a camera, those processed since a moment if one is given."""
    kept = sorted(path.stem for path in settings.checkpoint_dir.glob("*.jsonl"))
    runs = {name: store.run(name) for name in kept}
    found = [name for name, run in runs.items() if run is not None and run.camera_id == camera_id]
    if found and oldest is not None:
        found = [name for name in found if (run := runs[name]) is not None and run.started_utc >= oldest]
        if not found:
            raise ConfigError(f"nothing of camera '{camera_id}' was processed since {oldest:%Y-%m-%d %H:%M} UTC")
    if not found:
        raise ConfigError(f"nothing is kept of camera '{camera_id}' under {settings.home}; check camera_id in the site")
    return found


def _filed(
    store: CaseStore, vault: "Vault", session_id: str
) -> tuple[list["Event"], tuple[int, int] | None, datetime | None]:
    """Returns a session's cases, its picture size and the time of its first frame, as far as cases tell them."""
    from pipeline.replay import Event

    events: list[Event] = []
    size: tuple[int, int] | None = None
    start_utc: datetime | None = None
    for record in store.queue(QueueFilter(session_id=session_id, limit=MOST_CASES)):
        if record.violation_id in BEYOND_SESSIONS:
            continue
        try:
            track = json.loads(vault.read(record.case_id, "TRACK.json"))
            facts: dict[str, Any] | None = vault.manifest(record.case_id).rule.get("facts")
        except (EvidenceError, CaseNotFound) as error:
            say(f"{error.message}; this case is matched by its time alone", style="yellow")
            track, facts = {"boxes": [], "moments": []}, None
        size = (track["width"], track["height"]) if "width" in track else size
        if record.occurred_utc is not None and track["moments"]:
            start_utc = record.occurred_utc - timedelta(microseconds=int(track["moments"][0]["pts_ns"]) // 1000)
        events.append(
            Event(
                case_id=record.case_id,
                violation_id=record.violation_id,
                onset_ns=record.onset_ns,
                end_ns=max([record.onset_ns, *(int(m["pts_ns"]) for m in track["moments"])]),
                boxes={int(row[0]): tuple(float(v) for v in row[1:]) for row in track["boxes"]},
                facts=facts,
            )
        )
    return sorted(events, key=lambda event: event.onset_ns), size, start_utc


def _facts(difference: "Difference") -> dict[str, Any]:
    return {
        "stays": [{**_told(new), "case_id": old.case_id} for old, new in difference.stays],
        "disappears": [_told(old) for old in difference.goes],
        "appears": [_told(new) for new in difference.comes],
    }


def _told(event: "Event") -> dict[str, Any]:
    return {
        "case_id": event.case_id,
        "violation_id": event.violation_id,
        "onset_s": round(event.onset_ns / NS_PER_S, 2),
        "facts": event.candidate.facts if event.candidate else None,
    }


def _show(session_id: str, difference: "Difference") -> None:
    rows = [("stays", old.case_id or "", old) for old, _ in difference.stays]
    rows += [("disappears", old.case_id or "", old) for old in difference.goes]
    rows += [("appears", "", new) for new in difference.comes]
    rows.sort(key=lambda row: row[2].onset_ns)
    counts = ", ".join(
        f"{len(part)} {word}"
        for part, word in (
            (difference.stays, "stay"),
            (difference.goes, "disappear"),
            (difference.comes, "appear"),
        )
    )
    show_table(
        f"{session_id}: {counts}" if rows else f"{session_id}: {count_text(0, 'case')}, before and after",
        ("", "case", "rule", "what", "in footage"),
        [
            (word, name, e.violation_id, catalogue().get(e.violation_id).short_zh, offset_text(seconds(e.onset_ns)))
            for word, name, e in rows
        ],
    )


def _warn_of_lamps(site: Site) -> None:
    if any(signal.region_px is not None for signal in site.signals):
        say("lamps are taken as they were read then: a moved lamp region needs the footage again", style="yellow")
