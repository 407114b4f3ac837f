"""Working days of the People's Republic of China: weekends, public holidays and the days worked in exchange (调休).

Source: the State Council's yearly notices, as kept by the ``chinesecalendar`` library. A year not announced yet counts
Monday to Friday; ``is_announced`` tells.
"""

from datetime import date, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import chinese_calendar

BEIJING = ZoneInfo("Asia/Shanghai")


def is_announced(day: date) -> bool:
    """Tells whether the holidays of a day's year are known."""
    try:
        chinese_calendar.is_workday(day)
    except NotImplementedError:
        return False
    return True


@cache
def is_working_day(day: date) -> bool:
    """Tells whether offices work.

    >>> is_working_day(date(2026, 2, 17)), is_working_day(date(2026, 2, 28)), is_working_day(date(2026, 11, 22))
    (False, True, False)
    """
    return bool(chinese_calendar.is_workday(day)) if is_announced(day) else day.weekday() < 5


def end_of_working_day(start_utc: datetime, days: int) -> datetime:
    """Returns the last moment of the n-th working day after a moment: the day itself does not count.

    Source: Order 157 art. 81 (deadlines of days are working days); 民法典 art. 201 (the first day is not counted).

    >>> from datetime import UTC
    >>> end_of_working_day(datetime(2026, 2, 13, 8, 0, tzinfo=UTC), 5).isoformat()
    '2026-02-27T16:00:00+00:00'
    """
    day = start_utc.astimezone(BEIJING).date()
    while days:
        day += timedelta(days=1)
        days -= is_working_day(day)
    midnight = datetime.combine(day + timedelta(days=1), datetime.min.time(), BEIJING)
    return midnight.astimezone(start_utc.tzinfo)
