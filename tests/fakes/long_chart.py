"""A long stay: notes of as many words and as many suggested codes as a test wants, each with words that prove it."""

from dataclasses import replace
from datetime import UTC, date, datetime

from sample_review import HEADER, ready_review

from smartapp.reviews import Note, NoteEvidence, Review, Suggestion

SEEN_BY = ("Dr. Elena Ruiz", "Dr. Amos Bell", "Sam Okafor, RN")
FILLER = "The patient rested well and had no new complaint overnight while vital signs stayed within the usual range."
CODES = (
    ("A41.9", "Sepsis, unspecified organism"),
    ("J18.9", "Pneumonia, unspecified organism"),
    ("N17.9", "Acute kidney failure, unspecified"),
    ("I50.9", "Heart failure, unspecified"),
    ("I10", "Essential (primary) hypertension"),
    ("E11.9", "Type 2 diabetes mellitus without complications"),
    ("E87.6", "Hypokalemia"),
    ("D64.9", "Anemia, unspecified"),
    ("K21.9", "Gastro-esophageal reflux disease without esophagitis"),
    ("F32.A", "Depression, unspecified"),
    ("Z87.891", "Personal history of nicotine dependence"),
    ("E78.5", "Hyperlipidemia, unspecified"),
)


def long_stay(codes: int = len(CODES), words: int = 400, notes: int = 3) -> Review:
    """An inpatient review; beyond the twelve codes above come made-up ones of the shape of M codes."""
    listed = [*CODES, *((f"M{n:02}.{n % 10}", f"Condition number {n}") for n in range(10, 10 + codes))][:codes]
    texts, evidence = _texts(listed, words, notes)
    at = datetime(2026, 3, 12, 14, 30, tzinfo=UTC)
    read = tuple(
        Note(f"long-{n}", "1", f"Progress note {n + 1}", at, SEEN_BY[n % len(SEEN_BY)], text, None, "0")
        for n, text in enumerate(texts)
    )
    found = tuple(
        Suggestion(code, title, 0.95 - n / 200, n == 0, True, tuple(evidence[code]), (), ())
        for n, (code, title) in enumerate(listed)
    )
    stay = {"encounter_class": "IMP", "encounter_title": "Hospital stay", "began": date(2026, 3, 8), "discharged": True}
    header = replace(HEADER, **stay)
    return replace(ready_review(), header=header, notes=read, suggestions=found, why_not=())


def _texts(listed: list[tuple[str, str]], words: int, notes: int) -> tuple[list[str], dict[str, list[NoteEvidence]]]:
    """Each note names each code once, in its own words and order."""
    texts, evidence = list[str](), dict[str, list[NoteEvidence]]()
    filler = max(0, words // notes // len(listed) // len(FILLER.split()))
    for number in range(notes):
        text = "Assessment and Plan:\n"
        for code, title in listed:
            quote = title.split(",")[0]
            place = len(text)
            text += f"{quote} was seen and treated. " + f"{FILLER} " * filler + "\n"
            words_of = NoteEvidence(
                f"long-{number}", place, place + len(quote), quote, "Assessment and Plan", "present"
            )
            evidence.setdefault(code, []).append(words_of)
        texts.append(text)
    return texts, evidence
