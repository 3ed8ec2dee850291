"""The audit log of a whole visit: what it tells, what it never holds, and what its commands and pages make of it."""

import csv
import io
import json
import os
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from bs4 import BeautifulSoup
from click.testing import CliRunner, Result
from coding_bench import KEY
from site_browser import Browser, Opened
from whole_site import Site

from launch.vault import Vault
from smartapp.audit.events import Event, Kind
from smartapp.audit.reading import rows_of_chart
from smartapp.audit.story import stories_of
from smartapp.audit.verify import reading
from smartapp.cli import main
from smartapp.reviews import ReviewKey
from smartapp.store import connect
from smartapp.store.admin_store import make_link

SEALED = ("Maier", "MRN-0042", "not at goal", "1961-04-05", "Helena", "Marsh", "Essential")


class Told:
    """A visit that was coded and signed, and what the log tells of it."""

    def __init__(self, site: Site) -> None:
        self.site, self.visit = site, site.visit()
        self.opened: Opened = site.open(self.visit).accept("I10", "E11.9")
        assert "Written to the chart" in self.opened.sign().text
        self.engine = connect(site.config.database_url)

    @property
    def key(self) -> ReviewKey:
        return ReviewKey(self.site.iss, self.visit.patient, self.visit.encounter)

    def texts(self) -> list[str]:
        with reading(self.engine) as connection:
            return [row.event for row in rows_of_chart(connection, self.key)]

    def events(self, *kinds: Kind) -> list[Event]:
        return [event for event in map(Event.from_text, self.texts()) if event.kind in kinds or not kinds]

    def run(self, *words: str, **environ: str) -> Result:
        config = self.site.config
        said = {
            "CHARTSIDE_PUBLIC_URL": config.public_url, "CHARTSIDE_SECRET_KEYS": KEY,
            "CHARTSIDE_EHRS": str(config.ehrs_file), "CHARTSIDE_DATABASE_URL": config.database_url,
            "CHARTSIDE_AUDIT_KEY": str(config.audit_key),
            "CHARTSIDE_AUDIT_CHECKPOINTS": str(config.audit_checkpoints),
        }  # fmt: skip
        return CliRunner().invoke(main, ["audit", *words], env=os.environ | said | environ)


@pytest.fixture
def told(site: Site) -> Iterator[Told]:
    told = Told(site)
    yield told
    told.engine.dispose()


def admin(site: Site) -> Browser:
    browser = site.browser()
    browser.request("POST", "/admin/enter", data={"link": make_link(Vault([KEY]), site.clock())})
    return browser


def post(browser: Browser, path: str, **form: str) -> str:
    token = re.search(r'name="csrf_token" value="(\w+)"', browser.get("/admin/").text)
    assert token
    return browser.arrive(browser.request("POST", path, data={"csrf_token": token[1]} | form)).text


def words(markup: str) -> str:
    return " ".join(BeautifulSoup(markup, "html.parser").get_text(" ").split())


def test_a_visit_is_told_from_the_first_look_to_the_resource(told: Told) -> None:
    """Viewed, read, predicted, decided, signed, written: each by whom, of which text, with which predictor."""
    note, *_ = told.events(Kind.NOTE)
    suggestion = next(e for e in told.events(Kind.SUGGESTION) if e.what["code"] == "I10")
    assert suggestion.what["model_revision"]
    assert suggestion.what["code_set_edition"]
    evidence = suggestion.what["evidence"][0]
    assert (evidence["note"], evidence["sha256"]) == (note.what["note"], note.what["sha256"])
    assert evidence["end"] > evidence["start"]
    (signed,) = told.events(Kind.ATTESTATION)
    assert signed.what["codes"] == ["E11.9", "I10"]
    assert {(e.what["action"], e.what["code"]) for e in told.events(Kind.DECISION)} == {
        ("accept", "I10"), ("accept", "E11.9"),
    }  # fmt: skip
    people = {e.user for e in told.events(Kind.VIEWED, Kind.NOTE, Kind.DECISION, Kind.ATTESTATION, Kind.WRITE)}
    assert people == {"Practitioner/demo-clinician"}
    assert len({e.launch for e in told.events(Kind.VIEWED, Kind.DECISION)}) == 1
    written = {e.what["purpose"]: e.what for e in told.events(Kind.WRITE)}
    assert all(what["outcome"] == "written" and what["reference"] for what in written.values())
    assert written["diagnosis I10"]["resource"] == "Condition"
    story = next(s for s in stories_of(told.events()) if s.code == "I10")
    order = [e.kind for e in story.events if e.what.get("resource") in (None, "Condition")]
    assert order == [Kind.NOTE, Kind.SUGGESTION, Kind.DECISION, Kind.ATTESTATION, Kind.WRITE]


