"""Run by Alembic: migrates on the connection, and within the transaction, of `smartapp.store.migrate`."""

from alembic import context

context.configure(connection=context.config.attributes["connection"])
context.run_migrations()
