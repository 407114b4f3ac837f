"""Make the table of rewards that were paid or declined.

Revision ID: 0014
"""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Makes the table."""
    op.create_table(
        "rewards",
        sa.Column("report_id", sa.String(26), nullable=False),
        sa.Column("state", sa.String(12), nullable=False),
        sa.Column("note", sa.Text, nullable=False),
        sa.Column("officer", sa.String(64), nullable=False),
        sa.Column("settled_utc", sa.String(32), nullable=False),
        sa.PrimaryKeyConstraint("report_id", name="pk_rewards"),
        sa.ForeignKeyConstraint(["report_id"], ["reports.report_id"], name="fk_rewards_report_id"),
        sa.ForeignKeyConstraint(["officer"], ["users.name"], name="fk_rewards_officer"),
    )


def downgrade() -> None:
    """Drops the table."""
    op.drop_table("rewards")
