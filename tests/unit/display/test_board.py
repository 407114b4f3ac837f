import io
from pathlib import Path

import pytest
from PIL import Image

from cases.records import Derivative
from cases.states import PublicationState
from core.errors import CaseNotFound, ConfigError, LukouError, ModelError, NotAllowed, WrongState
from display.board import Masker
from display.derivatives import ShownSubject, build_derivative
from tests.support.console import Office
from tests.support.packages import DiscMasker, box_at
from tests.support.people import ACCEPT, REJECT

ALLOWED_KEYS = {"id", "title", "place", "when", "law", "slogan", "pictures", "expires_utc"}


class NothingMasker:
    """Returns the original: no head or plate found."""

    def mask(self, jpeg: bytes) -> bytes:
        return jpeg


class BrokenMasker:
    """Fails as a network library may."""

    def mask(self, jpeg: bytes) -> bytes:
        raise RuntimeError("inference engine stopped")


class GarbageMasker:
    """Returns no picture."""

    def mask(self, jpeg: bytes) -> bytes:
        return b"\xff\xd8 not a picture"


class ShrinkingMasker:
    """Returns another picture."""

    def mask(self, jpeg: bytes) -> bytes:
        target = io.BytesIO()
        Image.new("RGB", (64, 64)).save(target, "JPEG")
        return target.getvalue()


class LateFailingMasker:
    """Masks two pictures, then fails."""

    def __init__(self) -> None:
        self.calls = 0

    def mask(self, jpeg: bytes) -> bytes:
        self.calls += 1
        if self.calls == 3:
            raise ModelError("masking network is gone")
        return DiscMasker().mask(jpeg)


def test_published_case_is_listed_with_allowed_fields_only(tmp_path: Path) -> None:
    office = Office(tmp_path)
    case_id, publication_id = office.published()
    answer = office.board.playlist("demo").to_json()
    assert [item["id"] for item in answer["items"]] == [publication_id]
    item = answer["items"][0]
    assert set(item) == ALLOWED_KEYS
    assert (item["title"], item["place"], item["when"]) == (
        "机动车闯红灯",
        "钟吾路与大桥路交叉口",
        "2026年11月22日 08:15",
    )
    assert item["law"] == "《中华人民共和国道路交通安全法》第二十六条、第三十八条、第四十四条、第九十条"
    assert case_id not in str(answer)
    assert not {"fu", "li", "wang"} & set(str(answer).replace("'", " ").split())


def test_head_and_plate_are_solid_in_the_derivative(tmp_path: Path) -> None:
    office = Office(tmp_path)
    case_id, publication_id = office.published()
    original = Image.open(io.BytesIO(office.vault.read(case_id, "P2.jpg"))).convert("RGB")
    shown = Image.open(io.BytesIO(office.board.picture(publication_id, "P2")))
    head = (640, 380)
    assert min(original.getpixel(head)) > 150  # type: ignore[arg-type, type-var]
    assert max(shown.getpixel(head)) < 20  # type: ignore[arg-type, type-var]
    assert not shown.getexif()
    assert "exif" not in shown.info


@pytest.mark.parametrize(
    "masker", [NothingMasker(), BrokenMasker(), GarbageMasker(), ShrinkingMasker(), LateFailingMasker()]
)
def test_failing_masker_leaves_nothing_to_publish(tmp_path: Path, masker: Masker) -> None:
    office = Office(tmp_path, masker)
    case_id = office.accepted()
    with pytest.raises(ModelError):
        office.board.prepare(case_id)
    with pytest.raises(ConfigError, match="look at the masked"):
        office.board.publish(case_id, "li", screen_id="demo", hours=1, seen=[Derivative(role="P2", sha256="a" * 64)])
    assert list((tmp_path / "display").glob("*")) == []


def test_without_masker_statistics_only(tmp_path: Path) -> None:
    office = Office(tmp_path, is_masked=False)
    case_id = office.accepted()
    with pytest.raises(ModelError, match="statistics"):
        office.board.prepare(case_id)
    with pytest.raises(ModelError, match="nothing can be shown"):
        office.board.publish(case_id, "li", screen_id="demo", hours=1, seen=[])
    answer = office.board.playlist("demo").to_json()
    assert answer["items"] == []
    assert answer["statistics"] == [{"title": "机动车闯红灯", "count": 1}]


