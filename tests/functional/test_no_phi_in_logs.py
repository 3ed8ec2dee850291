"""What identifies a patient, a note's words and what opens a chart stay out of logs, metrics, addresses and errors."""

import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from sample_chart import note
from site_browser import Browser
from site_faults import outcome
from sqlalchemy import text
from sqlalchemy.exc import OperationalError
from werkzeug.test import TestResponse
from whole_site import Site, Visit

from smartapp import metrics
from smartapp.logs import JSONLines
from smartapp.store import connect

NAME, MRN, PHRASE = "Quillfeather", "MRN-77415", "zebrafinch murmur"
TEXT = f"{NAME}, {MRN}: {PHRASE}. Essential hypertension. Former smoker."
PERSON = {"name": [{"text": f"Ada {NAME}"}], "identifier": [{"type": {"coding": [{"code": "MR"}]}, "value": MRN}]}


class _Keeper(logging.Handler):
    """Keeps every record as it would be written, with its arguments and traceback."""

    def __init__(self) -> None:
        super().__init__(logging.NOTSET)
        self.lines: list[str] = []
        self.setFormatter(logging.Formatter("%(name)s %(levelname)s %(message)s"))
        self._as_served = JSONLines()

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(f"{self.format(record)} {record.args!r}")
        self.lines.append(self._as_served.format(record))


@dataclass
class Watch:
    """All that was logged while the test ran."""

    keeper: _Keeper
    visit: Visit
    printed: pytest.CaptureFixture[str]
    secrets: list[str] = field(default_factory=list)

    def check(self) -> None:
        """No word about the patient and nothing secret was logged or counted; something was, so that this proves it."""
        assert self.keeper.lines
        counted = metrics.as_text().decode().splitlines()
        assert any(line.startswith("chartside_ehr_calls_total{") for line in counted)
        lines = [*self.keeper.lines, *"".join(self.printed.readouterr()).splitlines(), *counted]
        for canary in (NAME, MRN, PHRASE, self.visit.patient, self.visit.encounter, *self.secrets):
            found = [line[:400] for line in lines if canary.casefold() in line.casefold()]
            assert not found, (canary, found)


@pytest.fixture
def visit(site: Site) -> Visit:
    """A patient with canaries in every place."""
    return site.visit(note(text=TEXT, description=PHRASE), **PERSON)


@pytest.fixture
def watch(visit: Visit, capfd: pytest.CaptureFixture[str]) -> Iterator[Watch]:
    """Every logger that has no level of its own at DEBUG, and what is printed."""
    root, keeper = logging.getLogger(), _Keeper()
    level = root.level
    root.addHandler(keeper)
    root.setLevel(logging.DEBUG)
    yield Watch(keeper, visit, capfd)
    root.setLevel(level)
    root.removeHandler(keeper)


def launched(site: Site, visit: Visit, watch: Watch) -> Any:
    """A review opened, and what nobody else may know of it."""
    opened = site.open(visit)
    watch.secrets += [site.access_token(opened.launch_key).value, opened.browser.cookie.partition("=")[2]]
    return opened


def check_page(response: TestResponse, status: int) -> None:
    """An error page, without a word of the chart."""
    assert response.status_code == status
    assert "Reference" in response.text
    for canary in (NAME, MRN, PHRASE):
        assert canary not in response.text


def check_addresses(site: Site, browser: Browser, visit: Visit) -> None:
    """Addresses of the app hold no id of the patient; those of the EHR hold ids, and never words."""
    for canary in (NAME, MRN, PHRASE, PHRASE.split()[0]):
        assert not [url for url in browser.urls if canary in url]
        assert not [s for s in site.fhir.seen if canary in s.path + str(s.query)]
    assert not [url for url in browser.urls if visit.patient in url or visit.encounter in url]


def test_a_review_from_launch_to_receipt(site: Site, visit: Visit, watch: Watch) -> None:
    """When all goes well nothing of the chart is logged."""
    site.app = site.start()  # with its loggers at DEBUG from the beginning
    opened = launched(site, visit, watch)
    assert PHRASE in opened.page.text
    assert PHRASE in opened.post("search", words=PHRASE).text
    opened.accept("I10").decide("reject", "Z87.891", reason="unsupported")
    assert "Written to the chart" in opened.sign().text
    form = {"csrf_token": opened.token, "launch_key": opened.launch_key}
    assert opened.browser.request("POST", "/logout", data=form).status_code == 303
    watch.check()
    check_addresses(site, opened.browser, visit)


