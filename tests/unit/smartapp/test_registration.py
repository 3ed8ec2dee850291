"""What is typed where Chartside is registered, and the public pages that registrations ask for."""

import json
from dataclasses import replace

import pytest
from bs4 import BeautifulSoup
from fake_pages import build_config, build_pages
from flask.testing import FlaskClient

from launch.ehrs import EHR, VENDORS
from launch.scopes import MINIMUM, STANDALONE, is_scope
from smartapp.config import Config, Contacts, MissingSettings
from smartapp.demo_settings import SCOPES as DEMO_SCOPES
from smartapp.ehr_commands import add
from smartapp.registration import MARKETPLACES
from smartapp.scopes import READ, scope_words, wanted_scopes

URL = "https://codes.hospital.example"
FILLED = Contacts(
    organization="Example Hospital",
    name="Kim Lee",
    email="kim@hospital.example",
    phone="+1 555 0100",
    security="security@hospital.example",
)
ADDRESSES = ("launch", "callback", "jwks.json")


def client(contacts: Contacts = FILLED) -> FlaskClient:
    return build_pages(config=replace(build_config(URL), contacts=contacts)).test_client(use_cookies=False)


@pytest.mark.parametrize("place", MARKETPLACES)
def test_each_marketplace_gets_this_sites_addresses(place: str) -> None:
    """Launch, redirect and key addresses follow from the public address; no form names another Chartside."""
    page = BeautifulSoup(client().get(f"/register?for={place}").text, "html.parser")
    values = [value.get_text() for value in page.select(".typed")]
    assert {f"{URL}/{path}" for path in ADDRESSES} <= set(values)
    ours = [value for value in values if "://" in value]
    assert all(value.startswith(f"{URL}/") for value in ours)
    assert not page.select(".missing, .notice")
    assert len(page.select("[data-copy]")) == len(page.select(".value"))


def test_what_is_registered_for_reading_is_what_is_asked_for() -> None:
    """An EHR's table without `scopes` asks for all that /register gives a reason for, so no chart lacks a part."""
    assert tuple(wanted.scope for wanted in READ) == MINIMUM


@pytest.mark.parametrize("place", MARKETPLACES)
def test_the_sheet_is_also_json(place: str) -> None:
    """A file to download with the client's metadata (RFC 7591), the form and each scope's reason."""
    answer = client().get(f"/register.json?for={place}")
    assert answer.headers["Content-Disposition"] == f'attachment; filename="chartside-{place}.json"'
    sheet = json.loads(answer.text)
    assert sheet["client"]["redirect_uris"] == [f"{URL}/callback"]
    assert sheet["client"]["jwks_uri"] == f"{URL}/jwks.json"
    assert sheet["client"]["contacts"] == ["kim@hospital.example"]
    assert all(scope["why"] for scope in sheet["scopes"])
    assert sheet["to_be_filled_in"] == []


def test_what_is_not_set_is_a_clear_placeholder() -> None:
    """Nothing is invented: a contact that is not set is marked, has no copy button, and is null in the JSON."""
    nobody = client(Contacts())
    page = BeautifulSoup(nobody.get("/register?for=oracle").text, "html.parser")
    company = next(line for line in page.select(".line.missing") if line.select("dt")[0].get_text() == "Company Name")
    assert "to be filled in" in company.get_text()
    assert not company.select("[data-copy]")
    assert "CHARTSIDE_CONTACT_ORGANIZATION" in page.select(".notice")[0].get_text()
    sheet = json.loads(nobody.get("/register.json?for=oracle").text)
    assert "CHARTSIDE_CONTACT_EMAIL" in sheet["to_be_filled_in"]
    assert sheet["form"]["Register Oracle Health SMART App"]["Company Name"] is None


@pytest.mark.parametrize("place", MARKETPLACES)
def test_commands_on_the_sheet_are_commands(place: str) -> None:
    """A reason that says what to type on the server says what the command takes."""
    page = BeautifulSoup(client().get(f"/register?for={place}").text, "html.parser")
    known = {option for parameter in add.params for option in parameter.opts}
    for why in page.select(".why"):
        _, said, words = why.get_text().partition("chartside ehr add ")
        assert not said or {w.rstrip(".") for w in words.split() if w.startswith("--")} <= known


