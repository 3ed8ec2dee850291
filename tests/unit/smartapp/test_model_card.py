"""The model card: the rule's attributes in their order, and local validity from what was signed."""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from audit_bench import ANA, AuditBench
from fake_pages import build_config

from model.codebook import CodeBook
from smartapp.audit import Entry, Kind
from smartapp.config import HERE, Contacts
from smartapp.model_card.artifact_card import ArtifactCard
from smartapp.model_card.card import BadNote, ModelCard, SiteNotes, listed
from smartapp.model_card.local import LEAST, OTHERS, Local, LocalValidity, Told, count
from smartapp.reviews import ReviewKey

AT = datetime(2026, 3, 12, tzinfo=UTC)
# 45 CFR 170.315(b)(11)(iv)(B): how many attributes each of its nine paragraphs has.
PARAGRAPHS = (4, 4, 2, 4, 2, 4, 5, 4, 2)
ROMAN = ("i", "ii", "iii", "iv", "v")


def signed(
    number: int,
    shown: dict[str, bool],
    codes: list[str],
    decided: tuple[dict[str, Any], ...] = (),
    revision: str = "r1",
) -> list[Told]:
    """What the log tells of one encounter from the prediction to the signature."""
    chart, at = ("https://ehr.example/fhir", "p1", f"e{number}"), f"2026-03-{1 + number % 28:02}T10:00:00.000+00:00"
    told: list[tuple[Kind, dict[str, Any]]] = [
        (Kind.PREDICTION, {"model_revision": revision}),
        *((Kind.SUGGESTION, {"code": code, "suggested": suggested}) for code, suggested in shown.items()),
        *((Kind.DECISION, act) for act in decided),
        (Kind.ATTESTATION, {"codes": codes}),
    ]
    return [Told(chart, kind.value, at, what) for kind, what in told]


def chapter(code: str) -> str:
    return f"Chapter of {code[0]}"


def counted(*encounters: list[Told]) -> Local:
    return count((event for told in encounters for event in told), "r1", AT, chapter)


def shares(local: Local, name: str = "All codes") -> dict[str, tuple[int, int]]:
    (line,) = (line for line in local.lines if line.name == name)
    return {name: (share.part, share.whole) for name, share in line.shares.items()}


def test_the_attributes_are_those_of_the_rule_in_its_order() -> None:
    """31 in nine groups; each says something or why it does not, never both."""
    wanted = [f"({n})({ROMAN[i]})" for n, size in enumerate(PARAGRAPHS, 1) for i in range(size)]
    assert [entry["paragraph"] for entry in listed()] == wanted
    assert len(wanted) == 31
    for entry in listed():
        assert len({"says", "missing", "section", "filled"} & entry.keys()) == 1, entry


def test_what_was_suggested_is_held_against_what_was_signed() -> None:
    """Accepted, rejected or replaced, left open; and of what was signed, what a person found."""
    reject = {"action": "reject", "code": "E66.9"}
    edit = {"action": "edit", "code": "J44.1", "instead_of": "J44.9"}
    shown = {"I10": True, "E66.9": True, "J44.9": True, "R05.9": True, "Z87.891": False}
    local = counted(*(signed(n, shown, ["I10", "J44.1", "Z87.891"], (reject, edit)) for n in range(LEAST)))
    assert shares(local) == {
        "accepted": (LEAST, 4 * LEAST),
        "overridden": (2 * LEAST, 4 * LEAST),
        "added by hand": (LEAST, 3 * LEAST),
        "taken from the less certain": (LEAST, 3 * LEAST),
    }
    assert (local.since, local.until) == ("2026-03-01", "2026-03-11")


def test_what_was_taken_back_is_no_override() -> None:
    """A rejection undone leaves the code open; a code rejected first and signed after all is accepted."""
    undone = ({"action": "reject", "code": "I10"}, {"action": "undo", "code": "I10"})
    changed = ({"action": "reject", "code": "I10"}, {"action": "accept", "code": "I10"})
    local = counted(
        *(signed(n, {"I10": True}, ["E11.9"], undone) for n in range(LEAST)),
        *(signed(n + 50, {"I10": True}, ["I10"], changed) for n in range(LEAST)),
    )
    assert shares(local)["overridden"] == (0, 2 * LEAST)
    assert shares(local)["accepted"] == (LEAST, 2 * LEAST)


