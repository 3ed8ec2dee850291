"""Tables whose rows the database itself protects."""

from alembic import op


def refuse_changes(table: str) -> None:
    """From now on rows are added and read, and nothing else, whoever writes; dropping the table drops this too."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            "CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE EXCEPTION '% is append-only', TG_TABLE_NAME; END $$"
        )
        op.execute(
            f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION refuse_change()"
        )
        op.execute(  # TRUNCATE passes by the triggers of rows
            f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} EXECUTE FUNCTION refuse_change()"
        )
        return
    for change in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER {table}_no_{change.lower()} BEFORE {change} ON {table} "
            f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
        )


def allow_changes(table: str) -> None:
    """The inverse, for a migration that has to rewrite rows."""
    on = f" ON {table}" if op.get_bind().dialect.name == "postgresql" else ""
    changes = ("append_only", "no_truncate") if on else ("no_update", "no_delete")
    for change in changes:
        op.execute(f"DROP TRIGGER {table}_{change}{on}")
