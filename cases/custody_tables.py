"""Tables that remember outside the evidence store what must be found in it: daily roots, deletions, legal holds."""

from datetime import datetime

from sqlalchemy import ForeignKey, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from cases.models import Base, UtcText


class DayRootRow(Base):
    """The signed root of one finished day, and its outside timestamp once there is one."""

    __tablename__ = "day_roots"

    day: Mapped[str] = mapped_column(String(10), primary_key=True)
    root_sha256: Mapped[str] = mapped_column(String(64))
    stamp_sha256: Mapped[str | None] = mapped_column(String(64))
    closed_utc: Mapped[datetime] = mapped_column(UtcText)


class LegalHoldRow(Base):
    """One order not to delete a case's evidence; it stands until somebody lifts it."""

    __tablename__ = "legal_holds"

    hold_id: Mapped[str] = mapped_column(String(26), primary_key=True)
    case_id: Mapped[str] = mapped_column(ForeignKey("cases.case_id"), index=True)
    reason: Mapped[str] = mapped_column(Text)
    placed_by: Mapped[str] = mapped_column(ForeignKey("users.name"))
    placed_utc: Mapped[datetime] = mapped_column(UtcText)
    lifted_by: Mapped[str | None] = mapped_column(ForeignKey("users.name"))
    lifted_utc: Mapped[datetime | None] = mapped_column(UtcText)
    lift_reason: Mapped[str] = mapped_column(Text)


class ErasureRow(Base):
    """One deletion: of a case's package or of a citizen's originals (``subject`` is a case or report id)."""

    __tablename__ = "erasures"

    subject: Mapped[str] = mapped_column(String(64), primary_key=True)
    kind: Mapped[str] = mapped_column(String(20))
    tombstone_sha256: Mapped[str] = mapped_column(String(64))
    erased_utc: Mapped[datetime] = mapped_column(UtcText)
