"""The schema, up and down, on every kind of database."""

from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from coding_bench import ANA, KEY
from sample_chart import key
from sqlalchemy import Engine, inspect, text
from sqlalchemy.exc import DBAPIError
from threads import together

from launch.cds_clients import metadata as cds_metadata
from launch.sessions import metadata as launch_metadata
from launch.vault import Vault
from smartapp.audit.log import metadata as audit_metadata
from smartapp.reviews import Action, Attestation, Particulars, PresentOnAdmission, Review, WrittenResource
from smartapp.store import ReviewStore, connect, migrate
from smartapp.store.migrating import roll_back
from smartapp.store.tables import Base

TABLES = {"review", "look", "decision", "viewing", "attestation", "outbox", "launch_state", "launch_session"}
TABLES |= {"audit_event", "audit_checkpoint", "admin_session", "cds_card", "cds_offer", "cds_feedback", "cds_call"}
TABLES |= {"opening", "pending", "query", "correction"}
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


def put_a_corrected_review(engine: Engine) -> None:
    """Another than that of `put_a_review`, whose signature is then the last."""
    at, there, store = (
        datetime(2026, 3, 2, tzinfo=UTC),
        key("https://other.example/fhir"),
        ReviewStore(engine, Vault([KEY])),
    )
    store.create(there, at)
    with store.change(there, at) as draft:
        draft.correct("A code was wrong", True, ANA, at)


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
        columns = "review_id, number, position, resource, purpose, outcome, reference, detail, rung, attempts"
        row = "SELECT review_id, 1, 1, resource, 'diagnosis E11.9', 'sent', reference, detail, rung, attempts"
        connection.execute(text(f"INSERT INTO outbox ({columns}) {row} FROM outbox"))
    roll_back(engine, "0001")
    with engine.connect() as connection:
        assert list(connection.scalars(text("SELECT outcome FROM receipt ORDER BY position"))) == ["written", "failed"]
    migrate(engine)
    lines = ReviewStore(engine, Vault([KEY])).review(HERE).receipt
    assert [(line.outcome, line.reference) for line in lines] == [("written", "Condition/1"), ("failed", "Condition/1")]


def test_decisions_of_new_kinds_and_back(engine: Engine) -> None:
    """An older version finds the same codes accepted: an edit as an addition and a rejection, the rest left out."""
    migrate(engine)
    at, store = datetime(2026, 3, 2, tzinfo=UTC), ReviewStore(engine, Vault([KEY]))
    acts = (
        (Action.ADD, "I10", Particulars()),
        (Action.NOTE, "I10", Particulars(text="ask tomorrow")),
        (Action.POA, "I10", Particulars(poa=PresentOnAdmission.YES)),
        (Action.ADD, "J45.909", Particulars()),
        (Action.MOVE, "J45.909", Particulars(before="I10")),
        (Action.UNDO, "J45.909", Particulars()),
        (Action.EDIT, "J45.901", Particulars(instead_of="J45.909")),
        (Action.EDIT, "I16.9", Particulars(instead_of="I10")),
        (Action.UNDO, "I10", Particulars()),
    )
    store.create(HERE, at)
    with store.change(HERE, at) as draft:
        for action, code, particulars in acts:
            draft.add_decision(action, code, f"Title of {code}", None, ANA, at, particulars)
    assert [a.code for a in store.review(HERE).accepted()] == ["I10", "J45.901"]
    roll_back(engine, "0006")
    with engine.connect() as connection:
        rows = connection.execute(text("SELECT action, code FROM decision ORDER BY id")).all()
    assert [tuple(row) for row in rows] == [
        ("add", "I10"), ("add", "J45.909"), ("add", "J45.901"), ("reject", "J45.909")
    ]  # fmt: skip
    with pytest.raises(DBAPIError, match="append-only"), engine.begin() as connection:
        connection.execute(text("DELETE FROM decision"))
    migrate(engine)
    assert [a.code for a in store.review(HERE).accepted()] == ["I10", "J45.901"]


