"""Notes to one document and evidence back to its note."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.codes import ICD10CMCode
from model.document import NOTE_BREAK, Span
from model.prediction import Assertion, CodePrediction, Evidence, NotCoded, Policy, Prediction
from smartapp.reviews import Note
from smartapp.suggestions import join_notes, place, suggestions_of, why_not_of

# Breaks within the notes themselves, and characters outside the Basic Multilingual Plane.
texts = st.lists(st.one_of(st.none(), st.text(alphabet="ab \n\fé\U0001f9ea", max_size=30)), max_size=5)


def note(number: int, text: str | None) -> Note:
    return Note(f"n{number}", None, "Note", None, None, text, None if text else "Empty.", None)


def evidence(start: int, end: int, quote: str) -> Evidence:
    return Evidence(Span(start, end), quote, None, Assertion.PRESENT)


def predicted(*found: Evidence) -> Prediction:
    code = ICD10CMCode("I10")
    coded = (CodePrediction(code, "Hypertension", 0.9, True, False, found, (), ()),)
    left = tuple(NotCoded(words, code, "Hypertension", "Why.", None) for words in found)
    return Prediction("e1", "", Policy.ENCOUNTER, "r1", "FY2026", coded, left)


@given(texts, st.data())
def test_evidence_is_always_the_words_of_its_note(contents: list[str | None], data: st.DataObject) -> None:
    """Any span of the joined text is either exactly those words of one note or, across a break, nothing."""
    notes = [note(n, text) for n, text in enumerate(contents)]
    document = join_notes("e1", notes, "outpatient", None)
    if document is None:
        assert not any(text and text.strip() for text in contents)
        return
    start = data.draw(st.integers(0, len(document.text) - 1))
    end = data.draw(st.integers(start + 1, len(document.text)))
    prediction = predicted(evidence(start, end, document.text[start:end]))
    shown = suggestions_of(prediction, notes)
    within = [p for p in place(notes) if p.start <= start and end <= p.start + len(p.text)]
    assert len(shown) == len(within) == len(why_not_of(prediction, notes))
    if shown:
        words = shown[0].evidence[0]
        text = next(n.text for n in notes if n.id == words.note_id)
        assert text is not None and text[words.start : words.end] == words.quote == document.text[start:end]
        assert words.note_id == within[0].note_id


def test_unreadable_and_empty_notes_are_left_out() -> None:
    """Only notes with words are coded; the others leave no break behind."""
    document = join_notes("e1", [note(1, None), note(2, "One."), note(3, " \n"), note(4, "Two.")], "ed", None)
    assert document is not None and document.text == f"One.{NOTE_BREAK}Two."


def test_a_quote_that_is_not_there_is_not_shown() -> None:
    """Where the predictor misquotes, the evidence is dropped; a code that has other evidence keeps that."""
    notes = [note(1, "Essential hypertension.")]
    true, false = evidence(10, 22, "hypertension"), evidence(0, 9, "Secondary")
    assert suggestions_of(predicted(false), notes) == ()
    (suggestion,) = suggestions_of(predicted(false, true), notes)
    assert [e.quote for e in suggestion.evidence] == ["hypertension"]


def test_a_note_that_looks_like_a_break() -> None:
    """Notes whose own text holds the break do not shift the ones after them."""
    notes = [note(1, f"a{NOTE_BREAK}b"), note(2, "c")]
    start = place(notes)[1].start
    (suggestion,) = suggestions_of(predicted(evidence(start, start + 1, "c")), notes)
    assert (suggestion.evidence[0].note_id, suggestion.evidence[0].start) == ("n2", 0)


def test_words_inside_other_words_are_shown_once() -> None:
    """'heart failure' inside 'congestive heart failure' of the same code is no evidence of its own."""
    text = "Congestive heart failure."
    spans = [Span(0, 24), Span(11, 24)]
    words = tuple(Evidence(s, s.of(text), None, Assertion.PRESENT) for s in spans)
    code = CodePrediction(ICD10CMCode("I50.9"), "Heart failure, unspecified", 0.9, True, True, words, (), ())
    prediction = Prediction("e1", "", Policy.ENCOUNTER, "r", "FY2026", (code,), ())
    note = Note("n1", None, "Note", None, None, text, None, None)
    (suggestion,) = suggestions_of(prediction, [note])
    assert [e.quote for e in suggestion.evidence] == ["Congestive heart failure"]


@pytest.mark.parametrize(("assessment", "plan"), [("Assessment", "Plan"), ("A", "P")])
def test_what_the_author_concludes_is_quoted_first(assessment: str, plan: str) -> None:
    """The assessment or discharge diagnosis, then what recounts, then history; what is not plainly stated last. The
    parts of a SOAP note are headed by letters."""
    text = "COPD. copd, Copd; COPD! copd?"
    said = [
        ("Past Medical History", Assertion.PRESENT),
        ("History of Present Illness", Assertion.PRESENT),
        ("Discharge Diagnoses", Assertion.POSSIBLE),
        (plan, Assertion.PRESENT),
        (assessment, Assertion.PRESENT),
    ]
    words = (
        Evidence(Span(6 * n, 6 * n + 4), text[6 * n : 6 * n + 4], section, assertion)
        for n, (section, assertion) in enumerate(said)
    )
    (suggestion,) = suggestions_of(predicted(*words), [note(1, text)])
    shown = [e.section for e in suggestion.evidence]
    wanted = [assessment, plan, "History of Present Illness", "Past Medical History", "Discharge Diagnoses"]
    assert shown == wanted


def test_the_first_listed_code_leads() -> None:
    """The first-listed diagnosis stands above codes that the predictor is surer of."""
    text = "Tobacco use. Sore throat."
    codes = tuple(
        CodePrediction(
            ICD10CMCode(c), c, p, True, c == "J02.9", (Evidence(s, s.of(text), None, Assertion.PRESENT),), (), ()
        )
        for c, p, s in (("Z72.0", 0.9, Span(0, 11)), ("J02.9", 0.8, Span(13, 24)))
    )
    prediction = Prediction("e1", "", Policy.ENCOUNTER, "r", "FY2026", codes, ())
    note = Note("n1", None, "Note", None, None, text, None, None)
    assert [s.code for s in suggestions_of(prediction, [note])] == ["J02.9", "Z72.0"]
