"""Make the table of plates the machine read: plates.

Revision ID: 0003
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Makes the table."""
    op.create_table(
        "plates",
        sa.Column("case_id", sa.String(64), nullable=False),
        sa.Column("plate", sa.String(16), nullable=False),
        sa.PrimaryKeyConstraint("case_id", name="pk_plates"),
        sa.ForeignKeyConstraint(["case_id"], ["cases.case_id"], name="fk_plates_case_id_cases"),
    )
    op.create_index("ix_plates_plate", "plates", ["plate"])


def downgrade() -> None:
    """Drops the table."""
    op.drop_table("plates")
