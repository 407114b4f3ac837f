"""Make the table of ex officio cancellations.

Revision ID: 0013
"""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Makes the table."""
    op.create_table(
        "cancellations",
        sa.Column("case_id", sa.String(64), nullable=False),
        sa.Column("ground", sa.String(4), nullable=False),
        sa.Column("note", sa.Text, nullable=False),
        sa.Column("officer", sa.String(64), nullable=False),
        sa.Column("cancelled_utc", sa.String(32), nullable=False),
        sa.PrimaryKeyConstraint("case_id", name="pk_cancellations"),
        sa.ForeignKeyConstraint(["case_id"], ["cases.case_id"], name="fk_cancellations_case_id"),
        sa.ForeignKeyConstraint(["officer"], ["users.name"], name="fk_cancellations_officer"),
    )


def downgrade() -> None:
    """Drops the table."""
    op.drop_table("cancellations")
