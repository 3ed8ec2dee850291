"""More than is read, sent to every address that takes a body, as it stands in the url map: 413 in plain words."""

import re

import pytest
from coding_bench import KEY
from site_browser import Browser, Opened
from werkzeug.routing import Rule
from whole_site import Site

from launch.vault import Vault
from smartapp.store.admin_store import make_link
from smartapp.views import LARGEST_FORM


@pytest.fixture
def people(site: Site) -> tuple[Opened, Browser, str]:
    """Somebody with a launch; and an admin with the token of their forms."""
    admin = site.browser()
    admin.request("POST", "/admin/enter", data={"link": make_link(Vault([KEY]), site.clock())})
    token = re.search(r'name="csrf_token" value="(\w+)"', admin.get("/admin/").text)
    assert token
    return site.open(site.visit()), admin, token[1]


def taking_bodies(site: Site) -> list[Rule]:
    """But for the CDS service: a call without an EHR's signature is refused unread, and one with it is tested there."""
    rules = [rule for rule in site.app.url_map.iter_rules() if (rule.methods or set()) & {"POST", "PUT", "PATCH"}]
    return [rule for rule in rules if not rule.endpoint.startswith("cds.")]


def test_what_is_too_large_is_said(site: Site, people: tuple[Opened, Browser, str]) -> None:
    """On a page that says what to do; nothing of what was sent comes back."""
    opened, admin, token = people
    wrong = []
    for rule in taking_bodies(site):
        path = re.sub(
            r"<(?:\w+:)?(\w+)>", lambda found: {"launch_key": opened.launch_key}.get(found[1], "1"), rule.rule
        )
        of_admins = rule.rule.startswith("/admin")
        form = {"csrf_token": token} if of_admins else {"csrf_token": opened.token, "launch_key": opened.launch_key}
        large = form | opened.chart | {"words": "x" * LARGEST_FORM}
        answer = (admin if of_admins else opened.browser).request("POST", path, data=large)
        if answer.status_code != 413 or "That is too much at once" not in answer.text or "xxxx" in answer.text:
            wrong.append((rule.rule, answer.status_code))
    assert wrong == []
    assert len(taking_bodies(site)) > 20
