"""Parts that fail for as long as a test says."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from core.errors import StoreError
from core.observations import Detections, Picture
from evidence.seal import Vault
from tests.support.scripted import ScriptedDetector


class ShakyDetector(ScriptedDetector):
    """Fails while ``is_broken``."""

    is_broken = False

    def detect(self, pictures: Sequence[Picture]) -> list[Detections]:
        if self.is_broken:
            raise RuntimeError("the network is gone")
        return super().detect(pictures)


class FullVault(Vault):
    """A disk that is full while ``is_full``."""

    is_full = False

    def seal(self, draft: Any) -> Any:
        if self.is_full:
            raise StoreError("no space left; free some")
        return super().seal(draft)
