"""Scenes of days: what is left standing, look by look, with a witness who knows the truth."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import numpy as np

from core.geometry import iou
from core.observations import ActorClass, Outcome, TrackHistory
from core.time import NS_PER_S
from rules import SiteView
from rules.long_stay import Portrait
from rules.vigil import Vigil
from sim.trajectories import Film

SAME_PLACE = 0.5
"""Least overlap of a box with an actor's true one."""


class TrueWitness:
    """Says of a box what the scene says of the actor in it."""

    def __init__(self, film: Film) -> None:
        self._film = film

    def look(self, box: tuple[float, ...], pts_ns: int, _subject: ActorClass, _keep: object = None) -> Portrait | None:
        """Returns the portrait of who stands there; of an empty place one without a plate; nothing by night."""
        visits = self._film.scene.visits
        if visits is not None and visits.is_night(pts_ns / NS_PER_S):
            return None
        for track, actor in zip(self._film.tracks, self._film.scene.actors, strict=True):
            row = int(np.searchsorted(track.pts_ns, pts_ns))
            is_there = row < len(track) and int(track.pts_ns[row]) == pts_ns
            if is_there and float(iou(track.xyxy[row], box)[0, 0]) >= SAME_PLACE:
                return Portrait(plate=actor.plate, colours=(actor.colour,))
        return Portrait()


def over_days(film: Film, start_utc: datetime | None) -> list[Outcome]:
    """Returns what is said of the vehicles left standing; nothing where nobody asks or the clock is unknown."""
    visits = film.scene.visits
    if visits is None or start_utc is None or not film.site.is_enabled("V11"):
        return []
    start_ns = round(start_utc.timestamp()) * NS_PER_S
    vigil = Vigil(SiteView.of(film.site), TrueWitness(film), start_ns=start_ns)
    outcomes: list[Outcome] = []
    ends = np.flatnonzero(np.diff(film.times_ns, append=np.iinfo(np.int64).max) > NS_PER_S)
    for now_ns in film.times_ns[ends].tolist():
        first_ns = now_ns - int(visits.last_s * NS_PER_S)
        is_night = visits.is_night(now_ns / NS_PER_S)
        tracks = [_cut(track, first_ns, now_ns) for track in film.tracks]
        outcomes += vigil.look([t for t in tracks if len(t) and not is_night], now_ns)
    return outcomes


def _cut(track: TrackHistory, first_ns: int, now_ns: int) -> TrackHistory:
    """Returns what of a track one visit shows."""
    a, b = np.searchsorted(track.pts_ns, (first_ns, now_ns + 1)).tolist()
    return replace(
        track, pts_ns=track.pts_ns[a:b], xyxy=track.xyxy[a:b], confidence=track.confidence[a:b], is_finished=False
    )
