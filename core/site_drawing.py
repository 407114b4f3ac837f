"""Drawing a new thing into the text of a site file, and taking one out again; the rest of the text is not touched."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count

from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from core.errors import ConfigError
from core.site import Point
from core.site_text import check_number, end_of, root_of, written


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """What must be drawn for one thing of a list: field and kind of shape; ``fields`` it needs beside them."""

    shapes: tuple[tuple[str, str], ...]
    fields: str = ""


_AREA = (("polygon_px", "polygon"),)
_LINE = (("points_px", "line"),)
_ARROW = ("heading_px", "arrow")

DRAWINGS: Mapping[str, Drawing] = {
    "stop_lines": Drawing(shapes=(*_LINE, ("towards_px", "point")), fields="movements: [S]"),
    "lanes": Drawing(shapes=(*_AREA, _ARROW), fields="kind: motor"),
    "exits": Drawing(shapes=_AREA, fields="movement: S"),
    "crosswalks": Drawing(shapes=_AREA),
    "waiting_areas": Drawing(shapes=_AREA),
    "no_stop_zones": Drawing(shapes=_AREA, fields="kind: general"),
    "direction_zones": Drawing(shapes=(*_AREA, _ARROW), fields="applies_to: [motor, nonmotor]"),
    "boxes": Drawing(shapes=_AREA),
    "parking_bays": Drawing(shapes=_AREA),
    "solid_lines": Drawing(shapes=_LINE, fields="kind: white_solid"),
    "no_u_turn_zones": Drawing(shapes=_AREA),
    "barriers": Drawing(shapes=_LINE),
    "nonmotor_zones": Drawing(shapes=_AREA, fields="kind: sidewalk_no_parking"),
    "long_stay_zones": Drawing(shapes=_AREA, fields="kind: public"),
    "signals": Drawing(shapes=(("region_px", "box"),), fields="kind: motor"),
}
"""Every list of a site file something can be drawn into. ``fields`` is a start, for an engineer to correct."""


def added(text: str, list_name: str, points_px: Mapping[str, Sequence[Point]]) -> tuple[str, str]:
    """Returns the text with a new thing at the end of a list, and the path it now has.

    ``points_px``: by the fields its ``DRAWINGS`` names.

    Raises:
        ConfigError: no such list, something is not drawn or has too few points, or the text is not YAML.
    """
    drawing = DRAWINGS.get(list_name)
    if drawing is None:
        raise ConfigError(f"nothing can be drawn into '{list_name}'; it is one of {', '.join(DRAWINGS)}")
    lines = []
    for name, kind in drawing.shapes:
        if name not in points_px:
            raise ConfigError(f"{list_name}: {name} is not drawn; draw its {kind} too")
        check_number(f"{list_name} {name}", kind, len(points_px[name]))
        lines.append(f"{name}: {written(kind, points_px[name])}")
    key, found = _list_of(root_of(text), list_name)
    items = found.value if isinstance(found, SequenceNode) else []
    number = len(items)
    lines = [f"id: {_free_name(list_name, items)}", *lines, *filter(None, [drawing.fields])]
    return _inserted(text, list_name, key, found, lines), f"{list_name}.{number}"


def removed(text: str, path: str) -> str:
    """Returns the text without the thing drawn at a path like ``lanes.0`` or ``lanes.0.polygon_px``.

    Raises:
        ConfigError: nothing is there, or the text is not YAML.
    """
    list_name, place = [*path.split("."), ""][:2]
    key, found = _list_of(root_of(text), list_name)
    if key is None or not isinstance(found, SequenceNode) or list_name not in DRAWINGS:
        raise ConfigError(f"nothing is drawn at '{path}'; reload the page", path=path)
    items = found.value
    if not place.isdecimal() or int(place) >= len(items):
        raise ConfigError(f"{list_name} has no number '{place}'; reload the page", path=path)
    item = items[int(place)]
    if found.flow_style:
        start, end = item.start_mark.index, end_of(item)
        if int(place) + 1 < len(items):
            end = items[int(place) + 1].start_mark.index
        elif len(items) > 1:
            start = end_of(items[int(place) - 1])
    elif len(items) == 1:
        start, end = _line_start(text, key.start_mark.index), _line_end(text, end_of(item))
    else:
        start = _line_start(text, text.rindex("-", 0, item.start_mark.index))
        end = _line_end(text, end_of(item))
    return text[:start] + text[end:]


def _list_of(root: Node | None, list_name: str) -> tuple[Node | None, Node | None]:
    for key, value in root.value if isinstance(root, MappingNode) else ():
        if key.value == list_name:
            return key, value
    return None, None


def _free_name(list_name: str, items: Sequence[Node]) -> str:
    taken = set(_names(items))
    single = list_name.removesuffix("es") if list_name == "boxes" else list_name.removesuffix("s")
    return next(name for name in (f"{single.replace('_', '-')}-{n}" for n in count(1)) if name not in taken)


def _names(items: Sequence[Node]) -> Iterator[str]:
    for item in items:
        for key, value in item.value if isinstance(item, MappingNode) else ():
            if key.value == "id" and isinstance(value, ScalarNode):
                yield str(value.value)


def _inserted(text: str, list_name: str, key: Node | None, found: Node | None, lines: Sequence[str]) -> str:
    items = found.value if isinstance(found, SequenceNode) else []
    if isinstance(found, SequenceNode) and items and found.flow_style:
        end = end_of(items[-1])
        return f"{text[:end]}, {{{', '.join(lines)}}}{text[end:]}"
    if found is not None and items:
        at, indent = _line_end(text, end_of(items[-1])), " " * found.start_mark.column
        head = ""
    elif key is not None:  # written as "lanes: []" or "lanes:"
        start = text.index(":", key.end_mark.index) + 1
        text = text[:start] + (text[end_of(found) :] if isinstance(found, SequenceNode) else text[start:])
        at, indent, head = _line_end(text, start), "", ""
    else:
        at, indent, head = len(text), "", f"\n{list_name}:\n"
    broken = "" if text[:at].endswith("\n") or not at else "\n"
    body = "".join(f"{indent}{'- ' if row == 0 else '  '}{line}\n" for row, line in enumerate(lines))
    return f"{text[:at]}{broken}{head}{body}{text[at:]}"


def _line_start(text: str, index: int) -> int:
    return text.rfind("\n", 0, index) + 1


def _line_end(text: str, index: int) -> int:
    """Returns where the next line begins, what is said behind a value included."""
    end = text.find("\n", index)
    return len(text) if end < 0 else end + 1
