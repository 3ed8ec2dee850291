"""What people and commands do, one act after the other, and the event that tells of each."""

import re
from collections.abc import Iterator

import pytest
from click.testing import CliRunner
from coding_bench import KEY
from sample_chart import encounter
from site_browser import Browser, Opened
from site_faults import silence
from whole_site import Site

from launch.vault import Vault
from smartapp.audit.events import Event, Kind
from smartapp.audit.reading import rows_of_chart
from smartapp.audit.story import CodeStory, stories_of
from smartapp.audit.verify import reading
from smartapp.cli import main
from smartapp.ehr_removal import end
from smartapp.reviews import ReviewKey
from smartapp.store import connect
from smartapp.store.admin_store import make_link

CODER = {"code": {"coding": [{"system": "urn:aapc", "code": "CPC"}]}}


class Told:
    """A coder's visit to an inpatient's chart, and what the log tells of it."""

    def __init__(self, site: Site) -> None:
        self.site, self.visit = site, site.visit()
        self.visit.put(encounter(class_code="IMP"))
        person = {"resourceType": "Practitioner", "id": "demo-clinician", "name": [{"text": "Dr Helena Marsh"}]}
        site.fhir.put(person | {"qualification": [CODER]})
        self.opened: Opened = site.open(self.visit)
        self.engine = connect(site.config.database_url)

    def events(self, kind: Kind) -> list[Event]:
        key = ReviewKey(self.site.iss, self.visit.patient, self.visit.encounter)
        with reading(self.engine) as connection:
            events = [Event.from_text(row.event) for row in rows_of_chart(connection, key)]
        return [event for event in events if event.kind is kind]

    def stories(self) -> dict[str, CodeStory]:
        key = ReviewKey(self.site.iss, self.visit.patient, self.visit.encounter)
        with reading(self.engine) as connection:
            events = [Event.from_text(row.event) for row in rows_of_chart(connection, key)]
        return {story.code: story for story in stories_of(events)}

    def decide(self, action: str, code: str, **form: str) -> None:
        assert self.opened.decide(action, code, **form).status_code == 303, action


@pytest.fixture
def told(site: Site) -> Iterator[Told]:
    told = Told(site)
    yield told
    told.engine.dispose()


def work(told: Told) -> None:
    """One of each act on a code."""
    told.opened.accept("I10", "E11.9")
    told.decide("add", "Z87.891")
    told.decide("move:I10", "Z87.891")
    told.decide("lead", "E11.9")
    told.decide("poa", "I10", poa="Y")
    told.decide("note", "I10", text="Maier, ask tomorrow")
    told.decide("edit", "J06.9", instead_of="Z87.891")
    told.decide("undo", "J06.9")
    told.decide("edit", "J06.9", instead_of="Z87.891")


def test_each_act_on_a_code_is_told_with_its_particulars_and_no_words(told: Told) -> None:
    work(told)
    acts = [{n: v for n, v in e.what.items() if n != "evidence"} for e in told.events(Kind.DECISION)]
    assert acts == [
        {"action": "accept", "code": "I10"},
        {"action": "accept", "code": "E11.9"},
        {"action": "add", "code": "Z87.891"},
        {"action": "move", "code": "Z87.891", "before": "I10"},
        {"action": "lead", "code": "E11.9"},
        {"action": "poa", "code": "I10", "poa": "Y"},
        {"action": "note", "code": "I10"},
        {"action": "edit", "code": "J06.9", "instead_of": "Z87.891"},
        {"action": "undo", "code": "J06.9"},
        {"action": "edit", "code": "J06.9", "instead_of": "Z87.891"},
    ]
    assert {e.role for e in told.events(Kind.DECISION)} == {"coder"}


def test_what_was_before_the_eyes_is_told(told: Told) -> None:
    """The review, the evidence of a code, a search of the worklist and its file."""
    told.opened.post("viewed", codes="I10")
    for path in ("worklist", "worklist.csv"):
        assert told.opened.browser.get(told.opened.path + path).status_code == 200
    seen = [(e.what["page"], e.what.get("code")) for e in told.events(Kind.VIEWED)]
    assert {("review", None), ("evidence", "I10"), ("worklist", None), ("worklist file", None)} <= set(seen)


def test_a_worklist_without_a_line_is_told(told: Told) -> None:
    """That somebody looked is an event though there was nothing to see."""
    assert told.opened.browser.get(told.opened.path + "worklist?state=amended").status_code == 200
    with told.engine.connect() as connection:
        last = connection.exec_driver_sql("SELECT event FROM audit_event ORDER BY sequence DESC LIMIT 1").scalar_one()
    event = Event.from_text(last)
    assert (event.kind, event.what, event.encounter) == (Kind.VIEWED, {"page": "worklist", "charts": 0}, None)
    assert event.user == "Practitioner/demo-clinician"


