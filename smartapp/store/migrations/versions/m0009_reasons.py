"""Why a person signed in spite of warnings."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("attestation", sa.Column("reasons", sa.LargeBinary))


def downgrade() -> None:
    """The reasons are lost: nothing before could hold them. That they were given is in the audit log."""
    op.drop_column("attestation", "reasons")
