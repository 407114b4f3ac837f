"""The memory on disk: whole after any interruption, honest about damage, no larger than what stands."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from core.errors import StoreError
from core.observations import ActorClass, Role
from pipeline.memory import Memory
from rules.long_stay import Portrait, Shot, Stay

STAY = Stay(
    stay_id="a" * 16,
    zone_id="kerb",
    class_id=ActorClass.CAR,
    box=(10.0, 20.0, 50.0, 60.0),
    begun_ns=1,
    last_ns=5,
    days=(739000, 739001),
    portrait=Portrait(plate="苏C12345", colours=(0.25, -0.5)),
    shots=(Shot(role=Role.T0_OVERVIEW, utc_ns=2, box=(10.0, 20.0, 50.0, 60.0)),),
)
SIZE = (640, 320)


def kept(folder: Path, *stays: Stay) -> Memory:
    Memory(folder, "cam/1", SIZE).save(stays, 7)
    return Memory(folder, "cam/1", SIZE)


def test_what_was_kept_is_read_back(tmp_path: Path) -> None:
    memory = kept(tmp_path, STAY)
    assert memory.stays == [STAY]
    assert (memory.newest_ns, memory.lost) == (7, 0)


def test_another_size_of_picture_scales_the_boxes(tmp_path: Path) -> None:
    kept(tmp_path, STAY)
    (stay,) = Memory(tmp_path, "cam/1", (1280, 640)).stays
    assert stay.box == (20.0, 40.0, 100.0, 120.0)
    assert stay.shots[0].box == stay.box


def test_cameras_with_like_names_do_not_share(tmp_path: Path) -> None:
    kept(tmp_path, STAY)
    assert Memory(tmp_path, "cam_1", SIZE).stays == []


def test_a_damaged_line_costs_one_stay_and_is_counted(tmp_path: Path) -> None:
    kept(tmp_path, STAY, replace(STAY, stay_id="b" * 16))
    (path,) = tmp_path.glob("*.jsonl")
    path.write_bytes(path.read_bytes().replace(b"b" * 16, b"c" * 16))
    memory = Memory(tmp_path, "cam/1", SIZE)
    assert [stay.stay_id for stay in memory.stays] == ["a" * 16]
    assert memory.lost == 1


@pytest.mark.parametrize("content", [b"", b"\x00\xff garbage", b"{}\n"])
def test_a_destroyed_file_is_counted_not_a_crash(content: bytes, tmp_path: Path) -> None:
    kept(tmp_path, STAY)
    (path,) = tmp_path.glob("*.jsonl")
    path.write_bytes(content)
    memory = Memory(tmp_path, "cam/1", SIZE)
    assert memory.stays == []
    assert memory.lost == 1


def test_cut_short_it_loses_what_is_missing(tmp_path: Path) -> None:
    kept(tmp_path, STAY, replace(STAY, stay_id="b" * 16))
    (path,) = tmp_path.glob("*.jsonl")
    path.write_bytes(path.read_bytes()[:-20])
    assert Memory(tmp_path, "cam/1", SIZE).lost == 1


def test_killed_while_writing_the_old_file_stands(tmp_path: Path) -> None:
    kept(tmp_path, STAY)
    (path,) = tmp_path.glob("*.jsonl")
    path.with_suffix(".part").write_text('{"memory": 1, "st', encoding="utf-8")
    assert Memory(tmp_path, "cam/1", SIZE).stays == [STAY]


def test_pictures_leave_with_their_stay_and_changed_ones_are_none(tmp_path: Path) -> None:
    memory = kept(tmp_path, STAY)
    rgb = np.arange(48, dtype=np.uint8).reshape(4, 4, 3)
    memory.keep_picture(STAY.stay_id, Role.T0_OVERVIEW, rgb)
    memory.keep_picture("b" * 16, Role.T0_OVERVIEW, rgb)
    memory.save([STAY], 8)
    assert np.array_equal(memory.picture(STAY.stay_id, Role.T0_OVERVIEW), rgb)
    assert memory.picture("b" * 16, Role.T0_OVERVIEW) is None
    (path,) = tmp_path.glob("*/*.png")
    path.write_bytes(path.read_bytes()[1:])
    assert memory.picture(STAY.stay_id, Role.T0_OVERVIEW) is None


def test_who_was_seen_once_is_not_kept(tmp_path: Path) -> None:
    assert kept(tmp_path, replace(STAY, last_ns=STAY.begun_ns)).stays == []


def test_a_full_disk_is_one_line(tmp_path: Path) -> None:
    memory = Memory(tmp_path / "file", "cam/1", SIZE)
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    with pytest.raises(StoreError, match="free space or check permissions"):
        memory.save([STAY], 7)
