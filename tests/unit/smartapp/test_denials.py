"""Denials in the audit log: strangers cannot fill it, and trouble with it lets nobody in."""

from typing import Any

import pytest
from fake_pages import build_pages
from sqlalchemy.exc import OperationalError

from smartapp.audit import Entry
from smartapp.views import denials
from smartapp.views.denials import Strangers


class FakeLog:
    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.fails: Exception | None = None

    def record(self, entry: Entry) -> None:
        if self.fails:
            raise self.fails
        self.entries.append(entry)


@pytest.fixture
def log() -> FakeLog:
    return FakeLog()


@pytest.fixture
def browser(log: FakeLog) -> Any:
    app = build_pages()
    denials.register(app, log, Strangers(2))  # type: ignore[arg-type]
    return app.test_client(use_cookies=False)


def test_what_was_asked_for_and_nothing_that_was_sent(browser: Any, log: FakeLog) -> None:
    assert browser.get("/r/a-launch-key/?name=Maier").status_code == 401
    (entry,) = log.entries
    assert (entry.what["asked"], entry.what["method"], entry.what["error"]) == ("review.show", "GET", "SessionEnded")
    assert len(entry.what["launch_asked_for"]) == 64
    assert "Maier" not in str(entry)
    assert "a-launch-key" not in str(entry)


def test_what_is_not_denied_is_not_told(browser: Any, log: FakeLog) -> None:
    assert browser.get("/").status_code == 200
    assert browser.get("/nowhere").status_code == 404
    assert log.entries == []


def test_strangers_cannot_fill_the_log(browser: Any, log: FakeLog) -> None:
    """The first of a minute are told; the next minute says how many were not."""
    for _ in range(5):
        browser.get("/r/a-launch-key/")
    assert len(log.entries) == 2
    strangers = Strangers(1)
    assert [strangers.admit(at) for at in (0, 1, 2, 60, 61)] == [0, None, None, 2, None]


def test_a_log_that_cannot_be_written_lets_nobody_in(
    browser: Any, log: FakeLog, caplog: pytest.LogCaptureFixture
) -> None:
    log.fails = OperationalError("insert", {}, Exception("away"))
    assert browser.get("/r/a-launch-key/").status_code == 401
    assert "a denial was not recorded: OperationalError" in caplog.text
