"""``lukou run``: live cameras of a site folder in, sealed cases out, until Ctrl-C."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.console import count_text, emit, say, show_table
from cli.home import JsonOption, OutOption, settings_for
from core.errors import ConfigError
from core.overlay import load_overlay
from core.settings import Settings
from core.site import Site, load_site

if TYPE_CHECKING:
    from ingest.live_feed import FollowedFeed
    from pipeline.cameras import Cameras
    from pipeline.sealer import Job

FolderArgument = Annotated[
    Path, typer.Argument(metavar="FOLDER", help="Site files (*.yaml), one per camera, each with its source.")
]
OverlayOption = Annotated[
    Path | None, typer.Option("--overlay", metavar="AREA6.yaml", help="The city's own switches and thresholds.")
]
SignalsOption = Annotated[
    str | None,
    typer.Option("--signals", metavar="FEED", help="What the signal controller says: a file or mqtt(s)://host/topic."),
]
LEFT = 3


def run(
    folder: FolderArgument,
    overlay: OverlayOption = None,
    for_s: Annotated[
        float | None, typer.Option("--for", metavar="SECONDS", help="End after this long.", show_default=False)
    ] = None,
    economy: Annotated[
        bool,
        typer.Option("--economy/--no-economy", help="Look less where nothing moves; never at the price of an event."),
    ] = True,
    signals: SignalsOption = None,
    out_dir: OutOption = None,
    as_json: JsonOption = False,
) -> None:
    """Watches live cameras and files each offence with sealed evidence, until Ctrl-C."""
    from cli.workbench import open_workbench
    from pipeline.cameras import Cameras
    from pipeline.economy import Switches

    sites = load_sites(folder, overlay)
    switches = Switches(gate=economy, rest=economy, rush=economy)
    settings = settings_for(out_dir)
    with open_workbench(settings, sites) as workbench, _followed(signals, sites, settings) as feed:
        cameras = Cameras(sites, workbench, switches=switches, on_case=_announce, feed=feed)
        cameras.start()
        say(f"watching {count_text(len(sites), 'camera')}; lukou top shows them, Ctrl-C ends")
        with _ended_by_signal():
            cameras.wait(for_s)
        left = cameras.stop()
    _report(cameras, as_json=as_json)
    if left:
        raise typer.Exit(LEFT)


@contextmanager
def _followed(source: str | None, sites: list[Site], settings: Settings) -> Iterator["FollowedFeed | None"]:
    """Yields the controller's feed, followed as it speaks; None where none is named."""
    if source is None:
        yield None
        return
    feed = _feed(source, [s.feed_id or s.id for site in sites for s in site.signals if s.source != "video"], settings)
    feed.start()
    try:
        yield feed
    finally:
        feed.stop()


def _feed(source: str, known: list[str], settings: Settings) -> "FollowedFeed":
    if "://" in source:
        from ingest.mqtt_feed import Access, MqttFeed, parse_broker

        return MqttFeed(parse_broker(source), known, Access.of(settings))
    from ingest.live_feed import LiveFeed

    return LiveFeed(Path(source), known)


def load_sites(folder: Path, overlay: Path | None = None) -> list[Site]:
    """Returns the cameras of a folder, by file name.

    Raises:
        ConfigError: no folder, no site file in it, or one that is wrong.
    """
    if not folder.is_dir():
        raise ConfigError(f"no folder {folder}; put one site file per camera into it", path=str(folder))
    files = sorted(folder.glob("*.yaml"))
    if not files:
        raise ConfigError(f"no site file (*.yaml) in {folder}; copy sites/example.site.yaml and add its source")
    sites = [load_site(file) for file in files]
    return sites if overlay is None else [load_overlay(overlay).applied_to(site) for site in sites]


@contextmanager
def _ended_by_signal() -> Iterator[None]:
    """Ends the block quietly on Ctrl-C and on SIGTERM; what is in hand is sealed afterwards."""

    def end(_number: int, _frame: Any) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    except KeyboardInterrupt:
        say("ending: what was seen is being judged and sealed")
    finally:
        signal.signal(signal.SIGTERM, before)


def _announce(job: "Job", case_id: str) -> None:
    say(f"{job.excerpt.camera_id}: {job.finding.candidate.violation_id}, case {case_id}")


def _report(cameras: "Cameras", *, as_json: bool) -> None:
    status = cameras.status()
    if as_json:
        emit(status)
        return
    rows = [
        [
            str(camera[name])
            for name in ("id", "cases", "undecided", "decoded", "passed", "detected", "gated", "skipped")
        ]
        + [str(camera["late"] + camera["shed"] + camera["failed"]), str(camera["damaged"] + camera["lost"])]
        + [f"{camera['unseen_s']:.1f} s"]
        for camera in status["cameras"]
    ]
    columns = ("camera", "cases", "undecided", "decoded", "passed", "looked at", "still", "by rate")
    show_table("What became of every picture", (*columns, "not managed", "damaged or lost", "not looked at"), rows)
