"""Every word the console shows, in Chinese and English, from ``data/labels.yaml`` and ``data/cues.yaml``."""

import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any, Literal

from ruamel.yaml import YAML

Language = Literal["zh", "en"]
LANGUAGES: tuple[Language, ...] = ("zh", "en")
COOKIE = "lukou_language"

_UNITS = {
    "_s": " s",
    "_ms": " ms",
    "_m": " m",
    "_kmh": " km/h",
    "_mps": " m/s",
    "_deg": "°",
    "_px": " px",
    "_hz": " Hz",
    "_vl": " ×L",
    "_lengths": " ×L",
}


@cache
def _load(name: str) -> dict[str, Any]:
    text = (files("api") / "data" / name).read_text(encoding="utf-8")
    loaded: dict[str, Any] = YAML(typ="safe", pure=True).load(text)
    return loaded


@cache
def _texts() -> Mapping[str, Any]:
    return {**_load("labels.yaml")["texts"], **_load("portal.yaml")["texts"]}


class Labels:
    """The words of one language."""

    def __init__(self, language: Language) -> None:
        self.language: Language = language
        self._index = LANGUAGES.index(language)

    def __call__(self, key: str, **values: object) -> str:
        """Returns the text of a key, with values filled in."""
        text = str(self.known[key][self._index])
        return text.format(**values) if values else text

    @property
    def known(self) -> Mapping[str, Any]:
        """Every key that has a text."""
        return _texts()

    def reason(self, key: str) -> str:
        """Returns why a rule could not decide."""
        entry = _load("labels.yaml")["undecided"].get(key)
        return str(entry[self._index]) if entry else key.replace("_", " ")

    def cue(self, key: str) -> str:
        """Returns what a reviewer must look at."""
        entry = _load("cues.yaml").get(key)
        return str(entry[self._index]) if entry else key.replace("_", " ")

    def fact(self, key: str) -> str:
        """Returns the name of a measured fact or a parameter; readable also when nobody named it yet."""
        entry = _load("labels.yaml")["facts"].get(key)
        if entry:
            return str(entry[self._index])
        return re.sub(r"(_s|_ms|_m|_kmh|_mps|_deg|_px|_hz|_ns|_vl)$", "", key).replace("_", " ")

    def fact_order(self, key: str) -> tuple[int, str]:
        """Returns where a fact stands in a list: as in the table of names, unnamed ones last."""
        order = list(_load("labels.yaml")["facts"])
        return (order.index(key) if key in order else len(order), key)

    def value(self, key: str, value: Any) -> str:
        """Returns a value with its unit, as the suffix of its name tells."""
        if value is None:
            return "—"
        if isinstance(value, bool):
            return self("yes" if value else "no")
        if isinstance(value, Mapping):
            return "; ".join(f"{self.fact(str(k))} {self.value(str(k), v)}" for k, v in value.items())
        if isinstance(value, list | tuple):
            return ", ".join(self.value(key, v) for v in value)
        return self._number(key, value) if isinstance(value, int | float) else self.word(str(value))

    def _number(self, key: str, value: float) -> str:
        if key.endswith("_ns"):
            return f"{value / 1e9:.2f} s"
        unit = next((unit for suffix, unit in _UNITS.items() if key.endswith(suffix)), "")
        return f"{value:.2f}".rstrip("0").rstrip(".") + unit

    def word(self, value: str) -> str:
        """Returns a coded value (lamp state, class, role) in words; the value itself when it is no code."""
        entry = _load("labels.yaml")["values"].get(value)
        return str(entry[self._index]) if entry else value

    def for_scripts(self) -> dict[str, str]:
        """Returns the texts the page's scripts need."""
        return {key: str(text[self._index]) for key, text in _load("labels.yaml")["scripts"].items()}


def parse_language(value: str | None) -> Language:
    """Returns the language a cookie or form names; Chinese unless it says English."""
    return "en" if value == "en" else "zh"
