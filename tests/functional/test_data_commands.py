"""`chartside backup`, `restore` and `purge`, as an administrator says them."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from cryptography.fernet import Fernet
from sqlalchemy import text
from whole_site import Site

from smartapp.cli import main
from smartapp.store import connect


def run(environ: dict[str, str], *words: str) -> Result:
    return CliRunner().invoke(main, list(words), env=environ)


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """Settings of a deployment of its own."""
    (tmp_path / "ehrs.toml").touch()
    return {
        "CHARTSIDE_PUBLIC_URL": "https://codes.example",
        "CHARTSIDE_SECRET_KEYS": Fernet.generate_key().decode(),
        "CHARTSIDE_EHRS": str(tmp_path / "ehrs.toml"),
        "CHARTSIDE_DATABASE_URL": f"sqlite:///{tmp_path / 'chartside.db'}",
    }


def test_backup_and_restore(environ: dict[str, str], tmp_path: Path) -> None:
    """Into the file, and into the empty database that another address names; a second time says why not."""
    run(environ, "migrate")
    made = run(environ, "backup", str(tmp_path / "monday"))
    assert made.exit_code == 0
    assert "bytes" in made.stderr
    again = run(environ, "backup", str(tmp_path / "monday"))
    assert (again.exit_code, "name another file" in again.stderr) == (1, True)
    assert "stop Chartside" in run(environ, "restore", str(tmp_path / "monday")).stderr
    fresh = environ | {"CHARTSIDE_DATABASE_URL": f"sqlite:///{tmp_path / 'fresh.db'}"}
    assert run(fresh, "restore", str(tmp_path / "monday")).exit_code == 0
    assert run(fresh, "purge", "--older-than", "1").stderr == "0 charts removed.\n"


def test_purge_wants_to_know_how_old(environ: dict[str, str]) -> None:
    """By the option or by the setting; there is no default, as it cannot be taken back."""
    assert "CHARTSIDE_RETENTION_DAYS" in run(environ, "purge").stderr
    assert run(environ | {"CHARTSIDE_RETENTION_DAYS": "3650"}, "purge", "--dry-run").exit_code == 0


def test_a_finished_review_without_its_chart(site: Site) -> None:
    """Chart and prediction go, what was decided and signed stays; the pages say so, and a review at work is left."""
    finished, open_still = site.open(site.visit()), site.open(site.visit())
    open_still.accept("I10")
    finished.accept("I10").sign()
    before = open_still.states()
    environ = {
        "CHARTSIDE_PUBLIC_URL": site.config.public_url,
        "CHARTSIDE_SECRET_KEYS": site.config.secret_keys[0],
        "CHARTSIDE_EHRS": str(site.config.ehrs_file),
        "CHARTSIDE_DATABASE_URL": site.config.database_url,
    }
    engine = connect(site.config.database_url)
    with engine.connect() as connection:  # the site's clock stands in the past, so that days have gone by
        old = "SELECT count(*) FROM review WHERE status = 'written' AND chart IS NOT NULL"
        number = connection.execute(text(old)).scalar_one()
    assert number >= 1
    assert run(environ, "purge", "--older-than", "1", "--dry-run").stderr.startswith(f"{number} chart")
    assert run(environ, "purge", "--older-than", "1").stderr.startswith(f"{number} chart")
    assert run(environ, "purge", "--older-than", "1").stderr == "0 charts removed.\n"
    receipt = finished.browser.get(finished.path + "receipt")
    assert receipt.status_code == 200
    assert "I10" in receipt.text
    assert finished.show().status_code == 200
    assert "no longer keeps" in finished.browser.get(finished.path + "export/fhir").text
    assert open_still.states() == before
    with engine.connect() as connection:
        kept = connection.execute(
            text(
                "SELECT count(*) FROM review JOIN attestation ON review_id = id "
                "WHERE chart IS NULL AND prediction IS NULL AND status = 'written'"
            )
        ).scalar_one()
        assert kept == number
    engine.dispose()