def test_no_word_of_the_chart_and_no_name_is_in_it(told: Told) -> None:
    """Patients, notes and people by reference; no launch key, no token."""
    text = "\n".join(told.texts())
    for sealed in (*SEALED, told.opened.launch_key, told.opened.token):
        assert sealed not in text
    assert f"Patient/{told.visit.patient}" in text


def test_files_that_were_taken_away_are_told(told: Told) -> None:
    page = told.opened.browser.get(told.opened.path + "receipt").text
    kind = re.search(r"/export/([\w-]+)", page)
    assert kind
    told.opened.browser.get(told.opened.path + f"export/{kind[1]}")
    assert told.events(Kind.VIEWED)[-1].what["page"] == f"export {kind[1]}"


def test_who_is_turned_away_is_told(told: Told) -> None:
    """Without a session by what was asked for; in a session also whose chart was open."""
    stranger = told.site.browser()
    assert stranger.get(told.opened.path).status_code in (401, 403)
    told.opened.post("decisions", action="accept", code="I10", patient="somebody-else", version="1")
    denied = told.events(Kind.DENIED)
    assert [(e.what["asked"], e.what["error"], e.user) for e in denied] == [
        ("review.decide", "OtherChart", "Practitioner/demo-clinician")
    ]
    lines = told.run("export", "--format", "csv").stdout
    anonymous = [row for row in csv.DictReader(io.StringIO(lines)) if row["kind"] == "access-denied"]
    assert any(json.loads(row["what"])["asked"] == "review.show" and not row["patient"] for row in anonymous)


def test_verify_says_that_all_is_well(told: Told) -> None:
    said = told.run("verify")
    assert said.exit_code == 0, said.output
    assert said.output.startswith("✓ intact: ")


def test_verify_says_where_it_is_not(told: Told, tmp_path: Path) -> None:
    """On a copy of the database whose owner has put the triggers away."""
    copy = tmp_path / "copy.db"
    with closing(sqlite3.connect(told.engine.url.database or "")) as original:
        original.execute("VACUUM INTO ?", [str(copy)])
    decision = told.events(Kind.DECISION)[0].sequence
    engine = connect(f"sqlite:///{copy}")
    with engine.begin() as connection:
        connection.exec_driver_sql("DROP TRIGGER audit_event_no_update")
        forged = "UPDATE audit_event SET event = replace(event, 'accept', 'reject')"
        connection.exec_driver_sql(f"{forged} WHERE sequence = {decision}")
    engine.dispose()
    said = told.run("verify", CHARTSIDE_DATABASE_URL=f"sqlite:///{copy}")
    assert said.exit_code == 1
    assert f"✗ event {decision}: was changed" in said.output
    assert "NOT INTACT" in said.output


def test_a_code_is_proven_with_the_public_key_alone(told: Told, tmp_path: Path) -> None:
    """`prove` makes a checkpoint where there is none yet; `check` needs no database."""
    proofs, public = tmp_path / "proofs.jsonl", tmp_path / "key.pem"
    made = told.run("prove", "i10", "--encounter", told.visit.encounter)
    assert made.exit_code == 0, made.output
    proofs.write_text(made.stdout)
    public.write_text(told.run("key").stdout)
    assert "PRIVATE" not in public.read_text()
    said = CliRunner().invoke(main, ["audit", "check", str(proofs), "--key", str(public)])
    assert said.exit_code == 0, said.output
    for kind in ("suggestion", "decision", "attestation", "write"):
        assert f": {kind} on " in said.output
    proofs.write_text(made.stdout.replace("demo-clinician", "somebody-else"))
    said = CliRunner().invoke(main, ["audit", "check", str(proofs), "--key", str(public)])
    assert said.exit_code == 1
    assert "✗ line 2: the event is not number" in said.output


