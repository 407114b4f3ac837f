"""The exposure board: the policy between an accepted case and a public screen. It fails closed.

What this checks: the case is accepted by two people, a police officer releases it after seeing the
masked pictures, each picture shown is the very file that officer saw, the time is limited. What a
person must check: that every face and plate is covered. Source: domain §5.3; 公共安全视频图像信息系统
管理条例 art. 22.
"""

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Protocol

from cases.records import CaseRecord, Derivative, PublicationRecord
from cases.states import STANDING, CaseState
from cases.store import CaseStore
from core import log
from core.errors import CaseNotFound, ConfigError, HashMismatch, LukouError, ModelError, WrongState
from core.time import Clock
from display.derivatives import DerivativeStore, ShownSubject, build_derivative
from display.playlist import Playlist, Statistics, build_item
from evidence.seal import Vault

SHOWN_ROLES = ("P1_before", "P2_during", "P3_after", "T0_overview", "T1_overview")
_log = log.get(__name__)


class Masker(Protocol):
    """Covers every head and every plate of a picture, for good. vision.mask has the real one."""

    def mask(self, jpeg: bytes) -> bytes:
        """Returns the covered picture as JPEG, of the same size; raises rather than give an uncovered one."""
        ...


class Board:
    """Everything that leads to, or shows on, the screens of one installation."""

    def __init__(
        self, *, store: CaseStore, vault: Vault, folder: Path, masker: Masker | None, clock: Clock, longest_h: float
    ) -> None:
        self._store = store
        self._vault = vault
        self._derivatives = DerivativeStore(folder)
        self._masker = masker
        self._clock = clock
        self.longest_h = longest_h

    @property
    def can_mask(self) -> bool:
        """Tells whether pictures can be masked here at all."""
        return self._masker is not None

    def prepare(self, case_id: str) -> tuple[Derivative, ...]:
        """Makes the masked pictures of an accepted case for the officer to look at.

        Raises:
            CaseNotFound, WrongState: no such case, or it is not accepted.
            ModelError: masking is missing or failed; nothing is kept.
        """
        self._accepted(case_id)
        made = self._derivatives.staged(case_id)
        if made and self._derivatives.is_sound(made):
            return made
        pictures = {}
        manifest = self._vault.manifest(case_id)
        for image in manifest.images:
            if image.role in SHOWN_ROLES:
                x1, y1, x2, y2 = image.subject_xyxy_px
                subject = ShownSubject(xyxy=(x1, y1, x2, y2), class_name=str(manifest.subject.get("class_name")))
                original = self._vault.read(case_id, image.name)
                derivative = build_derivative(original, self._mask(case_id, original), subject)
                if derivative is not None:
                    pictures[image.name.removesuffix(".jpg")] = derivative
        if not pictures:
            raise ModelError("masking covered nothing in any picture of this case; it cannot be shown", case_id=case_id)
        _log.info("derivatives_made", case_id=case_id, number=len(pictures))
        return self._derivatives.stage(case_id, pictures)

    def preview(self, case_id: str, role: str, sha256: str) -> bytes | None:
        """Returns one of the pictures ``prepare`` made; None when it is not among them."""
        wanted = Derivative(role=role, sha256=sha256)
        return self._derivatives.read(sha256) if wanted in self._derivatives.staged(case_id) else None

    def publish(
        self, case_id: str, officer: str, *, screen_id: str, hours: float, seen: Sequence[Derivative]
    ) -> PublicationRecord:
        """Puts a case on a screen with the pictures the officer saw.

        Raises:
            ConfigError: longer than allowed, or the pictures are not those prepared last.
            ModelError: masking is not available.
            CaseNotFound, WrongState, NotAllowed: see ``CaseStore.publish``.
        """
        self._accepted(case_id)
        if self._masker is None:
            raise ModelError("masking is not available here; nothing can be shown", case_id=case_id)
        if not 0 < hours <= self.longest_h:
            raise ConfigError(f"an item may stay at most {self.longest_h:g} h on a screen; choose less", got=hours)
        ready = self._derivatives.staged(case_id)
        if not seen or not set(seen) <= set(ready) or not self._derivatives.is_sound(seen):
            raise ConfigError("look at the masked pictures first, then release exactly those", case_id=case_id)
        expires = self._clock.now_utc() + timedelta(hours=hours)
        item = self._store.publish(case_id, officer, screen_id=screen_id, expires_utc=expires, derivatives=seen)
        self._derivatives.unstage(case_id)
        return item

    def playlist(self, screen_id: str) -> Playlist:
        """Returns what a screen shows now: items in order, and the statistics that stand in for them."""
        now = self._clock.now_utc()
        items = []
        for publication in self._store.showing(screen_id):
            if not self._derivatives.is_sound(publication.derivatives):
                _log.error("derivative_damaged", publication_id=publication.publication_id)
                continue
            items.append(build_item(publication, self._store.get(publication.case_id)))
        return Playlist(screen_id=screen_id, now_utc=now, items=tuple(items), statistics=self._statistics())

    def picture(self, publication_id: str, role: str) -> bytes:
        """Returns a masked picture that is on a screen at this moment.

        Raises:
            CaseNotFound: it is not, or not any more.
        """
        for publication in self._store.showing():
            if publication.publication_id != publication_id:
                continue
            for derivative in publication.derivatives:
                if derivative.role == role:
                    return self._read_shown(derivative)
        raise CaseNotFound("this picture is not on any screen")

    def expire(self) -> int:
        """Ends items whose time is over, with their pictures; returns how many."""
        ended = self._store.expire_publications()
        if ended:
            self.sweep()
        return len(ended)

    def sweep(self) -> int:
        """Removes pictures no screen needs; returns how many."""
        return self._derivatives.sweep({d.sha256 for p in self._store.showing() for d in p.derivatives})

    def _read_shown(self, derivative: Derivative) -> bytes:
        try:
            return self._derivatives.read(derivative.sha256)
        except HashMismatch as error:
            raise CaseNotFound("this picture is not on any screen") from error

    def _accepted(self, case_id: str) -> CaseRecord:
        case = self._store.get(case_id)
        if case.state not in STANDING:
            raise WrongState(f"case is {case.state}; only a case accepted by two people can be shown", case_id=case_id)
        return case

    def _mask(self, case_id: str, original: bytes) -> bytes:
        if self._masker is None:
            raise ModelError("masking is not available here; the screen shows statistics instead", case_id=case_id)
        try:
            return self._masker.mask(original)
        except LukouError:
            raise
        except Exception as error:  # whatever breaks in a network or codec: no picture (fail closed)
            raise ModelError("masking failed; the screen shows statistics instead", case_id=case_id) from error

    def _statistics(self) -> Statistics:
        return Statistics.build(self._store.counts_by_violation(CaseState.ACCEPTED))
