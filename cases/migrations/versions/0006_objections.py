"""Make the table of objections.

Revision ID: 0006
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Makes the table."""
    op.create_table(
        "objections",
        sa.Column("objection_id", sa.String(26), nullable=False),
        sa.Column("case_id", sa.String(64), nullable=False),
        sa.Column("channel", sa.String(16), nullable=False),
        sa.Column("ground", sa.String(4), nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("filed_by", sa.String(64), nullable=False),
        sa.Column("received_utc", sa.String(32), nullable=False),
        sa.Column("due_utc", sa.String(32), nullable=False),
        sa.Column("result", sa.String(12)),
        sa.Column("reply", sa.Text, nullable=False),
        sa.Column("decided_by", sa.String(64)),
        sa.Column("decided_utc", sa.String(32)),
        sa.PrimaryKeyConstraint("objection_id", name="pk_objections"),
        sa.UniqueConstraint("case_id", name="uq_objections_case_id"),
        sa.ForeignKeyConstraint(["case_id"], ["cases.case_id"], name="fk_objections_case_id"),
        sa.ForeignKeyConstraint(["filed_by"], ["users.name"], name="fk_objections_filed_by"),
        sa.ForeignKeyConstraint(["decided_by"], ["users.name"], name="fk_objections_decided_by"),
    )


def downgrade() -> None:
    """Drops the table."""
    op.drop_table("objections")
