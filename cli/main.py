"""``lukou``: all commands, registered in the order of the way footage takes."""

import sys
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import Annotated

import typer

from cli import cases, conform, custody, demo, models, openapi, plan, process, replay, serve, sim, site, top, up
from cli import run as watch
from cli.boundary import guarded
from core import log

HELP = """Lukou (路口): footage in, decided traffic-violation cases out.

First look: [bold]lukou demo[/bold]. Own footage: [bold]lukou site check[/bold] SITE.yaml VIDEO, then
[bold]lukou process[/bold] VIDEO --site SITE.yaml, then [bold]lukou serve[/bold].
"""

app = typer.Typer(
    name="lukou",
    help=HELP,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
site_app = typer.Typer(help="Site files: what is drawn on a camera's picture.", no_args_is_help=True)
models_app = typer.Typer(help="Networks: what ships, official ones, other precisions, figures.", no_args_is_help=True)
user_app = typer.Typer(help="Logins of the console.", no_args_is_help=True)

app.command()(demo.demo)
app.command()(process.process)
app.add_typer(site_app, name="site")
site_app.command("check")(site.check)
app.command()(watch.run)
app.command()(up.up)
app.command()(top.top)
app.command()(plan.plan)
app.command()(replay.replay)
app.command()(conform.conform)
app.add_typer(sim.app, name="sim")
app.command("cases")(cases.list_cases)
app.command()(cases.show)
app.command()(cases.verify)
app.command()(cases.export)
app.command("roots")(custody.close_days)
app.command()(custody.purge)
app.add_typer(models_app, name="models")
models_app.command("list")(models.list_models)
models_app.command()(models.show)
models_app.command()(models.pull)
models_app.command()(models.export)
models_app.command()(models.evaluate)
models_app.command()(models.train)
app.command()(serve.serve)
app.command()(openapi.openapi)
app.add_typer(user_app, name="user")
user_app.command("add")(serve.add_user)


def installed_version() -> str:
    """Returns the version of this installation."""
    try:
        return version("lukou")
    except PackageNotFoundError:
        return "0+checkout"


def _print_version(wanted: bool) -> None:
    if wanted:
        sys.stdout.write(f"lukou {installed_version()}\n")
        raise typer.Exit


@app.callback()
def prepare(
    debug: Annotated[bool, typer.Option("--debug", help="Log everything and show tracebacks.")] = False,
    _version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    """Sets up logging for every command."""
    log.configure(level="debug" if debug else "warning")


def call(arguments: Sequence[str]) -> int:
    """Runs one command line and returns its exit code."""
    wanted = [a for a in arguments if a != "--debug"]
    is_debug = len(wanted) < len(arguments)
    line = ["--debug", *wanted] if is_debug else wanted
    return guarded(lambda: app(args=line or ["--help"], prog_name="lukou", standalone_mode=False), is_debug=is_debug)


def run() -> None:
    """The ``lukou`` command."""
    sys.exit(call(sys.argv[1:]))
