"""The terminal: one place for tables, JSON and messages. Results go to stdout, everything else to stderr."""

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from rich.console import Console
from rich.table import Table
from rich.text import Text

PIPE_WIDTH = 160
"""Columns of a table that goes into a file or another program."""


def out() -> Console:
    """Returns the console for results."""
    return Console(highlight=False, width=None if sys.stdout.isatty() else PIPE_WIDTH)


def err() -> Console:
    """Returns the console for progress and messages."""
    return Console(stderr=True, highlight=False)


def say(message: str, *, style: str = "") -> None:
    """Prints one line for the person, not for a machine."""
    err().print(Text(message, style=style), soft_wrap=True)


def emit(value: Mapping[str, Any] | Sequence[Any]) -> None:
    """Prints a value as JSON, one document, Chinese as it is."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=2, default=str) + "\n")


def show_table(title: str, columns: Sequence[str], rows: Iterable[Sequence[str | Text]]) -> None:
    """Prints a table; the column ``case`` is never broken, so that an id can be copied."""
    table = Table(title=title, title_justify="left", title_style="bold", show_edge=False, pad_edge=False)
    for name in columns:
        table.add_column(name, overflow="fold", no_wrap=name == "case")
    for row in rows:
        table.add_row(*row)
    out().print(table)


def show_pairs(title: str, pairs: Mapping[str, str]) -> None:
    """Prints names and values, one pair a line."""
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column(overflow="fold")
    for name, value in pairs.items():
        grid.add_row(name, Text(value))
    if title:
        out().print(title, style="bold")
    out().print(grid)


def clock_text(moment: datetime | None, time_zone: str = "Asia/Shanghai") -> str:
    """Returns a time as a person at the place reads it.

    >>> from datetime import UTC
    >>> clock_text(datetime(2026, 11, 22, 0, 15, 3, tzinfo=UTC))
    '2026-11-22 08:15:03'
    >>> clock_text(None)
    'time unknown'
    """
    return "time unknown" if moment is None else f"{moment.astimezone(ZoneInfo(time_zone)):%Y-%m-%d %H:%M:%S}"


def offset_text(seconds: float) -> str:
    """Returns a position in footage.

    >>> offset_text(83.42)
    '1:23.4'
    >>> offset_text(59.97)
    '1:00.0'
    """
    tenths = round(seconds * 10)
    return f"{tenths // 600}:{tenths % 600 / 10:04.1f}"


def count_text(number: int, noun: str) -> str:
    """Returns a number with its noun.

    >>> count_text(1, "case"), count_text(0, "case")
    ('1 case', '0 cases')
    """
    return f"{number} {noun}{'' if number == 1 else 's'}"
