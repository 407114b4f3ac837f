"""What each frame says about the lamps of a site: the picture's word, and the controller's where there is one."""

from __future__ import annotations

from datetime import datetime

from core.errors import ConfigError
from core.observations import SignalState
from core.site import Site
from core.time import at
from ingest.controller import SignalFeed
from ingest.frame import Frame
from vision.lamp import LampReader


class Lamps:
    """The lamps of one session, in pixels of its footage."""

    def __init__(
        self, site: Site, reader: LampReader, *, feed: SignalFeed | None = None, start_utc: datetime | None = None
    ) -> None:
        """Prepares the reading.

        Raises:
            ConfigError: the site asks for a feed there is not, or the feed cannot be matched by time.
        """
        self._reader, self._feed, self._start_utc = reader, feed, start_utc
        self._seen = [s for s in site.signals if s.region_px is not None and s.source != "controller"]
        self._told = [s for s in site.signals if s.source != "video"]
        self._doubt_s = site.clock.uncertainty_s
        if self._told:
            self._check(site)

    @property
    def pins(self) -> dict[str, str]:
        """Hashes of what the readings depend on."""
        return {"lamp": self._reader.model.sha256, "feed": self._feed.sha256 if self._feed and self._told else ""}

    @property
    def counts(self) -> dict[str, int]:
        """What became of the feed's messages."""
        return dict(self._feed.counts) if self._feed and self._told else {}

    def seen(self, frame: Frame) -> dict[str, SignalState]:
        """Returns what the picture shows."""
        crops = [frame.crop(s.region_px) for s in self._seen if s.region_px is not None]
        return dict(zip((s.id for s in self._seen), self._reader.read(self._seen, crops), strict=True))

    def told(self, pts_ns: int) -> dict[str, SignalState]:
        """Returns what the controller says about that moment."""
        if self._feed is None or self._start_utc is None or self._doubt_s is None:
            return {}
        utc = at(self._start_utc, pts_ns)
        return {s.id: self._feed.state_at(s.feed_id or s.id, utc, self._doubt_s) for s in self._told}

    def _check(self, site: Site) -> None:
        name = self._told[0].id
        if self._feed is None:
            raise ConfigError(f"signal '{name}' of site '{site.site_id}' needs the controller's feed; give --signals")
        if self._start_utc is None:
            raise ConfigError("a signal feed is matched to the footage by time; give --start")
        if self._doubt_s is None:
            raise ConfigError(
                f"a signal feed is matched to the footage by time; say in site '{site.site_id}' how far the camera's "
                "clock may be off (clock.uncertainty_s)"
            )