def test_where_users_begin_by_themselves_further_scopes_are_named() -> None:
    """What a standalone launch asks for in the place of `launch` has to be registered as well."""
    page = client().get("/register").text
    assert all(scope in page for scope in STANDALONE)


def test_an_unknown_marketplace_is_not_found() -> None:
    """The name of a marketplace is looked up, never shown."""
    assert client().get("/register?for=<b>").status_code == 404


@pytest.mark.parametrize("vendor", VENDORS)
@pytest.mark.parametrize("version", ["v1", "v2"])
def test_scopes_of_each_vendor_can_be_registered(vendor: str, version: str) -> None:
    """In both grammars an EHR described with them is taken, each scope once and with a reason."""
    scopes = scope_words(vendor, version)
    assert len(set(scopes)) == len(scopes)
    assert all(is_scope(scope) for scope in scopes)
    assert all(wanted.why.endswith(".") for wanted in wanted_scopes(vendor))
    table = {"iss": "http://127.0.0.1/fhir", "name": "x", "client_id": "x", "client_auth": "public"}
    assert EHR.from_table(table | {"vendor": vendor, "scopes": list(scopes)}, None).scopes == scopes  # type: ignore[arg-type]


def test_v1_scopes_say_the_same() -> None:
    """v1 knows read and write only: create with read and search becomes both."""
    v1 = scope_words("generic", "v1")
    assert {"user/Condition.read", "user/Condition.write", "patient/Patient.read"} <= set(v1)
    assert not any(".rs" in scope or ".c" in scope for scope in v1)
    assert not any(".write" in scope for scope in scope_words("athenahealth", "v1"))


def test_a_correction_is_asked_for_where_the_ehr_takes_one() -> None:
    """In v2 a letter, in v1 part of `.write`; the demo's EHR is asked for the same as any other."""
    for vendor, changed in (("generic", {"Condition", "Claim"}), ("oracle", {"Condition"}), ("canvas", {"Condition"})):
        found = scope_words(vendor, "v2")
        assert {type for type in ("Condition", "Claim") if f"user/{type}.crus" in found} == changed
    assert {"user/Condition.write", "user/Claim.write"} <= set(scope_words("generic", "v1"))
    assert set(DEMO_SCOPES.split()) == set(scope_words("generic", "v2"))


@pytest.mark.parametrize("name", ["privacy", "terms", "support"])
def test_papers_are_ours_or_the_sites(name: str) -> None:
    """A page of the site's own takes the place of ours, and the registration names it."""
    assert client().get(f"/{name}").status_code == 200
    own = f"https://hospital.example/{name}"
    with_own = client(replace(FILLED, **{f"{name}_url": own}))
    assert with_own.get(f"/{name}").headers["Location"] == own
    assert own in with_own.get("/register").text


def test_support_names_who_to_turn_to() -> None:
    """The contacts that are set, and without any a sentence that says so."""
    page = client().get("/support").text
    assert "Kim Lee" in page
    assert 'href="mailto:kim@hospital.example"' in page
    assert 'href="mailto:security@hospital.example"' in page
    assert "No contact is set" in client(Contacts()).get("/support").text


@pytest.mark.parametrize(("name", "kind"), [("logo.png", "image/png"), ("logo.svg", "image/svg+xml")])
def test_the_logo_keeps_its_address(name: str, kind: str) -> None:
    """Marketplaces keep the address for years, so no digest is in it."""
    answer = client().get(f"/{name}", buffered=True)
    assert (answer.status_code, answer.content_type.partition(";")[0]) == (200, kind)
    if kind == "image/png":
        assert answer.data[16:24] == (512).to_bytes(4, "big") * 2  # width and height in the header


def test_bad_contacts_stop_the_start() -> None:
    """Each is named, all at once."""
    environ = {"CHARTSIDE_PRIVACY_URL": "http://plain.example", "CHARTSIDE_CONTACT_EMAIL": "nobody"}
    with pytest.raises(MissingSettings) as missing:
        Config.from_env(environ)
    assert {
        "CHARTSIDE_PRIVACY_URL must begin with https://",
        "CHARTSIDE_CONTACT_EMAIL must be an e-mail address",
    } <= set(missing.value.complaints)
