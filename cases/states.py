"""States, roles, permissions and the six facts: the vocabulary of review (domain §3.3), as data.

QUEUED --first review accepts--> SECOND_REVIEW --second officer accepts--> ACCEPTED, or REJECTED by
either of the two. A case drawn for a blind second review (``cases.blind``) has one whatever the first says; where the
two differ it is DISPUTED, and a supervisor decides. A candidate of a suspended rule waits as SUSPENDED until a
supervisor lifts it; one of a device that fails a legality gate (``cases.devices``) is INADMISSIBLE for good.
ACCEPTED --objection--> OBJECTED --a third person--> UPHELD | CANCELLED.
ACCEPTED, UPHELD --a supervisor, ex officio--> CANCELLED.
ACCEPTED, UPHELD --publish--> Publication: PUBLISHED --> WITHDRAWN | EXPIRED.
"""

from enum import StrEnum


class CaseState(StrEnum):
    """Where a case is."""

    QUEUED = "QUEUED"
    SECOND_REVIEW = "SECOND_REVIEW"
    ACCEPTED = "ACCEPTED"
    REJECTED = "REJECTED"
    OBJECTED = "OBJECTED"
    UPHELD = "UPHELD"
    CANCELLED = "CANCELLED"
    DISPUTED = "DISPUTED"
    SUSPENDED = "SUSPENDED"
    INADMISSIBLE = "INADMISSIBLE"


STANDING = (CaseState.ACCEPTED, CaseState.UPHELD)
"""Decided against the offender and not under objection: only these may be shown."""
DECIDED = (CaseState.ACCEPTED, CaseState.REJECTED, CaseState.UPHELD, CaseState.CANCELLED)


class ReviewStage(StrEnum):
    """Which of the people looked: the two every case has, and the supervisor of a disputed one."""

    FIRST_REVIEW = "FIRST_REVIEW"
    SECOND_REVIEW = "SECOND_REVIEW"
    THIRD_REVIEW = "THIRD_REVIEW"


class Decision(StrEnum):
    """What a reviewer says."""

    ACCEPT = "accept"
    REJECT = "reject"


class PublicationState(StrEnum):
    """Where a published item is."""

    PUBLISHED = "PUBLISHED"
    WITHDRAWN = "WITHDRAWN"
    EXPIRED = "EXPIRED"


class UserRole(StrEnum):
    """Who somebody is: reviewer is an auxiliary (辅警), officer has enforcement qualification (民警).

    A supervisor (法制员) is an officer who also lets late cases pass; an auditor sees everything and changes
    nothing; an engineer keeps cameras and site files and decides nothing.
    """

    REVIEWER = "reviewer"
    OFFICER = "officer"
    SUPERVISOR = "supervisor"
    AUDITOR = "auditor"
    ENGINEER = "engineer"
    ADMIN = "admin"


class Permission(StrEnum):
    """What a role may do."""

    SEE_CASES = "see_cases"
    FIRST_REVIEW = "first_review"
    SECOND_REVIEW = "second_review"
    PUBLISH = "publish"
    WITHDRAW = "withdraw"
    MANAGE_USERS = "manage_users"
    FILE_OBJECTION = "file_objection"
    DECIDE_OBJECTION = "decide_objection"
    ACCEPT_LATE = "accept_late"
    SEE_AUDIT = "see_audit"
    DECIDE_DISPUTE = "decide_dispute"
    LIFT_SUSPENSION = "lift_suspension"
    SEE_ECONOMICS = "see_economics"
    OPEN_IDENTITY = "open_identity"
    HOLD_EVIDENCE = "hold_evidence"
    EDIT_SITES = "edit_sites"
    CANCEL_CASE = "cancel_case"
    SETTLE_REWARD = "settle_reward"


_REVIEWER = frozenset({Permission.SEE_CASES, Permission.FIRST_REVIEW, Permission.FILE_OBJECTION})
_OFFICER = _REVIEWER | {
    Permission.SECOND_REVIEW,
    Permission.PUBLISH,
    Permission.WITHDRAW,
    Permission.DECIDE_OBJECTION,
}
PERMISSIONS: dict[UserRole, frozenset[Permission]] = {
    UserRole.REVIEWER: _REVIEWER,
    UserRole.OFFICER: _OFFICER,
    UserRole.SUPERVISOR: _OFFICER
    | {
        Permission.ACCEPT_LATE,
        Permission.SEE_AUDIT,
        Permission.DECIDE_DISPUTE,
        Permission.LIFT_SUSPENSION,
        Permission.SEE_ECONOMICS,
        Permission.HOLD_EVIDENCE,
        Permission.OPEN_IDENTITY,
        Permission.CANCEL_CASE,
        Permission.SETTLE_REWARD,
    },
    UserRole.AUDITOR: frozenset({Permission.SEE_CASES, Permission.SEE_AUDIT, Permission.SEE_ECONOMICS}),
    UserRole.ENGINEER: frozenset({Permission.SEE_CASES, Permission.SEE_ECONOMICS, Permission.EDIT_SITES}),
    UserRole.ADMIN: frozenset(
        {
            Permission.SEE_CASES,
            Permission.EDIT_SITES,
            Permission.WITHDRAW,
            Permission.MANAGE_USERS,
            Permission.SEE_AUDIT,
            Permission.SEE_ECONOMICS,
        }
    ),
}

STAGE_OF_STATE: dict[CaseState, ReviewStage] = {
    CaseState.QUEUED: ReviewStage.FIRST_REVIEW,
    CaseState.SECOND_REVIEW: ReviewStage.SECOND_REVIEW,
    CaseState.DISPUTED: ReviewStage.THIRD_REVIEW,
}

PERMISSION_OF_STAGE: dict[ReviewStage, Permission] = {
    ReviewStage.FIRST_REVIEW: Permission.FIRST_REVIEW,
    ReviewStage.SECOND_REVIEW: Permission.SECOND_REVIEW,
    ReviewStage.THIRD_REVIEW: Permission.DECIDE_DISPUTE,
}

NEXT_STATE: dict[tuple[CaseState, Decision], CaseState] = {
    (CaseState.QUEUED, Decision.ACCEPT): CaseState.SECOND_REVIEW,
    (CaseState.QUEUED, Decision.REJECT): CaseState.REJECTED,
    (CaseState.SECOND_REVIEW, Decision.ACCEPT): CaseState.ACCEPTED,
    (CaseState.SECOND_REVIEW, Decision.REJECT): CaseState.REJECTED,
    (CaseState.DISPUTED, Decision.ACCEPT): CaseState.ACCEPTED,
    (CaseState.DISPUTED, Decision.REJECT): CaseState.REJECTED,
}
"""What a decision leads to; a blind or differing second review leads elsewhere: ``cases.review``."""
UNDECIDED = tuple(STAGE_OF_STATE)
"""Waiting for a decision of somebody."""

SIX_FACTS: tuple[str, ...] = ("type", "plate", "appearance", "time", "place", "fact")
"""What a reviewer confirms one by one. Source: Order 157 art. 18 (类型、号牌、外观特征、时间、地点、违法事实)."""

SYSTEM = "system"
"""Audit actor of steps no person takes (queueing, expiry)."""