@pytest.mark.parametrize(
    ("asked", "told_why"),
    [
        (["prove", "I10"], "--encounter"),
        (["prove", "Z99.9", "--encounter", "nowhere"], "no event tells of Z99.9 in encounter nowhere"),
        (["prove", "99999999"], "99999999"),
    ],
)
def test_what_cannot_be_proven_is_said(told: Told, asked: list[str], told_why: str) -> None:
    said = told.run(*asked)
    assert said.exit_code != 0
    assert told_why in said.output
    assert "Traceback" not in said.output


def test_the_export_is_a_line_an_event(told: Told) -> None:
    """NDJSON and CSV hold the same events, those of the days asked for; that the log was read out is one of them."""
    fhir = [json.loads(line) for line in told.run("export").stdout.splitlines()]
    *rows, last = csv.DictReader(io.StringIO(told.run("export", "--format", "csv").stdout))
    assert [f"chartside-{row['sequence']}" for row in rows] == [resource["id"] for resource in fhir]
    assert (rows[-1]["kind"], last["kind"], json.loads(last["what"])["form"]) == ("export", "export", "csv")
    assert {resource["resourceType"] for resource in fhir} == {"AuditEvent"}
    day = f"{told.site.clock():%Y-%m-%d}"
    assert told.run("export", "--to", day).stdout == ""
    assert told.run("export", "--from", day).stdout.count("\n") == len(fhir) + 3  # those since are told, too


def test_compliance_reads_how_a_code_came_about(told: Told) -> None:
    """From the encounter's id to words, rule, prediction, person and resource, each with the event's number."""
    browser = admin(told.site)
    page = post(browser, "/admin/audit/find", wanted=f"Encounter/{told.visit.encounter}")
    said = words(page)
    for story in stories_of(told.events()):
        for event in story.events:
            assert f"event {event.sequence}" in said
    assert "Accepted by Practitioner/demo-clinician" in said
    assert "Signed by Practitioner/demo-clinician" in said
    assert re.search(r"Condition/\S+ Written", said)
    assert "agrees with its hash" in said
    assert not [sealed for sealed in SEALED if sealed in page]
    assert f"Last event When Encounter/{told.visit.encounter} " in words(browser.get("/admin/audit/").text)
    assert told.visit.encounter not in " ".join(browser.urls)  # no id of a chart in an address


def test_compliance_verifies_the_whole_log(told: Told) -> None:
    assert "The log is what was written." in words(post(admin(told.site), "/admin/audit/verify"))


def test_compliance_pages_are_for_admins(told: Told) -> None:
    number = told.events()[0].sequence
    for path in ("/admin/audit/", f"/admin/audit/{number}"):
        assert told.opened.browser.get(path).status_code == 401
    assert admin(told.site).get("/admin/audit/99999999").status_code == 404


def test_reading_a_story_is_told_too(told: Told) -> None:
    number = told.events()[0].sequence
    assert admin(told.site).get(f"/admin/audit/{number}").status_code == 200
    *_, read, _ = told.run("export", "--format", "csv").stdout.splitlines()
    assert "read the story of a chart" in read


def test_looking_for_charts_is_told_without_what_was_typed(told: Told) -> None:
    """Somebody may have typed a name."""
    post(admin(told.site), "/admin/audit/find", wanted="Maier")
    lines = told.run("export", "--format", "csv").stdout
    assert "listed charts of the audit log" in lines
    assert "Maier" not in lines


def test_a_changed_list_of_ehrs_is_told(told: Told) -> None:
    """Whoever changed the file, by command, by page or by hand; no secret of it."""
    file = told.site.config.ehrs_file
    before = file.read_text()
    try:
        file.write_text(before.replace('name = "Demo EHR"', 'name = "Another name"', 1) + "\n")
        told.opened.show()
        rows = list(csv.DictReader(io.StringIO(told.run("export", "--format", "csv").stdout)))
        setting = [json.loads(row["what"]) for row in rows if row["kind"] == "setting"][-1]
        assert (setting["name"], setting["changed"]) == ("ehrs", [told.site.iss])
    finally:
        file.write_text(before)