def test_only_signed_encounters_of_this_revision_count() -> None:
    """Not those of another revision, not those read anew since by another, not what nobody has signed."""
    mine = [signed(n, {"I10": True}, ["I10"]) for n in range(LEAST)]
    other = [signed(n + 50, {"I10": True}, [], revision="r0") for n in range(LEAST)]
    anew = signed(99, {"I10": True}, [], revision="r0")[:-1] + signed(99, {"I10": True}, ["I10"])
    unsigned = signed(98, {"E66.9": True}, [])[:-1]
    by_hand = [signed(97, {}, ["I10"])[-1]]
    assert shares(counted(*mine, *other, anew, unsigned, by_hand))["accepted"] == (LEAST + 1, LEAST + 1)


def test_a_corrected_encounter_counts_once() -> None:
    """As it was signed last, with what was decided before the notes were read again; all withdrawn, as well."""
    reject = {"action": "reject", "code": "E66.9"}
    shown = {"I10": True, "E66.9": True}
    corrected = [*signed(0, shown, ["I10"], (reject,)), *signed(0, shown, ["I10", "J44.9"])]
    withdrawn = [*signed(1, shown, ["I10"], (reject,)), *signed(1, shown, [], ({"action": "reject", "code": "I10"},))]
    others = [signed(n, {"I10": True}, ["I10"]) for n in range(2, LEAST)]
    assert counted(corrected, withdrawn, *others[1:]).lines == ()  # ten encounters, twelve signatures
    local = counted(corrected, withdrawn, *others)
    assert local.lines[0].encounters == LEAST
    assert shares(local) == {
        "accepted": (LEAST - 1, LEAST + 2),
        "overridden": (3, LEAST + 2),
        "added by hand": (1, LEAST),
        "taken from the less certain": (0, LEAST),
    }


def test_encounters_without_any_code_do_not_make_up_the_number() -> None:
    """What is told of all codes would else be told of fewer encounters."""
    empty = [signed(n, {}, []) for n in range(LEAST)]
    assert counted(*empty, *(signed(n + 50, {"I10": True}, ["I10"]) for n in range(LEAST - 1))).lines == ()


def test_too_few_are_not_told() -> None:
    assert counted(*(signed(n, {"I10": True}, ["I10"]) for n in range(LEAST - 1))).lines == ()
    assert counted(*(signed(n, {"I10": True}, ["I10"]) for n in range(LEAST))).lines != ()


@pytest.mark.parametrize(
    ("encounters", "told"),
    [
        ({"I": 30, "E": 20}, {"Chapter of I": 30, "Chapter of E": 20}),
        ({"I": 30, "E": 20, "B": 6, "C": 7}, {"Chapter of I": 30, "Chapter of E": 20, OTHERS: 13}),
        # One rare chapter alone: all codes less the rest would tell of it, so the next larger one goes with it.
        ({"I": 30, "E": 20, "B": 1}, {"Chapter of I": 30, OTHERS: 21}),
        ({"I": 30, "B": 1}, {}),
    ],
)
def test_small_chapters_cannot_be_worked_out(encounters: dict[str, int], told: dict[str, int]) -> None:
    """Neither told nor left over when what is told is taken from all."""
    visits = [(letter, n) for letter, times in encounters.items() for n in range(times)]
    local = counted(*(signed(n, {f"{letter}10": True}, [f"{letter}10"]) for n, (letter, _) in enumerate(visits)))
    assert {line.name: line.encounters for line in local.lines[1:]} == told


def test_a_share_of_few_codes_is_not_told() -> None:
    local = counted(*(signed(n, {}, ["I10"]) for n in range(LEAST)))
    line = local.lines[0]
    assert line.shares["accepted"].to_json() is None
    assert line.shares["added by hand"].to_json() == {"share": 1.0, "low": 0.741, "high": 1.0, "n": LEAST}


@pytest.fixture
def bench(tmp_path: Path, sqlite_url: str) -> Iterator[AuditBench]:
    bench = AuditBench(sqlite_url, tmp_path)
    yield bench
    bench.close()


@pytest.fixture
def either(tmp_path: Path, database_url: str) -> Iterator[AuditBench]:
    """On every kind of database."""
    bench = AuditBench(database_url, tmp_path)
    yield bench
    bench.close()


@cache
def book() -> CodeBook:
    return CodeBook.load(HERE / "model" / "artifact" / "codebook")


