"""Make the table of lamps at fault during a run: signal_faults.

Revision ID: 0004
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Makes the table."""
    op.create_table(
        "signal_faults",
        sa.Column("session_id", sa.String(64), nullable=False),
        sa.Column("faults", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("session_id", name="pk_signal_faults"),
        sa.ForeignKeyConstraint(["session_id"], ["runs.session_id"], name="fk_signal_faults_session_id_runs"),
    )


def downgrade() -> None:
    """Drops the table."""
    op.drop_table("signal_faults")
