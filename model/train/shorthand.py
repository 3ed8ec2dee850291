"""Abbreviations as terms: alone, and in the place of their words inside longer terms ('CKD stage 3b')."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from model.lexicon import CAPITALS
from model.tokens import content_words, read_words, term_key
from model.train.terms import GENERAL_WORDS, SHORTENED

_ABBREVIATION = "a"
_SEARCH_ONLY = read_words(Path(__file__).with_name("search_only.txt"))
_LONGEST = 3  # letters of an abbreviation that may also be a word or a title ('HIT', 'MR')
# What shortens one word inside a longer term: 'breast ca', 'iron def', 'portal gastropathy w/ esoph varices'.
_OF_ONE_WORD = {
    "ca", "cmv", "def", "djd", "dm", "esoph", "etoh", "hep", "hyperpth", "hypopara", "hypopth", "incont", "insuff",
    "pcn", "post op", "postop", "pre op", "preop", "ptx", "tb",
}  # fmt: skip
_MOST_WORDS = 4  # of such a term
# Organs and fluids beside which 'Ca' is calcium.
_OF_CALCIUM = {"ca": {"artery", "blood", "bone", "coronary", "muscle", "parathyroid", "serum", "urine", "vein"}}


def read_shorthand(path: Path) -> Iterator[tuple[list[str], list[str]]]:
    """The words of each abbreviation and those of its likeliest meaning, but for what only a search means by them."""
    for line in path.read_text(encoding="utf-8").splitlines():
        if not line.startswith("#") and "\t" in line:
            short, meaning, *_ = (content_words(part) for part in line.split("\t"))
            if short and meaning and not set(short) <= _SEARCH_ONLY:
                yield short, meaning


def as_abbreviation(codes: str, short: Sequence[str]) -> str:
    """The codes of the meaning, marked; none for a general word, capitals alone where it could be another word."""
    general = len(short) == 1 and short[0] in GENERAL_WORDS
    if general and len(short[0]) > _LONGEST:
        return ""
    letter = CAPITALS if len(short) == 1 and (general or len(short[0]) < _LONGEST) else _ABBREVIATION
    return " ".join(f"{letter}:{item.split(':', 1)[1]}" for item in codes.split())


def compose(terms: Mapping[str, str], pairs: Iterable[tuple[list[str], list[str]]]) -> dict[str, str]:
    """Terms that hold all words of a meaning and more, with the abbreviation in their place."""
    holding: dict[str, set[str]] = defaultdict(set)
    for key in terms:
        for word in key.split(" "):
            holding[word].add(key)
    composed: dict[str, str] = {}
    for short, meaning in pairs:
        name = " ".join(short)
        single = name in _OF_ONE_WORD and len(meaning) == 1
        if not single and (len(set(meaning)) < 2 or len(short) > 1 or len(short[0]) < _LONGEST):
            continue
        for key in sorted(set.intersection(*(holding[word] for word in meaning))):
            words = set(key.split(" "))
            rest = words - set(meaning)
            if single and (len(words) > _MOST_WORDS or rest & _OF_CALCIUM.get(name, set())):
                continue
            shorter = term_key([*rest, *short])
            codes = [item for item in terms[key].split() if item.split(":", 1)[0] != SHORTENED]
            if rest and codes and shorter not in terms and shorter not in composed:
                composed[shorter] = _inside(codes) if single else as_abbreviation(" ".join(codes), short)
    return {key: codes for key, codes in composed.items() if codes}


def _inside(codes: Iterable[str]) -> str:
    """Marked as those of an abbreviation; the words beside it tell that it is none of its other meanings."""
    return " ".join(f"{_ABBREVIATION}:{item.split(':', 1)[1]}" for item in codes)
