"""Every address of the application, as it stands in its url map, asked by whoever has no business there.

A new address is covered by being there; one that anybody may see is named below, with the reason.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import pytest
from coding_bench import KEY
from flask import Flask
from sample_chart import note
from site_browser import Browser, Opened
from sqlalchemy import text
from werkzeug.routing import Rule
from werkzeug.test import TestResponse
from whole_site import Site, Visit

from launch.vault import Vault
from smartapp.store import connect
from smartapp.store.admin_store import make_link
from smartapp.views.csrf import build_token

PUBLIC = {
    "operations.healthz": "says that the process answers",
    "operations.readyz": "names what is missing, and nothing of where it is",
    "operations.show_metrics": "numbers without a label from a chart",
    "csp_report": "takes a browser's report and answers nothing",
    "asset": "our style sheets and scripts",
    "home.show": "says what Chartside is",
    "embed_check.ask": "whether this browser keeps our cookie",
    "embed_check.tell": "the same, on the way back",
    "site.register": "what to type where Chartside is registered",
    "site.register_json": "the same for programs",
    "site.logo_svg": "the logo",
    "site.logo_png": "the logo",
    "site.privacy": "a public page",
    "site.terms": "a public page",
    "site.support": "a public page",
    "card.show": "the model card; shares of what was signed, of no fewer than eleven encounters",
    "card.show_json": "the same for programs",
    "launch.launch": "begins a launch; the EHR says whose chart it is",
    "launch.callback": "takes the EHR's answer to a launch of this browser",
    "launch.logout": "ends the launch that the form names, in its own browser",
    "launch.jwks": "public keys",
    "cds.discover": "what the CDS service offers",
    "admin.ask": "a button that needs a link",
    "admin.enter": "takes the link",
}
NAME, PHRASE = "Wrenfield", "tawny pipit rattle"
CPC = {"code": {"coding": [{"system": "urn:aapc", "code": "CPC"}]}}  # of a coder
FILLED = {"kind": "text", "digest": "0", "name": "icon.svg", "id": "codes-to-review"}
REFUSED = {400, 401, 403, 404, 409}


@dataclass
class Case:
    """A finished review with its patient's secrets, and the routes that lead to it."""

    site: Site
    visit: Visit
    opened: Opened

    def rules(self, of: Callable[[Rule], bool]) -> Iterator[tuple[Rule, str]]:
        for rule in self.site.app.url_map.iter_rules():
            if of(rule):
                yield from ((rule, method) for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}))

    def form(self, **other: str) -> dict[str, str]:
        """Everything that any form of a launch asks for, right in every part."""
        return {
            "csrf_token": self.opened.token,
            **self.opened.chart,
            "version": self.stored()[1],
            "action": "add",
            "code": "I10",
            "reason": "unsupported",
            "attest": "yes",
            "why": "late-notes",
            "words": PHRASE,
            "codes": "I10",
            "seen": "x",
            "choice": "both",
            "form": "open",
            "question": "What condition is this?",
            "indicator": "0",
            "answer": PHRASE,
            "role": "coder",
            "pending": "document",
            **other,
        }

    def stored(self) -> tuple[Any, ...]:
        """What may not change: the review's version and its decisions, and how much the EHR holds."""
        engine = connect(self.site.config.database_url)
        with engine.connect() as connection:
            of = {"patient": self.visit.patient, "iss": self.site.iss}
            said = ("decision", "decision.id"), ("query", "query.version"), ("pending", "1")
            sums = (f"(SELECT sum({what}) FROM {table} WHERE review_id = review.id)" for table, what in said)
            query = f"SELECT id, version, status, {', '.join(sums)} FROM review WHERE patient = :patient AND iss = :iss"
            row = connection.execute(text(query), of).one()
        engine.dispose()
        return (row[0], str(row[1]), *row[2:], self.visit.counts())

    def leaks(self, answer: TestResponse) -> list[str]:
        said = answer.get_data(as_text=True) + str(answer.headers)
        secrets = (NAME, PHRASE, self.visit.patient, self.visit.encounter, "Essential (primary) hypertension")
        return [secret for secret in secrets if secret.casefold() in said.casefold()]


