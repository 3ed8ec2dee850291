"""The whole story in Chromium: from the EHR's chart page to codes in the chart."""

import json
import urllib.request
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Browser, FrameLocator, Page, expect
from validators import complaints, node_is_ready

from smartapp.demo import Running

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("demo"), pytest.mark.timeout(300)]

SECONDS = 1000.0


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page that fails the test when the browser reports a policy violation or a script error."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    page = context.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: said.append(str(error)))
    yield page
    context.close()
    assert said == []


def search(demo: Running, type: str, **params: str) -> list[dict[str, Any]]:
    """What the FHIR server behind the demo EHR holds."""
    url = f"http://127.0.0.1:{demo.ports.fhir}/fhir/{type}?{urlencode(params)}"
    request = urllib.request.Request(url, headers={"Accept": "application/fhir+json"})
    with urllib.request.urlopen(request, timeout=10) as answer:
        return [entry["resource"] for entry in json.load(answer).get("entry", [])]


def open_chart(page: Page, demo: Running, patient: str, encounter: str, host: str = "127.0.0.1") -> FrameLocator:
    page.goto(f"http://{host}:{demo.ports.ehr}/chart/{patient}/{encounter}")
    app = page.frame_locator("iframe")
    expect(app.locator(".card").first).to_be_visible(timeout=60 * SECONDS)
    return app


def code_of(card: Any) -> str:
    code: str = card.get_attribute("data-code")
    return code


def test_from_the_chart_to_the_chart(page: Page, demo: Running, need: Any) -> None:
    """Launch in the frame, look at evidence, accept two, reject one, add one, sign; then the EHR holds exactly that."""
    need(node_is_ready(), "Node with the packages of tests/validators")
    patient, encounter = "maria-alvarez", "maria-alvarez-2026-03-office"
    app = open_chart(page, demo, patient, encounter)

    first = app.locator(".card[data-state=undecided]").first
    quote = first.locator("a.quote").first
    anchor = str(quote.get_attribute("href")).removeprefix("#")
    quote.click()  # leads to its own words in the note: a code may rest on others further up as well
    expect(app.locator(f"mark[id='{anchor}'][data-codes~='{code_of(first)}']")).to_be_in_viewport()

    accepted = [accept_next(app), accept_next(app)]
    rejected = app.locator(".card[data-state=undecided]").first
    rejected_code = code_of(rejected)
    rejected.locator("summary", has_text="Reject").click()
    rejected.locator(".reject-form button").click()
    expect(app.locator(f".card[data-code='{rejected_code}']")).to_have_attribute("data-state", "rejected")

    app.get_by_label("Add a code").fill("tobacco use")
    app.locator("#results").get_by_role("option", name="Z72.0").click()
    expect(app.locator(".card[data-code='Z72.0']").first).to_have_attribute("data-state", "accepted")
    accepted.append("Z72.0")

    app.get_by_role("link", name="Go to summary").click()
    for resource in ("Condition", "Encounter", "Claim", "Provenance"):
        expect(app.locator("table.plan").first.get_by_role("rowheader", name=resource).first).to_be_visible()
    for reason in app.get_by_label("Reason to sign all the same").all():
        reason.fill("The notes were read for it.")
    app.get_by_role("checkbox").check()
    app.get_by_role("button", name="Sign and write").click()
    expect(app.get_by_role("heading", name="Written to the chart")).to_be_visible(timeout=30 * SECONDS)

    page.get_by_role("link", name="Refresh").or_(page.get_by_role("button", name="Refresh")).click()
    expect(page.get_by_text("Claims 1")).to_be_visible()
    held = what_the_ehr_holds(demo, patient, encounter)
    conditions = {c["id"]: c["code"]["coding"][0]["code"] for c in held["Condition"]}
    assert sorted(conditions.values()) == sorted(accepted)
    (claim,) = held["Claim"]
    claimed = sorted(claim["diagnosis"], key=lambda d: d["sequence"])
    listed = [d["diagnosisCodeableConcept"]["coding"][0]["code"] for d in claimed]
    assert sorted(listed) == sorted(accepted)
    (written,) = held["Encounter"]
    ranked = sorted(written["diagnosis"], key=lambda d: d["rank"])
    in_order = [conditions[d["condition"]["reference"].rsplit("/", 1)[1]] for d in ranked]
    assert in_order == listed
    assert held["Provenance"][0]["agent"][0]["who"]["reference"].endswith("Practitioner/demo-clinician")
    assert complaints([r for resources in held.values() for r in resources]) == []


def accept_next(app: FrameLocator) -> str:
    card = app.locator(".card[data-state=undecided]").first
    code = code_of(card)
    card.locator("button.accept").click()
    expect(app.locator(f".card[data-code='{code}']")).to_have_attribute("data-state", "accepted")
    return code


def what_the_ehr_holds(demo: Running, patient: str, encounter: str) -> dict[str, list[dict[str, Any]]]:
    conditions = search(demo, "Condition", patient=patient, encounter=f"Encounter/{encounter}")
    return {
        "Condition": conditions,
        "Encounter": search(demo, "Encounter", _id=encounter),
        "Claim": search(demo, "Claim", encounter=f"Encounter/{encounter}"),
        "Provenance": search(demo, "Provenance", target=f"Encounter/{encounter}"),
    }


def test_the_session_survives_in_a_cross_site_frame(page: Page, demo: Running) -> None:
    """EHR page on `localhost`, app on 127.0.0.1: two sites. The cookie comes back and a reload keeps decisions."""
    app = open_chart(page, demo, "priya-raman", "priya-raman-2026-09-heel-pain", host="localhost")
    code = accept_next(app)
    page.reload()
    app = page.frame_locator("iframe")
    expect(app.locator(f".card[data-code='{code}']")).to_have_attribute("data-state", "accepted", timeout=30 * SECONDS)


def test_two_charts_in_two_tabs_do_not_mix(browser: Browser, demo: Running) -> None:
    """One browser, two launches: each tab goes on showing and deciding its own patient."""
    context = browser.new_context()
    one, two = context.new_page(), context.new_page()
    first = open_chart(one, demo, "lucas-nguyen", "lucas-nguyen-2026-06-sick-visit")
    second = open_chart(two, demo, "robert-delgado", "robert-delgado-2026-06-back-pain")
    code = accept_next(first)
    accept_next(second)
    one.reload()
    expect(one.frame_locator("iframe").locator(f".card[data-code='{code}']")).to_have_attribute(
        "data-state", "accepted", timeout=30 * SECONDS
    )
    assert "Nguyen" in one.inner_text("body")
    assert "Delgado" in two.inner_text("body")
    context.close()


def test_whose_chart_it_is_shows_once_it_is_read(page: Page, demo: Running) -> None:
    """The header names the visit as soon as the chart has been read, without a reload."""
    app = open_chart(page, demo, "walter-kim", "walter-kim-2026-07-emergency")
    expect(app.locator(".top-encounter")).to_contain_text("Emergency department visit")
    expect(app.locator(".top-encounter")).to_contain_text("Predictor")
