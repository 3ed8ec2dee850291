"""What goes when nobody has worked on a review for long, and what of it stays."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from coding_bench import BEN, KEY
from databases import connect_migrated
from sqlalchemy import Engine

from launch.vault import Vault
from smartapp.audit import AuditLog
from smartapp.queries import Form, Wording
from smartapp.reviews import Action, ReviewKey, ReviewStatus
from smartapp.store import QueryStore, ReviewStore, WorklistStore
from smartapp.store.retention import Rule, count_old, forget_charts

LONG_AGO = datetime(2020, 3, 2, tzinfo=UTC)
LIMIT = LONG_AGO + timedelta(days=100)
RULE = Rule(100, "CHARTSIDE_RETENTION_DAYS", "operations")
WORDING = Wording("CKD", Form.OPEN, "Which stage?", ())


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    engine = connect_migrated(database_url)
    yield engine
    engine.dispose()


def put(engine: Engine, name: str, status: ReviewStatus, at: datetime = LONG_AGO) -> ReviewKey:
    """A review with a chart, a query and a note why it waits, all of that day."""
    key, reviews = ReviewKey("https://ehr.example/fhir", f"p-{name}", f"e-{name}"), ReviewStore(engine, Vault([KEY]))
    reviews.create(key, at)
    with reviews.change(key, at) as draft:
        draft.set_chart({"key": [key.iss, key.patient, key.encounter], "header": None, "notes": []})
        draft.set_looked(at)
        draft.set_status(status)
    QueryStore(engine).create(key, "N18.9", WORDING, BEN, at)
    WorklistStore(engine).set_pending(key, "document", "Maier's letter", BEN, at)
    return key


def kept(engine: Engine, table: str) -> set[str]:
    """The encounters of which the table, or for `review` the chart, still holds something."""
    asked = (
        "SELECT encounter FROM review WHERE chart IS NOT NULL"
        if table == "review"
        else f"SELECT encounter FROM {table} JOIN review ON review.id = review_id"
    )
    with engine.connect() as connection:
        return set(connection.execute(sa.text(asked)).scalars())


def told(engine: Engine) -> dict[str, object]:
    with engine.connect() as connection:
        last = connection.execute(sa.text("SELECT event FROM audit_event ORDER BY sequence DESC LIMIT 1")).scalar_one()
    what: dict[str, object] = json.loads(last)["what"]
    return what


@pytest.mark.parametrize("status", [ReviewStatus.WRITTEN, ReviewStatus.READY, ReviewStatus.FAILED])
def test_chart_queries_and_what_it_waits_for_go(engine: Engine, status: ReviewStatus) -> None:
    """Of a review that is finished, and of one that was left; what the log tells counts each kind."""
    key = put(engine, "old", status)
    assert count_old(engine, LIMIT) == 1
    assert forget_charts(AuditLog(engine), LIMIT, RULE) == 1
    assert [kept(engine, table) for table in ("review", "query", "pending", "look")] == [set()] * 4
    assert {n: told(engine)[n] for n in ("charts", "queries", "notes_why_it_waits", "days")} == {
        "charts": 1, "queries": 1, "notes_why_it_waits": 1, "days": 100,
    }  # fmt: skip
    review = ReviewStore(engine, Vault([KEY])).review(key)
    anew = ReviewStatus.WRITTEN if status is ReviewStatus.WRITTEN else ReviewStatus.READING
    assert review.status is anew  # what was never signed is read anew by whoever opens it
    assert count_old(engine, LIMIT) == 0
    assert forget_charts(AuditLog(engine), LIMIT, RULE) == 0


def test_what_a_dead_process_held_goes(engine: Engine) -> None:
    """It gave no sign of life for as long."""
    key, reviews = put(engine, "held", ReviewStatus.CODING), ReviewStore(engine, Vault([KEY]))
    with reviews.change(key, LONG_AGO) as draft:
        draft.claim(LONG_AGO)
    assert forget_charts(AuditLog(engine), LIMIT, RULE) == 1


@pytest.mark.parametrize("status", [ReviewStatus.SIGNED, ReviewStatus.PARTLY_WRITTEN, ReviewStatus.REFUSED])
def test_what_is_signed_and_not_all_written_stays(engine: Engine, status: ReviewStatus) -> None:
    """Its chart is needed to bring the rest of it into the EHR."""
    put(engine, "unfinished", status)
    assert forget_charts(AuditLog(engine), LIMIT, RULE) == 0
    assert kept(engine, "query") == kept(engine, "pending") == kept(engine, "review") == {"e-unfinished"}


def test_what_somebody_works_on_stays(engine: Engine) -> None:
    """Changed since, asked about since, waiting since, or held by somebody."""
    put(engine, "recent", ReviewStatus.READY, LIMIT)
    asked, waits, held = (put(engine, name, ReviewStatus.READY) for name in ("asked", "waits", "held"))
    QueryStore(engine).create(asked, "I10", WORDING, BEN, LIMIT)
    WorklistStore(engine).set_pending(waits, "late-notes", "", BEN, LIMIT)
    with ReviewStore(engine, Vault([KEY])).change(held, LONG_AGO) as draft:
        draft.claim(LIMIT)
    assert forget_charts(AuditLog(engine), LIMIT, RULE) == 0
    assert len(kept(engine, "review")) == 4


def test_decisions_stay(engine: Engine) -> None:
    """What a person did is kept, though its chart is not."""
    key, reviews = put(engine, "old", ReviewStatus.READY), ReviewStore(engine, Vault([KEY]))
    with reviews.change(key, LONG_AGO) as draft:
        draft.add_decision(Action.ADD, "I10", "Essential (primary) hypertension", None, BEN, LONG_AGO)
    assert forget_charts(AuditLog(engine), LIMIT, RULE) == 1
    assert [d.code for d in reviews.review(key).decisions] == ["I10"]
