"""What every answer says of itself, and the methods that nobody needs (OWASP ASVS 5.0, 4.1.1 and 13.4.4)."""

import re

from whole_site import Site

FILLED = {"digest": "0", "name": "icon.svg", "id": "codes-to-review", "kind": "text"}
TEXT = ("text/html", "text/css", "text/csv", "text/plain", "text/javascript")


def test_every_answer_says_what_it_is(site: Site) -> None:
    """Its media type, and of text the charset; with a session and without."""
    opened, stranger = site.open(site.visit()), site.browser()
    filled, seen = FILLED | {"launch_key": opened.launch_key}, set()
    for rule in site.app.url_map.iter_rules():
        path = re.sub(r"<(?:\w+:)?(\w+)>", lambda found: filled.get(found[1], "1"), rule.rule)
        for browser in (opened.browser, stranger):
            answer = browser.request("GET", path, buffered=True)
            said = answer.headers["Content-Type"]
            assert answer.data == b"" or said, path
            assert not said.startswith(TEXT) or "charset=utf-8" in said, (path, said)
            assert said.startswith("text/html") == answer.data.lstrip().lower().startswith(b"<!doctype html"), path
            seen.add(said.partition(";")[0])
    assert {"text/html", "application/json", "text/plain", "image/png"} <= seen


def test_trace_is_refused(site: Site) -> None:
    """On every address, as anything that nobody asks for."""
    for rule in site.app.url_map.iter_rules():
        path = re.sub(r"<(?:\w+:)?(\w+)>", lambda found: FILLED.get(found[1], "1"), rule.rule)
        assert site.browser().request("TRACE", path).status_code in (404, 405), path
