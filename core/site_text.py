"""The text of a site file as an editor needs it: where each drawn thing stands, and the text with one of them moved.

Only the numbers of the moved thing change; comments, order and spacing stay, for the rest of the text is not touched.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from ruamel.yaml.nodes import CollectionNode, MappingNode, Node, ScalarNode, SequenceNode

from core.document import bad_yaml
from core.errors import ConfigError
from core.site import Point

SIZE_KEY = "picture_size_px"
BOX_NUMBERS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """A thing drawn on the picture; ``kind`` is polygon, line, point or box (two corners), in pixels.

    ``at``: where its numbers begin in the text, characters.
    """

    path: str
    at: int
    name: str
    kind: str
    points_px: tuple[Point, ...]


def shapes(text: str) -> list[Shape]:
    """Returns every thing a site file draws, in the order of the text.

    Raises:
        ConfigError: the text is not YAML.
    """
    return [shape for shape, _ in _found(root_of(text), "", "")]


def moved(text: str, path: str, points_px: Sequence[Point]) -> str:
    """Returns the text with other points for one thing, rounded to whole pixels.

    Raises:
        ConfigError: nothing is drawn at this path, or it has another number of points than its kind needs.
    """
    for shape, node in _found(root_of(text), "", ""):
        if shape.path == path:
            check_number(path, shape.kind, len(points_px))
            return _rewritten(text, node, shape, points_px)
    raise ConfigError(f"nothing is drawn at '{path}'; reload the page", path=path)


def _rewritten(text: str, node: CollectionNode, shape: Shape, points_px: Sequence[Point]) -> str:
    """Returns the text with a shape's numbers changed; the layout stays where the number of points does."""
    if shape.kind in ("point", "box") or len(points_px) != len(shape.points_px):
        start = node.start_mark.index if node.flow_style else text.rindex(":", 0, node.start_mark.index) + 1
        lead = "" if node.flow_style else " "
        return f"{text[:start]}{lead}{written(shape.kind, points_px)}{text[end_of(node) :]}"
    for pair, point in reversed(list(zip(node.value, points_px, strict=True))):
        text = f"{text[: pair.start_mark.index]}{written('point', [point])}{text[end_of(pair) :]}"
    return text


def root_of(text: str) -> Node | None:
    """Returns the nodes of a YAML text.

    Raises:
        ConfigError: the text is not YAML.
    """
    try:
        root: Node | None = YAML(pure=True).compose(text)
    except YAMLError as error:
        raise bad_yaml(error, "site file") from error
    return root


def _found(node: Node | None, path: str, name: str) -> Iterator[tuple[Shape, CollectionNode]]:
    if isinstance(node, MappingNode):
        fields = {str(key.value): value for key, value in node.value}
        own = fields.get("id")
        called = str(own.value) if isinstance(own, ScalarNode) else name
        for key, value in fields.items():
            place = f"{path}.{key}" if path else key
            if key.endswith("_px"):
                shape = _shape(value, place, called) if key != SIZE_KEY else None
                if shape is not None and isinstance(value, CollectionNode):
                    yield shape, value
            else:
                yield from _found(value, place, called or key)
    elif isinstance(node, SequenceNode):
        for index, item in enumerate(node.value):
            yield from _found(item, f"{path}.{index}", name)


def _shape(node: Node, path: str, name: str) -> Shape | None:
    if not isinstance(node, SequenceNode) or not all(item.flow_style for item in _lists(node)):
        return None
    kind = "polygon" if path.endswith("polygon_px") else "line"
    numbers = _numbers(node) if node.flow_style else None
    if numbers is not None and len(numbers) in (2, BOX_NUMBERS):
        kind = "point" if len(numbers) == 2 else "box"
        points = tuple(zip(numbers[::2], numbers[1::2], strict=True))
    else:
        pairs = [_numbers(item) for item in node.value]
        points = tuple((pair[0], pair[1]) for pair in pairs if pair is not None and len(pair) == 2)
        if len(points) != len(pairs) or len(points) < 2:
            return None
    return Shape(path=path, at=node.start_mark.index, name=name, kind=kind, points_px=points)


def _numbers(node: Node) -> list[float] | None:
    if not isinstance(node, SequenceNode):
        return None
    try:
        return [float(item.value) for item in node.value]
    except (TypeError, ValueError):
        return None


def _lists(node: CollectionNode) -> list[SequenceNode]:
    return [item for item in node.value if isinstance(item, SequenceNode)]


def end_of(node: Node) -> int:
    """Returns where a node's last character lies; a block's own mark includes what stands before the next one."""
    if isinstance(node, CollectionNode) and not node.flow_style and node.value:
        last = node.value[-1]
        return end_of(last[1] if isinstance(last, tuple) else last)
    return int(node.end_mark.index)


def check_number(place: str, kind: str, number: int) -> None:
    """Raises ``ConfigError`` for too few points of a kind of shape, or too many."""
    fewest = {"point": 1, "box": 2, "arrow": 2, "line": 2, "polygon": 3}[kind]
    if number < fewest or (kind in ("point", "box", "arrow") and number != fewest):
        raise ConfigError(f"{place}: a {kind} has {fewest} points at least; got {number}", path=place)


def written(kind: str, points_px: Sequence[Point]) -> str:
    """Returns points as YAML on one line, rounded to whole pixels."""
    if kind == "box":  # its corners may come in any order
        (x1, y1), (x2, y2) = points_px
        points_px = [(min(x1, x2), min(y1, y2)), (max(x1, x2), max(y1, y2))]
    pairs = [f"{round(x)}, {round(y)}" for x, y in points_px]
    if kind in ("point", "box"):
        return f"[{', '.join(pairs)}]"
    return f"[{', '.join(f'[{pair}]' for pair in pairs)}]"
