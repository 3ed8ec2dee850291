"""What the database promises: sealed, durable, one writer at a time."""

import stat
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from coding_bench import ANA, KEY
from cryptography.fernet import Fernet
from databases import connect_migrated
from sample_chart import key
from sqlalchemy import Engine, text
from sqlalchemy.exc import IntegrityError
from threads import together

from launch.vault import BrokenSeal, Vault
from smartapp.errors import UnknownReview
from smartapp.reviews import Action, Attestation, Review, ReviewKey, ReviewStatus, WrittenResource
from smartapp.store import ClaimLost, ReviewStore, connect, migrate

AT = datetime(2026, 3, 2, 17, 0, tzinfo=UTC)
HERE = key("https://ehr.example/fhir")
THERE = ReviewKey("https://other.example/fhir", HERE.patient, HERE.encounter)


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    engine = connect_migrated(database_url)
    yield engine
    engine.dispose()


@pytest.fixture
def sqlite(tmp_path: Path) -> Iterator[Engine]:
    """For what only a file has."""
    engine = connect(f"sqlite:///{tmp_path / 'state' / 'chartside.db'}")
    migrate(engine)
    yield engine
    engine.dispose()


@pytest.fixture
def store(engine: Engine) -> ReviewStore:
    store = ReviewStore(engine, Vault([KEY]))
    store.create(HERE, AT)
    return store


def line(purpose: str, outcome: str = "written", detail: str = "") -> WrittenResource:
    return WrittenResource("Condition", purpose, outcome, None, detail)


def chart(of: ReviewKey, name: str) -> dict[str, object]:
    header = {
        "patient_name": name,
        "birth_date": None,
        "gender": None,
        "mrn": None,
        "encounter_title": "Visit",
        "encounter_class": None,
        "date_of_service": None,
        "existing_diagnoses": [],
    }
    plain_key = {"iss": of.iss, "patient": of.patient, "encounter": of.encounter}
    return {"key": plain_key, "header": header, "notes": []}


def test_a_new_review(store: ReviewStore) -> None:
    """A created review is about to be read and holds nothing; creating it again changes nothing."""
    store.create(HERE, AT + timedelta(hours=1))
    review = store.review(HERE)
    assert (review.version, review.status, review.header, review.decisions) == (1, ReviewStatus.READING, None, ())


def test_one_review_for_each_encounter_of_each_ehr(store: ReviewStore) -> None:
    """The same ids in another EHR are another encounter; a key with another patient finds nothing."""
    assert store.find(THERE) is None
    with pytest.raises(UnknownReview):
        store.review(ReviewKey(HERE.iss, "p2", HERE.encounter))
    with pytest.raises(UnknownReview), store.change(THERE, AT):
        pass


def test_everything_comes_back_as_it_went_in(store: ReviewStore) -> None:
    """Decisions, attestation, receipt and chart are the same after a trip through the database."""
    elsewhere = datetime(2026, 3, 2, 12, 0, 0, 123456, tzinfo=timezone(timedelta(hours=-5)))
    attestation = Attestation(ANA, elsewhere, "I stand for é.")
    receipt = (line("a", "failed", "The EHR said: ünfit"), line("b"))
    with store.change(HERE, AT) as draft:
        draft.set_chart(chart(HERE, "Noa Maier"))
        draft.add_decision(Action.REJECT, "I10", "Hypertension", "not at all", ANA, elsewhere)
        draft.attest(attestation)
        draft.set_receipt(receipt)
        draft.set_status(ReviewStatus.PARTLY_WRITTEN, "stage", "failure")
    review = store.review(HERE)
    assert review.header is not None and review.header.patient_name == "Noa Maier"
    assert (review.decisions[0].reason, review.decisions[0].at) == ("not at all", elsewhere)
    assert (review.attestation, review.receipt) == (attestation, receipt)
    assert (review.status, review.stage, review.failure) == (ReviewStatus.PARTLY_WRITTEN, "stage", "failure")


@pytest.mark.parametrize("purposes", ["", "a", "ba", "abcd"])
def test_a_receipt_is_replaced_whole(store: ReviewStore, purposes: str) -> None:
    """A later receipt takes the place of the earlier one, be it longer, shorter or empty."""
    for lines in (["x", "y"], list(purposes)):
        with store.change(HERE, AT) as draft:
            draft.set_receipt(map(line, lines))
    assert [w.purpose for w in store.review(HERE).receipt] == list(purposes)


def test_each_change_is_one_version(store: ReviewStore) -> None:
    """A transaction with several changes counts once, one without any not at all, and a heartbeat neither."""
    with store.change(HERE, AT) as draft:
        draft.set_status(ReviewStatus.CODING)
        draft.add_decision(Action.ADD, "I10", "Hypertension", None, ANA, AT)
    assert store.review(HERE).version == 2
    with store.change(HERE, AT) as draft:
        held = draft.claim(AT)
    store.beat(held, AT + timedelta(seconds=5))
    with store.change(HERE, AT) as draft:
        assert draft.claimed_since == AT + timedelta(seconds=5)
    assert store.review(HERE).version == 2


