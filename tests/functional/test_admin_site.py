"""Admin pages and commands with the whole application and the demo EHR."""

from click.testing import CliRunner
from whole_site import Site

from launch.vault import Vault
from smartapp.cli import main
from smartapp.store.admin_store import make_link
from smartapp.views.admin import COOKIE


def check(site: Site, iss: str) -> tuple[int, str]:
    environ = {"CHARTSIDE_EHRS": str(site.config.ehrs_file), "CHARTSIDE_PUBLIC_URL": site.config.public_url}
    result = CliRunner().invoke(main, ["ehr", "check", iss], env=environ)
    return result.exit_code, result.stdout


def test_the_demo_ehr_passes_its_check(site: Site) -> None:
    """Discovery and keys of a running EHR are read, and nothing stops Chartside there."""
    code, shown = check(site, site.iss)
    assert code == 0, shown
    assert "✓ the SMART configuration is read over plain http, on this machine only" in shown
    assert "✓ the keys of its id_tokens are read (1)" in shown


def test_an_ehr_that_is_away_fails_its_check(site: Site) -> None:
    """A registered EHR where nobody answers: what to look at is said, with exit status 1."""
    code, shown = check(site, site.dead_iss)
    assert code == 1
    assert "there is no connection" in shown
    assert "firewall" in shown


def test_the_application_has_the_admin_pages(site: Site) -> None:
    """A link made with the application's keys opens them, in every process: the session is in the database."""
    link = make_link(Vault(site.config.secret_keys), site.clock())
    client = site.app.test_client(use_cookies=False)
    assert client.get("/admin/").status_code == 401
    entered = client.post("/admin/enter", data={"link": link})
    cookie = entered.headers["Set-Cookie"].partition(";")[0]
    assert cookie.startswith(f"{COOKIE}=")
    other = site.start().test_client(use_cookies=False)
    page = other.get("/admin/", headers={"Cookie": cookie})
    assert page.status_code == 200
    assert site.iss in page.text
    assert other.get("/admin/", headers={"Cookie": "__Host-chartside=" + cookie.partition("=")[2]}).status_code == 401
