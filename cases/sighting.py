"""What a site's own rules make of a citizen's video that shows the site's view: for the officer, never a decision."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from cases.report import NewReport

NOT_NEAR, OTHER_VIEW, NOT_SEEN = "not_near", "other_view", "not_seen"
"""Why no site speaks: none near the claimed place, none with this view, or the look failed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """``site_id`` is "" where no site matches, and ``why`` says so; times are seconds of the video.

    ``findings``: violation_id, from_s, to_s, subject, facts, cues, and boxes (pts_ns, x1, y1, x2, y2) in pixels of the
    video. ``undecided``: reasons by violation.
    """

    site_id: str = ""
    place: str = ""
    why: str = ""
    findings: tuple[Mapping[str, Any], ...] = ()
    undecided: Mapping[str, Mapping[str, int]] = field(default_factory=dict)

    def as_fact(self) -> dict[str, Any]:
        """Returns the form sealed with the report; boxes go into its track."""
        findings = [{name: value for name, value in one.items() if name != "boxes"} for one in self.findings]
        return {**asdict(self), "findings": findings}

    def boxes(self, violation_id: str) -> list[list[float]]:
        """Returns where the first offender of this kind is in the video."""
        return next((list(one["boxes"]) for one in self.findings if one["violation_id"] == violation_id), [])


Witness = Callable[[Path, str, float, NewReport], Sighting]
"""Looks at a video, given its ending, its length in seconds and the claim; ``pipeline.witness`` has one to hand in."""
