"""What a site's rules found in a citizen's video, in words, for the case page."""

from typing import Any

from api.labels import Labels
from core.catalogue import catalogue
from core.errors import ConfigError
from evidence.manifest import Manifest

KEY = "sighting"
"""Its name among the sealed facts."""


def shown(manifest: Manifest | None, labels: Labels) -> dict[str, Any] | None:
    """Returns where the video fits, what was found and what stayed undecided; None where no video was compared."""
    found = manifest.rule.get("facts", {}).get(KEY) if manifest is not None else None
    if found is None:
        return None
    return {
        "place": found["place"],
        "site_id": found["site_id"],
        "why": labels(f"sighting_{found['why']}") if found["why"] else "",
        "findings": [
            {
                "title": _title(one["violation_id"], labels),
                "when": f"{one['from_s']:.1f}-{one['to_s']:.1f} s",
                "subject": labels.word(one["subject"]),
                "facts": [
                    (labels.fact(key), labels.value(key, one["facts"][key]))
                    for key in sorted(one["facts"], key=labels.fact_order)
                ],
                "cues": [labels.cue(cue) for cue in one["cues"]],
            }
            for one in found["findings"]
        ],
        "undecided": [
            (_title(rule, labels), "; ".join(f"{labels.reason(reason)} ×{n}" for reason, n in sorted(reasons.items())))
            for rule, reasons in sorted(found["undecided"].items())
        ],
    }


def _title(violation_id: str, labels: Labels) -> str:
    try:
        violation = catalogue().get(violation_id)
    except ConfigError:
        return violation_id
    return f"{violation_id} {violation.short_zh if labels.language == 'zh' else violation.name_en}"
