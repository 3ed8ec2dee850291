"""`chartside ehr`."""

import json
import shlex
import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from metadata_server import MetadataServer

from launch.ehrs import SECRET, TrustedEHRs
from smartapp.cli import main
from smartapp.ehr_list import NewEHR

ISS = "https://ehr.example.org/fhir/r4"
SAID = ("--name", "Example Hospital", "--client-id", "us")


def run(*words: str, stdin: str | None = None, **environ: str) -> Result:
    return CliRunner().invoke(main, list(words), input=stdin, env=environ)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ehrs.toml"


def test_the_first_ehr_is_added_with_its_key(path: Path) -> None:
    """The list is made, and a key that only its owner reads; what to do next is said."""
    result = run(
        "ehr", "add", ISS, *SAID, "--vendor", "epic", "--embed-origin", "https://ehr.example.org", "--file", str(path)
    )
    assert result.exit_code == 0, result.output
    added = TrustedEHRs.load(path).find(ISS)
    assert (added.name, added.vendor, added.embed_origins) == ("Example Hospital", "epic", ("https://ehr.example.org",))
    assert [key.alg for key in added.keys] == ["ES384"]
    assert "user/DocumentReference.crs" in added.scopes
    (key,) = path.parent.glob("*.pem")
    assert key.stat().st_mode & 0o777 == 0o600
    assert f"chartside ehr check {ISS}" in result.stdout
    assert "PRIVATE" not in result.output


def test_a_secret_comes_from_a_file_and_is_never_shown(path: Path) -> None:
    """Not from the command line, where other users of the machine would see it."""
    secret = ("--client-auth", "client_secret_basic", "--client-secret-file", "-")
    result = run("ehr", "add", ISS, *SAID, *secret, "--scope-version", "v1", stdin="s3cret\n", CHARTSIDE_EHRS=str(path))
    assert result.exit_code == 0, result.output
    added = TrustedEHRs.load(path).find(ISS)
    assert added.client_secret == "s3cret"
    assert "patient/Patient.read" in added.scopes
    listed = run("ehr", "list", CHARTSIDE_EHRS=str(path))
    assert "client_secret_basic" in listed.stdout
    assert "s3cret" not in result.output + listed.output


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("ehr", "add", "http://ehr.example.org", *SAID), "must be an https address"),
        (("ehr", "add", ISS, *SAID, "--client-auth", "public"), "development EHR on this machine"),
        (("ehr", "add", ISS, *SAID, "--scope", "patient/*.rs"), "no wildcard"),
        (("ehr", "add", f"{ISS}/metadata", *SAID), "the FHIR base address, without /metadata"),
        (("ehr", "add", f"{ISS}/.well-known/smart-configuration", *SAID), "without /.well-known/smart-configuration"),
        (("ehr", "add", ISS, *SAID, "--embed-origin", "https://x.org; script-src *"), "is no origin"),
    ],
)
def test_what_is_wrong_is_named_and_nothing_is_left(path: Path, words: tuple[str, ...], told: str) -> None:
    """The list is not made and no key lies about."""
    result = run(*words, CHARTSIDE_EHRS=str(path))
    assert result.exit_code == 1
    assert told in result.stderr
    assert list(path.parent.iterdir()) == []


def test_the_same_ehr_is_added_once(path: Path) -> None:
    """The second time is refused, and the first one's key is still there."""
    assert run("ehr", "add", ISS, *SAID, CHARTSIDE_EHRS=str(path)).exit_code == 0
    before = {p.name: p.read_bytes() for p in path.parent.iterdir()}
    again = run("ehr", "add", ISS + "/", *SAID, CHARTSIDE_EHRS=str(path))
    assert again.exit_code == 1
    assert "listed twice" in again.stderr
    assert {p.name: p.read_bytes() for p in path.parent.iterdir()} == before


