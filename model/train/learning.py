"""What coded notes teach: mentions annotated in case reports, words quoted for encounters, and counts of both."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from model.assertion import single_cues
from model.document import Document, Setting
from model.experience import Experience, Taught
from model.lexicon import LONGEST
from model.prediction import Assertion
from model.reading import Reading
from model.tokens import FUNCTION_WORDS, content_words, normalise, term_key
from model.train.kinship import Kinship
from model.train.terms import GENERAL_WORDS

STATED = "stated"  # put together from terms, see `model.train.stated`
_QUOTED = 4  # words of a trigger
_MOST_CODES = 4
# Words that are not the code's own: documents in which they were quoted for it, and the share of those that use them.
_OFTEN = 2
_MOSTLY = 0.5
# Words that alone say that a mention is denied, in doubt, of a relative or of another day.
_CUES = frozenset(normalise(word) for word in single_cues(Assertion) - single_cues((Assertion.HISTORICAL,)))
_SETTINGS = {s.value: s for s in Setting} | {"inpatient_discharge": Setting.INPATIENT}


@dataclass(frozen=True, slots=True)
class Coded:
    """A document with its right codes, those neither right nor wrong, and the words quoted for each."""

    kind: str  # 'reports' | 'encounters' | STATED
    document: Document
    right: frozenset[str]
    acceptable: frozenset[str]
    first_listed: str | None
    quotes: tuple[tuple[str, str], ...]  # code, quote


def coded_reports(rows: Iterable[Mapping[str, Any]]) -> list[Coded]:
    """CodiEsp: every mention of a diagnosis."""
    coded = []
    for row in rows:
        diagnoses = [c for c in row["codes"] if c["kind"] == "diagnosis"]
        quotes = tuple((c["code"], e["quote"]) for c in diagnoses for e in c["evidence"] if e["quote"])
        right = frozenset(c["code"] for c in diagnoses)
        coded.append(Coded("reports", Document(row["id"], row["text"]), right, frozenset(), None, quotes))
    return coded


def coded_encounters(rows: Iterable[Mapping[str, Any]], kind: str = "encounters") -> list[Coded]:
    """US encounters, or notes like them: what belongs on the claim."""
    coded = []
    for row in rows:
        quotes = tuple((c["code"], q) for c in row["core"] + row["acceptable"] for q in c["evidence"])
        right = frozenset(c["code"] for c in row["core"])
        acceptable = frozenset(c["code"] for c in row["acceptable"]) - right
        document = Document(row["id"], row["text"], _SETTINGS.get(row["setting"], Setting.OUTPATIENT))
        coded.append(Coded(kind, document, right, acceptable, row["first_listed"], quotes))
    return coded


def mentioned(rows: Iterable[Mapping[str, Any]]) -> list[Coded]:
    """US encounters as if they were case reports: every code for which words are quoted, on the claim or not.

    They teach `exhaustive` something of mentions where no case report may be used.
    """
    coded = []
    for row in rows:
        quotes = [(c["code"], q) for c in row["core"] + row["acceptable"] for q in c["evidence"]]
        quotes += [(t["code"], t["quote"]) for t in row["must_not"] if t["reason"] != "sibling"]
        right = frozenset(code for code, _ in quotes)
        document = Document(f"mentions of {row['id']}", row["text"])
        coded.append(Coded("reports", document, right, frozenset(), None, tuple(quotes)))
    return coded


def learn_mentions(reports: Sequence[Coded], kinship: Kinship) -> dict[str, str]:
    """Term -> codes annotated for it, the commonest first; a single word that is not the code's own must earn it."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    noted: dict[tuple[str, str], set[str]] = defaultdict(set)
    seen: Counter[str] = Counter()
    for coded in reports:
        seen.update(set(content_words(coded.document.text)))
        for code, quote in coded.quotes:
            words = content_words(quote)
            if 0 < len(set(words)) <= LONGEST:
                counts[term_key(words)][code] += 1
                noted[term_key(words), code].add(coded.document.id)
    learnt = {}
    for key, codes in counts.items():
        kept = [(c, n) for c, n in codes.items() if _earned(key, c, len(noted[key, c]), seen[key], kinship)]
        if kept:
            best = sorted(kept, key=lambda i: (-i[1], i[0]))[:_MOST_CODES]
            learnt[key] = " ".join(f"c:{code}" for code, _ in best)
    return learnt


