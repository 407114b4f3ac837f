"""The journal: what comes back is what was kept, and nothing that was cut short."""

from pathlib import Path

import numpy as np
import pytest

from core.errors import ConfigError, StoreError
from core.observations import Detections, SignalState
from pipeline.journal import Journal
from pipeline.kept import read_journal
from pipeline.observation import Observation

HEADER: dict[str, object] = {"session_id": "S1", "site_sha256": "a", "counts": ["decoded"]}


def observation(t_ns: int) -> Observation:
    raw = Observation(
        detections=Detections(
            pts_ns=t_ns,
            xyxy=np.array([[1.23456, 2.0, 30.55, 40.04]], np.float32),
            confidence=np.array([0.87654], np.float32),
            class_id=np.array([3], np.int64),
        ),
        lamps={"a": SignalState.RED},
        is_after_gap=t_ns == 2,
    )
    return Observation.from_row(raw.as_row())


def write(path: Path, count: int) -> None:
    journal = Journal(path, HEADER)
    for t_ns in range(1, count + 1):
        journal.append(observation(t_ns), {"decoded": t_ns})
    journal.close()


def read(path: Path, header: dict[str, object] = HEADER) -> Journal:
    journal = Journal(path, header)
    journal.close()
    return journal


def test_reads_back_what_was_kept(tmp_path: Path) -> None:
    write(tmp_path / "j", 3)
    journal = read(tmp_path / "j")
    assert [o.pts_ns for o in journal.observations] == [1, 2, 3]
    assert [o.is_after_gap for o in journal.observations] == [False, True, False]
    assert journal.counts == {"decoded": 3}
    kept, new = journal.observations[0], observation(1)
    assert np.array_equal(kept.detections.xyxy, new.detections.xyxy)
    assert kept.lamps == new.lamps
    assert not journal.is_complete


@pytest.mark.parametrize("lost_bytes", [1, 20, 60])
def test_line_cut_short_is_dropped_and_written_anew(tmp_path: Path, lost_bytes: int) -> None:
    path = tmp_path / "j"
    write(path, 3)
    path.write_bytes(path.read_bytes()[:-lost_bytes])
    journal = Journal(path, HEADER)
    assert [o.pts_ns for o in journal.observations] == [1, 2]
    journal.append(observation(3), {"decoded": 3})
    journal.close()
    assert [o.pts_ns for o in read(path).observations] == [1, 2, 3]


def test_another_site_or_network_starts_anew(tmp_path: Path) -> None:
    write(tmp_path / "j", 3)
    other = {**HEADER, "site_sha256": "b"}
    journal = Journal(tmp_path / "j", other)
    assert journal.observations == []
    journal.append(observation(7), {"decoded": 7})
    journal.close()
    assert [o.pts_ns for o in read(tmp_path / "j", other).observations] == [7]


def test_complete_is_remembered(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "j", HEADER)
    journal.complete({"decoded": 9})
    journal.close()
    again = read(tmp_path / "j")
    assert again.is_complete
    assert again.counts == {"decoded": 9}


def test_folder_that_cannot_be_made_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(StoreError, match="--out"):
        Journal(tmp_path / "file" / "j", HEADER)


def test_a_damaged_line_and_what_follows_are_written_anew(tmp_path: Path) -> None:
    path = tmp_path / "j"
    write(path, 3)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join((*lines[:2], b"{damaged\n", *lines[3:])))
    with pytest.raises(ConfigError, match="line 3"):
        read_journal(path)
    assert [o.pts_ns for o in read(path).observations] == [1]
    assert [o.pts_ns for o in read_journal(path)[1]] == [1]
