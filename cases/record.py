"""What goes with an exported case: who decided what, when, under pseudonyms, with the audit entries that prove it."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from cases.records import CaseRecord
from cases.states import SYSTEM
from cases.store import CaseStore

Pseudonym = Callable[[str], str]


def case_record(store: CaseStore, case_id: str, pseudonym: Pseudonym) -> dict[str, Any]:
    """Returns the record of a case, without its signature.

    Raises:
        CaseNotFound: no case with this id.
    """
    case = store.get(case_id)
    seq, digest = store.audit_head()

    def person(name: str) -> str:
        return name if name == SYSTEM else pseudonym(name)

    return {
        "case_id": case_id,
        "state": case.state.value,
        "plate": case.plate if case.plate != "UNREADABLE" else "",
        "decisions": [
            {
                "stage": review.stage.value,
                "officer": person(review.officer),
                "decision": review.decision.value,
                "reason": review.reason,
                "note": review.note,
                "facts": list(review.facts),
                "cues_checked": list(review.cues_checked),
                "decided_utc": _text(review.decided_utc),
            }
            for review in case.reviews
        ]
        + _cancellation(case, person),
        "objection": _objection(case, person),
        "actions": [
            {
                "seq": entry.seq,
                "at_utc": _text(entry.at_utc),
                "actor": person(entry.actor),
                "action": entry.action,
                "entry_sha256": entry.entry_sha256,
            }
            for entry in store.history(case_id)
        ],
        "audit_head": {"seq": seq, "entry_sha256": digest},
    }


def _cancellation(case: CaseRecord, person: Pseudonym) -> list[dict[str, Any]]:
    found = case.cancellation
    if found is None:
        return []
    return [
        {
            "stage": "EX_OFFICIO",
            "officer": person(found.officer),
            "decision": "cancel",
            "reason": found.ground,
            "note": found.note,
            "facts": [],
            "cues_checked": [],
            "decided_utc": _text(found.cancelled_utc),
        }
    ]


def _objection(case: CaseRecord, person: Pseudonym) -> dict[str, Any] | None:
    objection = case.objection
    if objection is None:
        return None
    return {
        "ground": objection.ground,
        "text": objection.text,
        "filed_by": person(objection.filed_by),
        "received_utc": _text(objection.received_utc),
        "result": objection.result.value if objection.result else None,
        "reply": objection.reply,
        "decided_by": person(objection.decided_by) if objection.decided_by else None,
    }


def _text(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds")
