"""Families of scenes: one readable file, and a ``vary`` block that sweeps through its numbers.

A text that begins with ``=`` is worked out from the varied names: ``at_s: "= 13 + into_red_s"``.
``site: {uses: approach, ...}`` starts from ``sites/approach.yaml`` beside the file.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from core.errors import ConfigError
from sim.trajectories.scene import TrajectoryScene

OPERATORS: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One scene of a family, with the values it was made from."""

    family: str
    values: dict[str, Any]
    scene: TrajectoryScene

    @property
    def case_id(self) -> str:
        """The family's name and the values."""
        told = " ".join(f"{key}={value}" for key, value in self.values.items())
        return f"{self.family}[{told}]" if told else self.family

    @property
    def is_legal(self) -> bool:
        """Whether nobody in it breaks the law."""
        return not self.scene.expected


def load_family(path: Path) -> list[Case]:
    """Returns every scene of a file.

    Raises:
        ConfigError: the file is not a scene; one line, with the place.
    """
    data = _read(path)
    vary = data.pop("vary", {})
    uses = data.get("site", {}).pop("uses", None)
    if uses is not None:
        data["site"] = {**_read(path.parent / "sites" / f"{uses}.yaml"), **data["site"]}
    return [_case(path, data, dict(zip(vary, values, strict=True))) for values in product(*vary.values())]


def load_set(folder: Path) -> Iterator[Case]:
    """Yields the scenes of every file in a folder, by name."""
    for path in sorted(folder.glob("*.yaml")):
        yield from load_family(path)


def _case(path: Path, data: Mapping[str, Any], values: dict[str, Any]) -> Case:
    try:
        scene = TrajectoryScene.model_validate(_filled(data, values))
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise ConfigError(f"scene {path.name}: {place}: {first['msg'].removeprefix('Value error, ')}") from error
    except (SyntaxError, KeyError, ValueError) as error:
        raise ConfigError(f"scene {path.name}: cannot work out {error}; use the names under vary") from error
    return Case(family=path.stem, values=values, scene=scene)


@cache
def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"scene file {path} cannot be read ({error.strerror}); check the path") from error


def _read(path: Path) -> dict[str, Any]:
    try:
        data = YAML(typ="safe", pure=True).load(_text(path))
    except YAMLError as error:
        line = str(error).strip().splitlines()[-1].strip()
        raise ConfigError(f"scene file {path} is not valid YAML: {line}") from error
    if not isinstance(data, dict):
        raise ConfigError(f"scene file {path} is empty or not a mapping; see docs/conformance.md")
    return data


def _filled(value: Any, names: Mapping[str, Any]) -> Any:
    """Returns a copy with every ``= expression`` worked out."""
    if isinstance(value, dict):
        return {key: _filled(item, names) for key, item in value.items()}
    if isinstance(value, list):
        return [_filled(item, names) for item in value]
    if isinstance(value, str) and value.startswith("="):
        return _worked_out(ast.parse(value[1:].strip(), mode="eval").body, names)
    return value


def _worked_out(node: ast.AST, names: Mapping[str, Any]) -> Any:
    if isinstance(node, ast.Constant):
        return node.value
    if isinstance(node, ast.Name):
        return names[node.id]
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return -_worked_out(node.operand, names)
    if isinstance(node, ast.BinOp) and type(node.op) in OPERATORS:
        return OPERATORS[type(node.op)](_worked_out(node.left, names), _worked_out(node.right, names))
    raise ValueError(f"'{ast.unparse(node)}'")