def path_of(rule: Rule, launch_key: str = "") -> str:
    filled = FILLED | {"launch_key": launch_key}
    return re.sub(r"<(?:\w+:)?(\w+)>", lambda found: filled.get(found[1], "1"), rule.rule)


def of_a_launch(rule: Rule) -> bool:
    return "launch_key" in rule.arguments


def of_admins(rule: Rule) -> bool:
    return rule.rule.startswith("/admin") and rule.endpoint not in PUBLIC


def of_machines(rule: Rule) -> bool:
    return rule.rule.startswith("/cds-services") and rule.endpoint not in PUBLIC


@pytest.fixture
def case(site: Site) -> Case:
    visit = site.visit(note(text=f"{NAME}: {PHRASE}. Essential hypertension."), name=[{"text": f"Ada {NAME}"}])
    put_person(site, CPC)
    opened = site.open(visit).accept("I10")
    opened.sign()
    asked = opened.post("queries", code="I10", version="1")
    FILLED["number"] = asked.location.rpartition("/")[2]
    put_person(site)
    case = Case(site, visit, opened)
    assert case.leaks(opened.show())
    return case


def put_person(site: Site, *qualifications: dict[str, Any]) -> None:
    """Whoever launches from now on is this person: a coder by the qualification, or a clinician."""
    name = [{"text": "Dr Helena Marsh"}]
    site.fhir.put(
        {"resourceType": "Practitioner", "id": "demo-clinician", "name": name, "qualification": list(qualifications)}
    )


def check_refused(case: Case, ask: Callable[[Rule, str], TestResponse], of: Callable[[Rule], bool]) -> None:
    """Each route answers with an error that names nothing of the chart, and nothing has happened."""
    before, wrong, asked = case.stored(), [], 0
    for rule, method in case.rules(of):
        answer, asked = ask(rule, method), asked + 1
        if answer.status_code not in REFUSED or case.leaks(answer):
            wrong.append((method, rule.rule, answer.status_code, case.leaks(answer)))
    assert asked
    assert wrong == []
    assert case.stored() == before


def ask_as(
    case: Case, browser: Browser, launch_key: str, form: dict[str, str], rule: Rule, method: str
) -> TestResponse:
    return browser.request(method, path_of(rule, launch_key), data=form if method == "POST" else None)


def test_every_address_is_guarded_or_public_for_a_reason(case: Case) -> None:
    """A new address that is neither below a launch nor an admin's nor a machine's has to be named here."""
    assert open_to_all(case.site.app) == PUBLIC.keys()


def open_to_all(app: Flask) -> set[str]:
    rules = app.url_map.iter_rules()
    return {r.endpoint for r in rules if not (of_a_launch(r) or of_admins(r) or of_machines(r))}


def test_an_address_that_nobody_guards_is_noticed(case: Case) -> None:
    """A new one outside of a launch has to be named; one below a launch that asks for no session fails what follows."""
    site, before = case.site, case.site.app
    site.app = site.start()
    try:
        site.app.add_url_rule("/new", "new", lambda: "")
        assert open_to_all(site.app) - PUBLIC.keys() == {"new"}
        site.app.add_url_rule("/r/<launch_key>/new", "careless", lambda launch_key: NAME)
        nobody = partial(ask_as, case, site.browser(), case.opened.launch_key, case.form())
        with pytest.raises(AssertionError, match=f"/r/<launch_key>/new', 200.*{NAME}"):
            check_refused(case, nobody, of_a_launch)
    finally:
        site.app = before


