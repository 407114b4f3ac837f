"""Make the tables of who has a case open, blind draws, what goes with a review, and suspended rules.

Revision ID: 0008
"""

import secrets

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Makes the tables and the key of the draw."""
    op.create_table(
        "assignments",
        sa.Column("case_id", sa.String(64), nullable=False),
        sa.Column("officer", sa.String(64), nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("opened_utc", sa.String(32), nullable=False),
        sa.Column("until_utc", sa.String(32), nullable=False),
        sa.PrimaryKeyConstraint("case_id", name="pk_assignments"),
        sa.ForeignKeyConstraint(["case_id"], ["cases.case_id"], name="fk_assignments_case_id"),
        sa.ForeignKeyConstraint(["officer"], ["users.name"], name="fk_assignments_officer"),
    )
    keys = op.create_table(
        "draw_keys",
        sa.Column("key_id", sa.Integer, nullable=False),
        sa.Column("key", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("key_id", name="pk_draw_keys"),
    )
    op.bulk_insert(keys, [{"key_id": 1, "key": secrets.token_hex(32)}])
    op.create_table(
        "blind_draws",
        sa.Column("case_id", sa.String(64), nullable=False),
        sa.Column("drawn_utc", sa.String(32), nullable=False),
        sa.PrimaryKeyConstraint("case_id", name="pk_blind_draws"),
        sa.ForeignKeyConstraint(["case_id"], ["cases.case_id"], name="fk_blind_draws_case_id"),
    )
    op.create_table(
        "review_sheets",
        sa.Column("case_id", sa.String(64), nullable=False),
        sa.Column("stage", sa.String(20), nullable=False),
        sa.Column("opened_utc", sa.String(32)),
        sa.Column("plate", sa.String(16), nullable=False),
        sa.PrimaryKeyConstraint("case_id", "stage", name="pk_review_sheets"),
        sa.ForeignKeyConstraint(["case_id"], ["cases.case_id"], name="fk_review_sheets_case_id"),
    )
    op.create_table(
        "suspensions",
        sa.Column("suspension_id", sa.String(26), nullable=False),
        sa.Column("camera_id", sa.String(100), nullable=False),
        sa.Column("violation_id", sa.String(8), nullable=False),
        sa.Column("since_utc", sa.String(32), nullable=False),
        sa.Column("wrong", sa.Integer, nullable=False),
        sa.Column("reviewed", sa.Integer, nullable=False),
        sa.Column("lifted_by", sa.String(64)),
        sa.Column("lifted_utc", sa.String(32)),
        sa.Column("note", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("suspension_id", name="pk_suspensions"),
        sa.ForeignKeyConstraint(["lifted_by"], ["users.name"], name="fk_suspensions_lifted_by"),
    )
    op.create_index("ix_suspensions_rule", "suspensions", ["camera_id", "violation_id"])
    op.create_index("ix_reviews_decided_utc", "reviews", ["decided_utc"])
    op.create_index("ix_cases_camera", "cases", ["state", "camera_id", "created_utc", "case_id"])


def downgrade() -> None:
    """Drops the tables; rows of the audit chain about them stay."""
    op.drop_index("ix_cases_camera", "cases")
    op.drop_index("ix_reviews_decided_utc", "reviews")
    for table in ("suspensions", "review_sheets", "blind_draws", "draw_keys", "assignments"):
        op.drop_table(table)