def test_a_change_that_fails_leaves_nothing(store: ReviewStore) -> None:
    """An error within the block takes all of it back."""
    before = store.review(HERE)
    with pytest.raises(ZeroDivisionError), store.change(HERE, AT) as draft:
        draft.add_decision(Action.ADD, "I10", "Hypertension", None, ANA, AT)
        draft.set_status(ReviewStatus.WRITTEN)
        raise ZeroDivisionError
    assert store.review(HERE) == before


def test_whoever_lost_the_claim_changes_nothing(store: ReviewStore) -> None:
    """Only the latest claim counts; after its release none does."""
    with store.change(HERE, AT) as draft:
        first = draft.claim(AT)
    with store.change(HERE, AT) as draft:
        second = draft.claim(AT)
    with pytest.raises(ClaimLost), store.change(HERE, AT, first):
        pass
    with store.change(HERE, AT, second) as draft:
        draft.release()
    with pytest.raises(ClaimLost), store.change(HERE, AT, second):
        pass


def test_writers_wait_for_each_other(engine: Engine, store: ReviewStore) -> None:
    """Changes at the same moment, each reading before it writes, all arrive and none is refused as busy."""

    def add(code: str) -> Review:
        with store.change(HERE, AT) as draft:
            before = draft.review.version
            time.sleep(0.01)
            draft.add_decision(Action.ADD, code, "Title", None, ANA, AT)
            assert draft.review.version == before
        return store.review(HERE)

    codes = [f"A{n:02}" for n in range(12)]
    assert all(isinstance(r, Review) for r in together(add, codes))
    review = store.review(HERE)
    assert (review.version, sorted(d.code for d in review.decisions)) == (13, codes)


def test_readers_do_not_wait(store: ReviewStore) -> None:
    """A page can be shown while somebody writes."""
    with store.change(HERE, AT) as draft:
        draft.set_status(ReviewStatus.READY)
        begun = time.monotonic()
        assert store.review(HERE).status is ReviewStatus.READING
        assert time.monotonic() - begun < 1


def test_sqlite_is_set_for_durability(sqlite: Engine) -> None:
    """Write-ahead log, full synchronisation, foreign keys and a patient busy time-out, on every connection."""
    pragmas = {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 15000}
    with sqlite.connect() as first, sqlite.connect() as second:
        for connection in (first, second.execution_options(reads_only=True)):
            found = {p: connection.execute(text(f"PRAGMA {p}")).scalar() for p in pragmas}
            assert found == pragmas
            connection.rollback()


def test_a_decision_needs_its_review(engine: Engine) -> None:
    """Foreign keys hold: nothing is kept for a review that does not exist."""
    row = "(review_id, action, code, title, fhir_user, name, at) VALUES (99, 'add', 'I10', 'T', 'u', 'n', '2026-03-02')"
    with pytest.raises(IntegrityError), engine.begin() as connection:
        connection.execute(text(f"INSERT INTO decision {row}"))


def test_the_file_is_its_owners(sqlite: Engine) -> None:
    """Other users of the machine can read neither the database nor its log, nor list its folder."""
    database = Path(str(sqlite.url.database))
    files = list(database.parent.glob("chartside.db*"))
    assert len(files) >= 1
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    assert stat.S_IMODE(database.parent.stat().st_mode) == 0o700


def test_one_changed_byte_is_noticed(engine: Engine, store: ReviewStore) -> None:
    """A sealed column that was changed in the file is refused, not shown."""
    with store.change(HERE, AT) as draft:
        draft.set_chart(chart(HERE, "Noa Maier"))
    with engine.begin() as connection:
        sealed = bytearray(connection.execute(text("SELECT chart FROM review")).scalar_one())
        sealed[40] ^= 1
        connection.execute(text("UPDATE review SET chart = :chart"), {"chart": bytes(sealed)})
    with pytest.raises(BrokenSeal):
        store.review(HERE)


def test_a_chart_moved_to_another_review_is_noticed(engine: Engine, store: ReviewStore) -> None:
    """A sealed chart copied onto the review of another encounter is refused."""
    store.create(THERE, AT)
    with store.change(HERE, AT) as draft:
        draft.set_chart(chart(HERE, "Noa Maier"))
    with engine.begin() as connection:
        connection.execute(text("UPDATE review SET chart = (SELECT chart FROM review WHERE id = 1) WHERE id = 2"))
    with pytest.raises(BrokenSeal):
        store.review(THERE)


def test_keys_rotate(engine: Engine, store: ReviewStore) -> None:
    """With a new key in front the old content still opens; without the old key it does not."""
    with store.change(HERE, AT) as draft:
        draft.set_chart(chart(HERE, "Noa Maier"))
    fresh = Fernet.generate_key().decode()
    header = ReviewStore(engine, Vault([fresh, KEY])).review(HERE).header
    assert header is not None and header.patient_name == "Noa Maier"
    with pytest.raises(BrokenSeal):
        ReviewStore(engine, Vault([fresh])).review(HERE)


def test_instants_need_a_zone(store: ReviewStore) -> None:
    """A time without a zone would be a different moment for everybody; it is not kept."""
    with pytest.raises(Exception, match="needs its time zone"), store.change(HERE, AT) as draft:
        draft.add_decision(Action.ADD, "I10", "Hypertension", None, ANA, datetime(2026, 3, 2))
    assert store.review(HERE).decisions == ()
