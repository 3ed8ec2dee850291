"""The worklist: whose encounters it holds, in which state, and the file of it."""

import csv
import io
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from bs4 import BeautifulSoup
from coding_bench import ANA, BEN, KEY
from databases import connect_migrated
from fake_pages import FakeLauncher, Visitor, build_session
from fake_work import FakeWorklist, sample_rows
from sample_review import KEY as HERE
from sqlalchemy import Engine

from launch.vault import Vault
from smartapp.queries import Form, Indicator, QueryState, Wording
from smartapp.reviews import NotesSince, Reviewer, ReviewKey, ReviewStatus, WrittenResource
from smartapp.store import QueryStore, ReviewStore, WorklistStore
from smartapp.worklists import CHOICE_WANTED, NOT_WHOLE, Listing, Order, Standing, Wanted

ISS = "https://ehr.example/fhir"
NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
WORDING = Wording("CKD", Form.OPEN, "Which stage?", (Indicator("CKD", "Note", None, None),))


def key(n: int, iss: str = ISS) -> ReviewKey:
    return ReviewKey(iss, f"p{n}", f"e{n}")


def launched(by: Reviewer, n: int) -> Reviewer:
    return Reviewer(by.fhir_user, by.name, f"{n:064}")


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    engine = connect_migrated(database_url)
    yield engine
    engine.dispose()


@pytest.fixture
def store(engine: Engine) -> WorklistStore:
    """Four encounters that Ben opened, an hour apart, the latest now."""
    reviews = ReviewStore(engine, Vault([KEY]))
    worklist = WorklistStore(engine)
    for n in range(4):
        reviews.create(key(n), NOW)
        worklist.opened(key(n), "", launched(BEN, n), NOW - timedelta(hours=n))
    return worklist


def listed(store: WorklistStore, wanted: Wanted = Wanted(), **other: str | None) -> Listing:  # noqa: B008 - it is frozen
    asked = {"iss": ISS, "tenant": "", "fhir_user": BEN.fhir_user} | other
    return store.listing(str(asked["iss"]), str(asked["tenant"]), asked["fhir_user"], wanted, NOW)


def names(listing: Listing) -> list[str]:
    return [row.key.encounter for row in listing.rows]


def test_only_what_the_person_opened_at_this_ehr(store: WorklistStore, engine: Engine) -> None:
    """Nothing of another EHR, of another part of it, or of another person, unless the site shows all."""
    ReviewStore(engine, Vault([KEY])).create(key(0, "https://other.example"), NOW)
    store.opened(key(0, "https://other.example"), "", launched(BEN, 7), NOW)
    ReviewStore(engine, Vault([KEY])).create(key(9), NOW)
    store.opened(key(9), "", launched(ANA, 9), NOW)
    assert names(listed(store)) == ["e0", "e1", "e2", "e3"]
    assert names(listed(store, fhir_user=ANA.fhir_user)) == ["e9"]
    assert sorted(names(listed(store, fhir_user=None))) == ["e0", "e1", "e2", "e3", "e9"]
    assert names(listed(store, tenant="f" * 64)) == []


def test_where_each_stands(store: WorklistStore, engine: Engine) -> None:
    """Opened; pending by a person's word or by an unanswered query; signed; amended since."""
    reviews, queries = ReviewStore(engine, Vault([KEY])), QueryStore(engine)
    store.set_pending(key(0), "document", "the report", BEN, NOW)
    query = queries.create(key(1), "N18.9", WORDING, BEN, NOW)
    with queries.change(key(1), query.id, 1, "sent", BEN, NOW) as draft:
        draft.row.state = QueryState.SENT.value
    for n in (2, 3):
        with reviews.change(key(n), NOW) as change:
            change.set_status(ReviewStatus.WRITTEN)
            change.set_looked(NOW)
    reviews.end_look(key(3), NOW, NotesSince(arrived=1))
    standings = [(row.standing.value, len(row.reasons)) for row in listed(store).rows]
    assert standings == [("pending", 1), ("pending", 1), ("signed", 0), ("amended", 0)]
    assert names(listed(store, Wanted(Standing.AMENDED))) == ["e3"]
    store.end_pending(key(0), BEN)
    assert store.pending(key(0)) is None
    assert names(listed(store, Wanted(Standing.OPENED))) == ["e0"]


@pytest.mark.parametrize(
    "status", [ReviewStatus.SIGNED, ReviewStatus.PARTLY_WRITTEN, ReviewStatus.REFUSED, ReviewStatus.WRITTEN]
)
def test_what_is_not_in_the_chart_is_told(store: WorklistStore, engine: Engine, status: ReviewStatus) -> None:
    """Signed is not written: who works through the list sees where something is left to do."""
    with ReviewStore(engine, Vault([KEY])).change(key(0), NOW) as change:
        change.set_status(status)
    first, *others = listed(store).rows
    assert (first.standing, first.reasons) == (Standing.SIGNED, () if status is ReviewStatus.WRITTEN else (NOT_WHOLE,))
    assert all(row.reasons == () for row in others)


