"""Make the tables of sealed identities and of who opened them.

Revision ID: 0012
"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Makes the tables."""
    op.create_table(
        "identities",
        sa.Column("handle", sa.String(16), nullable=False),
        sa.Column("sealed", sa.Text, nullable=False),
        sa.Column("changed_utc", sa.String(32), nullable=False),
        sa.PrimaryKeyConstraint("handle", name="pk_identities"),
        sa.ForeignKeyConstraint(["handle"], ["reporters.handle"], name="fk_identities_handle_reporters"),
    )
    op.create_table(
        "identity_openings",
        sa.Column("opening_id", sa.String(26), nullable=False),
        sa.Column("handle", sa.String(16), nullable=False),
        sa.Column("actor", sa.String(64), nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("opened_utc", sa.String(32), nullable=False),
        sa.PrimaryKeyConstraint("opening_id", name="pk_identity_openings"),
        sa.ForeignKeyConstraint(["handle"], ["reporters.handle"], name="fk_identity_openings_handle_reporters"),
    )


def downgrade() -> None:
    """Drops the tables."""
    op.drop_table("identity_openings")
    op.drop_table("identities")
