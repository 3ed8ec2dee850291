"""The store of launches and sessions."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from cryptography.fernet import Fernet

from launch.context import LaunchContext
from launch.sessions import Pending, Session, SQLSessionStore, Tokens, metadata
from launch.vault import Vault

NOW = datetime(2026, 10, 1, 23, 30, tzinfo=UTC)
PENDING = Pending("state-1", "browser-1", "https://ehr.example", "nonce", "verifier", NOW)
CONTEXT = LaunchContext("https://ehr.example", "EHR", "a1", "e1", "Practitioner/p1", "Ines Okafor", ("launch",), False)
SESSION = Session("key-1", "browser-1", CONTEXT, Tokens("access", "refresh", NOW + timedelta(minutes=5)), NOW, NOW)


@pytest.fixture
def engine(tmp_path):
    engine = sa.create_engine(f"sqlite:///{tmp_path / 'x.db'}")
    metadata.create_all(engine)
    yield engine
    engine.dispose()


@pytest.fixture
def store(engine):
    return SQLSessionStore(engine, Vault([Fernet.generate_key().decode()]))


def test_a_launch_under_way_is_given_out_once(store):
    """Taken means gone."""
    store.put_pending(PENDING)
    assert store.take_pending("state-1") == PENDING
    assert store.take_pending("state-1") is None


def test_of_many_takers_one_gets_it(store):
    """The same answer posted many times at once finishes one launch."""
    store.put_pending(PENDING)
    with ThreadPoolExecutor(8) as threads:
        taken = list(threads.map(lambda _: store.take_pending("state-1"), range(8)))
    assert taken.count(PENDING) == 1
    assert taken.count(None) == 7


def test_old_launches_are_swept_out(store, engine):
    """What was never finished does not pile up."""
    store.put_pending(PENDING)
    store.put_pending(replace(PENDING, state="state-2", created_at=NOW + timedelta(minutes=11)))
    with engine.connect() as db:
        assert db.execute(sa.text("select state from launch_state")).scalars().all() == ["state-2"]


def test_a_session_comes_back_as_it_was(store):
    """Every field, times in UTC."""
    store.put(SESSION)
    assert store.get("key-1") == SESSION


def test_old_sessions_are_swept_out(store):
    """After twelve hours the tokens are not even kept sealed."""
    store.put(SESSION)
    later = NOW + timedelta(hours=12, seconds=1)
    store.put(replace(SESSION, key="key-2", created_at=later, seen_at=later))
    assert store.get("key-1") is None
    assert store.get("key-2")


def test_new_tokens_replace_the_old(store):
    """And nothing else changes."""
    store.put(SESSION)
    tokens = Tokens("new", None, NOW + timedelta(hours=1))
    store.put_tokens("key-1", tokens)
    assert store.get("key-1") == replace(SESSION, tokens=tokens)


def test_being_seen_is_kept(store):
    """touch moves seen_at."""
    store.put(SESSION)
    store.touch("key-1", NOW + timedelta(minutes=3))
    assert store.get("key-1").seen_at == NOW + timedelta(minutes=3)


def test_of_many_claims_one_is_given(store):
    """One caller may refresh; the others may when it has given back, or when its time is over."""
    store.put(SESSION)
    until = NOW + timedelta(seconds=30)
    with ThreadPoolExecutor(8) as threads:
        assert sum(threads.map(lambda _: store.claim_refresh("key-1", NOW, until), range(8))) == 1
    store.release_refresh("key-1")
    assert store.claim_refresh("key-1", NOW, until)
    assert store.claim_refresh("key-1", until, until + timedelta(seconds=30))


def test_nothing_is_claimed_of_a_session_that_is_gone(store):
    """An unknown key has no lease."""
    assert not store.claim_refresh("key-1", NOW, NOW + timedelta(seconds=30))


def test_a_removed_session_is_gone(store):
    """remove, also twice."""
    store.put(SESSION)
    store.remove("key-1")
    store.remove("key-1")
    assert store.get("key-1") is None


def test_a_seal_is_worth_nothing_on_another_row(store, engine):
    """Whoever can write to the database cannot give one launch the session of another."""
    store.put(SESSION)
    store.put(replace(SESSION, key="key-2", browser="browser-2"))
    with engine.begin() as db:
        db.execute(
            sa.text("update launch_session set sealed = (select sealed from launch_session where key = 'key-2')")
        )
    assert store.get("key-1") is None


def test_what_another_key_sealed_is_over(engine):
    """After the secret keys were changed, launches and sessions of before are gone, without an error."""
    SQLSessionStore(engine, Vault([Fernet.generate_key().decode()])).put(SESSION)
    SQLSessionStore(engine, Vault([Fernet.generate_key().decode()])).put_pending(PENDING)
    fresh = SQLSessionStore(engine, Vault([Fernet.generate_key().decode()]))
    assert fresh.get("key-1") is None
    assert fresh.take_pending("state-1") is None
