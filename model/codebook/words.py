"""Words in the form in which queries and the code book meet: one spelling, one inflection, no accents."""

import re
import unicodedata
from functools import lru_cache

_WORD = re.compile(r"[a-z0-9]+")
_HYPHENATED = re.compile(r"[a-z]+(?:-[a-z]+)+")
_ROMAN = {"i": "1", "ii": "2", "iii": "3", "iv": "4", "v": "5"}
_NUMBERED = {"type", "stage", "grade", "class", "degree"}  # "type II" is "type 2"


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_STOP = _words(
    "a an and are as at be been by due for from had has have her his in is it its of on or s she he the to was were"
)
# Words that say that nothing is said.
FREE = _words("unspecified unspecifi nos nec elsewhere classified classifi condition")
# Words that say that the code is for what has no code of its own.
RESIDUAL = _words("other specified specifi")
CONNECTIVE = "with"  # not a word to search by, but what separates "with" from "without complications"
# Words of a sentence about a patient that name no disease.
FILLER = _words(
    """again also any because complains continue continues continued currently daily denies does doing endorses feel
    feels feeling getting given have i include including mg noted now patient per presents present prior recently
    regarding regular remains reports seen since some started states still takes taken taking that there this today
    took twice uses using very well when which who will year years"""
)
# British spelling first to American, then both to one form; the rules need not give real words, only the same ones.
_SPELLING = (
    (re.compile(r"ae(?=[^r]|r.)"), "e"),  # anaemia, haemorrhage; not "aer..." at the end
    (re.compile(r"oe"), "e"),  # oedema, diarrhoea
    (re.compile(r"our(?=$|s$|ed$|ing$|al$|less)"), "or"),  # tumour, behavioural
    (re.compile(r"is(?=e$|ed$|es$|ing$|ation)"), "iz"),  # localised
    (re.compile(r"ys(?=e$|ed$|es$|ing$)"), "yz"),  # paralysed
    (re.compile(r"(?<=[bt])re$"), "er"),  # fibre, centre
    (re.compile(r"sulph"), "sulf"),
    (re.compile(r"ll(?=ed$|ing$)"), "l"),  # labelled
)
_ENDINGS = (
    (re.compile(r"(?<=..)(asta|ecta|ia|[oy])ses$"), r"\1sis"),  # stenoses, metastases; not "diseases"
    (re.compile(r"(?<=..)ies$"), "y"),
    (re.compile(r"(?<=...)(?:sses)$"), "ss"),
    (re.compile(r"(?<=..[xz]|.ch|.sh)es$"), ""),
    (re.compile(r"(?<=..[^siu])s$"), ""),  # not "-sis": spondylosis is not spondylolysis
    (re.compile(r"(?<=...)(?:ing|(?<!e)ed)$"), ""),
    (re.compile(r"(?<=...)(?:ically|ical)$"), "ic"),
    (re.compile(r"(?<=....)ly$"), ""),
    (re.compile(r"(?<!^nos)(?<=...)e$"), ""),  # not "nose": "nos" says that nothing is said
    (re.compile(r"(?<=..)([bdgmnprt])\1$"), r"\1"),
)


def plain(text: str) -> list[str]:
    """Lower-case words without accents, as written."""
    folded = unicodedata.normalize("NFKD", text.lower().replace("'s", "").replace("’s", ""))
    return _WORD.findall("".join(c for c in folded if not unicodedata.combining(c)))


def terms_of(text: str) -> list[str]:
    """The words of a text that a search compares."""
    words: list[str] = []
    before = ""
    for word in plain(text):
        if before in _NUMBERED and word in _ROMAN:
            words.append(_ROMAN[word])
        elif word not in _STOP:
            words.append(stem(word))
        before = word
    return words


def joined(text: str) -> list[str]:
    """Hyphenated words written as one: `pre-syncope` is also `presyncope`."""
    return [stem(word.replace("-", "")) for word in _HYPHENATED.findall(text.lower())]


@lru_cache(maxsize=65536)
def stem(word: str) -> str:
    """The word in one spelling, without its ending."""
    if len(word) < 4 or word[0].isdigit():
        return word
    for pattern, replacement in _SPELLING:
        word = pattern.sub(replacement, word)
    for pattern, replacement in _ENDINGS:
        word = pattern.sub(replacement, word)
    return word
