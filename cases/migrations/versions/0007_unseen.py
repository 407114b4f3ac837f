"""Make the table of what nobody looked at during a run: unseen.

Revision ID: 0007
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Makes the table."""
    op.create_table(
        "unseen",
        sa.Column("session_id", sa.String(64), nullable=False),
        sa.Column("spans", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("session_id", name="pk_unseen"),
        sa.ForeignKeyConstraint(["session_id"], ["runs.session_id"], name="fk_unseen_session_id_runs"),
    )


def downgrade() -> None:
    """Drops the table."""
    op.drop_table("unseen")
