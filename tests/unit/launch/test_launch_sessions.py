"""The stores of launches and sessions: one contract, kept in SQLite, PostgreSQL and Redis."""

import secrets
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import redis
import sqlalchemy as sa
from cryptography.fernet import Fernet

from launch.context import LaunchContext
from launch.errors import SessionsUnavailable
from launch.redis_sessions import RedisSessionStore
from launch.sessions import Pending, Session, SQLSessionStore, Tokens, metadata
from launch.vault import Vault

REDIS = "redis://127.0.0.1:6379/0"
OLD, NEW = Fernet.generate_key().decode(), Fernet.generate_key().decode()

NOW = datetime(2026, 10, 1, 23, 30, tzinfo=UTC)
PENDING = Pending("state-1", "browser-1", "https://ehr.example", "nonce", "verifier", NOW)
CONTEXT = LaunchContext(
    "https://ehr.example", "EHR", "patient-77", "encounter-88", "Practitioner/p1", "Ines Okafor", ("launch",), False
)
SESSION = Session(
    "key-1", "browser-1", CONTEXT, Tokens("token-for-access", "token-for-more", NOW + timedelta(minutes=5)), NOW, NOW
)


class SQLKept:
    """What a test reaches past the store."""

    def __init__(self, url):
        self.engine = sa.create_engine(url)
        metadata.create_all(self.engine)

    def store(self, *keys):
        return SQLSessionStore(self.engine, Vault(keys))

    def raw(self):
        with self.engine.connect() as db:
            rows = [db.execute(sa.select(table)).all() for table in metadata.sorted_tables]
        return repr(rows).encode()

    def move(self, part, source, target):
        """What one session has sealed, put in the place of another's."""
        with self.engine.begin() as db:
            select = f"(select {part} from launch_session where key = :source)"
            db.execute(
                sa.text(f"update launch_session set {part} = {select} where key = :target"),
                {"source": source, "target": target},
            )

    def away(self):
        if self.engine.dialect.name == "sqlite":
            metadata.drop_all(self.engine)
            return self.store(NEW)
        nobody = sa.create_engine("postgresql+psycopg://chartside:a-password@127.0.0.1:9/chartside")
        return SQLSessionStore(nobody, Vault([NEW]))

    def close(self):
        self.engine.dispose()


class RedisKept:
    """The same for Redis, under a prefix of the test's own."""

    def __init__(self):
        self.redis, self.prefix = redis.Redis.from_url(REDIS), f"chartside-test-{secrets.token_hex(8)}:"

    def store(self, *keys):
        return RedisSessionStore(REDIS, Vault(keys), prefix=self.prefix)

    def raw(self):
        kinds = {b"string": self.redis.get, b"hash": self.redis.hgetall}
        names = list(self.redis.scan_iter(f"{self.prefix}*"))
        return repr([(name, kinds[self.redis.type(name)](name)) for name in names]).encode()

    def move(self, part, source, target):
        session = f"{self.prefix}session:".__add__
        self.redis.hset(session(target), part, self.redis.hget(session(source), part))

    def away(self):
        return RedisSessionStore("redis://:a-password@127.0.0.1:9", Vault([NEW]))

    def close(self):
        for name in self.redis.scan_iter(f"{self.prefix}*"):
            self.redis.delete(name)
        self.redis.close()


@pytest.fixture(scope="session")
def redis_answers():
    try:
        return redis.Redis.from_url(REDIS).ping()
    except redis.RedisError:
        return False


@pytest.fixture(params=["sqlite", "postgresql", "redis"])
def kept(request, need):
    if request.param == "redis":
        need(request.getfixturevalue("redis_answers"), f"Redis ({REDIS})")
        kept = RedisKept()
    else:
        kept = SQLKept(request.getfixturevalue(f"{request.param}_url"))
    yield kept
    kept.close()


@pytest.fixture
def store(kept):
    return kept.store(NEW)


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


def test_a_session_comes_back_as_it_was(store):
    """Every field, times in UTC."""
    store.put(SESSION)
    assert store.get("key-1") == SESSION


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


def test_changes_of_a_removed_session_do_not_bring_it_back(store):
    """A request that was still under way when the session ended leaves nothing behind."""
    store.put(SESSION)
    store.remove("key-1")
    store.touch("key-1", NOW)
    store.put_tokens("key-1", SESSION.tokens)
    store.release_refresh("key-1")
    assert store.get("key-1") is None
    assert store.every() == []