def test_who_stopped_the_reading_is_told(told: Told) -> None:
    """Stop, while the chart is read."""
    with silence(told.site, "DocumentReference"):
        assert told.opened.post("retry").status_code == 303
        assert told.opened.post("stop").status_code == 303
    (stopped,) = told.events(Kind.STOP)
    assert stopped.user == "Practitioner/demo-clinician"


def test_settings_are_told(told: Told) -> None:
    """As they are from the start of the process on: also how many requests are answered, and no password."""
    with told.engine.connect() as connection:
        of = "SELECT event FROM audit_event WHERE kind = 'setting' ORDER BY sequence"
        settings = [Event.from_text(row[0]).what for row in connection.exec_driver_sql(of)]
    value = next(what["value"] for what in settings if what["name"] == "configuration")
    rates = {name: value[name] for name in ("launch_requests", "address_requests", "proxies")}
    assert rates == {"launch_requests": 10**6, "address_requests": 10**6, "proxies": 0}
    assert (value["database"], value["queue"], value["sessions_elsewhere"]) == ("sqlite", False, False)


def test_a_query_is_told_from_its_draft_to_its_end(told: Told) -> None:
    """Drafted and withdrawn, its words by their hash alone."""
    asked = told.opened.post("queries", code="I10", version="1")
    number = asked.location.rpartition("/")[2]
    version = re.search(r'name="version" value="(\d+)"', told.opened.browser.get(asked.location).text)
    assert version
    assert told.opened.post(f"queries/{number}/withdraw", version=version[1]).status_code == 303
    assert [(e.what["act"], e.what["code"]) for e in told.events(Kind.QUERY)] == [
        ("drafted", "I10"), ("withdrawn", "I10"),
    ]  # fmt: skip
    assert all(re.fullmatch(r"[0-9a-f]{64}", e.what["sha256"]) for e in told.events(Kind.QUERY))
    assert [e.what["act"] for e in told.stories()["I10"].queries] == ["drafted", "withdrawn"]


def test_why_a_review_waits_is_told(told: Told) -> None:
    for reason in ("document", ""):
        assert told.opened.post("pending", pending=reason, note="Maier's letter").status_code == 303
    assert [e.what for e in told.events(Kind.PENDING)] == [{"reason": "document"}, {"reason": None}]


def test_compliance_reads_edits_order_admission_and_queries(told: Told) -> None:
    """On the page of the chart, each at the codes that it is of."""
    work(told)
    told.opened.post("queries", code="E11.9", version="1")
    number = told.events(Kind.DECISION)[0].sequence
    page = admin(told.site).get(f"/admin/audit/{number}").text
    said = " ".join(re.sub(r"<[^>]+>", " ", page).split())
    for words in (
        "Taken in the place of Z87.891 by Practitioner/demo-clinician as coder",
        "Replaced by J06.9 by",
        "Moved before I10 by",
        "Put first by",
        "Present on admission: yes by",
        "drafted by Practitioner/demo-clinician",
    ):
        assert words in said, words
    assert "Maier" not in page


def test_an_ended_session_is_told_with_the_account(told: Told) -> None:
    """And so is the printing of an admin link; the session that it opens names the link."""
    config = told.site.config
    environ = {
        "CHARTSIDE_PUBLIC_URL": config.public_url, "CHARTSIDE_SECRET_KEYS": KEY,
        "CHARTSIDE_EHRS": str(config.ehrs_file), "CHARTSIDE_DATABASE_URL": config.database_url,
    }  # fmt: skip
    printed = CliRunner().invoke(main, ["admin", "link"], env=environ)
    assert printed.exit_code == 0, printed.output
    browser = told.site.browser()
    link = printed.stdout.strip().partition("link=")[2]
    browser.request("POST", "/admin/enter", data={"link": link})
    launcher = told.site.app.extensions["chartside"].launcher
    mine = next(session for session in launcher.live_sessions() if session.key == told.opened.launch_key)
    end(mine, launcher, told.site.app.extensions["parts"].audit, account="operations")
    with told.engine.connect() as connection:
        of = "SELECT event FROM audit_event WHERE kind IN ('admin', 'session-ended') ORDER BY sequence"
        events = [Event.from_text(row[0]) for row in connection.exec_driver_sql(of)]
    was_printed = next(e.what for e in reversed(events) if e.what.get("did") == "printed an admin link")
    began = next(e.what for e in reversed(events) if e.what.get("did") == "session began")
    assert was_printed["account"]
    assert began["link"] == was_printed["link"]
    assert link not in str([e.what for e in events])
    ended = next(e for e in reversed(events) if e.kind is Kind.SESSION)
    assert (ended.what["account"], ended.what["user"]) == ("operations", "Practitioner/demo-clinician")


def admin(site: Site) -> Browser:
    browser = site.browser()
    browser.request("POST", "/admin/enter", data={"link": make_link(Vault([KEY]), site.clock())})
    return browser