def test_the_right_one_gets_in(case: Case) -> None:
    """So that the refusals below are for the reason they are meant for: GETs answer, POSTs are taken or out of turn."""
    correcting_last = sorted(case.rules(of_a_launch), key=lambda asked: asked[0].endpoint == "review.correct")
    for rule, method in correcting_last:  # what is being corrected is not signed, and has no export
        answer = ask_as(case, case.opened.browser, case.opened.launch_key, case.form(), rule, method)
        also = {"POST": 409, "GET": 404 if rule.endpoint == "review.ehr_style" else 200}  # this EHR gives no style
        assert answer.status_code in (200, 204, 303, also[method]), rule.rule
    assert case.leaks(case.opened.show())


def test_no_session(case: Case) -> None:
    """Without our cookie the launch key is worth nothing."""
    nobody = case.site.browser()
    check_refused(case, partial(ask_as, case, nobody, case.opened.launch_key, case.form()), of_a_launch)


def test_another_browser(case: Case) -> None:
    """Nor with the cookie of a browser that has a launch of its own."""
    other = case.site.open(case.site.visit())
    check_refused(case, partial(ask_as, case, other.browser, case.opened.launch_key, case.form()), of_a_launch)
    own_token = case.form(csrf_token=other.token)
    check_refused(case, partial(ask_as, case, other.browser, case.opened.launch_key, own_token), of_a_launch)


def test_a_launch_that_never_was(case: Case) -> None:
    """A made-up key opens nothing, with whatever cookie."""
    check_refused(case, partial(ask_as, case, case.opened.browser, "x" * 43, case.form()), of_a_launch)


def test_an_ended_session(case: Case) -> None:
    """After the end of the session its own browser is refused like any other."""
    browser, key, form = case.opened.browser, case.opened.launch_key, case.form()
    assert browser.request("POST", "/logout", data=form | {"launch_key": key}).status_code == 303
    check_refused(case, partial(ask_as, case, browser, key, form), of_a_launch)


def test_another_patient(case: Case) -> None:
    """A launch of another patient, in the same browser and in others, shows and changes nothing of this one."""
    for browser in (case.opened.browser, case.site.browser()):
        other = case.site.open(case.site.visit(), browser)
        before = case.stored()
        for rule, method in case.rules(of_a_launch):
            for form in (case.form(), case.form(csrf_token=other.token)):
                answer = ask_as(case, other.browser, other.launch_key, form, rule, method)
                # The other patient has the same diagnosis: only what is this one's own counts.
                assert set(case.leaks(answer)) <= {"Essential (primary) hypertension"}, rule.rule
                assert method == "GET" or answer.status_code in REFUSED, rule.rule
        assert case.stored() == before


def test_another_ehr(case: Case) -> None:
    """The same ids in another EHR are another patient: its launch sees and changes nothing of this one."""
    launcher = case.site.app.extensions["chartside"].launcher
    mine = launcher._store.get(case.opened.launch_key)
    theirs = replace(mine, key="k" * 43, context=replace(mine.context, iss=case.site.dead_iss, user_name="Dr Else"))
    launcher._store.put(theirs)
    before = case.stored()
    for rule, method in case.rules(of_a_launch):
        form = case.form(csrf_token=build_token(KEY, theirs.key, theirs.browser))
        answer = ask_as(case, case.opened.browser, theirs.key, form, rule, method)
        assert answer.status_code != 403, rule.rule  # let in: it is a launch of its own
        # Its own pages name the ids of their own launch, which are the same here, and the words that were searched.
        assert set(case.leaks(answer)) <= {case.visit.patient, case.visit.encounter, *_searched(rule)}, rule.rule
    assert case.stored() == before
    launcher._store.remove(theirs.key)


def _searched(rule: Rule) -> set[str]:
    return {PHRASE} if rule.endpoint == "review.search" else set()


def test_an_ehr_that_is_no_longer_trusted(case: Case) -> None:
    """What was opened from it is closed at once."""
    launcher = case.site.app.extensions["chartside"].launcher
    mine = launcher._store.get(case.opened.launch_key)
    launcher._store.put(replace(mine, key="g" * 43, context=replace(mine.context, iss="https://gone.example/fhir")))
    check_refused(case, partial(ask_as, case, case.opened.browser, "g" * 43, case.form()), of_a_launch)
    launcher._store.remove("g" * 43)