def test_settings_are_changed_later(path: Path) -> None:
    """Texts, switches and lists; nothing after the = takes one away; comments and the key stay."""
    assert run("ehr", "add", ISS, *SAID, CHARTSIDE_EHRS=str(path)).exit_code == 0
    path.write_text(path.read_text() + "# ours\n")
    keys = ("cds_issuer=https://ehr.example.org", "cds_jwks_url=https://ehr.example.org/jwks.json")
    more = (
        "standalone=true",
        "ai_label=false",
        "billing_pool=Group/12",
        "embed_origins=https://a.example https://b.example",
    )
    result = run("ehr", "set", ISS + "/", *keys, *more, CHARTSIDE_EHRS=str(path))
    assert result.exit_code == 0, result.output
    ehr = TrustedEHRs.load(path).find(ISS)
    assert (ehr.cds_issuer, ehr.standalone, ehr.ai_label, ehr.billing_pool) == (
        "https://ehr.example.org", True, False, "Group/12",
    )  # fmt: skip
    assert ehr.embed_origins == ("https://a.example", "https://b.example")
    assert run("ehr", "set", ISS, "billing_pool=", CHARTSIDE_EHRS=str(path)).exit_code == 0
    assert TrustedEHRs.load(path).find(ISS).billing_pool is None
    assert len(ehr.keys) == 1 and "# ours" in path.read_text()


@pytest.mark.parametrize(
    ("setting", "told"),
    [
        ("cds_issuer=https://ehr.example.org", "go together"),
        ("standalone=yes", "standalone must be true or false"),
        ("colour=red", "colour is not a setting"),
        ("client_secret=s", "by hand"),
        ("private_keys=a.pem", "keys rotate"),
        ("iss=https://other.example", "another EHR"),
        ("name", "name is missing"),
        ("embed_origins=https://x.org; script-src *", "is no origin"),
    ],
)
def test_a_change_that_cannot_be_used_changes_nothing(path: Path, setting: str, told: str) -> None:
    """What is wrong is said, and the list is as it was."""
    assert run("ehr", "add", ISS, *SAID, CHARTSIDE_EHRS=str(path)).exit_code == 0
    before = path.read_text()
    result = run("ehr", "set", ISS, setting, CHARTSIDE_EHRS=str(path))
    assert (result.exit_code, path.read_text()) == (1, before)
    assert told in result.stderr


def test_only_a_listed_ehr_is_changed(path: Path) -> None:
    assert run("ehr", "add", ISS, *SAID, CHARTSIDE_EHRS=str(path)).exit_code == 0
    result = run("ehr", "set", "https://other.example", "standalone=true", CHARTSIDE_EHRS=str(path))
    assert result.exit_code == 1 and "there is no [[ehr]] table" in result.stderr


def test_where_the_list_cannot_be_written_there_is_something_to_paste(tmp_path: Path) -> None:
    """The TOML, with a placeholder for the secret."""
    missing = tmp_path / "none" / "ehrs.toml"
    secret = ("--client-auth", "client_secret_basic", "--client-secret-file", "-")
    result = run("ehr", "add", ISS, *SAID, *secret, stdin="s3cret", CHARTSIDE_EHRS=str(missing))
    assert result.exit_code == 1
    assert "s3cret" not in result.stderr
    (table,) = tomllib.loads("[[ehr]]" + result.stderr.partition("[[ehr]]")[2])["ehr"]
    assert table["iss"] == ISS


@pytest.mark.parametrize(
    "new",
    [
        NewEHR(ISS, "O'Neill Hospital", "us"),
        NewEHR(
            ISS, "X", "us", vendor="athenahealth", alg="RS384", scope_version="v1",
            embed_origins=("https://a.example", "https://b.example"), assume_s256=True,
        ),
        NewEHR(ISS, "X", "us", client_auth=SECRET, client_secret="s3cret", scopes=("launch", "openid", "fhirUser")),
    ],
    ids=["plain", "athenahealth", "secret"],
)  # fmt: skip
def test_the_command_to_paste_does_what_the_page_would_have_done(path: Path, new: NewEHR) -> None:
    """On the page of an admin whose server may not write the list; the secret is asked for."""
    program, *words = shlex.split(new.command())
    result = run(*words, stdin="s3cret\n", CHARTSIDE_EHRS=str(path))
    assert (program, result.exit_code) == ("chartside", 0), result.output
    (table,) = tomllib.loads(path.read_text())["ehr"]
    assert table == new.table()
    assert [key.alg for key in TrustedEHRs.load(path).find(ISS).keys] == ([new.alg] if not new.client_secret else [])


