"""Make the tables of citizens' reports: reporters, reports, photo_marks.

Revision ID: 0002
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Makes the tables."""
    op.create_table(
        "reporters",
        sa.Column("handle", sa.String(16), nullable=False),
        sa.Column("password_hash", sa.String(200), nullable=False),
        sa.Column("is_active", sa.Integer, nullable=False),
        sa.Column("created_utc", sa.String(32), nullable=False),
        sa.PrimaryKeyConstraint("handle", name="pk_reporters"),
    )
    _reports()
    op.create_table(
        "photo_marks",
        sa.Column("report_id", sa.String(26), nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("phash", sa.String(16), nullable=False),
        sa.PrimaryKeyConstraint("report_id", "position", name="pk_photo_marks"),
        sa.ForeignKeyConstraint(["report_id"], ["reports.report_id"], name="fk_photo_marks_report_id"),
    )
    op.create_index("ix_photo_marks_phash", "photo_marks", ["phash"])


def downgrade() -> None:
    """Drops the tables."""
    for name in ("photo_marks", "reports", "reporters"):
        op.drop_table(name)


def _reports() -> None:
    op.create_table(
        "reports",
        sa.Column("report_id", sa.String(26), nullable=False),
        sa.Column("reporter", sa.String(16), nullable=False),
        sa.Column("token", sa.String(120), nullable=False),
        sa.Column("violation_id", sa.String(8), nullable=False),
        sa.Column("plate", sa.String(16), nullable=False),
        sa.Column("occurred_utc", sa.String(32), nullable=False),
        sa.Column("place", sa.String(300), nullable=False),
        sa.Column("lat_udeg", sa.BigInteger),
        sa.Column("lon_udeg", sa.BigInteger),
        sa.Column("note", sa.Text, nullable=False),
        sa.Column("state", sa.String(24), nullable=False),
        sa.Column("code", sa.String(4)),
        sa.Column("detail", sa.Text, nullable=False),
        sa.Column("duplicate_of", sa.String(26)),
        sa.Column("case_id", sa.String(64)),
        sa.Column("media", sa.Text, nullable=False),
        sa.Column("submitted_utc", sa.String(32), nullable=False),
        sa.Column("changed_utc", sa.String(32), nullable=False),
        sa.PrimaryKeyConstraint("report_id", name="pk_reports"),
        sa.UniqueConstraint("token", name="uq_reports_token"),
        sa.ForeignKeyConstraint(["reporter"], ["reporters.handle"], name="fk_reports_reporter"),
        sa.ForeignKeyConstraint(["case_id"], ["cases.case_id"], name="fk_reports_case_id"),
    )
    for column in ("reporter", "plate", "state", "case_id"):
        op.create_index(f"ix_reports_{column}", "reports", [column])