def test_no_role(case: Case) -> None:
    """Of the same patient, in a launch as a clinician: what is for coders says so, and shows and changes nothing."""
    clinician = case.site.open(case.visit)
    coders = ("review.show_worklist", "review.worklist_file")
    before, asked = case.stored(), 0
    for rule, method in case.rules(of_a_launch):
        if rule.endpoint in coders or rule.endpoint.endswith("query"):
            form = case.form(csrf_token=clinician.token)
            answer, asked = ask_as(case, clinician.browser, clinician.launch_key, form, rule, method), asked + 1
            assert (answer.status_code, case.leaks(answer)) == (403, []), rule.rule
    assert asked == 8
    assert case.stored() == before


def test_another_coder(case: Case) -> None:
    """A coder who never opened the encounter does not find it in the worklist, nor one from another part of the EHR."""
    launcher = case.site.app.extensions["chartside"].launcher
    mine = launcher._store.get(case.opened.launch_key)
    other = case.site.visit()
    for key, says in (
        ("o" * 43, {"fhir_user": "Practitioner/somebody-else"}),
        ("t" * 43, {"tenant": "another-hospital"}),
    ):
        elsewhere = {"patient": other.patient, "encounter": other.encounter}
        launcher._store.put(replace(mine, key=key, context=replace(mine.context, **elsewhere, **says)))
        for path in ("worklist", "worklist.csv"):
            answer = case.opened.browser.get(f"/r/{key}/{path}")
            assert (answer.status_code, case.leaks(answer)) == (200, [])
        launcher._store.remove(key)
    assert NAME in case.opened.browser.get(case.opened.path + "worklist.csv").text  # which has all pages of it


@pytest.mark.parametrize("cookie", ["none", "launch", "ended"])
def test_admin_pages(case: Case, cookie: str) -> None:
    """Not without an admin's session, not with a reviewer's, not with one that was left."""
    site, browser = case.site, case.site.browser()
    form = case.form(iss="https://new.example/fhir", name="New", client_id="c")
    if cookie == "launch":
        browser.cookie = case.opened.browser.cookie.replace("__Host-chartside=", "__Host-chartside-admin=")
    if cookie == "ended":
        browser.request("POST", "/admin/enter", data={"link": make_link(Vault([KEY]), site.clock())})
        held = browser.cookie
        assert "Demo EHR" in browser.get("/admin/").text
        token = re.search(r'name="csrf_token" value="(\w+)"', browser.get("/admin/").text)
        assert token
        assert browser.request("POST", "/admin/leave", data={"csrf_token": token[1]}).status_code == 200
        browser.cookie, form = held, form | {"csrf_token": token[1]}
    listed = site.config.ehrs_file.read_text()

    def ask(rule: Rule, method: str) -> TestResponse:
        answer = browser.request(method, path_of(rule), data=form if method == "POST" else None)
        assert "Demo EHR" not in answer.text
        return answer

    check_refused(case, ask, of_admins)
    assert site.config.ehrs_file.read_text() == listed


@pytest.mark.parametrize("authorization", ["", "Bearer x", "Bearer e30.e30.e30", "Basic eDp4"])
def test_the_cds_service(case: Case, authorization: str) -> None:
    """Nobody is told about a chart without a JWT that an EHR signed."""
    headers = {"Authorization": authorization} if authorization else {}
    hook = {
        "hook": "patient-view",
        "hookInstance": "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea",
        "context": {
            "patientId": case.visit.patient,
            "encounterId": case.visit.encounter,
            "userId": "Practitioner/demo-clinician",
        },
        "fhirServer": case.site.iss,
    }

    def ask(rule: Rule, method: str) -> TestResponse:
        return case.site.browser().request(method, path_of(rule), headers=headers, json=hook)

    check_refused(case, ask, of_machines)
