"""The text of a site file as an editor needs it: where each drawn thing stands, and the text with one of them moved.

Only the numbers of the moved thing change; comments, order and spacing stay, for the rest of the text is not touched.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from core.document import bad_yaml
from core.errors import ConfigError
from core.site import Point

SIZE_KEY = "picture_size_px"
BOX_NUMBERS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """A thing drawn on the picture; ``kind`` is polygon, line, point or box (two corners), in pixels."""

    path: str
    name: str
    kind: str
    points_px: tuple[Point, ...]


def shapes(text: str) -> list[Shape]:
    """Returns every thing a site file draws, in the order of the text.

    Raises:
        ConfigError: the text is not YAML.
    """
    return [shape for shape, _ in _found(_root(text), "", "")]


def moved(text: str, path: str, points_px: Sequence[Point]) -> str:
    """Returns the text with other points for one thing, rounded to whole pixels.

    Raises:
        ConfigError: nothing is drawn at this path, or it has another number of points than its kind needs.
    """
    for shape, node in _found(_root(text), "", ""):
        if shape.path == path:
            _check_number(shape, len(points_px))
            start, end = node.start_mark.index, node.end_mark.index
            return f"{text[:start]}{_written(shape.kind, points_px)}{text[end:]}"
    raise ConfigError(f"nothing is drawn at '{path}'; reload the page", path=path)


def _root(text: str) -> Node | None:
    try:
        root: Node | None = YAML(pure=True).compose(text)
    except YAMLError as error:
        raise bad_yaml(error, "site file") from error
    return root


def _found(node: Node | None, path: str, name: str) -> Iterator[tuple[Shape, Node]]:
    if isinstance(node, MappingNode):
        fields = {str(key.value): value for key, value in node.value}
        own = fields.get("id")
        called = str(own.value) if isinstance(own, ScalarNode) else name
        for key, value in fields.items():
            place = f"{path}.{key}" if path else key
            if key.endswith("_px"):
                shape = _shape(value, place, called) if key != SIZE_KEY else None
                if shape is not None:
                    yield shape, value
            else:
                yield from _found(value, place, called or key)
    elif isinstance(node, SequenceNode):
        for index, item in enumerate(node.value):
            yield from _found(item, f"{path}.{index}", name)


def _shape(node: Node, path: str, name: str) -> Shape | None:
    if not isinstance(node, SequenceNode) or not node.flow_style:
        return None
    numbers = _numbers(node)
    if numbers is not None and len(numbers) == 2:
        return Shape(path=path, name=name, kind="point", points_px=((numbers[0], numbers[1]),))
    if numbers is not None and len(numbers) == BOX_NUMBERS:
        corners = ((numbers[0], numbers[1]), (numbers[2], numbers[3]))
        return Shape(path=path, name=name, kind="box", points_px=corners)
    pairs = [_numbers(item) for item in node.value]
    points = tuple((pair[0], pair[1]) for pair in pairs if pair is not None and len(pair) == 2)
    if len(points) != len(pairs) or len(points) < 2:
        return None
    kind = "polygon" if path.endswith("polygon_px") else "line"
    return Shape(path=path, name=name, kind=kind, points_px=points)


def _numbers(node: Node) -> list[float] | None:
    if not isinstance(node, SequenceNode):
        return None
    try:
        return [float(item.value) for item in node.value]
    except (TypeError, ValueError):
        return None


def _check_number(shape: Shape, number: int) -> None:
    fewest = {"point": 1, "box": 2, "line": 2, "polygon": 3}[shape.kind]
    if number < fewest or (shape.kind in ("point", "box") and number != fewest):
        raise ConfigError(f"{shape.path}: a {shape.kind} has {fewest} points at least; got {number}", path=shape.path)


def _written(kind: str, points_px: Sequence[Point]) -> str:
    pairs = [f"{round(x)}, {round(y)}" for x, y in points_px]
    if kind in ("point", "box"):
        return f"[{', '.join(pairs)}]"
    return f"[{', '.join(f'[{pair}]' for pair in pairs)}]"
