"""``lukou top``: the running cameras, live in the terminal."""

import time
from collections.abc import Iterator, Mapping
from typing import Annotated, Any

import typer
from rich.console import Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from cli.console import emit, out
from cli.home import JsonOption, OutOption, settings_for
from core.errors import ConfigError
from core.settings import Settings
from core.status import read_status
from core.time import SystemClock

EVERY_S = 1.0
STYLES = {"live": "green", "lost": "red", "left out": "red", "connecting": "yellow", "stopped": "dim"}


def top(
    out_dir: OutOption = None,
    once: Annotated[bool, typer.Option("--once", help="Print the present state and end.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Shows the running cameras: rates, ages, what was not looked at, alerts. Ctrl-C ends it."""
    settings = settings_for(out_dir)
    status = _read(settings)
    if as_json:
        emit(status)
        return
    if once or not out().is_terminal:
        out().print(view(status, None))
        return
    with Live(view(status, None), console=out(), screen=True, auto_refresh=False) as live:
        for before, now in _pairs(settings, status):
            live.update(view(now, before), refresh=True)


def view(status: Mapping[str, Any], before: Mapping[str, Any] | None) -> Group:
    """Returns the picture of one moment; rates need the moment before."""
    table = Table(show_edge=False, pad_edge=False)
    columns = ("camera", "state", "in/s", "looks/s", "still/s", "late", "left out", "failed", "lost", "age", "unseen")
    for name in (*columns, "clock", "cases", "undecided"):
        table.add_column(name, justify="left" if name in {"camera", "state", "clock"} else "right")
    earlier = {camera["id"]: camera for camera in before["cameras"]} if before else {}
    span_s = status["up_s"] - before["up_s"] if before else 0.0
    for camera in status["cameras"]:
        table.add_row(*_row(camera, earlier.get(camera["id"]), span_s))
    network, sealing = status["network"], status["sealing"]
    head = Text("running" if status["is_running"] else "not running", style="green" if status["is_running"] else "red")
    head.append(f" for {status['up_s'] / 3600:.1f} h, network busy {network['busy_share']:.0%}", style="default")
    head.append(f", cases sealed {sealing['sealed']}, waiting {sealing['waiting']}", style="default")
    if "resident_mb" in status.get("memory", {}):
        head.append(f", memory {status['memory']['resident_mb']:.0f} MB", style="default")
    return Group(head, table, *(Text(f"! {alert}", style="red") for alert in status["alerts"]))


def _row(camera: Mapping[str, Any], earlier: Mapping[str, Any] | None, span_s: float) -> list[str | Text]:
    def rate(name: str) -> str:
        return f"{(camera[name] - earlier[name]) / span_s:.1f}" if earlier and span_s > 0 else "-"

    state = f"{camera['state']}, resting" if camera["decoding"] == "keys" else camera["state"]
    age = "-" if camera["age_s"] is None else f"{camera['age_s']:.1f} s"
    return [
        camera["id"],
        Text(state, style=STYLES.get(camera["state"], "")),
        rate("received"),
        rate("detected"),
        rate("gated"),
        *(str(camera[name]) for name in ("late", "shed", "failed", "lost")),
        age,
        f"{camera['unseen_s']:.0f} s",
        "ok" if camera["clock"]["is_trusted"] else "untrusted",
        str(camera["cases"]),
        str(camera["undecided"]),
    ]


def _read(settings: Settings) -> dict[str, Any]:
    status = read_status(settings.home, SystemClock())
    if status is None:
        raise ConfigError(f"no camera ever ran with {settings.home}; start them: lukou run FOLDER")
    return status


def _pairs(settings: Settings, status: dict[str, Any]) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    while True:
        time.sleep(EVERY_S)
        status, before = _read(settings), status
        yield before, status
