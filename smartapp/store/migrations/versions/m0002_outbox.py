"""The receipt becomes the outbox: one row a planned write, from the signature on."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

KEPT = "review_id, position, resource, purpose, outcome, reference, detail"


def upgrade() -> None:
    op.create_table(
        "outbox",
        *_shared(),
        sa.Column("rung", sa.String(20), nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("sent_at", sa.DateTime),
        sa.Column("conflict", sa.LargeBinary),
        sa.UniqueConstraint("review_id", "resource", "purpose", name="one_write_each"),
    )
    op.execute(f"INSERT INTO outbox ({KEPT}, rung, attempts) SELECT {KEPT}, 'single-writes', 1 FROM receipt")  # noqa: S608
    op.drop_table("receipt")


def downgrade() -> None:
    """What was not sent or not answered is told as failed, the only word the receipt has for it."""
    op.create_table("receipt", *_shared())
    op.execute(f"INSERT INTO receipt ({KEPT}) SELECT {KEPT} FROM outbox")  # noqa: S608
    op.drop_table("outbox")
    known = "'written', 'already-there', 'not-written', 'failed'"
    op.execute(f"UPDATE receipt SET outcome = 'failed' WHERE outcome NOT IN ({known})")  # noqa: S608
    op.execute("UPDATE review SET status = 'signed' WHERE status = 'refused'")


def _shared() -> tuple[sa.Column, ...]:  # type: ignore[type-arg]
    return (
        sa.Column("review_id", sa.Integer, sa.ForeignKey("review.id"), primary_key=True),
        sa.Column("position", sa.Integer, primary_key=True),
        sa.Column("resource", sa.String(64), nullable=False),
        sa.Column("purpose", sa.String(200), nullable=False),
        sa.Column("outcome", sa.String(16), nullable=False),
        sa.Column("reference", sa.String(200)),
        sa.Column("detail", sa.LargeBinary, nullable=False),
    )
