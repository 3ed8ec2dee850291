"""`chartside backup`, `restore` and `purge`, as an administrator says them."""

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from cryptography.fernet import Fernet
from sqlalchemy import text
from whole_site import Site

from smartapp.audit.checkpoint import AuditKeys
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
        "CHARTSIDE_AUDIT_KEY": str(tmp_path / "audit-key.pem"),
        "CHARTSIDE_AUDIT_CHECKPOINTS": str(tmp_path / "checkpoints.jsonl"),
    }


def exported(environ: dict[str, str], kind: str) -> list[dict[str, Any]]:
    """What the log tells of events of the kind."""
    rows = csv.DictReader(io.StringIO(run(environ, "audit", "export", "--format", "csv").stdout))
    return [json.loads(row["what"]) for row in rows if row["kind"] == kind]


def test_backup_and_restore(environ: dict[str, str], tmp_path: Path) -> None:
    """Into the file, and into the empty database that another address names; a second time says why not."""
    run(environ, "migrate")
    made = run(environ, "backup", str(tmp_path / "monday"))
    assert made.exit_code == 0
    assert "bytes" in made.stderr
    apart = f"CHARTSIDE_SECRET_KEYS, {environ['CHARTSIDE_AUDIT_KEY']}, {environ['CHARTSIDE_AUDIT_CHECKPOINTS']}"
    assert f"Not in it, and needed for a restore: {apart}." in made.stderr
    again = run(environ, "backup", str(tmp_path / "monday"))
    assert (again.exit_code, "name another file" in again.stderr) == (1, True)
    fresh = environ | {"CHARTSIDE_DATABASE_URL": f"sqlite:///{tmp_path / 'fresh.db'}"}
    unsigned = run(fresh, "restore", str(tmp_path / "monday"))
    assert (unsigned.exit_code, "no key of the audit log" in unsigned.stderr) == (1, True)
    AuditKeys.load_or_make(tmp_path / "audit-key.pem")
    assert "stop Chartside" in run(environ, "restore", str(tmp_path / "monday")).stderr
    assert run(fresh, "restore", str(tmp_path / "monday")).exit_code == 0
    assert run(fresh, "purge", "--older-than", "1").stderr == "0 charts removed.\n"


def test_an_older_backup_is_restored_and_the_log_goes_on(environ: dict[str, str], tmp_path: Path) -> None:
    """What was signed since is lost, said so, and kept apart; then the log verifies again and goes on."""
    AuditKeys.load_or_make(tmp_path / "audit-key.pem")
    run(environ, "migrate")
    run(environ, "admin", "link")
    assert run(environ, "audit", "prove", "1").exit_code == 0  # which signs
    assert run(environ, "backup", str(tmp_path / "monday")).exit_code == 0
    run(environ, "admin", "link")
    assert run(environ, "audit", "prove", "2").exit_code == 0
    fresh = environ | {"CHARTSIDE_DATABASE_URL": f"sqlite:///{tmp_path / 'fresh.db'}"}
    restored = run(fresh, "restore", str(tmp_path / "monday"))
    assert restored.exit_code == 0, restored.stderr
    assert "The backup ends at event 1; up to event 2 had been signed, so 1 are lost." in restored.stderr
    (aside,) = tmp_path.glob("checkpoints.jsonl.before-*")
    assert aside.name in restored.stderr
    assert exported(fresh, "restore")[0]["signed_before"] == 2
    verified = run(fresh, "audit", "verify")
    assert verified.output.startswith("✓ intact: 3 events"), verified.output
    assert "as event 2; events 2 to 2, signed before, are lost" in verified.output
    assert run(fresh, "audit", "prove", "3").exit_code == 0


def test_a_purge_is_told_with_its_reason(environ: dict[str, str]) -> None:
    """How many, after how many days, by which setting or option, by whom; also that nothing went; never a look."""
    run(environ, "migrate")
    kept = environ | {"CHARTSIDE_RETENTION_DAYS": "3650"}
    run(kept, "purge", "--dry-run")
    assert exported(environ, "purge") == []
    run(kept, "purge")
    run(kept, "purge", "--older-than", "30")
    told = exported(environ, "purge")
    assert [(what["charts"], what["days"], what["by"]) for what in told] == [
        (0, 3650, "CHARTSIDE_RETENTION_DAYS"), (0, 30, "--older-than"),
    ]  # fmt: skip
    assert all(what["account"] and what["not_changed_since"] for what in told)


def test_purge_wants_to_know_how_old(environ: dict[str, str]) -> None:
    """By the option or by the setting; there is no default, as it cannot be taken back."""
    assert "CHARTSIDE_RETENTION_DAYS" in run(environ, "purge").stderr
    assert run(environ | {"CHARTSIDE_RETENTION_DAYS": "3650"}, "purge", "--dry-run").exit_code == 0


def test_a_finished_review_without_its_chart(site: Site) -> None:
    """Chart and prediction go, what was decided and signed stays; the pages say so, and what was left unsigned is read
    anew."""
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
        old = "SELECT count(*) FROM review WHERE status IN ('written', 'ready', 'failed') AND chart IS NOT NULL"
        number = connection.execute(text(old)).scalar_one()
    assert number >= 2
    assert run(environ, "purge", "--older-than", "1", "--dry-run").stderr.startswith(f"{number} chart")
    assert run(environ, "purge", "--older-than", "1").stderr.startswith(f"{number} chart")
    assert run(environ, "purge", "--older-than", "1").stderr == "0 charts removed.\n"
    assert [what["charts"] for what in exported(environ, "purge")][-2:] == [number, 0]
    receipt = finished.browser.get(finished.path + "receipt")
    assert receipt.status_code == 200
    assert "I10" in receipt.text
    assert finished.show().status_code == 200
    assert "no longer keeps" in finished.browser.get(finished.path + "export/fhir").text
    open_still.show()
    open_still.settle()
    assert open_still.states() == before
    with engine.connect() as connection:
        kept = connection.execute(
            text(
                "SELECT count(DISTINCT review.id) FROM review JOIN attestation ON review_id = review.id "
                "WHERE chart IS NULL AND prediction IS NULL AND status = 'written'"
            )
        ).scalar_one()
        assert kept >= 1
    engine.dispose()
