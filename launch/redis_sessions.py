"""Launches under way and sessions in Redis, for more than one host: each dies there of age, whoever asks for it."""

from datetime import datetime
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from launch.errors import SessionsUnavailable
from launch.sessions import SESSION_LIFE, STATE_LIFE, Pending, Seals, Session, Tokens, to_seconds
from launch.vault import Vault

WAIT_SECONDS = 3.0  # a page waits as long; Redis answers in a millisecond or not at all
# Scripts run whole or not at all: a session that another request has just removed must not come back as half of one.
_PUT = "redis.call('HSET', KEYS[1], unpack(ARGV, 2)) redis.call('EXPIRE', KEYS[1], ARGV[1])"
_UPDATE = "if redis.call('EXISTS', KEYS[1]) == 1 then redis.call('HSET', KEYS[1], ARGV[1], ARGV[2]) end"
_CLAIM = """
local busy_until = redis.call('HGET', KEYS[1], 'refresh_until')
if not busy_until or tonumber(busy_until) > tonumber(ARGV[1]) then return 0 end
redis.call('HSET', KEYS[1], 'refresh_until', ARGV[2])
return 1
"""


class RedisSessionStore:
    """SessionStore in Redis, 6.2 or later, shared by every host; nothing in it can be read without our keys."""

    def __init__(self, url: str, vault: Vault, *, prefix: str = "chartside:") -> None:
        """Raises ValueError, quoting nothing, for an address that is none of Redis."""
        once_more = Retry(NoBackoff(), 1)  # a kept connection may have died; its own ten tries take half a minute
        try:
            self._redis = redis.Redis.from_url(
                url, socket_timeout=WAIT_SECONDS, socket_connect_timeout=WAIT_SECONDS, retry=once_more
            )
        except ValueError:
            raise ValueError("the address of the sessions must be redis://, rediss:// or unix://") from None
        self._seals, self._prefix = Seals(vault), prefix

    def put_pending(self, pending: Pending) -> None:
        seconds = int(STATE_LIFE.total_seconds())
        self._ask("SET", self._state(pending.state), self._seals.pending(pending), "EX", seconds)

    def take_pending(self, state: str) -> Pending | None:
        return self._seals.open_pending(state, self._ask("GETDEL", self._state(state)))

    def put(self, session: Session) -> None:
        kept = {
            "sealed": self._seals.session(session),
            "sealed_tokens": self._seals.tokens(session.key, session.tokens),
            "created_at": to_seconds(session.created_at),
            "seen_at": to_seconds(session.seen_at),
            "refresh_until": 0,
        }
        words = [word for pair in kept.items() for word in pair]
        self._run(_PUT, session.key, int(SESSION_LIFE.total_seconds()), *words)

    def get(self, key: str) -> Session | None:
        sealed, tokens, created_at, seen_at = self._ask(
            "HMGET", self._session(key), "sealed", "sealed_tokens", "created_at", "seen_at"
        )
        return self._seals.open_session(key, sealed, tokens, int(created_at), int(seen_at)) if sealed else None

    def every(self) -> list[Session]:
        start, found, cursor = self._session(""), set[str](), 0
        while True:
            cursor, names = self._ask("SCAN", cursor, "MATCH", f"{start}*", "COUNT", 500)
            found |= {name.decode().removeprefix(start) for name in names}
            if not int(cursor):
                break
        opened = (self.get(key) for key in found)
        return sorted((s for s in opened if s), key=lambda session: (session.created_at, session.key))

    def touch(self, key: str, at: datetime) -> None:
        self._run(_UPDATE, key, "seen_at", to_seconds(at))

    def put_tokens(self, key: str, tokens: Tokens) -> None:
        self._run(_UPDATE, key, "sealed_tokens", self._seals.tokens(key, tokens))

    def claim_refresh(self, key: str, now: datetime, until: datetime) -> bool:
        return bool(self._run(_CLAIM, key, to_seconds(now), to_seconds(until)))

    def release_refresh(self, key: str) -> None:
        self._run(_UPDATE, key, "refresh_until", 0)

    def remove(self, key: str) -> None:
        self._ask("DEL", self._session(key))

    def _state(self, state: str) -> str:
        return f"{self._prefix}state:{state}"

    def _session(self, key: str) -> str:
        return f"{self._prefix}session:{key}"

    def _run(self, script: str, key: str, *words: Any) -> Any:
        return self._ask("EVAL", script, 1, self._session(key), *words)

    def _ask(self, *command: Any) -> Any:
        """What Redis answers. Its errors may quote its address, password and all, so only their kind is passed on."""
        try:
            return self._redis.execute_command(*command)  # type: ignore[no-untyped-call]
        except redis.RedisError as error:
            raise SessionsUnavailable(type(error).__name__) from None
