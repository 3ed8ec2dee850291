"""Links and the sessions they open on the admin pages."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner
from coding_bench import KEY, Clock
from cryptography.fernet import Fernet
from databases import connect_migrated
from threads import together

from launch.vault import Vault
from smartapp.cli import main
from smartapp.store import AdminStore
from smartapp.store.admin_store import LinkRefused, make_link

IDLE = timedelta(minutes=15)
VAULT = Vault([KEY])


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def admins(database_url: str, clock: Clock) -> Iterator[AdminStore]:
    engine = connect_migrated(database_url)
    yield AdminStore(engine, VAULT, clock, IDLE)
    engine.dispose()


def test_a_link_opens_one_session(admins: AdminStore, clock: Clock) -> None:
    """The first one in has it; the link is worth nothing afterwards, also when the session is over."""
    link = make_link(VAULT, clock())
    browser = admins.enter(link)
    assert admins.is_in(browser)
    with pytest.raises(LinkRefused, match="used before"):
        admins.enter(link)
    admins.leave(browser)
    assert not admins.is_in(browser)
    with pytest.raises(LinkRefused, match="used before"):
        admins.enter(link)


def test_of_many_at_once_one_gets_in(admins: AdminStore, clock: Clock) -> None:
    """Two requests with one link: the database lets one in."""
    link = make_link(VAULT, clock())

    results = together(admins.enter, [link] * 4)
    assert sum(isinstance(result, LinkRefused) for result in results) == 3
    assert sum(isinstance(result, str) and admins.is_in(result) for result in results) == 1


def test_a_link_lives_a_quarter_of_an_hour(admins: AdminStore, clock: Clock) -> None:
    """After that it opens nothing."""
    link = make_link(VAULT, clock())
    clock.forward(15 * 60 + 1)
    with pytest.raises(LinkRefused, match="too old"):
        admins.enter(link)


@pytest.mark.parametrize("link", ["", "x", "\udcff", make_link(Vault(["A" * 43 + "="]), Clock()())])
def test_what_is_no_link_of_ours_opens_nothing(admins: AdminStore, link: str) -> None:
    """Nor does something else that was sealed with our keys."""
    with pytest.raises(LinkRefused, match="not ours"):
        admins.enter(link)
    with pytest.raises(LinkRefused):
        admins.enter(VAULT.seal(b'["another thing", "1", 9999999999]').decode())
    with pytest.raises(LinkRefused):
        admins.enter(VAULT.seal(b"7").decode())


def test_a_session_ends_by_itself(admins: AdminStore, clock: Clock) -> None:
    """Without use after the idle time; in use after its whole life."""
    idle = admins.enter(make_link(VAULT, clock()))
    clock.forward(16 * 60)
    assert not admins.is_in(idle)
    busy = admins.enter(make_link(VAULT, clock()))
    for _ in range(71):
        clock.forward(10 * 60)
        assert admins.is_in(busy)
    clock.forward(11 * 60)
    assert not admins.is_in(busy)
    assert not admins.is_in("")


def test_the_command_prints_an_address_of_this_site(tmp_path: Path) -> None:
    """It needs the settings of the application and its database, whose log tells in whose account it was printed."""
    (tmp_path / "ehrs.toml").touch()
    environ = {
        "CHARTSIDE_EHRS": str(tmp_path / "ehrs.toml"),
        "CHARTSIDE_PUBLIC_URL": "https://codes.example",
        "CHARTSIDE_SECRET_KEYS": Fernet.generate_key().decode(),
        "CHARTSIDE_DATABASE_URL": f"sqlite:///{tmp_path / 'chartside.db'}",
    }
    result = CliRunner().invoke(main, ["admin", "link"], env=environ)
    assert result.stdout.startswith("https://codes.example/admin/enter?link=gAAAA")
    assert (
        "CHARTSIDE_SECRET_KEYS" in CliRunner().invoke(main, ["admin", "link"], env={"CHARTSIDE_SECRET_KEYS": ""}).stderr
    )
