"""Who opened which encounter, why reviews wait, and queries to the physician."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "opening",
        sa.Column("review_id", sa.Integer, sa.ForeignKey("review.id"), primary_key=True),
        sa.Column("launch", sa.String(64), primary_key=True),
        sa.Column("fhir_user", sa.String(200), nullable=False, index=True),
        sa.Column("tenant", sa.String(64), nullable=False),
        sa.Column("at", sa.DateTime, nullable=False),
        sa.Column("role", sa.String(16)),
    )
    op.create_table(
        "pending",
        sa.Column("review_id", sa.Integer, sa.ForeignKey("review.id"), primary_key=True),
        sa.Column("reason", sa.String(20), nullable=False),
        sa.Column("note", sa.LargeBinary, nullable=False),
        sa.Column("fhir_user", sa.String(200), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("at", sa.DateTime, nullable=False),
    )
    op.create_table(
        "query",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("review_id", sa.Integer, sa.ForeignKey("review.id"), nullable=False, index=True),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("state", sa.String(16), nullable=False, index=True),
        sa.Column("code", sa.String(16), nullable=False),
        sa.Column("wording", sa.LargeBinary, nullable=False),
        sa.Column("answer", sa.LargeBinary),
        sa.Column("fhir_user", sa.String(200), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("sent_by", sa.String(200)),
        sa.Column("sent_name", sa.String(200)),
        sa.Column("created_at", sa.DateTime, nullable=False),
        sa.Column("changed_at", sa.DateTime, nullable=False),
        sa.Column("claim", sa.String(32)),
        sa.Column("claimed_at", sa.DateTime),
        sa.Column("resource", sa.String(64)),
        sa.Column("rung", sa.String(20)),
        sa.Column("outcome", sa.String(16)),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("sent_at", sa.DateTime),
        sa.Column("reference", sa.String(200)),
        sa.Column("detail", sa.LargeBinary),
    )


def downgrade() -> None:
    """What was asked and why a review waited is lost: nothing before could hold it."""
    for table in ("query", "pending", "opening"):
        op.drop_table(table)
