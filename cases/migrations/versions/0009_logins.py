"""Make the tables of the console's sessions and of passwords that must be changed.

Revision ID: 0009
"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Makes the tables."""
    op.create_table(
        "logins",
        sa.Column("login_id", sa.String(26), nullable=False),
        sa.Column("token_sha256", sa.String(64), nullable=False),
        sa.Column("user_name", sa.String(64), nullable=False),
        sa.Column("agent", sa.String(120), nullable=False),
        sa.Column("began_utc", sa.String(32), nullable=False),
        sa.Column("seen_utc", sa.String(32), nullable=False),
        sa.Column("ended_utc", sa.String(32)),
        sa.Column("ended_by", sa.String(64)),
        sa.PrimaryKeyConstraint("login_id", name="pk_logins"),
        sa.UniqueConstraint("token_sha256", name="uq_logins_token_sha256"),
        sa.ForeignKeyConstraint(["user_name"], ["users.name"], name="fk_logins_user_name"),
    )
    op.create_index("ix_logins_user_name", "logins", ["user_name"])
    op.create_table(
        "temporary_passwords",
        sa.Column("user_name", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("user_name", name="pk_temporary_passwords"),
        sa.ForeignKeyConstraint(["user_name"], ["users.name"], name="fk_temporary_passwords_user_name"),
    )


def downgrade() -> None:
    """Drops the tables."""
    op.drop_table("temporary_passwords")
    op.drop_index("ix_logins_user_name", "logins")
    op.drop_table("logins")
