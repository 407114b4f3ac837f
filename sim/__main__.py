"""Command line of the scene generator: ``python -m sim --help``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from core.errors import LukouError
from sim.scene import load_scene
from sim.truth import Truth, check_truth, find_truth
from sim.world import build_world

app = typer.Typer(
    help="Scenes with a known answer: clips, ground truth, site files, labelled pictures.", no_args_is_help=True
)
console = Console()

SceneFile = Annotated[Path, typer.Argument(help="scene description, e.g. sim/scenes/demo.yaml")]
OutFolder = Annotated[Path, typer.Option("--out", help="folder for the results")]


@app.command()
def check(scene_file: SceneFile) -> None:
    """Runs a scene without pictures and lists what happens in it."""
    world = build_world(load_scene(scene_file))
    truth = find_truth(world)
    _print(truth)
    check_truth(world, truth)


@app.command()
def render(
    scene_file: SceneFile,
    out: OutFolder = Path("out"),
    name: Annotated[str, typer.Option(help="file name of the results, without ending")] = "junction",
) -> None:
    """Renders a scene: NAME.mp4, NAME.truth.json and NAME.site.yaml."""
    from sim.film import render_film

    columns = (TextColumn("frame {task.completed:.0f}/{task.total:.0f}"), BarColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console) as bar:
        task = bar.add_task("frames", total=1)
        film = render_film(
            load_scene(scene_file), out, name, lambda done, total: bar.update(task, completed=done, total=total)
        )
    console.print(f"{film.video}\n{film.truth}\n{film.site}")


@app.command()
def measure(
    scene_file: SceneFile,
    out: OutFolder = Path("out"),
    name: Annotated[str, typer.Option(help="file name of the results, without ending")] = "junction",
) -> None:
    """Writes ground truth and site file of a scene again, without rendering the clip."""
    from sim.film import measure_film

    film = measure_film(load_scene(scene_file), out, name)
    console.print(f"{film.truth}\n{film.site}")


@app.command()
def still(
    scene_file: SceneFile,
    at: Annotated[list[float], typer.Option("--at", help="clip second; may be given several times")],
    out: OutFolder = Path("out"),
) -> None:
    """Renders single frames as PNG, to look at a scene before rendering it whole."""
    from sim.film import render_stills

    for path in render_stills(load_scene(scene_file), at, out):
        console.print(str(path))


@app.command()
def pictures(
    scene_file: SceneFile,
    *,
    seeds: Annotated[str, typer.Option(help="world seeds, e.g. 20-29")],
    views: Annotated[int, typer.Option(min=1, help="random cameras and suns per seed")] = 4,
    camera: Annotated[
        Literal["pole", "drone"], typer.Option(help="pole, or drone: 40-120 m up, 0-45 degrees oblique")
    ] = "pole",
    weather: Annotated[
        Literal["day", "dusk", "night", "rain", "haze", "any"], typer.Option(help="light and air; any: one per view")
    ] = "day",
    out: OutFolder = Path("out"),
) -> None:
    """Renders labelled pictures for the detector: random cameras, suns and traffic, YOLO labels."""
    from sim.pictures import parse_seeds, render_pictures

    for path in render_pictures(load_scene(scene_file), parse_seeds(seeds), views, out, camera=camera, weather=weather):
        console.print(str(path))


@app.command()
def sprites(
    scene_file: SceneFile,
    seeds: Annotated[str, typer.Option(help="seeds of camera, sun and traffic, e.g. 1-9")],
    moments: Annotated[int, typer.Option(min=1, help="groups per seed")] = 10,
    out: OutFolder = Path("out"),
) -> None:
    """Renders vehicles and people from above, cut out with their shadows, for the aerial detector's training."""
    from sim.pictures import parse_seeds
    from sim.sprites import render_sprites

    console.print(f"{len(render_sprites(load_scene(scene_file), parse_seeds(seeds), moments, out))} sprites in {out}")


def _print(truth: Truth) -> None:
    table = Table("violation", "kind", "track", "subject", "from s", "to s")
    for event in (*truth.violations, *(e for e in truth.traps if e.is_scripted)):
        table.add_row(
            event.violation_id or "-",
            event.kind,
            event.track,
            event.subject,
            f"{event.t_start_s:.1f}",
            f"{event.t_end_s:.1f}",
        )
    console.print(table)


def run() -> None:
    """Runs the command line; a deliberate error prints one line and exits 2."""
    try:
        app()
    except LukouError as error:
        Console(stderr=True).print(f"error: {error.message}", style="red", soft_wrap=True, markup=False)
        raise SystemExit(2) from error


if __name__ == "__main__":
    run()
