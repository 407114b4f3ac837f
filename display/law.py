"""The law line and the advice under a shown violation."""

import re
from functools import cache
from importlib.resources import files
from typing import Any

from ruamel.yaml import YAML

from core.catalogue import Violation

_DIGITS = "零一二三四五六七八九"
_BOOKS = {"rtsl": "中华人民共和国道路交通安全法", "reg": "中华人民共和国道路交通安全法实施条例"}
_ARTICLE = re.compile(r"(\d+)(?:\((\d+)\))?")


def chinese_number(number: int) -> str:
    """Returns a number below 1000 in Chinese, as statutes count their articles.

    >>> [chinese_number(n) for n in (5, 10, 38, 90, 101, 114)]
    ['五', '十', '三十八', '九十', '一百零一', '一百一十四']
    """
    hundreds, rest = divmod(number, 100)
    tens, ones = divmod(rest, 10)
    text = f"{_DIGITS[hundreds]}百" if hundreds else ""
    if tens:
        text += ("" if tens == 1 and not hundreds else _DIGITS[tens]) + "十"
    elif hundreds and ones:
        text += "零"
    return text + (_DIGITS[ones] if ones or not number else "")


def law_line(violation: Violation) -> str:
    """Returns which articles the violation breaks: of the national law, else of its regulation, else local rules."""
    for key, book in _BOOKS.items():
        articles = _articles(violation.law.get(key, []))
        if articles:
            return f"《{book}》{articles}"
    return "地方性交通安全法规"


def _articles(entries: list[Any]) -> str:
    found = [_ARTICLE.fullmatch(str(entry)) for entry in entries]
    return "、".join(f"第{chinese_number(int(match[1]))}条" for match in found if match)


@cache
def _texts() -> dict[str, dict[str, str] | list[str]]:
    text = (files("display") / "data" / "slogans.yaml").read_text(encoding="utf-8")
    loaded: dict[str, dict[str, str] | list[str]] = YAML(typ="safe", pure=True).load(text)
    return loaded


def slogan(violation: Violation) -> str:
    """Returns the advice that fits a violation."""
    by_key = _texts()["by_violation"]
    by_subject = _texts()["by_subject"]
    if not isinstance(by_key, dict) or not isinstance(by_subject, dict):
        raise TypeError("slogans.yaml: by_violation and by_subject must be mappings")
    return by_key.get(violation.key) or by_subject[violation.subject]


def general_slogans() -> tuple[str, ...]:
    """Returns the safety messages shown between items."""
    return tuple(_texts()["general"])
