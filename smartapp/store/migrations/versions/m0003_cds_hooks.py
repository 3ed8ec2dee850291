"""The CDS service: cards, what they offered, the feedback on them, and the JWTs that were used."""

import sqlalchemy as sa
from alembic import op

from smartapp.store.migrations.append_only import refuse_changes

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

APPEND_ONLY = ("cds_card", "cds_offer", "cds_feedback")


def upgrade() -> None:
    op.create_table(
        "cds_card",
        sa.Column("uuid", sa.String(36), primary_key=True),
        sa.Column("review_id", sa.Integer, sa.ForeignKey("review.id"), nullable=False, index=True),
        sa.Column("hook", sa.String(40), nullable=False),
        sa.Column("at", sa.DateTime, nullable=False),
    )
    op.create_table(
        "cds_offer",
        sa.Column("card", sa.String(36), sa.ForeignKey("cds_card.uuid"), primary_key=True),
        sa.Column("uuid", sa.String(36), primary_key=True),
        sa.Column("code", sa.String(16), nullable=False),
    )
    op.create_table(
        "cds_feedback",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("review_id", sa.Integer, sa.ForeignKey("review.id"), nullable=False, index=True),
        sa.Column("card", sa.String(36), sa.ForeignKey("cds_card.uuid"), nullable=False),
        sa.Column("code", sa.String(16)),
        sa.Column("outcome", sa.String(16), nullable=False),
        sa.Column("reason_system", sa.String(500)),
        sa.Column("reason", sa.String(500)),
        sa.Column("comment", sa.LargeBinary),
        sa.Column("outcome_at", sa.DateTime, nullable=False),
        sa.Column("received_at", sa.DateTime, nullable=False),
    )
    op.create_table(  # as `launch.cds_clients` reads and writes it
        "cds_call",
        sa.Column("issuer", sa.String(500), primary_key=True),
        sa.Column("jti", sa.String(255), primary_key=True),
        sa.Column("until", sa.BigInteger, nullable=False, index=True),
    )
    for table in APPEND_ONLY:
        refuse_changes(table)


def downgrade() -> None:
    for table in ("cds_call", *reversed(APPEND_ONLY)):
        op.drop_table(table)
