"""A review may be signed again: attestation and outbox get the number of the signature; why it was taken up again."""

from collections.abc import Callable

import sqlalchemy as sa
from alembic import op

from smartapp.store.migrations.append_only import refuse_changes

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

SIGNED = "fhir_user, name, at, statement, reasons"
LINE = "resource, purpose, outcome, reference, detail, rung, attempts, sent_at, conflict"


def upgrade() -> None:
    _remake("attestation", _attestation, f"review_id, {SIGNED}", "number", "1")
    refuse_changes("attestation")
    _remake("outbox", _outbox, f"review_id, position, {LINE}", "number", "1")
    op.create_table(
        "correction",
        _review(),
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("reason", sa.LargeBinary, nullable=False),
        sa.Column("offered", sa.Boolean, nullable=False),
        sa.Column("fhir_user", sa.String(200), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("at", sa.DateTime, nullable=False),
    )
    refuse_changes("correction")


def downgrade() -> None:
    """The last signature stays; of those before it the audit log tells. What is being corrected becomes a draft that
    nobody has signed: signing it finds in the chart what is ours."""
    last = "number = (SELECT COUNT(*) + 1 FROM correction c WHERE c.review_id = {0}.review_id)"
    for table, build, columns in (
        ("attestation", _attestation, f"review_id, {SIGNED}"),
        ("outbox", _outbox, f"review_id, position, {LINE}"),
    ):
        _remake(table, build, columns, where=last.format(table))
    refuse_changes("attestation")
    op.drop_table("correction")


def _remake(
    table: str, build: Callable[[bool], None], columns: str, more: str = "", value: str = "", where: str = "1 = 1"
) -> None:
    """A primary key cannot be changed in place on SQLite; constraints have the table's name, so the old one goes
    first."""
    op.execute(f"CREATE TABLE kept AS SELECT * FROM {table} WHERE {where}")  # noqa: S608 - names of tables
    op.drop_table(table)  # its triggers go with it
    build(bool(more))
    names, values = (f"{columns}, {more}", f"{columns}, {value}") if more else (columns, columns)
    op.execute(f"INSERT INTO {table} ({names}) SELECT {values} FROM kept")  # noqa: S608
    op.drop_table("kept")


def _attestation(numbered: bool) -> None:
    op.create_table(
        "attestation",
        _review(),
        *_number(numbered),
        sa.Column("fhir_user", sa.String(200), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("at", sa.DateTime, nullable=False),
        sa.Column("statement", sa.Text, nullable=False),
        sa.Column("reasons", sa.LargeBinary),
    )


def _outbox(numbered: bool) -> None:
    unique = ("review_id", "number", "resource", "purpose") if numbered else ("review_id", "resource", "purpose")
    op.create_table(
        "outbox",
        _review(),
        *_number(numbered),
        sa.Column("position", sa.Integer, primary_key=True),
        sa.Column("resource", sa.String(64), nullable=False),
        sa.Column("purpose", sa.String(200), nullable=False),
        sa.Column("rung", sa.String(20), nullable=False),
        sa.Column("outcome", sa.String(16), nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("sent_at", sa.DateTime),
        sa.Column("reference", sa.String(200)),
        sa.Column("detail", sa.LargeBinary, nullable=False),
        sa.Column("conflict", sa.LargeBinary),
        sa.UniqueConstraint(*unique, name="one_write_each"),
    )


def _review() -> sa.Column[int]:
    return sa.Column("review_id", sa.Integer, sa.ForeignKey("review.id"), primary_key=True)


def _number(numbered: bool) -> list[sa.Column[int]]:
    return [sa.Column("number", sa.Integer, primary_key=True)] if numbered else []
