"""When it was last looked whether the EHR's notes are still those that were read, and what was found."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "look",
        sa.Column("review_id", sa.Integer, sa.ForeignKey("review.id"), primary_key=True),
        sa.Column("at", sa.DateTime, nullable=False),
        sa.Column("arrived", sa.Integer, nullable=False),
        sa.Column("changed", sa.Integer, nullable=False),
        sa.Column("gone", sa.Integer, nullable=False),
    )
    op.execute("INSERT INTO look SELECT id, changed_at, 0, 0, 0 FROM review WHERE chart IS NOT NULL")


def downgrade() -> None:
    op.drop_table("look")
