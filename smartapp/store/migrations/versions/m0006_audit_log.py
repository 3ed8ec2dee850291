"""The audit log and the signed roots of it."""

import sqlalchemy as sa
from alembic import op

from smartapp.store.migrations.append_only import refuse_changes

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "audit_event",
        sa.Column("sequence", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("iss", sa.String(500)),
        sa.Column("patient", sa.String(64)),
        sa.Column("encounter", sa.String(64)),
        sa.Column("event", sa.Text, nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
    )
    op.create_index("audit_event_of_chart", "audit_event", ["iss", "patient", "encounter", "sequence"])
    op.create_index("audit_event_of_kind", "audit_event", ["kind", "sequence"])
    op.create_table(
        "audit_checkpoint",
        sa.Column("size", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("note", sa.Text, nullable=False),
        sa.Column("peaks", sa.Text, nullable=False),
    )
    refuse_changes("audit_event")
    refuse_changes("audit_checkpoint")


def downgrade() -> None:
    op.drop_table("audit_checkpoint")
    op.drop_table("audit_event")
