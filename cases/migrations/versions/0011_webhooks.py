"""Make the table of how far other programs have been told.

Revision ID: 0011
"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Makes the table."""
    op.create_table(
        "webhooks",
        sa.Column("url_sha256", sa.String(64), nullable=False),
        sa.Column("seq", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("url_sha256", name="pk_webhooks"),
    )


def downgrade() -> None:
    """Drops the table."""
    op.drop_table("webhooks")