def test_what_people_and_browsers_send(site: Site, visit: Visit, watch: Watch) -> None:
    """Words in forms and addresses that are refused are neither logged nor played back on the error page."""
    opened = launched(site, visit, watch)
    check_page(opened.post("decisions", action="add", code=PHRASE), 422)
    check_page(opened.post("decisions", action=PHRASE, code="I10"), 400)
    check_page(opened.post("decisions", action="accept", code="I10", version=PHRASE), 400)
    check_page(opened.post("decisions", action="add", code=PHRASE, csrf_token=PHRASE), 403)
    check_page(opened.post("search", words=PHRASE * 10_000), 413)
    browser = opened.browser
    check_page(browser.get(f"/{NAME}/{PHRASE}"), 404)
    check_page(browser.get(f"/r/{NAME}/"), 401)
    check_page(browser.get(f"/launch?iss=https://{NAME}.example&launch={MRN}"), 403)
    check_page(browser.get(f"/callback?state={NAME}&code={MRN}"), 400)
    report = json.dumps([{"type": PHRASE, "body": {"effectiveDirective": "img-src", "documentURL": PHRASE}}])
    assert browser.request("POST", "/csp-report", data=report).status_code == 204
    watch.check()


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (500, outcome(f"{NAME} {MRN}: {PHRASE}")),
        (500, f"<html>{NAME} {MRN}: {PHRASE}</html>".encode()),
        (403, outcome(f"{NAME} {MRN}: {PHRASE}")),
        (401, outcome(f"{NAME} {MRN}: {PHRASE}")),
        (200, f'{{"resourceType": "{NAME}", "text": "{PHRASE}'.encode()),
        (200, json.dumps({"resourceType": "Bundle", "entry": [{"resource": PHRASE}, NAME, {MRN: 1}]}).encode()),
        (200, json.dumps({"resourceType": "Patient", "id": MRN, "name": [{"text": NAME}]}).encode()),
        (302, b""),
    ],
)
def test_what_the_ehr_says_in_an_error(site: Site, visit: Visit, watch: Watch, status: int, body: bytes) -> None:
    """Error bodies of the EHR stay out of the logs while reading and signing."""
    opened = launched(site, visit, watch).accept("I10")
    headers = {"Location": f"https://{NAME}.example/{PHRASE}"}
    for path in ("Patient", "DocumentReference", "Encounter"):
        site.faults.fhir = lambda _, where, path=path: (status, headers, body) if where.startswith(path) else None
        opened.read_anew()
    opened.sign()
    watch.check()


@pytest.mark.parametrize("type", ["Condition", "Claim", "Provenance", "Encounter"])
def test_what_the_ehr_says_to_a_write(site: Site, visit: Visit, watch: Watch, type: str) -> None:
    """The same for writes."""
    opened = launched(site, visit, watch).accept("I10")
    said = outcome(f"{NAME} {MRN}: {PHRASE}")
    site.faults.fhir = lambda method, where: (422, {}, said) if method != "GET" and where.startswith(type) else None
    opened.sign()
    watch.check()


@pytest.mark.parametrize(
    ("content_type", "data"),
    [
        ("text/html", f"<p>{TEXT}<script>{PHRASE}</script>".encode()),
        ("text/html", f'<?xml version="1.0"?><html><p>{TEXT}&nosuch; <p'.encode()),
        ("application/xml", f"<a>{TEXT}</b>".encode()),
        ("application/rtf", rf"{{\rtf1\ansi {TEXT}\par \'zz \u99999 ".encode()),
        ("application/pdf", f"%PDF-1.4\n1 0 obj\n<< /Title ({TEXT}) /Length 99999 >>\nstream\n{TEXT}\nxref".encode()),
        ("text/plain", f"{TEXT} fièvre".encode("latin-1") * 100),
        (f"text/{NAME}", TEXT.encode()),
        (f"text/plain; charset={NAME}", f"{TEXT} é".encode("latin-1")),
    ],
)
def test_notes_that_are_hard_to_read(site: Site, watch: Watch, content_type: str, data: bytes) -> None:
    """No reader of notes, and no library behind it, logs what it stumbles over."""
    watch.visit = site.visit(note(text=data, content_type=content_type), **PERSON)
    launched(site, watch.visit, watch)
    watch.check()


def test_a_predictor_that_fails(site: Site, watch: Watch) -> None:
    """The predictor's process does not log the text that it failed on, nor does the app."""
    watch.visit = site.visit(note(text=f"{TEXT} fail"), **PERSON)
    opened = launched(site, watch.visit, watch)
    assert "could not code this text" in opened.page.text
    assert [line for line in watch.keeper.lines if "a prediction failed" in line]
    watch.check()


def test_a_bug_of_ours(site: Site, visit: Visit, watch: Watch) -> None:
    """An error that nobody foresaw, with the chart in its words: the log has its place, the page a reference."""
    opened = launched(site, visit, watch)
    wiring = site.app.extensions["chartside"]
    broken = site.start()
    broken.extensions["chartside"] = replace(wiring, client_for=_stumble)
    check_page(opened.browser.restarted(broken).get(opened.path), 500)
    assert [line for line in watch.keeper.lines if "unexpected ZeroDivisionError" in line and "_stumble" in line]
    watch.check()


def _stumble(_: Any) -> Any:
    raise ZeroDivisionError(TEXT)


def test_an_ehr_that_is_down_or_withdraws_the_token(site: Site, visit: Visit, watch: Watch) -> None:
    """Failures of the connection name neither the address asked for nor the token."""
    opened = launched(site, visit, watch).accept("I10")
    with site.ehr_down():
        opened.read_anew()
    site.grants.revoke(site.access_token(opened.launch_key).grant)
    opened.post("retry")
    check_page(opened.until("", "Your session has ended", 401), 401)
    watch.check()


def test_a_database_that_refuses(site: Site) -> None:
    """An error of the database does not quote what was to be stored."""
    with pytest.raises(OperationalError) as refused, connect(site.config.database_url).begin() as connection:
        connection.execute(text("INSERT INTO nowhere VALUES (:words)"), {"words": PHRASE})
    assert PHRASE not in str(refused.value)
