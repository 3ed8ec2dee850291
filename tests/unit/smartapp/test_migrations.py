"""The schema, up and down, on every kind of database."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from coding_bench import ANA, KEY
from sample_chart import key
from sqlalchemy import Engine, inspect, text
from sqlalchemy.exc import DBAPIError
from threads import together

from launch.cds_clients import metadata as cds_metadata
from launch.sessions import metadata as launch_metadata
from launch.vault import Vault
from smartapp.audit.log import metadata as audit_metadata
from smartapp.reviews import Action, Review, WrittenResource
from smartapp.store import ReviewStore, connect, migrate
from smartapp.store.migrating import roll_back
from smartapp.store.tables import Base

TABLES = {"review", "look", "decision", "attestation", "outbox", "launch_state", "launch_session"}
TABLES |= {"audit_event", "audit_checkpoint", "admin_session", "cds_card", "cds_offer", "cds_feedback", "cds_call"}
HERE = key("https://ehr.example/fhir")


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    engine = connect(database_url)
    yield engine
    engine.dispose()


def tables(engine: Engine) -> set[str]:
    return set(inspect(engine).get_table_names()) - {"alembic_version"}


def put_a_review(engine: Engine) -> Review:
    at = datetime(2026, 3, 2, tzinfo=UTC)
    store = ReviewStore(engine, Vault([KEY]))
    store.create(HERE, at)
    with store.change(HERE, at) as draft:
        draft.add_decision(Action.ADD, "I10", "Essential (primary) hypertension", "by hand", ANA, at)
        draft.set_receipt([WrittenResource("Condition", "diagnosis I10", "written", "Condition/1", "")])
    return store.review(HERE)


def test_the_schema_is_what_the_code_expects(engine: Engine) -> None:
    """After migrating, the database has exactly the tables, columns, indexes and keys that the code declares."""
    migrate(engine)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        declared = [Base.metadata, launch_metadata, cds_metadata, audit_metadata]
        assert compare_metadata(context, declared) == []  # type: ignore[arg-type]
    assert tables(engine) == TABLES


def test_migrating_again_keeps_the_data(engine: Engine) -> None:
    """A start of the application on a current database changes nothing."""
    migrate(engine)
    review = put_a_review(engine)
    migrate(engine)
    assert ReviewStore(engine, Vault([KEY])).review(HERE) == review


def test_down_and_up_with_data(engine: Engine) -> None:
    """Rolling back works with data in the tables, append-only ones too, and leaves nothing; then up again."""
    migrate(engine)
    put_a_review(engine)
    roll_back(engine, "base")
    assert tables(engine) == set()
    migrate(engine)
    assert put_a_review(engine).version == 2


def test_the_receipt_becomes_the_outbox_and_back(engine: Engine) -> None:
    """Lines of a receipt are kept both ways; what only the outbox can say is told as failed."""
    migrate(engine)
    put_a_review(engine)
    with engine.begin() as connection:
        columns = "review_id, position, resource, purpose, outcome, reference, detail, rung, attempts"
        row = "SELECT review_id, 1, resource, 'diagnosis E11.9', 'sent', reference, detail, rung, attempts FROM outbox"
        connection.execute(text(f"INSERT INTO outbox ({columns}) {row}"))
    roll_back(engine, "0001")
    with engine.connect() as connection:
        assert list(connection.scalars(text("SELECT outcome FROM receipt ORDER BY position"))) == ["written", "failed"]
    migrate(engine)
    lines = ReviewStore(engine, Vault([KEY])).review(HERE).receipt
    assert [(line.outcome, line.reference) for line in lines] == [("written", "Condition/1"), ("failed", "Condition/1")]


def test_a_failed_migration_leaves_nothing_half_done(engine: Engine) -> None:
    """Where a migration cannot complete, what it had already done is taken back."""
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE launch_session (foreign_to_us INTEGER)"))
    with pytest.raises(DBAPIError):
        migrate(engine)
    assert tables(engine) == {"launch_session"}


def test_processes_that_start_together(database_url: str) -> None:
    """Several processes may migrate a new database at the same moment."""
    engines = [connect(database_url) for _ in range(4)]
    assert together(migrate, engines) == [None] * 4
    assert tables(engines[0]) == TABLES
    for engine in engines:
        engine.dispose()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE decision SET code = 'J06.9'",
        "DELETE FROM decision",
        "UPDATE attestation SET name = 'Somebody else'",
        "DELETE FROM attestation",
    ],
)
def test_what_a_person_did_cannot_be_changed(engine: Engine, statement: str) -> None:
    """The database itself refuses to change or delete a decision or an attestation, whoever asks."""
    migrate(engine)
    put_a_review(engine)
    with engine.begin() as connection:
        row = (
            "(review_id, fhir_user, name, at, statement) VALUES (1, 'Practitioner/ana', 'Ana', '2026-03-02', 'I stand')"
        )
        connection.execute(text(f"INSERT INTO attestation {row}"))
    with pytest.raises(DBAPIError, match="append-only"), engine.begin() as connection:
        connection.execute(text(statement))
