"""Alembic's folder: every schema the store ever had."""
