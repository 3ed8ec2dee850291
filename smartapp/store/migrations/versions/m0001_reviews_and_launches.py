"""Reviews with their decisions, attestation and receipt; launches under way and sessions."""

import sqlalchemy as sa
from alembic import op

from smartapp.store.migrations.append_only import refuse_changes

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

APPEND_ONLY = ("decision", "attestation")
TABLES = ("receipt", "attestation", "decision", "review", "launch_session", "launch_state")  # children first


def upgrade() -> None:
    _create_review()
    _create_acts()
    _create_receipt()
    _create_launches()
    for table in APPEND_ONLY:
        refuse_changes(table)


def downgrade() -> None:
    for table in TABLES:
        op.drop_table(table)  # its triggers go with it
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION refuse_change()")


def _create_review() -> None:
    op.create_table(
        "review",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("iss", sa.String(500), nullable=False),
        sa.Column("patient", sa.String(64), nullable=False),
        sa.Column("encounter", sa.String(64), nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("status", sa.String(20), nullable=False),
        sa.Column("stage", sa.String(200), nullable=False),
        sa.Column("failure", sa.LargeBinary),
        sa.Column("claim", sa.String(32)),
        sa.Column("heartbeat", sa.DateTime),
        sa.Column("chart", sa.LargeBinary),
        sa.Column("prediction", sa.LargeBinary),
        sa.Column("model_revision", sa.String(100)),
        sa.Column("code_set_edition", sa.String(40)),
        sa.Column("opened_at", sa.DateTime, nullable=False),
        sa.Column("changed_at", sa.DateTime, nullable=False),
        sa.UniqueConstraint("iss", "patient", "encounter", name="review_of_encounter"),
    )


def _create_acts() -> None:
    """What a person did: decisions and the attestation that closes them."""
    op.create_table(
        "decision",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("review_id", sa.Integer, sa.ForeignKey("review.id"), nullable=False, index=True),
        sa.Column("action", sa.String(16), nullable=False),
        sa.Column("code", sa.String(16), nullable=False),
        sa.Column("title", sa.String(400), nullable=False),
        sa.Column("reason", sa.LargeBinary),
        sa.Column("fhir_user", sa.String(200), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("at", sa.DateTime, nullable=False),
    )
    op.create_table(
        "attestation",
        sa.Column("review_id", sa.Integer, sa.ForeignKey("review.id"), primary_key=True),
        sa.Column("fhir_user", sa.String(200), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("at", sa.DateTime, nullable=False),
        sa.Column("statement", sa.Text, nullable=False),
    )


def _create_receipt() -> None:
    op.create_table(
        "receipt",
        sa.Column("review_id", sa.Integer, sa.ForeignKey("review.id"), primary_key=True),
        sa.Column("position", sa.Integer, primary_key=True),
        sa.Column("resource", sa.String(64), nullable=False),
        sa.Column("purpose", sa.String(200), nullable=False),
        sa.Column("outcome", sa.String(16), nullable=False),
        sa.Column("reference", sa.String(200)),
        sa.Column("detail", sa.LargeBinary, nullable=False),
    )


def _create_launches() -> None:
    """As `launch.sessions` reads and writes them."""
    op.create_table(
        "launch_state",
        sa.Column("state", sa.String(64), primary_key=True),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False, index=True),
    )
    op.create_table(
        "launch_session",
        sa.Column("key", sa.String(64), primary_key=True),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.Column("sealed_tokens", sa.LargeBinary, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False, index=True),
        sa.Column("seen_at", sa.BigInteger, nullable=False),
        sa.Column("refresh_until", sa.BigInteger, nullable=False),
    )
