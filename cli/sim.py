"""``lukou sim``: random junctions with a known answer, as a scene file or rendered."""

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from cli.console import err, out, say
from core.errors import ConfigError

if TYPE_CHECKING:
    from sim.scene import Scene

CameraKind = Literal["pole", "gantry", "drone"]
WeatherName = Literal["day", "dusk", "night", "rain", "haze"]

app = typer.Typer(help="Rendered junctions with a known answer.", no_args_is_help=True)

SeedOption = Annotated[int | None, typer.Option("--seed", metavar="N", help="Draws everything; same seed, same scene.")]
CameraOption = Annotated[CameraKind, typer.Option(help="What the camera hangs on.")]
WeatherOption = Annotated[WeatherName, typer.Option(help="Light and air.")]


@app.command()
def scene(seed: SeedOption = None, camera: CameraOption = "pole", weather: WeatherOption = "day") -> None:
    """Prints the scene file of a seed: junction, camera, lamps, cast; every value may be changed."""
    from sim.generator import dump_scene

    out().print(dump_scene(_drawn(seed, camera, weather)), end="", markup=False, highlight=False, soft_wrap=True)


@app.command()
def render(
    scene_file: Annotated[
        Path | None, typer.Argument(metavar="[SCENE.yaml]", help="A scene file instead of a seed.", show_default=False)
    ] = None,
    seed: SeedOption = None,
    camera: CameraOption = "pole",
    weather: WeatherOption = "day",
    folder: Annotated[Path, typer.Option("--out", metavar="DIR", help="Folder for the results.")] = Path("scenes"),
    draft: Annotated[bool, typer.Option("--draft", help="Rough edges, three times as fast.")] = False,
) -> None:
    """Renders a scene: the clip, what truly happens in it, its site file and its scene file.

    Needs the extra ``sim`` and FFmpeg; without a graphics card it renders on the processor.
    """
    if find_spec("moderngl") is None:
        raise ConfigError("rendering needs moderngl, which is not installed: pip install 'lukou[sim]'")
    if (scene_file is None) == (seed is None):
        raise ConfigError("give a scene file, or a seed with --seed N")
    from sim.film import render_film
    from sim.generator import dump_scene
    from sim.scene import load_scene

    shown = load_scene(scene_file) if scene_file is not None else _drawn(seed, camera, weather)
    columns = (TextColumn("frame {task.completed:.0f}/{task.total:.0f}"), BarColumn(), TimeRemainingColumn())
    with Progress(*columns, console=err(), transient=True, disable=not err().is_terminal) as bar:
        task = bar.add_task("frames", total=1)
        film = render_film(
            shown,
            folder,
            shown.scene_id,
            lambda done, total: bar.update(task, completed=done, total=total),
            is_draft=draft,
        )
    written = folder / f"{shown.scene_id}.scene.yaml"
    written.write_text(dump_scene(shown), encoding="utf-8")
    for path in (film.video, film.truth, film.site, written):
        out().print(str(path), soft_wrap=True, highlight=False)
    say(f"try it: lukou process {film.video} --site {film.site}")


def _drawn(seed: int | None, camera: CameraKind, weather: WeatherName) -> "Scene":
    from sim.generator import draw_scene

    if seed is None:
        raise ConfigError("give a seed: --seed N, any whole number")
    return draw_scene(seed, camera=camera, weather=weather)
