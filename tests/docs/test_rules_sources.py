"""No number in rules/ stands without the paragraph, standard or measurement it comes from."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

RULES = Path(__file__).resolve().parents[2] / "rules"


def constants(tree: ast.Module) -> Iterator[tuple[str, int, str]]:
    """Yields name, line and following docstring of each module-level constant that holds a number."""
    for index, node in enumerate(tree.body):
        targets = (
            node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
        )
        value = getattr(node, "value", None)
        if value is None or not any(isinstance(t, ast.Name) and t.id.lstrip("_").isupper() for t in targets):
            continue
        if not any(_is_number(part) for part in ast.walk(value)):
            continue
        following = tree.body[index + 1] if index + 1 < len(tree.body) else None
        is_text = isinstance(following, ast.Expr) and isinstance(following.value, ast.Constant)
        text = str(following.value.value) if is_text else ""  # type: ignore[union-attr]
        name = next(t.id for t in targets if isinstance(t, ast.Name))
        yield name, node.lineno, text


def _is_number(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, int | float) and not isinstance(node.value, bool)


@pytest.mark.parametrize("module", sorted(RULES.glob("*.py")), ids=lambda p: p.name)
def test_every_number_names_its_source(module: Path) -> None:
    tree = ast.parse(module.read_text(encoding="utf-8"))
    bare = [f"{module.name}:{line} {name}" for name, line, text in constants(tree) if "Source:" not in text]
    assert not bare


def test_a_bare_number_is_found() -> None:
    tree = ast.parse('A_S = 3.0\nB_M = 2\n"""How far. Source: art. 38."""\nNAMES = ("x",)\n')
    assert [name for name, _, text in constants(tree) if "Source:" not in text] == ["A_S"]
