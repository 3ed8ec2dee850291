"""Chromium before the pages around fakes: what it complains about fails the test."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect, sync_playwright
from stage import Stage, staged

PATIENCE = 60_000  # ms: what is expected may take as long as a loaded machine needs
expect.set_options(timeout=PATIENCE)


@pytest.fixture(scope="session")
def browser(chromium: Path) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=str(chromium), args=["--no-sandbox"])
        yield running
        running.close()


@pytest.fixture
def stage(browser: Browser) -> Iterator[Stage]:
    """Fails when the console says anything that the test did not provoke: a policy violation above all."""
    with staged(browser) as held:
        yield held
    assert held.unexpected() == []