@pytest.mark.parametrize("step", ["queued", "second review", "rejected"])
def test_no_other_state_gets_masked_pictures(tmp_path: Path, step: str) -> None:
    office = Office(tmp_path)
    case_id = office.case()
    if step != "queued":
        office.store.decide(case_id, "fu", ACCEPT if step == "second review" else REJECT)
    with pytest.raises(WrongState, match="two people"):
        office.board.prepare(case_id)
    assert office.board.playlist("demo").items == ()


def test_only_pictures_that_were_seen_can_be_released(tmp_path: Path) -> None:
    office = Office(tmp_path)
    first, second = office.accepted(1), office.accepted(2)
    of_first = office.board.prepare(first)
    with pytest.raises(ConfigError, match="look at the masked"):
        office.board.publish(second, "li", screen_id="demo", hours=1, seen=of_first)
    with pytest.raises(ConfigError, match="look at the masked"):
        office.board.publish(first, "li", screen_id="demo", hours=1, seen=[])


def test_auxiliary_cannot_release(tmp_path: Path) -> None:
    office = Office(tmp_path)
    case_id = office.accepted()
    seen = office.board.prepare(case_id)
    with pytest.raises(NotAllowed):
        office.board.publish(case_id, "fu", screen_id="demo", hours=1, seen=seen)


@pytest.mark.parametrize("hours", [0, -1, 72.5, float("nan")])
def test_time_on_screen_is_limited(tmp_path: Path, hours: float) -> None:
    office = Office(tmp_path)
    case_id = office.accepted()
    seen = office.board.prepare(case_id)
    with pytest.raises(ConfigError, match="72 h"):
        office.board.publish(case_id, "li", screen_id="demo", hours=hours, seen=seen)


def test_installation_may_shorten_but_not_lengthen_the_time(tmp_path: Path) -> None:
    office = Office(tmp_path)
    assert office.board.longest_h == 72.0


def test_expired_item_is_gone_and_its_pictures_are_removed(tmp_path: Path) -> None:
    office = Office(tmp_path)
    case_id, publication_id = office.published(hours=2)
    office.clock.forward(hours=1, minutes=59)
    assert len(office.board.playlist("demo").items) == 1
    office.clock.forward(minutes=1)
    assert office.board.playlist("demo").items == ()
    with pytest.raises(CaseNotFound):
        office.board.picture(publication_id, "P2")
    assert office.board.expire() == 1
    assert list((tmp_path / "display").glob("*")) == []
    assert office.store.get(case_id).publications[0].state is PublicationState.EXPIRED


def test_withdrawn_item_is_gone_at_once(tmp_path: Path) -> None:
    office = Office(tmp_path)
    _, publication_id = office.published()
    office.store.withdraw(publication_id, "wang", "申诉")
    assert office.board.playlist("demo").items == ()
    with pytest.raises(CaseNotFound):
        office.board.picture(publication_id, "P2")
    assert office.board.sweep() == 3
    assert list((tmp_path / "display").glob("*")) == []


def test_sweeping_keeps_what_is_shown_or_being_looked_at(tmp_path: Path) -> None:
    office = Office(tmp_path)
    _, publication_id = office.published(1)
    office.board.prepare(office.accepted(2))
    assert office.board.sweep() == 0
    assert len(office.board.playlist("demo").items) == 1
    office.store.withdraw(publication_id, "li")
    assert office.board.sweep() == 0, "the same pictures are being looked at for the second case"


def test_subject_is_framed_on_the_screen(tmp_path: Path) -> None:
    office = Office(tmp_path)
    _, publication_id = office.published()
    shown = Image.open(io.BytesIO(office.board.picture(publication_id, "P2")))
    x1, y1, _, y2 = box_at(2.0)
    red, green, blue = shown.getpixel((round(x1) - 4, round((y1 + y2) / 2)))  # type: ignore[misc]
    assert red > 180
    assert green > 150
    assert blue < 110


