"""Time: aware UTC datetimes outside, integer nanoseconds inside.

``pts_ns`` counts from the start of a session (the first frame of its first file); a session's
``start_utc`` ties it to the world clock.
"""

from datetime import UTC, datetime, timedelta
from typing import Protocol

from core.errors import ConfigError

NS_PER_S = 1_000_000_000


class Clock(Protocol):
    """Tells the time; tests replace it."""

    def now_utc(self) -> datetime:
        """Returns the present time, aware, UTC."""
        ...


class SystemClock:
    """The machine's clock."""

    def now_utc(self) -> datetime:
        """Returns the present time, aware, UTC."""
        return datetime.now(UTC)


def parse_utc(text: str) -> datetime:
    """Returns the aware UTC datetime an ISO 8601 text names.

    Raises:
        ConfigError: the text is no ISO 8601 time or has no UTC offset.

    >>> parse_utc("2026-11-22T08:15:03+08:00").isoformat()
    '2026-11-22T00:15:03+00:00'
    """
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise ConfigError(f"'{text}' is not a time; write it like 2026-11-22T08:15:03+08:00", got=text) from error
    if moment.tzinfo is None:
        raise ConfigError(f"'{text}' has no time zone; add one, e.g. {text}+08:00", got=text)
    return moment.astimezone(UTC)


def at(start_utc: datetime, pts_ns: int) -> datetime:
    """Returns the world time of a session position.

    >>> at(parse_utc("2026-11-22T00:00:00+00:00"), 1_500_000_000).isoformat()
    '2026-11-22T00:00:01.500000+00:00'
    """
    return start_utc + timedelta(microseconds=pts_ns // 1000)


def seconds(pts_ns: int) -> float:
    """Returns nanoseconds as seconds."""
    return pts_ns / NS_PER_S
