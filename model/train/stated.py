"""Notes put together from terms of the thesaurus: each term stands as a diagnosis of its own, so its code is right.

Coded notes show few of the conditions that there are, and trees that learn from them alone take what they have not seen
for wrong. These notes teach, beside them, that a term which fills a line of the assessment is coded whatever it names.
Nothing is counted, calibrated or measured on them.
"""

import random
from collections.abc import Mapping, Sequence
from typing import Any

from model.codebook import CodeBook
from model.lexicon import LONGEST
from model.tokens import content_words, term_key
from model.train.house import THESAURUS

PREFIX = "stated-"
_MOST = 5  # diagnoses of a note
# Obstetrics, injuries, external causes and status need what stands elsewhere in a note.
_CHAPTERS = "ABCDEFGHIJKLMNQR"
_INITIALS = 5  # letters of what is written in capitals
_SELDOM = 0.3  # weight of a category that no coded note names
_SYMPTOMS = 0.25  # a sign beside a diagnosis is often its own and not coded
_OPENINGS = (
    "",
    "CHIEF COMPLAINT: Follow up.\n\n",
    "CHIEF COMPLAINT\nEstablished patient visit.\n\nHISTORY OF PRESENT ILLNESS\nThe patient returns to the clinic "
    "today and has been doing fairly well since the last visit. Medications were reviewed.\n\n",
    "SUBJECTIVE:\nPatient seen today. No new concerns. Tolerating medications.\n\nOBJECTIVE:\nAlert, no acute "
    "distress. Vital signs stable. Lungs clear. Heart regular.\n\n",
    "HPI: Seen for a scheduled visit. Denies fever or weight loss.\n\nPHYSICAL EXAM: Well appearing. Normal heart "
    "sounds. Abdomen soft.\n\n",
)
_PLANS = (
    "",
    " Continue current management.",
    " Follow up in 3 months.",
    " Stable.",
    " Will start treatment and recheck.",
    " Refer to specialist.",
    " Discussed options with the patient.",
)
_HEADINGS = (
    ("ASSESSMENT AND PLAN:\n", "{n}. ", "\n"),
    ("ASSESSMENT\n", "- ", "\n"),
    ("Assessment:\n", "{n}) ", "\n"),
    ("IMPRESSION:\n", "{n}. ", "\n"),
    ("Assessment: ", "", " "),
    ("A: ", "", " "),
    ("A/P: ", "", " "),
    ("Diagnosis: ", "", " "),
    ("DIAGNOSES:\n", "", "\n"),
)
_DISCHARGE = (("DISCHARGE DIAGNOSES:\n", "{n}. ", "\n"), ("FINAL DIAGNOSIS:\n", "{n}. ", "\n"))
_UNHEADED = (("Patient seen for ", "", " "), ("", "", " "), ("Impression is ", "", " "))


def stated_notes(
    book: CodeBook, terms: Mapping[str, str], coded: Sequence[frozenset[str]], number: int, seed: int = 5
) -> list[dict[str, Any]]:
    """Rows like those of encounters.

    `terms`: key -> 'source:code ...'; `coded`: the codes of the training notes, for how common each category is.
    """
    rng = random.Random(seed)  # noqa: S311 (notes to learn from, not secrets)
    wordings = _wordings(book, terms)
    categories = sorted(wordings)
    common = _weights(categories, coded)
    return [_note(rng, f"{PREFIX}{at}", categories, common, wordings) for at in range(number)]


def _wordings(book: CodeBook, terms: Mapping[str, str]) -> dict[str, list[tuple[str, str]]]:
    """Category -> (code, wording) of every wording that names one billable code alone."""
    found: dict[str, list[tuple[str, str]]] = {}
    for path in sorted(THESAURUS.glob("*.tsv")):
        for line in path.read_text(encoding="utf-8").splitlines():
            if not line or line.startswith("#"):
                continue
            code, _, wordings = line.partition("\t")
            if code[0] not in _CHAPTERS or not book.is_billable(code, None):
                continue
            for wording in wordings.split("|"):
                words = content_words(wording)
                if 0 < len(words) <= LONGEST and _names_alone(terms.get(term_key(words), ""), code):
                    found.setdefault(code[:3], []).append((code, wording))
    return found


def _names_alone(known: str, code: str) -> bool:
    """Whether the term is known for the code or those above it only; `known` is 'source:code source:code'."""
    codes = [item.split(":", 1)[1].rstrip("-.") for item in known.split()]
    return bool(codes) and all(code.startswith(above) for above in codes)


def _weights(categories: Sequence[str], coded: Sequence[frozenset[str]]) -> list[float]:
    seen: dict[str, int] = {}
    for codes in coded:
        for category in {code[:3] for code in codes}:
            seen[category] = seen.get(category, 0) + 1
    return [(seen.get(c, 0) ** 0.5 or _SELDOM) * (_SYMPTOMS if c[0] == "R" else 1.0) for c in categories]


def _note(
    rng: random.Random,
    name: str,
    categories: Sequence[str],
    common: Sequence[float],
    wordings: Mapping[str, Sequence[tuple[str, str]]],
) -> dict[str, Any]:
    chosen = list(dict.fromkeys(rng.choices(categories, common, k=rng.randint(1, _MOST))))
    stated = [rng.choice(wordings[category]) for category in chosen]
    inpatient = rng.random() < 0.2
    heading, bullet, parting = rng.choice(_DISCHARGE if inpatient else _UNHEADED if rng.random() < 0.1 else _HEADINGS)
    lines = []
    for number, (_, wording) in enumerate(stated, 1):
        said = wording.upper() if len(wording) <= _INITIALS else wording
        said = said[0].upper() + said[1:] if rng.random() < 0.8 else said
        lines.append(f"{bullet.format(n=number)}{said}.{rng.choice(_PLANS)}")
    core = [{"code": code, "evidence": [wording]} for code, wording in stated]
    text = rng.choice(_OPENINGS) + heading + parting.join(lines) + "\n"
    for code, (_, wording) in zip(core, stated, strict=True):
        at = text.lower().find(wording.lower())
        code["evidence"] = [text[at : at + len(wording)]]
    return {
        "id": name, "text": text, "setting": "inpatient" if inpatient else "outpatient", "core": core,
        "acceptable": [], "must_not": [], "first_listed": None,
    }  # fmt: skip
