"""What became of a session's frames: counted while they are read, so that nothing is lost unseen."""

from dataclasses import dataclass


@dataclass(slots=True, kw_only=True)
class FrameCounts:
    """Live counters of one session, whole frames; a resumed reading counts only its own part."""

    decoded: int = 0
    """Pictures the decoder gave out, damaged ones included."""
    analysed: int = 0
    """Pictures handed on for analysis."""
    skipped: int = 0
    """Pictures decoded but not needed at the wanted rate."""
    damaged: int = 0
    """Packets that could not be decoded, and pictures the decoder marked as corrupt."""
    lost: int = 0
    """Pictures the footage should hold and does not, from holes in time and missing entries (estimated)."""
    reordered_pts: int = 0
    """Pictures whose time stamp was missing, repeated or ran backwards and was repaired."""

    def as_dict(self) -> dict[str, int]:
        """Returns the counters by name."""
        return {name: int(getattr(self, name)) for name in self.__slots__}
