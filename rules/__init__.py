"""The offences: track histories, lamp timelines and a site in; Candidate, Undecided or nothing out. Pure."""

from rules.engine import INTERESTS, RuleBook
from rules.requirements import require_judged, requirements
from rules.scene import Scene, SiteView

__all__ = ["INTERESTS", "RuleBook", "Scene", "SiteView", "require_judged", "requirements"]
