"""One look after the other, and the stays they come to; pure but for the witness who is asked for pictures."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Protocol

from core.observations import ActorClass, Outcome, Role, TrackHistory
from rules.abandoned import abandoned, wanted_shot
from rules.long_stay import (
    COVERED_SHARE,
    HOUR_NS,
    SIZE_RATIO,
    SPOT_M,
    UNREAD_NS,
    WATCHED_NS,
    Box,
    Likeness,
    Portrait,
    Shot,
    Standing,
    Stay,
    bare,
    begun,
    compared,
    covered,
    gone_on,
    is_bare,
    shift_m,
    size_ratio,
    standing,
)
from rules.scene import SiteView

MOST_STAYS = 200
"""Vehicles remembered per camera. Source: more do not stand in one picture, design default."""
ASK_AGAIN_NS = 24 * HOUR_NS
"""A plate that could not be read is tried again so often. Source: another light every day, design default."""


class Witness(Protocol):
    """Looks at a picture."""

    def look(self, box: Box, pts_ns: int, subject: ActorClass, keep: tuple[str, Role] | None = None) -> Portrait | None:
        """Returns a vehicle's portrait, None where the picture shows nothing (dark, glare, lost).

        ``keep`` has the whole picture kept, under the name of its stay, as evidence of that role.
        """
        ...


class Vigil:
    """Stays of one camera. ``stays`` are those remembered; ``ended`` counts why stays were over."""

    def __init__(self, view: SiteView, witness: Witness, stays: Iterable[Stay] = (), *, start_ns: int = 0) -> None:
        self.stays = {stay.stay_id: stay for stay in stays}
        self.ended: Counter[str] = Counter()
        self._view, self._witness, self._start_ns = view, witness, start_ns
        self._carriers: dict[int, str] = {}
        self._asked_ns: dict[str, int] = {}
        self._said: set[tuple[str, type]] = set()

    def look(self, tracks: Sequence[TrackHistory], now_ns: int) -> list[Outcome]:
        """Takes what is in sight at a session time; returns what is to be said now, each once."""
        utc_ns, site = self._start_ns + now_ns, self._view.site
        self._drive_off(tracks)
        here = [s for s in (standing(track, site) for track in tracks) if s is not None]
        outcomes: list[Outcome] = []
        for stay in list(self.stays.values()):
            if utc_ns - stay.last_ns > stay.longest_gap_ns:
                self._end(stay, "unseen too long")
                continue
            seen = self._seen_again(stay, here, utc_ns)
            if seen is None:
                self._not_seen(stay, tracks, now_ns)
                continue
            here.remove(seen)
            outcomes += self._told(stay.stay_id, seen)
        for seen in here[: MOST_STAYS - len(self.stays)]:
            self._begin(seen, utc_ns)
        return outcomes

    def _drive_off(self, tracks: Sequence[TrackHistory]) -> None:
        """Ends the stays of vehicles that were watched leaving."""
        for track in tracks:
            stay = self.stays.get(self._carriers.get(track.track_id, ""))
            if stay is not None and len(track) and not covered(stay.box, _last(track)):
                self._end(stay, "drove off")

    def _seen_again(self, stay: Stay, here: list[Standing], utc_ns: int) -> Standing | None:
        """Returns the vehicle that is on a stay's spot, the stay taken on; ends the stay where it is another."""
        near = [(self._away_m(stay, s.box), s) for s in here if covered(stay.box, s.box) > 0]
        near = [(away, s) for away, s in near if away <= SPOT_M and size_ratio(s.box, stay.box) >= 1 / SIZE_RATIO]
        if not near:
            return None
        away, seen = min(near, key=lambda pair: pair[0])
        limit = float(self._view.site.parameters("V11")["max_shift_m"])
        if away > limit or size_ratio(seen.box, stay.box) > SIZE_RATIO:
            self._end(stay, "another stands there")
            return None
        likeness = self._likeness(stay, seen, utc_ns)
        if likeness is Likeness.SAME:
            self.stays[stay.stay_id] = gone_on(self.stays[stay.stay_id], utc_ns, away, self._view.site)
            self._carriers[seen.track.track_id] = stay.stay_id
            self._keep_picture(stay.stay_id, seen, utc_ns)
            return seen
        if likeness is Likeness.OTHER:
            self._end(stay, "another stands there")
        else:
            here.remove(seen)  # nobody can tell now: it is asked again at the next look
        return None

    def _likeness(self, stay: Stay, seen: Standing, utc_ns: int) -> Likeness:
        """Returns whether the vehicle on a spot is the one of its stay; after a gap a picture has to say so."""
        gap = utc_ns - stay.last_ns
        is_due = utc_ns - self._asked_ns.get(stay.stay_id, utc_ns - ASK_AGAIN_NS) >= ASK_AGAIN_NS
        if stay.portrait is None or (gap <= WATCHED_NS and (stay.portrait.plate or not is_due)):
            return Likeness.SAME
        now = self._witness.look(seen.box, seen.pts_ns, stay.class_id)
        if now is None:
            return Likeness.SAME if gap <= WATCHED_NS else Likeness.UNCLEAR
        self._asked_ns[stay.stay_id] = utc_ns
        if gap <= WATCHED_NS:
            now = replace(now, colours=())  # it was watched all the time: only its plate is asked for
        likeness = compared(stay.portrait, now)
        if gap > UNREAD_NS and not now.plate and likeness is Likeness.SAME:
            return Likeness.OTHER
        if likeness is Likeness.SAME and now.plate:
            self.stays[stay.stay_id] = replace(stay, portrait=replace(stay.portrait, plate=now.plate))
        return likeness

    def _keep_picture(self, name: str, seen: Standing, utc_ns: int) -> None:
        stay = self.stays[name]
        role = wanted_shot(stay, utc_ns, self._view.site)
        if role is None:
            return
        portrait = self._witness.look(seen.box, seen.pts_ns, stay.class_id, (name, role))
        if portrait is not None:
            self._asked_ns[name] = utc_ns
            shot = Shot(role=role, utc_ns=self._start_ns + seen.pts_ns, box=seen.box)
            known = stay.portrait or portrait
            self.stays[name] = replace(stay, portrait=known, shots=(*stay.shots, shot))

    def _not_seen(self, stay: Stay, tracks: Sequence[TrackHistory], now_ns: int) -> None:
        """Notes a look at which a stay's vehicle was not found."""
        if stay.stay_id not in self.stays:
            return
        utc_ns = self._start_ns + now_ns
        if any(len(t) and covered(stay.box, _last(t)) >= COVERED_SHARE for t in tracks if not t.is_finished):
            return
        now = bare(stay, utc_ns)
        if is_bare(now, utc_ns):
            if self._witness.look(stay.box, now_ns, stay.class_id) is not None:
                self._end(stay, "its place was empty")
                return
            now = replace(now, bare_ns=None, bare_looks=0)
        self.stays[stay.stay_id] = now

    def _told(self, name: str, seen: Standing) -> list[Outcome]:
        outcome = abandoned(self.stays[name], seen.track, self._view, self._start_ns)
        if outcome is None or (name, type(outcome)) in self._said:
            return []
        self._said.add((name, type(outcome)))
        return [outcome]

    def _begin(self, seen: Standing, utc_ns: int) -> None:
        parts = (self._view.site.camera.camera_id, seen.zone_id, utc_ns, seen.box)
        name = hashlib.sha256("|".join(str(p) for p in parts).encode()).hexdigest()[:16]
        self.stays[name] = begun(name, seen, utc_ns, self._view.site)
        self._carriers[seen.track.track_id] = name

    def _end(self, stay: Stay, why: str) -> None:
        self.ended[why] += 1
        self.stays.pop(stay.stay_id, None)
        self._carriers = {track: name for track, name in self._carriers.items() if name != stay.stay_id}

    def _away_m(self, stay: Stay, box: Box) -> float:
        return shift_m(stay.class_id, stay.box, box, self._view)


def _last(track: TrackHistory) -> Box:
    x1, y1, x2, y2 = (float(v) for v in track.xyxy[-1])
    return x1, y1, x2, y2