def test_an_empty_list_says_how_to_begin(path: Path) -> None:
    assert "chartside ehr add" in run("ehr", "list", CHARTSIDE_EHRS=str(path)).stderr


def test_one_broken_ehr_does_not_hide_the_others(path: Path) -> None:
    """A key that is gone: the others are listed and checked, and the broken one is named."""
    with MetadataServer() as server:
        known = ("--client-auth", "public", "--name", "Good Hospital", "--client-id", "us")
        assert run("ehr", "add", server.base_url, *known, CHARTSIDE_EHRS=str(path)).exit_code == 0
        assert run("ehr", "add", ISS, *SAID, CHARTSIDE_EHRS=str(path)).exit_code == 0
        (key,) = path.parent.glob("*.pem")
        key.unlink()
        listed = run("ehr", "list", CHARTSIDE_EHRS=str(path))
        good = run("ehr", "check", server.base_url, CHARTSIDE_EHRS=str(path))
    broken = run("ehr", "check", ISS, CHARTSIDE_EHRS=str(path))
    told = f"[[ehr]] number 2 ({ISS}): private_keys: {key.name} cannot be read"
    assert listed.exit_code == broken.exit_code == 1
    assert "Good Hospital" in listed.stdout
    assert told in listed.stderr and told in broken.stderr
    assert "Patient cannot be read" in good.stdout
    assert "! something else in it is wrong" in good.stdout and told in good.stdout


def test_check_ends_with_1_when_something_stops(path: Path) -> None:
    """An EHR that only says what it offers: no launch; what can be read is said, and that it is not listed."""
    with MetadataServer() as server:
        result = run("ehr", "check", server.base_url, CHARTSIDE_EHRS=str(path))
    assert result.exit_code == 1
    assert "✗ no issuer of id_tokens is named" in result.stdout
    assert "✗ Patient cannot be read" in result.stdout
    assert "is not in" in result.stderr
    assert all("Authorization" not in headers for headers in server.seen)


@pytest.mark.parametrize(("status", "told"), [(401, "a sign-in"), (403, "a sign-in"), (404, "Check the")])
def test_check_says_what_to_do_about_a_refusal(path: Path, status: int, told: str) -> None:
    """An address that wants a sign-in is right, and one that is not found is not."""
    with MetadataServer() as server:
        server.status = status
        result = run("ehr", "check", server.base_url, CHARTSIDE_EHRS=str(path))
    assert result.exit_code == 1
    assert f"it answered {status}" in result.stdout and told in result.stdout


def test_check_takes_addresses_only(path: Path) -> None:
    result = run("ehr", "check", "http://ehr.example.org", CHARTSIDE_EHRS=str(path))
    assert result.exit_code == 1
    assert "https://" in result.stderr


def test_what_to_type_is_printed_before_there_is_an_ehr() -> None:
    """The same values as on /register; contacts from the settings, or a placeholder."""
    shown = run("ehr", "register", "--for", "oracle", CHARTSIDE_PUBLIC_URL="https://codes.example/")
    assert "https://codes.example/callback" in shown.stdout
    assert "Confidential App" in shown.stdout
    assert "to be filled in" in shown.stdout and "CHARTSIDE_CONTACT_ORGANIZATION" in shown.stderr
    environ = {"CHARTSIDE_PUBLIC_URL": "https://codes.example", "CHARTSIDE_CONTACT_EMAIL": "kim@hospital.example"}
    sheet = json.loads(run("ehr", "register", "--json", **environ).stdout)
    assert sheet["client"]["contacts"] == ["kim@hospital.example"]
    assert "begin with https" in run("ehr", "register", **environ, CHARTSIDE_TERMS_URL="x").stderr