def test_a_choice_that_is_wanted_is_told_until_it_is_made(store: WorklistStore, engine: Engine) -> None:
    """Somebody else changed the encounter's diagnoses; what became of an earlier signature does not count."""
    line = WrittenResource("Encounter", "order of diagnoses", "conflict", None, "")
    with ReviewStore(engine, Vault([KEY])).change(key(0), NOW) as change:
        change.set_receipt([line])
        change.set_status(ReviewStatus.SIGNED)
    assert listed(store).rows[0].reasons == (CHOICE_WANTED,)
    with ReviewStore(engine, Vault([KEY])).change(key(0), NOW) as change:
        change.correct("late-notes", True, BEN, NOW)
        change.set_receipt([replace(line, outcome="written")])
        change.set_status(ReviewStatus.WRITTEN)
    assert listed(store).rows[0].reasons == ()


def test_order_recent_and_pages(store: WorklistStore) -> None:
    """The newest first or the oldest; the last 24 hours alone; page by page, and no page beyond the last."""
    store.opened(key(3), "", launched(BEN, 33), NOW - timedelta(hours=30))
    assert names(listed(store, Wanted(order=Order.OLDEST))) == ["e3", "e2", "e1", "e0"]
    assert len(listed(store, Wanted(recent=True)).rows) == 4
    later = store.listing(ISS, "", BEN.fhir_user, Wanted(recent=True), NOW + timedelta(hours=22, minutes=30))
    assert names(later) == ["e0", "e1"]
    second = store.listing(ISS, "", BEN.fhir_user, Wanted(page=9), NOW, size=3)
    assert (names(second), second.total, second.pages, second.wanted.page) == (["e3"], 4, 2, 2)


def test_a_role_is_chosen_for_one_launch(store: WorklistStore) -> None:
    """Another launch of the same encounter by the same person knows nothing of it."""
    store.opened(key(0), "", launched(BEN, 50), NOW)
    store.choose_role(key(0), "coder", launched(BEN, 50))
    assert store.chosen_role(key(0), launched(BEN, 50).launch) == "coder"
    assert store.chosen_role(key(0), launched(BEN, 0).launch) is None


def visitor(**says: str) -> Visitor:
    worklist = FakeWorklist(rows=sample_rows(HERE))
    return Visitor(launcher=FakeLauncher(build_session(**says)), worklist=worklist)


def test_the_page_opens_nothing_but_its_own_launch() -> None:
    """Of another encounter it says how to open it from the EHR; no address names its patient."""
    page = visitor(intent="coder-workspace").get("worklist").text
    assert page.count("How to open it") == 3
    assert "pt-19" not in page
    assert "enc-19" not in page


def test_the_file_holds_what_the_page_shows() -> None:
    """Line for line, and no cell that a spreadsheet would take for a formula."""
    answer = visitor(intent="coder-workspace").get("worklist.csv?state=pending")
    header, row = csv.reader(io.StringIO(answer.text.removeprefix("\ufeff")))
    assert header[0] == "Patient"
    assert row[0] == "'=cmd|' /C calc'!A0"
    assert row[4:6] == ["Pending", "A document is missing; A query to the physician is not answered yet"]
    assert answer.headers["Cache-Control"] == "no-store"


def test_a_clinician_is_told_that_it_is_for_coders() -> None:
    """And sees five suggestions, the rest folded, in plain words; no button of a query."""
    clinician = visitor()
    assert clinician.get("worklist").status_code == 403
    page = clinician.get("").text
    assert "1 more suggested" in page
    assert "High blood pressure" in page
    assert "/queries" not in page


def test_a_query_begins_from_any_card_by_one_form() -> None:
    """Each card and mention has its button; what they send beside the code is on the page once."""
    page = BeautifulSoup(visitor(intent="coder-workspace").get("").text, "html.parser")
    buttons = page.select("button[form=ask]")
    assert {"E11.42", "I10", "J44.1"} <= {b["value"] for b in buttons} and {b["name"] for b in buttons} == {"code"}
    (form,) = page.select("form[action$='/queries']")
    assert form["id"] == "ask" and form.select("[name=csrf_token]") and form.select("[name=patient]")


@pytest.mark.parametrize("asked", ["state=x", "order=x", "page=x"])
def test_a_wrong_filter(asked: str) -> None:
    """Is refused, not guessed."""
    assert visitor(intent="coder-workspace").get(f"worklist?{asked}").status_code == 400
