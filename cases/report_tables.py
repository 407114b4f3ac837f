"""Tables of citizens' reports: pseudonymous accounts, claims, the files behind them; names and numbers sealed only."""

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from cases.models import Base, JsonText, UtcText


class ReporterRow(Base):
    """A citizen's account: a handle the system made up and a password."""

    __tablename__ = "reporters"

    handle: Mapped[str] = mapped_column(String(16), primary_key=True)
    password_hash: Mapped[str] = mapped_column(String(200))
    is_active: Mapped[int] = mapped_column(Integer)
    created_utc: Mapped[datetime] = mapped_column(UtcText)


class ReportRow(Base):
    """One report; ``token`` is the idempotency key its sender chose."""

    __tablename__ = "reports"

    report_id: Mapped[str] = mapped_column(String(26), primary_key=True)
    reporter: Mapped[str] = mapped_column(ForeignKey("reporters.handle"), index=True)
    token: Mapped[str] = mapped_column(String(120), unique=True)
    violation_id: Mapped[str] = mapped_column(String(8))
    plate: Mapped[str] = mapped_column(String(16), index=True)
    occurred_utc: Mapped[datetime] = mapped_column(UtcText)
    place: Mapped[str] = mapped_column(String(300))
    lat_udeg: Mapped[int | None] = mapped_column(BigInteger)
    lon_udeg: Mapped[int | None] = mapped_column(BigInteger)
    note: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(String(24), index=True)
    code: Mapped[str | None] = mapped_column(String(4))
    detail: Mapped[str] = mapped_column(Text)
    duplicate_of: Mapped[str | None] = mapped_column(String(26))
    case_id: Mapped[str | None] = mapped_column(ForeignKey("cases.case_id"), index=True)
    media: Mapped[list[dict[str, object]]] = mapped_column(JsonText)
    submitted_utc: Mapped[datetime] = mapped_column(UtcText)
    changed_utc: Mapped[datetime] = mapped_column(UtcText)


class PhotoMarkRow(Base):
    """Perceptual hash of a handed-in picture, to find the same picture again; derived from ``reports.media``."""

    __tablename__ = "photo_marks"

    report_id: Mapped[str] = mapped_column(ForeignKey("reports.report_id"), primary_key=True)
    position: Mapped[int] = mapped_column(Integer, primary_key=True)
    phash: Mapped[str] = mapped_column(String(16), index=True)


class IdentityRow(Base):
    """Who a citizen is, sealed: only ``cases.identity`` opens it, with a key that is not in the database."""

    __tablename__ = "identities"

    handle: Mapped[str] = mapped_column(ForeignKey("reporters.handle"), primary_key=True)
    sealed: Mapped[str] = mapped_column(Text)
    changed_utc: Mapped[datetime] = mapped_column(UtcText)


class IdentityOpeningRow(Base):
    """Somebody looked at who a citizen is, and why."""

    __tablename__ = "identity_openings"

    opening_id: Mapped[str] = mapped_column(String(26), primary_key=True)
    handle: Mapped[str] = mapped_column(ForeignKey("reporters.handle"))
    actor: Mapped[str] = mapped_column(String(64))
    reason: Mapped[str] = mapped_column(Text)
    opened_utc: Mapped[datetime] = mapped_column(UtcText)
