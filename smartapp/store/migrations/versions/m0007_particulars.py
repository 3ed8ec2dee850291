"""What decisions say beyond action and code; whose evidence was viewed."""

import sqlalchemy as sa
from alembic import op

from smartapp.store.migrations.append_only import allow_changes, refuse_changes

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

NEW = frozenset({"edit", "move", "poa", "note"})
DECISION = sa.table("decision", *map(sa.column, ("id", "review_id", "action", "code", "title", "instead_of")))
WHO = ("review_id", "title", "fhir_user", "name", "at")


def upgrade() -> None:
    op.add_column("decision", sa.Column("instead_of", sa.String(16)))
    op.add_column("decision", sa.Column("particulars", sa.LargeBinary))
    op.create_table(
        "viewing",
        sa.Column("review_id", sa.Integer, sa.ForeignKey("review.id"), primary_key=True),
        sa.Column("code", sa.String(16), primary_key=True),
        sa.Column("fhir_user", sa.String(200), primary_key=True),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("at", sa.DateTime, nullable=False),
    )


def downgrade() -> None:
    """A standing edit becomes an addition and a rejection. What had no word before goes, and what undid it."""
    op.drop_table("viewing")
    allow_changes("decision")
    edits, gone = _replay()
    for edit in edits:
        told = ", ".join(WHO)
        op.execute(  # of the replaced code there is no title at hand: its own stands in earlier rows
            f"INSERT INTO decision (action, code, {told}) "  # noqa: S608 - names of columns, and an id
            f"SELECT 'reject', instead_of, {told} FROM decision WHERE id = {edit}"
        )
    op.execute(DECISION.update().where(DECISION.c.id.in_(edits)).values(action="add"))
    op.execute(DECISION.delete().where(DECISION.c.id.in_(gone)))
    op.drop_column("decision", "particulars")
    op.drop_column("decision", "instead_of")
    refuse_changes("decision")


def _replay() -> tuple[list[int], list[int]]:
    """The edits that stand; and the rows of new kinds that do not stay, with the undoing that took them back."""
    standing: dict[int, list[sa.Row[tuple[object, ...]]]] = {}
    gone: list[int] = []
    for row in op.get_bind().execute(sa.select(DECISION).order_by(DECISION.c.id)).all():
        acts = standing.setdefault(row.review_id, [])
        if row.action == "undo":
            latest = next((act for act in reversed(acts) if row.code in (act.code, act.instead_of)), None)
            if latest is not None:
                acts.remove(latest)
                gone += [latest.id, row.id] if latest.action in NEW else []
        elif row.action == "note":
            gone.append(row.id)
        else:
            acts.append(row)
    kept = [act for acts in standing.values() for act in acts if act.action in NEW]
    return [act.id for act in kept if act.action == "edit"], gone + [a.id for a in kept if a.action != "edit"]
