"""Make the first tables: users, runs, cases, reviews, publications, audit.

Revision ID: 0001
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Makes the tables."""
    _users_and_runs()
    _cases()
    _reviews_and_publications()
    _audit()


def downgrade() -> None:
    """Drops the tables."""
    for name in ("audit", "publications", "reviews", "cases", "runs", "users"):
        op.drop_table(name)


def _users_and_runs() -> None:
    op.create_table(
        "users",
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("password_hash", sa.String(200), nullable=False),
        sa.Column("is_active", sa.Integer, nullable=False),
        sa.Column("created_utc", sa.String(32), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_users"),
    )
    op.create_table(
        "runs",
        sa.Column("session_id", sa.String(64), nullable=False),
        sa.Column("camera_id", sa.String(100), nullable=False),
        sa.Column("site_id", sa.String(100), nullable=False),
        sa.Column("files", sa.Text, nullable=False),
        sa.Column("started_utc", sa.String(32), nullable=False),
        sa.Column("finished_utc", sa.String(32)),
        sa.Column("footage_ms", sa.BigInteger, nullable=False),
        *[sa.Column(n, sa.BigInteger, nullable=False) for n in ("decoded", "analysed", "skipped", "damaged", "lost")],
        sa.Column("undecided", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("session_id", name="pk_runs"),
    )


def _cases() -> None:
    op.create_table(
        "cases",
        sa.Column("case_id", sa.String(64), nullable=False),
        sa.Column("candidate_key", sa.String(200), nullable=False),
        sa.Column("session_id", sa.String(64), nullable=False),
        sa.Column("violation_id", sa.String(8), nullable=False),
        sa.Column("site_id", sa.String(100), nullable=False),
        sa.Column("camera_id", sa.String(100), nullable=False),
        sa.Column("place", sa.String(300), nullable=False),
        sa.Column("direction", sa.String(100), nullable=False),
        sa.Column("occurred_utc", sa.String(32)),
        sa.Column("onset_ns", sa.BigInteger, nullable=False),
        sa.Column("subject", sa.String(32), nullable=False),
        sa.Column("manifest_sha256", sa.String(64), nullable=False),
        sa.Column("entry_sha256", sa.String(64), nullable=False),
        sa.Column("cues", sa.Text, nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("created_utc", sa.String(32), nullable=False),
        sa.Column("changed_utc", sa.String(32), nullable=False),
        sa.PrimaryKeyConstraint("case_id", name="pk_cases"),
        sa.UniqueConstraint("candidate_key", name="uq_cases_candidate_key"),
    )
    for column in ("session_id", "violation_id", "state"):
        op.create_index(f"ix_cases_{column}", "cases", [column])


def _reviews_and_publications() -> None:
    op.create_table(
        "reviews",
        sa.Column("case_id", sa.String(64), nullable=False),
        sa.Column("stage", sa.String(20), nullable=False),
        sa.Column("officer", sa.String(64), nullable=False),
        sa.Column("decision", sa.String(10), nullable=False),
        sa.Column("reason", sa.String(8)),
        sa.Column("note", sa.Text, nullable=False),
        sa.Column("facts", sa.Text, nullable=False),
        sa.Column("cues_checked", sa.Text, nullable=False),
        sa.Column("decided_utc", sa.String(32), nullable=False),
        sa.PrimaryKeyConstraint("case_id", "stage", name="pk_reviews"),
        sa.ForeignKeyConstraint(["case_id"], ["cases.case_id"], name="fk_reviews_case_id"),
        sa.ForeignKeyConstraint(["officer"], ["users.name"], name="fk_reviews_officer"),
    )
    op.create_table(
        "publications",
        sa.Column("publication_id", sa.String(26), nullable=False),
        sa.Column("case_id", sa.String(64), nullable=False),
        sa.Column("screen_id", sa.String(64), nullable=False),
        sa.Column("state", sa.String(12), nullable=False),
        sa.Column("approved_by", sa.String(64), nullable=False),
        sa.Column("approved_utc", sa.String(32), nullable=False),
        sa.Column("expires_utc", sa.String(32), nullable=False),
        sa.Column("derivatives", sa.Text, nullable=False),
        sa.Column("ended_by", sa.String(64)),
        sa.Column("ended_utc", sa.String(32)),
        sa.Column("end_note", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("publication_id", name="pk_publications"),
        sa.ForeignKeyConstraint(["case_id"], ["cases.case_id"], name="fk_publications_case_id"),
        sa.ForeignKeyConstraint(["approved_by"], ["users.name"], name="fk_publications_approved_by"),
    )
    for column in ("case_id", "screen_id"):
        op.create_index(f"ix_publications_{column}", "publications", [column])


def _audit() -> None:
    op.create_table(
        "audit",
        sa.Column("seq", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("at_utc", sa.String(32), nullable=False),
        sa.Column("actor", sa.String(64), nullable=False),
        sa.Column("action", sa.String(40), nullable=False),
        sa.Column("table_name", sa.String(40), nullable=False),
        sa.Column("row_key", sa.String(200), nullable=False),
        sa.Column("before_sha256", sa.String(64), nullable=False),
        sa.Column("after_sha256", sa.String(64), nullable=False),
        sa.Column("fields", sa.Text, nullable=False),
        sa.Column("prev_sha256", sa.String(64), nullable=False),
        sa.Column("entry_sha256", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("seq", name="pk_audit"),
        sa.UniqueConstraint("prev_sha256", name="uq_audit_prev_sha256"),
    )
