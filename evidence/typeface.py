"""The font of drawn pictures: a Chinese system font when there is one, else Pillow's own Latin one, and it says so."""

from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

from PIL import ImageFont

Font = ImageFont.FreeTypeFont

FOLDERS = (
    "/usr/share/fonts",
    "/usr/local/share/fonts",
    "~/.local/share/fonts",
    "~/.fonts",
    "/System/Library/Fonts",
    "/Library/Fonts",
    "C:/Windows/Fonts",
)
PREFERRED = (
    ("NotoSansCJK-Regular", "NotoSansCJK-Bold"),
    ("NotoSansCJKsc-Regular", "NotoSansCJKsc-Bold"),
    ("NotoSansSC-Regular", "NotoSansSC-Bold"),
    ("SourceHanSansSC-Regular", "SourceHanSansSC-Bold"),
    ("SourceHanSansCN-Regular", "SourceHanSansCN-Bold"),
    ("wqy-microhei", "wqy-microhei"),
    ("wqy-zenhei", "wqy-zenhei"),
    ("msyh", "msyhbd"),
    ("PingFang", "PingFang"),
    ("simhei", "simhei"),
    ("DroidSansFallbackFull", "DroidSansFallbackFull"),
    ("DroidSansFallback", "DroidSansFallback"),
)
SUFFIXES = (".ttc", ".otf", ".ttf")
PROBE = "违法时间号牌"
LOADED = 4
"""Fonts kept open: each maps 2 to 4 MB of its file, and is there again in 0.4 ms."""
LATIN_END = 0x250
ABSENT = "\U0010fffe"
LATIN_NOTE = (
    "no Chinese font found: labels are in English, Chinese words are left to manifest.json; install fonts-noto-cjk"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Typeface:
    """A regular and a bold cut; empty paths mean Pillow's built-in Latin font."""

    family: str
    is_cjk: bool
    note: str
    regular: tuple[str, int] = ("", 0)
    bold: tuple[str, int] = ("", 0)

    def font(self, size_px: int, *, is_bold: bool = False) -> Font:
        """Returns the font at a size."""
        return _load(*(self.bold if is_bold else self.regular), size_px)

    def drawable(self, text: str) -> str:
        """Returns the text if this font can draw all of it, else where to read it: half a place name misleads."""
        return text if self.is_cjk or all(ord(c) < LATIN_END for c in text) else "(see manifest.json)"


@cache
def find_typeface() -> Typeface:
    """Returns the best font of this machine."""
    files = _font_files()
    for regular, bold in PREFERRED:
        face = _chinese_face(files.get(regular.lower()))
        if face is not None:
            heavy = _chinese_face(files.get(bold.lower())) or face
            family, style = _load(*face, 20).getname()
            return Typeface(family=f"{family} {style}", is_cjk=True, note="", regular=face, bold=heavy)
    family, style = _load("", 0, 20).getname()
    return Typeface(family=f"{family} {style} (built-in)", is_cjk=False, note=LATIN_NOTE)


def _font_files() -> dict[str, Path]:
    found: dict[str, Path] = {}
    for folder in FOLDERS:
        for path in sorted(Path(folder).expanduser().rglob("*")):
            if path.suffix.lower() in SUFFIXES:
                found.setdefault(path.stem.lower(), path)
    return found


def _chinese_face(path: Path | None) -> tuple[str, int] | None:
    """Returns path and index of the face for simplified Chinese in a font file that has Chinese glyphs."""
    if path is None:
        return None
    usable = [i for i in range(_face_count(path)) if _has_chinese(_load(str(path), i, 20))]
    if not usable:
        return None
    simplified = [i for i in usable if " SC" in (_load(str(path), i, 20).getname()[0] or "")]
    return str(path), (simplified or usable)[0]


def _face_count(path: Path) -> int:
    if path.suffix.lower() != ".ttc":
        return 1
    with path.open("rb") as stream:
        return int.from_bytes(stream.read(12)[8:12], "big")


def _has_chinese(font: Font) -> bool:
    absent = bytes(font.getmask(ABSENT))
    return all(bytes(font.getmask(c)) != absent for c in PROBE)


@lru_cache(maxsize=LOADED)
def _load(path: str, index: int, size_px: int) -> Font:
    if path:
        return ImageFont.truetype(path, size_px, index=index)
    font = ImageFont.load_default(size_px)
    if not isinstance(font, ImageFont.FreeTypeFont):
        raise OSError("Pillow was built without FreeType; install the wheel from the package index")
    return font
