"""The words people write for what the code book prints: every term of the tabular list and the index, as keys."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import islice, product
from pathlib import Path

from model.codebook.entries import Term, TermSource
from model.lexicon import LONGEST
from model.tokens import content_words, read_words, term_key

_VARIANTS = 12
_MOST_CODES = 6  # a term that stands for more codes than this tells nothing
# One letter a table, the more exact first.
_LETTERS = {
    TermSource.TITLE: "t",
    TermSource.INCLUSION: "i",
    TermSource.INDEX: "x",
    TermSource.NEOPLASM: "n",
    TermSource.EXTERNAL: "e",
}
SHORTENED = "s"
_ORDER = "htixnsea"

_GROWTHS = {
    "primary": ("carcinoma", "malignant neoplasm", "malignant tumor", "primary neoplasm"),
    "secondary": (
        "metastasis",
        "metastatic carcinoma",
        "secondary neoplasm",
        "metastatic disease",
        "metastatic lesion",
    ),
    "benign": ("adenoma", "benign neoplasm", "benign tumor"),
    "in situ": ("carcinoma in situ", "in situ neoplasm"),
    "uncertain": ("neoplasm uncertain behavior",),
    "unspecified": ("tumor", "neoplasm", "unspecified neoplasm"),
}
_PARENTHESES = re.compile(r"\([^)]*\)|\[[^\]]*\]")
# What a title adds that no note says.
_TITLE_NOISE = re.compile(
    r",? initial encounter( for (closed|open) fracture( type \w+( or \w+)?)?)?|,? not elsewhere classified|"
    r",? not otherwise specified|\bNEC\b|\bNOS\b|unspecified (part|site|type|organism|side|degree) of ",
    re.IGNORECASE,
)
_LATER_ENCOUNTER = re.compile(r"subsequent encounter|, sequela$", re.IGNORECASE)
# What a title may lose and still be what the note means, as the unspecified code of its category.
_SHORTENINGS = (
    re.compile(
        r",? (with)?out (mention of )?(complications?|bleeding|hemorrhage|obstruction|perforation|status \w+|"
        r"esophagitis|"
        r"behavioral disturbance.*|angina pectoris|rupture|gangrene|myelopathy.*|coma).*$",
        re.IGNORECASE,
    ),
    re.compile(r",? not intractable.*$", re.IGNORECASE),
    re.compile(r",? uncomplicated$", re.IGNORECASE),
    re.compile(r",? of unspecified [a-z ]+$", re.IGNORECASE),
    re.compile(r"\bunspecified\b,?", re.IGNORECASE),
)

# A level of the index that is no more and has a code has lost its other words: 'Gout, in (due to) renal impairment'.
_CONNECTIVES = frozenset({"in", "due to", "with", "without", "and", "by", "to", "of", "or"})

GENERAL_WORDS = read_words(Path(__file__).with_name("general_words.txt"))


def index_terms(terms: Iterable[Term]) -> dict[str, list[str]]:
    """Key -> 'source:code' of every term of the code book, the exact tables before the shortened titles."""
    found: dict[str, dict[str, str]] = defaultdict(dict)
    every = list(terms)
    torn = {term.path for term in every if len(term.path) > 1 and term.path[-1].lower() in _CONNECTIVES}
    for term in every:
        if any(term.path[:length] in torn for length in range(2, len(term.path) + 1)):
            continue
        for letter, words in _keys_of(term):
            key = term_key(words)
            if _says_something(words):
                kept = found[key].get(term.code)
                if kept is None or _ORDER.index(letter) < _ORDER.index(kept):
                    found[key][term.code] = letter
    return {key: codes for key, by_code in found.items() if (codes := _ranked(by_code))}


def _says_something(words: list[str]) -> bool:
    distinct = set(words)
    if not 1 <= len(distinct) <= LONGEST:
        return False
    if len(distinct) == 1:
        return not distinct & GENERAL_WORDS and not words[0].isdigit() and len(words[0]) > 1
    return any(len(w) > 2 and not w.isdigit() for w in distinct)


def _ranked(by_code: dict[str, str]) -> list[str]:
    best = sorted(by_code.items(), key=lambda item: (_ORDER.index(item[1]), item[0]))
    if len(best) > _MOST_CODES:
        best = [b for b in best if b[1] != SHORTENED] or best
    return [f"{letter}:{code}" for code, letter in best[:_MOST_CODES]]


def _keys_of(term: Term) -> Iterator[tuple[str, list[str]]]:
    letter = _LETTERS[term.source]
    if term.source in (TermSource.TITLE, TermSource.INCLUSION):
        yield from _title_keys(term.text, letter)
        return
    if term.source is TermSource.NEOPLASM and len(term.path) > 2:
        yield from _neoplasm_keys(term)
        return
    levels = [_level_options(level, first=not at) for at, level in enumerate(term.path or (term.text,))]
    for choice in islice(product(*levels), _VARIANTS):
        words = [word for words in choice for word in words]
        yield letter, words
        if len(words) > 2 and "joint" in words:  # 'Pain, joint, knee' is knee pain
            yield letter, [word for word in words if word != "joint"]


def _neoplasm_keys(term: Term) -> Iterator[tuple[str, list[str]]]:
    """The table names site and behaviour; notes name the growth."""
    site = [word for level in term.path[1:-1] for word in content_words(_PARENTHESES.sub(" ", level))]
    for growth in _GROWTHS.get(term.path[-1].lower(), (f"{term.path[-1]} neoplasm",)):
        yield _LETTERS[term.source], [*site, *content_words(growth)]


def _title_keys(title: str, letter: str) -> Iterator[tuple[str, list[str]]]:
    if _LATER_ENCOUNTER.search(title):
        return
    plain = _TITLE_NOISE.sub(" ", _PARENTHESES.sub(" ", title))
    yield letter, content_words(plain)
    short = plain
    for shortening in _SHORTENINGS:
        cut = shortening.sub(" ", short)
        if cut != short:
            short = cut
            yield SHORTENED, content_words(short)
    for half in re.split(r"\bor\b|\band/or\b", plain) if " or " in plain and "," not in plain else ():
        yield SHORTENED, content_words(half)


def _level_options(level: str, *, first: bool) -> list[list[str]]:
    """'Diabetes, diabetic' is one or the other; 'pelvic or perineal' too."""
    plain = _TITLE_NOISE.sub(" ", _PARENTHESES.sub(" ", level))
    parts = re.split(r",|\bor\b", plain) if first else re.split(r"\bor\b", plain)
    options = [words for part in parts if (words := content_words(part))]
    longest = max((len(words) for words in options), default=0)
    # 'Cornual gestation or pregnancy' is no pregnancy of any other kind.
    return [words for words in options if longest == 1 or len(words) > 1 or words[0] not in GENERAL_WORDS] or [[]]