def test_all_sessions_are_listed_in_the_order_they_began(store):
    """For an administrator, who sees no tokens: Session keeps them out of its repr."""
    later = replace(SESSION, key="key-0", created_at=NOW + timedelta(minutes=1))
    store.put(later)
    store.put(SESSION)
    store.put_pending(PENDING)
    assert store.every() == [SESSION, later]
    assert "token-for" not in repr(store.every())


def test_nothing_that_matters_can_be_read_in_the_store(kept, store):
    """Tokens, browser, verifier, patient, encounter and user are sealed."""
    store.put(SESSION)
    store.put_pending(PENDING)
    raw = kept.raw()
    assert b"key-1" in raw
    for secret in (b"token-for", b"verifier", b"browser-1", b"patient-77", b"encounter-88", b"Okafor", b"ehr.example"):
        assert secret not in raw


@pytest.mark.parametrize("part", ["sealed", "sealed_tokens"])
def test_a_seal_is_worth_nothing_on_another_session(kept, store, part):
    """Whoever can write to the store cannot give one launch the chart or the tokens of another."""
    store.put(SESSION)
    store.put(replace(SESSION, key="key-2", browser="browser-2"))
    kept.move(part, "key-2", "key-1")
    assert store.get("key-1") is None
    assert store.get("key-2")


def test_sessions_live_through_a_change_of_keys(kept):
    """Rotation: the new key goes first and seals, the old one still opens."""
    old, both, new = kept.store(OLD), kept.store(NEW, OLD), kept.store(NEW)
    old.put(SESSION)
    old.put_pending(PENDING)
    assert both.get("key-1") == SESSION
    assert both.take_pending("state-1") == PENDING
    both.put_tokens("key-1", SESSION.tokens)
    both.put(replace(SESSION, key="key-2"))
    assert new.get("key-2")


def test_what_another_key_sealed_is_over(kept):
    """After the old key is taken away, launches and sessions of before are gone, without an error."""
    kept.store(OLD).put(SESSION)
    kept.store(OLD).put_pending(PENDING)
    fresh = kept.store(NEW)
    assert fresh.get("key-1") is None
    assert fresh.every() == []
    assert fresh.take_pending("state-1") is None


def test_a_store_that_is_away_is_named_without_its_address(kept):
    """An error with advice; neither password nor address is quoted."""
    with pytest.raises(SessionsUnavailable) as told:
        kept.away().get("key-1")
    assert "password" not in str(told.value)
    assert "127.0.0.1" not in str(told.value)


def test_sql_sweeps_out_what_is_old(database_url):
    """What was never finished does not pile up, and after twelve hours tokens are not even kept sealed."""
    kept = SQLKept(database_url)
    store, later = kept.store(NEW), NOW + timedelta(hours=12, seconds=1)
    store.put(SESSION)
    store.put_pending(PENDING)
    store.put(replace(SESSION, key="key-2", created_at=later, seen_at=later))
    store.put_pending(replace(PENDING, state="state-2", created_at=later))
    assert store.get("key-1") is None
    assert store.get("key-2")
    assert store.take_pending("state-1") is None
    assert store.take_pending("state-2")
    kept.close()


def test_redis_lets_what_is_old_die(need, redis_answers):
    """Redis itself drops a launch after ten minutes and a session after twelve hours."""
    need(redis_answers, f"Redis ({REDIS})")
    kept = RedisKept()
    kept.store(NEW).put(SESSION)
    kept.store(NEW).put_pending(PENDING)
    lives = {kept.redis.ttl(name) for name in kept.redis.scan_iter(f"{kept.prefix}*")}
    kept.close()
    assert lives <= {600, 599, 43200, 43199}
    assert len(lives) == 2


@pytest.mark.parametrize("url", ["http://:secret@x", "redis", ""])
def test_an_address_that_is_none_of_redis_is_refused_unquoted(url):
    """The application does not start, and the message does not print a password."""
    with pytest.raises(ValueError, match="redis://") as refused:
        RedisSessionStore(url, Vault([NEW]))
    assert "secret" not in str(refused.value)
