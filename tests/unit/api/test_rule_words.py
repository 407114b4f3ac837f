"""Whatever a rule can say has a word on the console, in both languages: read from the rules' own source."""

import ast
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

RULES = sorted((Path(__file__).resolve().parents[3] / "rules").glob("*.py"))
SILENT = {"__init__.py", "needs_model.py", "requirements.py"}
"""Modules that talk to the operator of the site file, not to a reviewer."""
WORDS: dict[str, Any] = YAML(typ="safe", pure=True).load((files("api") / "data" / "labels.yaml").read_text("utf-8"))


def trees() -> list[ast.Module]:
    return [ast.parse(path.read_text("utf-8")) for path in RULES if path.name not in SILENT]


def fact_names() -> set[str]:
    """Keys of every dict that is called ``facts`` where it is made."""
    found: set[str] = set()
    for node in (node for tree in trees() for node in ast.walk(tree)):
        for value in _called_facts(node):
            found |= {k.value for k in value.keys if isinstance(k, ast.Constant) and isinstance(k.value, str)}
    return found


def _called_facts(node: ast.AST) -> Iterator[ast.Dict]:
    if isinstance(node, ast.keyword) and node.arg == "facts" and isinstance(node.value, ast.Dict):
        yield node.value
    if isinstance(node, ast.Assign | ast.AnnAssign) and isinstance(node.value, ast.Dict):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        if any(isinstance(t, ast.Name) and t.id == "facts" for t in targets):
            yield node.value


def reasons() -> set[str]:
    """Sentences a rule holds that are no docstring, no error and no advice on the site file."""
    found: set[str] = set()
    for tree in trees():
        for node in ast.walk(tree):
            for child in ast.iter_child_nodes(node):
                child.parent = node  # type: ignore[attr-defined]
        found |= {
            node.value
            for node in ast.walk(tree)
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and _is_sentence(node)
        }
    return found


def _is_sentence(node: ast.Constant) -> bool:
    above: ast.AST = node
    while hasattr(above, "parent"):
        above = above.parent
        if isinstance(above, ast.Expr | ast.Raise) or (isinstance(above, ast.FunctionDef) and above.name == "lacking"):
            return False
    return str(node.value).count(" ") >= 2


def test_the_reading_finds_what_is_there() -> None:
    assert {"front_crossed_s", "stood_s", "passed_vehicles", "pedestrian_in_zone_s"} <= fact_names()
    assert {"no lamp configured for this stop line", "not seen entering the roadway"} <= reasons()


@pytest.mark.parametrize("name", sorted(fact_names()))
def test_every_fact_has_a_name(name: str) -> None:
    zh, en = WORDS["facts"][name]
    assert any("\u4e00" <= character <= "\u9fff" for character in zh)
    assert en.isascii()


@pytest.mark.parametrize("reason", sorted(reasons()))
def test_every_open_question_has_words(reason: str) -> None:
    zh, en = WORDS["undecided"][reason]
    assert any("\u4e00" <= character <= "\u9fff" for character in zh)
    assert en.isascii()
