"""YAML files people write, read into checked models: every mistake becomes one line that names its place."""

from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from core.errors import ConfigError

Model = TypeVar("Model", bound=BaseModel)


def load_document(path: Path, model: type[Model], *, what: str, start_from: str) -> Model:
    """Returns what a YAML file describes; ``what`` names the kind of file, ``start_from`` where an example lies.

    Raises:
        ConfigError: missing file, bad YAML, unknown key, wrong value; one line, with the place.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{what} {path} cannot be read ({error.strerror}); check the path", path=str(path)) from error
    return parse_document(text, model, what=f"{what} {path}", start_from=start_from)


def parse_document(text: str, model: type[Model], *, what: str, start_from: str) -> Model:
    """Returns what the text of a YAML file describes; ``what`` names the file.

    Raises:
        ConfigError: bad YAML, unknown key, wrong value; one line, with the place.
    """
    try:
        data = YAML(typ="safe", pure=True).load(text)
    except YAMLError as error:
        raise bad_yaml(error, what) from error
    if not isinstance(data, dict):
        raise ConfigError(f"{what} is empty or not a mapping; start from an example under {start_from}")
    try:
        return model.model_validate(data)
    except ValidationError as error:
        raise ConfigError(f"{what}: {_first_problem(error)}") from error


def bad_yaml(error: YAMLError, what: str) -> ConfigError:
    """Returns the one line that says where a text stops being YAML."""
    return ConfigError(f"{what} is not valid YAML: {str(error).strip().splitlines()[-1].strip()}")


def _first_problem(error: ValidationError) -> str:
    first = min(error.errors(), key=lambda e: e["type"] != "extra_forbidden")  # a misspelt key explains a missing one
    place = ".".join(str(p) for p in first["loc"])
    reason = first["msg"].removeprefix("Value error, ")
    if first["type"] == "extra_forbidden":
        reason = f"unknown key '{first['loc'][-1]}'; remove it or correct its spelling"
    more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
    return f"{place}: {reason}{more}" if place else f"{reason}{more}"
