"""Tracks and lamps of a session, kept compactly beside its journal so that an hour is judged anew in seconds.

The file is written when a session ends. Where it is missing, or journal or code changed since, it is worked out from
the journal, which itself is only read.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from inspect import getsource
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np

from core import log
from core.errors import ConfigError
from core.observations import ActorClass, SignalState, SignalTimeline, TrackHistory
from core.time import NS_PER_S
from pipeline import sight
from pipeline.journal import journal_rows
from pipeline.observation import Observation
from pipeline.sight import Sight
from vision import signal, signal_sources, track

CODE = hashlib.sha256("".join(map(getsource, (track, signal_sources, signal, sight))).encode()).hexdigest()[:16]
"""What tracks and timelines are made with: files made with anything else are worked out again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What a session's frames came to, whatever the site says to it."""

    session_id: str
    tracks: tuple[TrackHistory, ...]
    lamps: dict[str, SignalTimeline]
    end_ns: int

    @property
    def footage_s(self) -> float:
        """Seconds of footage it covers."""
        return self.end_ns / NS_PER_S


def keep(session_id: str, observations: Sequence[Observation]) -> Kept:
    """Returns the whole tracks and lamp timelines of a session."""
    seen = Sight(name for o in observations[:1] for name in o.lamps)
    ended = [history for observation in observations for history in seen.add(observation)]
    return Kept(
        session_id=session_id,
        tracks=(*ended, *seen.finish()),
        lamps=seen.timelines(),
        end_ns=observations[-1].pts_ns if observations else 0,
    )


def read_kept(journal: Path) -> Kept:
    """Returns what was kept of a session, worked out from its journal the first time.

    Raises:
        ConfigError: no such journal, or it is damaged.
    """
    beside, stamp = _beside(journal), _stamp(journal)
    found = _load(beside, stamp)
    if found is None:
        found = keep(*read_journal(journal))
        _save(beside, found, stamp)
    return found


def write_kept(journal: Path, kept: Kept) -> None:
    """Writes what was kept beside its whole and closed journal, unless the same is there."""
    stamp, beside = _stamp(journal), _beside(journal)
    if _load(beside, stamp) is None:
        _save(beside, kept, stamp)


def read_journal(path: Path) -> tuple[str, tuple[Observation, ...]]:
    """Returns a journal's session id and observations, without locking or mending it.

    Raises:
        ConfigError: no such file, or not a journal.
    """
    rows: list[dict[str, Any]] = []
    try:
        for row, _ in journal_rows(path):
            rows.append(row)
    except OSError as error:
        raise _missing(path, error) from error
    except ValueError as error:
        raise ConfigError(f"{path} is damaged in line {len(rows) + 1}; process that footage again") from error
    if not rows or "session_id" not in rows[0]:
        raise ConfigError(f"{path} is no journal of a session")
    seen = tuple(Observation.from_row(row) for row in rows[1:] if "t" in row)
    return str(rows[0]["session_id"]), seen


def _beside(journal: Path) -> Path:
    return journal.with_suffix(".tracks.npz")


def _stamp(journal: Path) -> list[int | str]:
    try:
        status = journal.stat()
    except OSError as error:
        raise _missing(journal, error) from error
    return [CODE, status.st_size, status.st_mtime_ns]


def _missing(path: Path, error: OSError) -> ConfigError:
    return ConfigError(f"nothing is kept at {path} ({error.strerror}); process that footage first", path=str(path))


def _save(path: Path, kept: Kept, stamp: list[int | str]) -> None:
    lamps = {
        name: {"since_ns": lamp.since_ns, "states": [s.value for s in lamp.states], "until_ns": lamp.until_ns}
        for name, lamp in kept.lamps.items()
    }
    meta = {"stamp": stamp, "session_id": kept.session_id, "end_ns": kept.end_ns, "lamps": lamps}
    part = path.with_suffix(f".{os.getpid()}.npz")
    try:
        np.savez_compressed(
            part,
            meta=np.array(json.dumps(meta)),
            count=np.array([len(t) for t in kept.tracks], np.int64),
            track_id=np.array([t.track_id for t in kept.tracks], np.int64),
            class_id=np.array([int(t.class_id) for t in kept.tracks], np.int64),
            class_share=np.array([t.class_share for t in kept.tracks], np.float64),
            pts_ns=np.concatenate([np.zeros(0, np.int64), *(t.pts_ns for t in kept.tracks)]),
            xyxy=np.concatenate([np.zeros((0, 4), np.float32), *(t.xyxy for t in kept.tracks)]),
            confidence=np.concatenate([np.zeros(0, np.float32), *(t.confidence for t in kept.tracks)]),
        )
        part.replace(path)
    except OSError as error:  # a full or read-only disk: judge all the same, more slowly the next time
        log.get(__name__).warning("tracks_not_kept", path=str(path), reason=error.strerror)


def _load(path: Path, stamp: list[int | str]) -> Kept | None:
    try:
        with np.load(path, allow_pickle=False) as file:
            table = {name: file[name] for name in file.files}
            meta = json.loads(str(table["meta"]))
    except (OSError, ValueError, KeyError, BadZipFile):
        return None
    if meta["stamp"] != stamp:
        return None
    edges = np.cumsum(table["count"])[:-1]
    parts = zip(*(np.split(table[name], edges) for name in ("pts_ns", "xyxy", "confidence")), strict=True)
    heads = zip(table["track_id"], table["class_id"], table["class_share"], strict=True)
    tracks = tuple(
        TrackHistory(
            track_id=int(track_id),
            class_id=ActorClass(int(class_id)),
            class_share=float(share),
            pts_ns=pts_ns,
            xyxy=xyxy,
            confidence=confidence,
            is_finished=True,
        )
        for (track_id, class_id, share), (pts_ns, xyxy, confidence) in zip(heads, parts, strict=False)
    )
    lamps = {
        name: SignalTimeline(
            signal_id=name,
            since_ns=tuple(lamp["since_ns"]),
            states=tuple(SignalState(s) for s in lamp["states"]),
            until_ns=lamp["until_ns"],
        )
        for name, lamp in meta["lamps"].items()
    }
    return Kept(session_id=meta["session_id"], tracks=tracks, lamps=lamps, end_ns=meta["end_ns"])