def _earned(key: str, code: str, documents: int, seen: int, kinship: Kinship) -> bool:
    """'They', 'lb' and 'thought' were annotated once by chance; 'melena' always means its code."""
    if documents < _OFTEN and kinship.contradicts(key, code):
        return False  # one annotation against the code book is a slip
    if " " in key or kinship.akin(key, code):
        return True
    return len(key) > 2 and documents >= _OFTEN and documents / max(1, seen) >= _MOSTLY


def learn_triggers(encounters: Sequence[Coded], kinship: Kinship, least: int = 2, rate: float = 0.35) -> dict[str, str]:
    """Term -> codes for which its words are quoted, where the words mostly go with the code (metformin, Z79.84)."""
    seen: Counter[str] = Counter()
    quoted: Counter[tuple[str, str]] = Counter()
    for coded in encounters:
        seen.update(_windows(coded.document.text))
        pairs: set[tuple[str, str]] = {(key, code) for code, quote in coded.quotes for key in _windows(quote)}
        whole = {
            (term_key(words), code)
            for code, quote in coded.quotes
            if _QUOTED < len(set(words := content_words(quote))) <= LONGEST
        }
        quoted.update(pairs | whole)
        seen.update({key for key, _ in whole})
    kept: dict[str, list[tuple[float, str]]] = defaultdict(list)
    for (key, code), count in quoted.items():
        if not seen[key]:
            continue  # a quote across the end of a sentence
        if code[0] != "Z" and _CUES & set(key.split(" ")):
            continue  # 'suspected pneumonia' must not be a term, or its doubt is lost; of Z codes cues are a part
        often = count / seen[key]
        if kinship.akin(key, code):
            enough = (count >= least and often >= rate) or (count == 1 and often >= 0.5 and " " in key)
        else:
            enough = (
                count >= _OFTEN and often >= _MOSTLY and kinship.says_something(key) and not kinship.taken(key, code)
            )
        if enough:
            kept[key].append((-often, code))
    return {key: " ".join(f"u:{code}" for _, code in sorted(codes)[:_MOST_CODES]) for key, codes in kept.items()}


def _windows(text: str) -> set[str]:
    """Keys of up to four words in a row."""
    reading = Reading(text)
    keys: set[str] = set()
    for sentence in reading.sentences:
        tokens = reading.tokens[sentence.first : sentence.last]
        words = [t.norm for t in tokens if t.word and t.norm not in FUNCTION_WORDS]
        for first in range(len(words)):
            for last in range(first + 1, min(first + _QUOTED, len(words)) + 1):
                window = set(words[first:last])
                if len(window) > 1 or (not window & GENERAL_WORDS and len(words[first]) > 2):
                    keys.add(term_key(words[first:last]))
    return keys


Pairs = Callable[[Coded], Iterable[tuple[str, str, str]]]  # (term, code of the table, billable code) of a document


def count(coded: Iterable[Coded], pairs: Pairs, meets: Callable[[str, frozenset[str]], bool]) -> Experience:
    """How often each term, code and category was seen among the mentions, and how often its code was right."""
    terms: dict[str, dict[str, list[int]]] = {"reports": {}, "encounters": {}}
    codes: dict[str, dict[str, list[int]]] = {"reports": {}, "encounters": {}}
    for one in coded:
        of_document = sorted(set(pairs(one)))
        for key, table_code, code in of_document:
            _note(terms[one.kind], f"{key}|{table_code}", code, one, meets)
        for code in sorted({code for _, _, code in of_document}):
            _note(codes[one.kind], code, code, one, meets)
        for category in sorted({code[:3] for _, _, code in of_document}):
            categories = Coded(one.kind, one.document, _categories(one.right), _categories(one.acceptable), None, ())
            _note(codes[one.kind], category, category, categories, meets)
    return Experience(terms=_taught(terms), codes=_taught(codes))


def _categories(codes: frozenset[str]) -> frozenset[str]:
    return frozenset(code[:3] for code in codes)


def _note(
    counts: dict[str, list[int]], key: str, code: str, one: Coded, meets: Callable[[str, frozenset[str]], bool]
) -> None:
    row = counts.setdefault(key, [0, 0, 0])
    right = meets(code, one.right)
    row[0] += 1
    row[1] += right
    row[2] += right or meets(code, one.acceptable)


def _taught(counts: Mapping[str, Mapping[str, list[int]]]) -> dict[str, dict[str, Taught]]:
    return {kind: {key: Taught(*row) for key, row in rows.items()} for kind, rows in counts.items()}
