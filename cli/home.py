"""The folder of results: settings with ``--out`` applied, and the stores opened from them."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from pydantic import ValidationError

from cases.store import CaseStore
from core.errors import ConfigError
from core.settings import Settings

OutOption = Annotated[
    Path | None,
    typer.Option(
        "--out",
        metavar="DIR",
        help="Folder of results: database, evidence, keys. Default: LUKOU_HOME, else ~/.local/share/lukou.",
        show_default=False,
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for machines instead of tables.")]


def settings_for(out: Path | None) -> Settings:
    """Returns the settings of this installation, with another folder of results if one is given.

    Raises:
        ConfigError: a LUKOU_ variable has a value that cannot be.
    """
    try:
        return Settings(home=out.absolute()) if out is not None else Settings()
    except ValidationError as error:
        first = error.errors()[0]
        name = "_".join(str(part) for part in first["loc"]).upper()
        raise ConfigError(f"setting LUKOU_{name}: {first['msg']}; correct the environment variable") from error
    except RuntimeError as error:  # pathlib: no home folder at all
        raise ConfigError("this account has no home folder; set LUKOU_HOME or give --out DIR") from error


@contextmanager
def open_cases(settings: Settings, *, must_exist: bool = True) -> Iterator[CaseStore]:
    """Yields the case store of a folder of results.

    Raises:
        ConfigError: nothing was ever processed there.
    """
    if must_exist and settings.database_url is None and not (settings.home / "lukou.db").is_file():
        raise ConfigError(
            f"no cases under {settings.home}; run `lukou process` or `lukou demo` first, or give --out DIR",
            path=str(settings.home),
        )
    settings.home.mkdir(parents=True, exist_ok=True)
    store = CaseStore.open(settings.database)
    try:
        yield store
    finally:
        store.close()
