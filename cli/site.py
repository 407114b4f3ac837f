"""``lukou site check``: draws a site file on a frame and says what each rule still needs."""

from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from cli.console import emit, out, say, show_table
from cli.home import JsonOption
from core.catalogue import catalogue
from core.errors import SourceUndecodable, StoreError
from core.site import load_site
from core.time import NS_PER_S, seconds


def check(
    site_file: Annotated[Path, typer.Argument(metavar="SITE.yaml", help="The site file.")],
    video: Annotated[Path, typer.Argument(metavar="VIDEO", help="Footage of this camera.")],
    png: Annotated[
        Path | None, typer.Option(metavar="OUT.png", help="Where to draw. Default: beside where you are, by site id.")
    ] = None,
    at_s: Annotated[float, typer.Option("--at", metavar="SECONDS", min=0, help="Which moment to draw on.")] = 0.0,
    as_json: JsonOption = False,
) -> None:
    """Draws every configured thing on a frame and says per rule what is missing."""
    from cli.drawing import draw_site
    from ingest.session import open_session
    from rules import requirements

    drawn_on = load_site(site_file)
    session = open_session([video], camera_id=drawn_on.camera.camera_id)
    site = drawn_on.scaled_to(session.width_px, session.height_px)
    frame = next(session.frames(detect_hz=1.0, from_ns=int(at_s * NS_PER_S)), None)
    if frame is None:
        raise SourceUndecodable(f"'{video}' has no picture at {at_s:g} s; give an earlier --at", path=str(video))
    target = png or Path(f"{site.site_id}.png")
    try:
        draw_site(site, session.still(frame.pts_ns).rgb).save(target)
    except OSError as error:
        raise StoreError(f"cannot write {target} ({error.strerror}); give another --png", path=str(target)) from error
    missing = requirements(site)
    if as_json:
        emit({"site_id": site.site_id, "png": str(target), "at_s": seconds(frame.pts_ns), "missing": missing})
        return
    show_table(
        f"{site.site_id}: what each rule needs",
        ("rule", "offence", "state"),
        [(rule, catalogue().get(rule).short_zh, _state(gaps)) for rule, gaps in sorted(missing.items())],
    )
    out().print(f"drawn on {target}", soft_wrap=True)
    if site.calibration is None:
        say("no ground calibration: distances are estimated in vehicle lengths, and every case says so", style="yellow")


def _state(gaps: list[str]) -> Text:
    return Text("ready", style="green") if not gaps else Text("; ".join(gaps), style="yellow")
