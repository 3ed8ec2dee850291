"""Who is in on the admin pages: a link opens one session, once; there is no password to lose."""

import hashlib
import json
import secrets
from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy import BigInteger, Engine, String, delete, insert, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, mapped_column

from launch.sessions import SESSION_LIFE
from launch.vault import BrokenSeal, Vault
from smartapp.audit import AuditLog, Entry, Kind
from smartapp.store.tables import Base

LINK_LIFE = timedelta(minutes=15)
PURPOSE = "admin link"  # other things are sealed with the same keys


class LinkRefused(Exception):
    """Not ours, too old, or used before."""


class AdminSessionRow(Base):
    """A link that was used and the session it opened; kept for longer than a link lives, so that it opens one only."""

    __tablename__ = "admin_session"

    link: Mapped[str] = mapped_column(String(64), primary_key=True)
    browser: Mapped[str] = mapped_column(String(64), unique=True)  # SHA-256 of what the cookie holds
    opened_at: Mapped[int] = mapped_column(BigInteger)  # seconds since 1970, like `seen_at`
    seen_at: Mapped[int] = mapped_column(BigInteger)  # 0: ended


def make_link(vault: Vault, now: datetime, audit: AuditLog | None = None, account: str = "") -> str:
    """What the address carries that `chartside admin link` prints; the log tells in whose account."""
    until, name = int((now + LINK_LIFE).timestamp()), secrets.token_hex(16)
    if audit:
        told = {"did": "printed an admin link", "link": _digest(name)[:16], "account": account}
        audit.record(Entry(Kind.ADMIN, told))
    return vault.seal(json.dumps([PURPOSE, name, until]).encode()).decode("ascii")


class AdminStore:
    """Links and the sessions they open; every process of the application sees the same."""

    def __init__(
        self, engine: Engine, vault: Vault, clock: Callable[[], datetime], idle: timedelta,
        audit: AuditLog | None = None,
    ) -> None:  # fmt: skip
        self._engine, self._vault, self._clock = engine, vault, clock
        self._audit = audit or AuditLog(engine, clock)
        self._idle = int(idle.total_seconds())

    def enter(self, link: str) -> str:
        """Opens a session and gives what its cookie holds. Raises LinkRefused."""
        name, now, browser = self._open(link), self._now(), secrets.token_urlsafe(32)
        forgotten = now - int(SESSION_LIFE.total_seconds())
        row = {"link": name, "browser": _digest(browser), "opened_at": now, "seen_at": now}
        try:
            with self._audit.recording() as recording:
                db = recording.session.connection()
                db.execute(delete(AdminSessionRow).where(AdminSessionRow.opened_at < forgotten))
                db.execute(insert(AdminSessionRow).values(**row))
                recording.tell(_event("session began", browser, link=_digest(name)[:16]))
        except IntegrityError:
            raise LinkRefused("used before") from None
        return browser

    def is_in(self, browser: str) -> bool:
        """Whether the session lives; being asked keeps it alive, but not for more than its whole life."""
        now = self._now()
        lives = (
            AdminSessionRow.browser == _digest(browser),
            AdminSessionRow.seen_at >= now - self._idle,
            AdminSessionRow.opened_at >= now - int(SESSION_LIFE.total_seconds()),
        )
        with self._engine.begin() as db:
            return db.execute(update(AdminSessionRow).where(*lives).values(seen_at=now)).rowcount == 1

    def leave(self, browser: str) -> None:
        with self._audit.recording() as recording:
            ended = update(AdminSessionRow).where(AdminSessionRow.browser == _digest(browser)).values(seen_at=0)
            recording.session.connection().execute(ended)
            recording.tell(_event("session ended", browser))

    def did(self, what: str, browser: str, about: str) -> None:
        """An act on the admin pages, about that EHR or that event."""
        self._audit.record(_event(what, browser, about=about))

    def _open(self, link: str) -> str:
        try:
            purpose, name, until = json.loads(self._vault.open(link.encode("utf-8", "replace")))
        except (BrokenSeal, ValueError, TypeError):
            raise LinkRefused("not ours") from None
        if purpose != PURPOSE or self._now() > until:
            raise LinkRefused("too old")
        return str(name)

    def _now(self) -> int:
        return int(self._clock().timestamp())


def _event(what: str, browser: str, **more: str) -> Entry:
    """Nobody has a name here; whose session it was is told by the account that printed its link."""
    return Entry(Kind.ADMIN, {"did": what, "session": _digest(browser)[:16], **more})


def _digest(browser: str) -> str:
    return hashlib.sha256(browser.encode("utf-8", "replace")).hexdigest()