def card(bench: AuditBench, artifact: Path, contacts: Contacts | None = None) -> ModelCard:
    config = replace(build_config(), artifact=artifact, contacts=contacts or Contacts())
    return ModelCard(config, LocalValidity(bench.engine, book(), bench.clock), SiteNotes(bench.log))


def sign_encounters(bench: AuditBench, number: int, revision: str) -> None:
    for n in range(number):
        key = ReviewKey("https://ehr.example/fhir", f"p{n}", f"e{n}")
        bench.log.record(
            Entry(Kind.PREDICTION, {"model_revision": revision}, key),
            Entry(Kind.SUGGESTION, {"code": "I10", "suggested": True}, key),
            Entry(Kind.ATTESTATION, {"codes": ["I10"]}, key, ANA),
        )


def test_local_validity_comes_from_the_log_and_is_worked_out_anew_each_hour(either: AuditBench) -> None:
    """By chapter of the code book; for the revision in use; until then what was worked out before is shown."""
    artifact = HERE / "model" / "artifact"
    mine = card(either, artifact)
    revision = mine.artifact().revision
    sign_encounters(either, LEAST - 1, revision)
    assert mine.attributes()[26].missing.startswith(f"Fewer than {LEAST} encounters")
    sign_encounters(either, LEAST, revision)
    assert mine.attributes()[26].missing
    either.clock.forward(3600)
    told = mine.attributes()[26]
    assert told.missing == ""
    assert told.local is not None
    assert [line.name for line in told.local.lines] == [
        "All codes", "Chapter 9: Diseases of the circulatory system",
    ]  # fmt: skip
    assert mine.to_json()["attributes"][26]["local_validity"]["lines"][0]["accepted"]["n"] == LEAST


def test_what_depends_on_the_predictor_comes_from_its_own_card(bench: AuditBench) -> None:
    """Figures, data and limits are those of the artifact in use, word for word and none typed here."""
    artifact = HERE / "model" / "artifact"
    said = {a.number: a for a in card(bench, artifact).attributes()}
    text = re.sub(r"[*`]", "", (artifact / "MODEL_CARD.md").read_text())
    assert [row[0] for row in said[21].table if "micro F1" in row[0]]
    assert all(cell in text for row in said[21].table for cell in row)
    assert any("English only" in line for line in said[10].says)
    assert any(row[0].startswith("CodiEsp") for row in said[11].table)


def test_an_artifact_without_a_card_says_so(bench: AuditBench, tmp_path: Path) -> None:
    attributes = card(bench, tmp_path).attributes()
    assert "has nothing under “Figures”" in attributes[20].missing
    assert all(a.says or a.missing for a in attributes)


def test_a_card_of_another_revision_says_so(tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text('{"revision": "bbb"}')
    (tmp_path / "MODEL_CARD.md").write_text("# Card, revision aaa\n\n## Limits\n\n- English only.\n")
    found = ArtifactCard.read(tmp_path)
    assert (found.revision, found.of, found.lines("Limits")) == ("bbb", "aaa", ("English only.",))


def test_the_contact_is_the_sites(bench: AuditBench, tmp_path: Path) -> None:
    told = card(bench, tmp_path, Contacts(organization="Example Hospital", email="hi@example.org")).attributes()[0]
    assert "Example Hospital, hi@example.org" in told.says[1]
    assert "CHARTSIDE_CONTACT_EMAIL" in card(bench, tmp_path).attributes()[0].says[1]


def test_what_the_site_says_is_kept_in_the_log(either: AuditBench) -> None:
    """Each wording as a setting; saying the same again tells nothing; an empty note takes it away."""
    notes = SiteNotes(either.log)
    assert notes.write(29, "Watched by the AI committee, each quarter.")
    assert not notes.write(29, "Watched by the AI committee, each quarter.")
    assert notes.write(29, "")
    assert not notes.write(29, "")
    assert notes.read() == {}
    told = [event.what for event in either.events() if event.kind is Kind.SETTING]
    assert [(what["name"], what["changed"]) for what in told] == [("model card", ["29"])] * 2
    assert told[0]["value"] == {"29": "Watched by the AI committee, each quarter."}


@pytest.mark.parametrize(("number", "note"), [(0, "x"), (32, "x"), (1, "x" * 2001)])
def test_a_note_that_is_not_taken_says_why(bench: AuditBench, number: int, note: str) -> None:
    with pytest.raises(BadNote, match=r"attribute|characters"):
        SiteNotes(bench.log).write(number, note)
    assert bench.events() == []