class ElsewhereMasker:
    """Covers something, but misses the subject: half hidden, far away."""

    def mask(self, jpeg: bytes) -> bytes:
        picture = Image.open(io.BytesIO(jpeg)).convert("RGB")
        picture.paste((0, 0, 0), (10, 10, 60, 60))
        target = io.BytesIO()
        picture.save(target, "JPEG", quality=95)
        return target.getvalue()


def test_plate_of_a_subject_the_masker_missed_is_covered(tmp_path: Path) -> None:
    office = Office(tmp_path, ElsewhereMasker())
    case_id, publication_id = office.published()
    x1, _, x2, y2 = box_at(2.0)
    plate = (round((x1 + x2) / 2), round(y2) - 12)
    original = Image.open(io.BytesIO(office.vault.read(case_id, "P2.jpg"))).convert("RGB")
    shown = Image.open(io.BytesIO(office.board.picture(publication_id, "P2")))
    assert original.getpixel(plate)[2] > 150  # type: ignore[index]
    assert max(shown.getpixel(plate)) < 70  # type: ignore[arg-type, type-var]


@pytest.mark.parametrize(
    ("class_name", "covered", "open_"),
    [
        ("PERSON", [(150, 105), (150, 150), (104, 110)], [(150, 280)]),
        ("BICYCLE", [(150, 105), (150, 150)], [(150, 280)]),
        ("MOTORCYCLE", [(150, 105), (150, 280)], []),
        ("CAR", [(150, 280), (104, 290)], [(150, 120)]),
        ("CAMEL", [(150, 105), (150, 200), (150, 295)], []),
    ],
)
def test_zones_by_class(class_name: str, covered: list[tuple[int, int]], open_: list[tuple[int, int]]) -> None:
    def jpeg(patch: tuple[int, int, int]) -> bytes:
        picture = Image.new("RGB", (400, 400), (200, 200, 200))
        picture.paste(patch, (0, 0, 32, 32))
        target = io.BytesIO()
        picture.save(target, "JPEG", quality=95)
        return target.getvalue()

    subject = ShownSubject(xyxy=(100, 100, 200, 300), class_name=class_name)
    made = build_derivative(jpeg((200, 200, 200)), jpeg((0, 0, 0)), subject)
    assert made is not None
    picture = Image.open(io.BytesIO(made))
    assert all(max(picture.getpixel(p)) < 70 for p in covered)  # type: ignore[arg-type, type-var]
    assert all(min(picture.getpixel(p)) > 170 for p in open_)  # type: ignore[arg-type, type-var]


def test_item_is_on_its_own_screen_only(tmp_path: Path) -> None:
    office = Office(tmp_path)
    office.published(screen_id="north")
    assert office.board.playlist("demo").items == ()
    assert len(office.board.playlist("north").items) == 1


@pytest.mark.parametrize("change", ["altered", "missing", "original put in its place"])
def test_changed_derivative_is_never_shown(tmp_path: Path, change: str) -> None:
    office = Office(tmp_path)
    case_id, publication_id = office.published()
    path = tmp_path / "display" / f"{office.store.showing()[0].derivatives[1].sha256}.jpg"
    if change == "missing":
        path.unlink()
    elif change == "altered":
        path.write_bytes(path.read_bytes()[:-1] + b"x")
    else:
        path.write_bytes(office.vault.read(case_id, "P2.jpg"))
    assert office.board.playlist("demo").items == ()
    with pytest.raises(CaseNotFound):
        office.board.picture(publication_id, "P2")


def test_unknown_roles_and_strangers_get_nothing(tmp_path: Path) -> None:
    office = Office(tmp_path)
    case_id, publication_id = office.published()
    for role in ("P9", "SUBJECT", "COMPOSITE", "../P2"):
        with pytest.raises(LukouError):
            office.board.picture(publication_id, role)
    assert office.board.preview(case_id, "P2", "0" * 64) is None
