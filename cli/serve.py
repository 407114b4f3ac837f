"""``lukou serve`` and ``lukou user add``: the console for the people who decide."""

import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cases.logins import FIRST_ADMIN
from cases.states import UserRole
from cli.cases import open_vault
from cli.console import emit, out, say
from cli.custody import closing_days
from cli.home import JsonOption, OutOption, open_cases, settings_for
from core.errors import ConfigError, ModelError
from core.settings import Settings

if TYPE_CHECKING:
    from pipeline.prescreen import Prescreen
    from vision.mask import PictureMasker


def serve(
    out_dir: OutOption = None,
    host: Annotated[
        str | None, typer.Option(help="Address to listen on; 0.0.0.0 opens it to the network.", show_default=False)
    ] = None,
    port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="Port; 0 picks a free one.", show_default=False)
    ] = None,
    sites: Annotated[
        Path | None,
        typer.Option(exists=True, file_okay=False, help="Folder of site files to edit.", show_default=False),
    ] = None,
) -> None:
    """Serves the console and the exposure screens until Ctrl-C."""
    settings = settings_for(out_dir)
    if sites is not None:
        settings = settings.model_copy(update={"sites_dir": sites})
    with open_cases(settings) as store:
        password = store.logins.add_first_admin()
    if password is not None:
        out().print(f"first login: {FIRST_ADMIN}, one-time password {password} (shown only now)", soft_wrap=True)
        say("add the people who decide on the console's page People, or with lukou user add NAME --role officer")
    run_server(with_address(settings, host, port))


def add_user(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Login name.")],
    role: Annotated[
        UserRole, typer.Option(help="reviewer (辅警), officer (民警), supervisor (法制员), auditor, engineer or admin.")
    ],
    out_dir: OutOption = None,
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="Read the password from standard input instead of asking.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Adds somebody who may log in; an offence is decided by two different people."""
    settings = settings_for(out_dir)
    password = (
        _password_from_stdin()
        if password_stdin
        else typer.prompt("Password", hide_input=True, confirmation_prompt=True)
    )
    with open_cases(settings, must_exist=False) as store:
        user = store.add_user(name, password, role)
    if as_json:
        emit({"name": user.name, "role": user.role.value})
    else:
        out().print(f"{user.name} may log in as {user.role.value}", soft_wrap=True)


def run_server(settings: Settings, *, announce: Callable[[str], None] | None = None) -> None:
    """Serves the console until interrupted; ``announce`` is told the URL once it answers."""
    from api.app import create_app
    from api.server import serve as serve_app
    from pipeline.witness import load_witness
    from rules import requirements

    vault = open_vault(settings)
    with open_cases(settings, must_exist=False) as store:
        witness = load_witness(settings.sites_dir, store, vault, detect_hz=settings.detect_hz)
        app = create_app(
            settings, store, vault, load_masker(), prescreen=try_prescreen(), witness=witness, gaps=requirements
        )
        with closing_days(settings, store, vault), suppress(KeyboardInterrupt):  # how a server is meant to end
            serve_app(app, settings.host, settings.port, ready=announce or _announce)


def load_masker() -> "PictureMasker | None":
    """Returns the masker of the exposure screens; None, said aloud, when it cannot be loaded."""
    from vision.mask import PictureMasker

    try:
        return PictureMasker()
    except ModelError as error:
        say(f"{error.message}; screens will show statistics instead of pictures", style="yellow")
        return None


def try_prescreen() -> "Prescreen | None":
    """Returns the look at citizens' photos before a person's; None, said aloud, when it cannot be loaded."""
    from pipeline.prescreen import load_prescreen

    try:
        return load_prescreen()
    except ModelError as error:
        say(f"{error.message}; citizens' photos go to the reviewers unseen", style="yellow")
        return None


def with_address(settings: Settings, host: str | None, port: int | None) -> Settings:
    """Returns the settings with another address to listen on."""
    changes = {name: value for name, value in (("host", host), ("port", port)) if value is not None}
    return settings.model_copy(update=changes)


def _password_from_stdin() -> str:
    password = sys.stdin.readline().rstrip("\n")
    if not password:
        raise ConfigError("no password on standard input; pipe one line in, or leave out --password-stdin")
    return password


def _announce(url: str) -> None:
    out().print(f"console at {url}", soft_wrap=True)
    say("Ctrl-C ends it")