def test_two_signatures_and_back(engine: Engine) -> None:
    """An older version finds the last signature with its receipt; what is being corrected, it finds unsigned."""
    migrate(engine)
    at, store = datetime(2026, 3, 2, tzinfo=UTC), ReviewStore(engine, Vault([KEY]))
    lines = [WrittenResource("Condition", "diagnosis I10", "written", f"Condition/{n}", "") for n in (1, 2)]
    put_a_review(engine)
    for number in (1, 2):
        with store.change(HERE, at) as draft:
            draft.attest(Attestation(ANA, at, f"Signature {number}."))
            draft.set_receipt(lines[number - 1 : number])
        if number == 1:
            with store.change(HERE, at) as draft:
                draft.correct("A code was wrong", True, ANA, at)
            assert store.review(HERE).attestation is None
    roll_back(engine, "0009")
    with engine.connect() as connection:
        assert list(connection.scalars(text("SELECT statement FROM attestation"))) == ["Signature 2."]
        assert list(connection.scalars(text("SELECT reference FROM outbox"))) == ["Condition/2"]
    with pytest.raises(DBAPIError, match="append-only"), engine.begin() as connection:
        connection.execute(text("DELETE FROM attestation"))
    migrate(engine)
    review = store.review(HERE)
    assert review.attestation == Attestation(ANA, at, "Signature 2.") and review.receipt == (lines[1],)
    with store.change(HERE, at) as draft:
        draft.correct("in her own words", False, ANA, at)
    roll_back(engine, "0009")
    migrate(engine)
    assert (store.review(HERE).attestation, store.review(HERE).corrections) == (None, ())


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
        columns, row = "review_id, number, fhir_user, name, at, statement", "1, 1, 'Practitioner/ana', 'Ana', :at, 'So'"
        insert = f"INSERT INTO attestation ({columns}) VALUES ({row})"
        connection.execute(text(insert), {"at": datetime(2026, 3, 2).isoformat(" ")})
    with pytest.raises(DBAPIError, match="append-only"), engine.begin() as connection:
        connection.execute(text(statement))


def fill(engine: Engine) -> None:
    """A row in every table that has none, whatever tables there are."""
    found = sa.MetaData()
    found.reflect(engine)
    with engine.begin() as connection:
        for table in found.sorted_tables:
            if connection.scalar(sa.select(sa.func.count()).select_from(table)) == 0:
                row = {column.name: anything(column) for column in table.columns if not column.nullable}
                connection.execute(sa.insert(table).values(**row))


def anything(column: sa.Column[Any]) -> Any:
    kinds = ((sa.LargeBinary, b"x"), (sa.Integer, 1), (sa.DateTime, datetime(2026, 3, 2)), (sa.Boolean, False))
    return next((value for kind, value in kinds if isinstance(column.type, kind)), "x")


def count(engine: Engine) -> dict[str, int]:
    with engine.connect() as connection:
        return {name: connection.scalar(text(f"SELECT count(*) FROM {name}")) or 0 for name in tables(engine)}


def test_each_step_back_and_forward_with_data_in_every_table(engine: Engine) -> None:
    """The newest migration as well as the first: no step fails on data, and what both schemas know is kept."""
    migrate(engine)
    put_a_review(engine)
    put_a_corrected_review(engine)
    script = ScriptDirectory(str(files("smartapp.store").joinpath("migrations")))
    revisions = [step.revision for step in script.walk_revisions()]
    assert len(revisions) == len(list(Path(script.dir, "versions").glob("m[0-9]*.py")))
    fill(engine)
    assert count(engine).keys() == TABLES
    for revision in revisions[1:]:
        before = count(engine)
        assert min(before.values()) > 0
        roll_back(engine, revision)
        kept = {name: number for name, number in count(engine).items() if name in before}
        assert kept == {name: before[name] for name in kept}
        fill(engine)
    migrate(engine)
    assert [d.code for d in ReviewStore(engine, Vault([KEY])).review(HERE).decisions] == ["I10"]
