"""The model card as a page and as JSON, and what an admin adds to it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from admin_site import AdminSite
from bs4 import BeautifulSoup
from werkzeug.test import TestResponse

from smartapp.audit import Kind


@pytest.fixture
def site(tmp_path: Path) -> Iterator[AdminSite]:
    site = AdminSite(tmp_path)
    yield site
    site.close()


def get(site: AdminSite, path: str) -> TestResponse:
    return site.app.test_client(use_cookies=False).get(path)


def line(site: AdminSite, number: int) -> str:
    page = BeautifulSoup(get(site, "/model-card").text, "html.parser")
    return " ".join(page.select(f"#attribute-{number}")[0].get_text(" ").split())


def test_everybody_reads_all_attributes_in_their_order(site: AdminSite) -> None:
    """On the page and in JSON the same; what is not available says why."""
    page = BeautifulSoup(get(site, "/model-card").text, "html.parser")
    shown = [found.get_text(" ").split(".")[0].strip() for found in page.select(".line > dt")]
    assert shown == [str(n) for n in range(1, 32)]
    card = get(site, "/model-card.json").get_json()
    assert [a["number"] for a in card["attributes"]] == list(range(1, 32))
    assert card["attributes"][26]["paragraph"] == "45 CFR 170.315(b)(11)(iv)(B)(8)(ii)"
    for attribute in card["attributes"]:
        told = attribute["says"] or attribute.get("table")
        assert bool(told) == attribute["available"] != bool(attribute.get("not_available_because"))
    assert "Not available. Fewer than 11 encounters" in line(site, 27)


def test_an_admin_says_something_beside_an_attribute(site: AdminSite) -> None:
    """It stands on the card, letter by letter, and the log tells who changed what; nothing changed tells nothing."""
    site.enter()
    for _ in range(2):
        saved = site.post("model-card", {"number": "29", "note": "Watched <b>quarterly</b>.\r\nBy the committee."})
        assert saved.status_code == 200
        assert "Attribute 29 is as you left it" in saved.text
    assert "This site: Watched <b>quarterly</b>. By the committee." in line(site, 29)
    assert get(site, "/model-card.json").get_json()["attributes"][28]["site"].startswith("Watched <b>")
    did = [e.what for e in site.audit.events() if e.kind is Kind.ADMIN and "model card" in e.what["did"]]
    assert [what["about"] for what in did] == ["29"]
    assert site.post("model-card", {"number": "29", "note": " "}).status_code == 200
    assert "This site" not in line(site, 29)


@pytest.mark.parametrize(("number", "note"), [("0", "x"), ("32", "x"), ("²", "x"), ("", "x"), ("9", "x" * 2001)])
def test_what_is_not_taken_is_said_and_kept_in_the_form(site: AdminSite, number: str, note: str) -> None:
    site.enter()
    refused = site.post("model-card", {"number": number, "note": note})
    assert refused.status_code == 422
    assert "Not saved: " in refused.text
    if number == "9":
        kept = BeautifulSoup(refused.text, "html.parser").select("#attribute-9[open] textarea")[0]
        assert kept.get_text() == note
    assert not [e for e in site.audit.events() if e.kind is Kind.SETTING]


def test_only_an_admin_says_something(site: AdminSite) -> None:
    assert site.open("POST", "model-card", {"number": "29", "note": "x"}).status_code == 401
    assert site.get("model-card").status_code == 401
    assert "This site" not in line(site, 29)
