"""Whoever is inside a launch can end it from where they are (OWASP ASVS 5.0, 7.4.4); what browsers keep meanwhile."""

import re

import pytest
from fake_pages import LAUNCH_KEY, Visitor

from smartapp.config import HERE
from smartapp.errors import ChartsideError, EHRRefused

# What scripts may keep in a browser, by file: none of it is of a patient.
KEPT = {"keys-kept.js": {"chartside.keymap", "chartside.keys"}}
OUT = (
    f'<form method="post" action="/logout"><input type="hidden" name="csrf_token" value="[0-9a-f]{{64}}">.*{LAUNCH_KEY}'
)


def test_every_page_of_a_launch_has_a_way_out() -> None:
    """The button stands on each whole page; parts of pages come into one that has it."""
    visitor, seen = Visitor(), set()
    for rule in visitor.app.url_map.iter_rules():
        if "GET" not in (rule.methods or ()) or not rule.rule.startswith("/r/<launch_key>"):
            continue
        path = re.sub(r"<(?:\w+:)?\w+>", "1", rule.rule.removeprefix("/r/<launch_key>/"))
        answer = visitor.get(path)
        if answer.status_code < 300 and "<html" in answer.text:
            assert re.search(OUT, answer.text), path
            seen.add(rule.endpoint)
    assert {"review.show", "review.summary"} <= seen


@pytest.mark.parametrize("error", [EHRRefused(), ChartsideError()])
def test_an_error_inside_a_launch_has_it_too(error: Exception) -> None:
    """Nobody is left in an open chart by what went wrong."""
    visitor = Visitor()
    visitor.coding.fails = error
    assert re.search(OUT, visitor.get("").text)


def test_outside_a_launch_there_is_nothing_to_end() -> None:
    """Where no session is, none is offered to be ended."""
    visitor = Visitor()
    answer = visitor.app.test_client(use_cookies=False).get("/r/another/")
    assert answer.status_code >= 400
    assert "/logout" not in answer.text


def test_scripts_keep_only_what_is_listed() -> None:
    """Nothing of a patient is in the browser's stores (14.3.3): the keys that a person chose, by one file."""
    stores = re.compile(r"localStorage|sessionStorage|indexedDB|document\.cookie|\bcaches\b|navigator\.storage")
    using = {path.name: path.read_text("utf-8") for path in (HERE / "static" / "js").rglob("*.js")}
    using = {name: text for name, text in using.items() if stores.search(text)}
    assert using.keys() == KEPT.keys()
    for name, text in using.items():
        assert set(re.findall(r'"(chartside\.[a-z]+)"', text)) == KEPT[name]
        assert re.findall(r"setItem\((\w+)", text) == ["name"]
        assert set(re.findall(r"\bstore\((\w+),", text)) <= {"name", "KEYMAP", "SWITCH"}
