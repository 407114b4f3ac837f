"""Make the tables of daily roots, legal holds and deletions.

Revision ID: 0010
"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Makes the tables."""
    op.create_table(
        "day_roots",
        sa.Column("day", sa.String(10), nullable=False),
        sa.Column("root_sha256", sa.String(64), nullable=False),
        sa.Column("stamp_sha256", sa.String(64)),
        sa.Column("closed_utc", sa.String(32), nullable=False),
        sa.PrimaryKeyConstraint("day", name="pk_day_roots"),
    )
    op.create_table(
        "legal_holds",
        sa.Column("hold_id", sa.String(26), nullable=False),
        sa.Column("case_id", sa.String(64), nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("placed_by", sa.String(64), nullable=False),
        sa.Column("placed_utc", sa.String(32), nullable=False),
        sa.Column("lifted_by", sa.String(64)),
        sa.Column("lifted_utc", sa.String(32)),
        sa.Column("lift_reason", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("hold_id", name="pk_legal_holds"),
        sa.ForeignKeyConstraint(["case_id"], ["cases.case_id"], name="fk_legal_holds_case_id"),
        sa.ForeignKeyConstraint(["placed_by"], ["users.name"], name="fk_legal_holds_placed_by"),
        sa.ForeignKeyConstraint(["lifted_by"], ["users.name"], name="fk_legal_holds_lifted_by"),
    )
    op.create_index("ix_legal_holds_case_id", "legal_holds", ["case_id"])
    op.create_table(
        "erasures",
        sa.Column("subject", sa.String(64), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("tombstone_sha256", sa.String(64), nullable=False),
        sa.Column("erased_utc", sa.String(32), nullable=False),
        sa.PrimaryKeyConstraint("subject", name="pk_erasures"),
    )


def downgrade() -> None:
    """Drops the tables; rows of the audit chain about them stay."""
    for table in ("erasures", "legal_holds", "day_roots"):
        op.drop_table(table)
