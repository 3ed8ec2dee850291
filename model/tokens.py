"""Words of a text with their exact characters, and the one spelling under which the lexicon knows each of them."""

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

# Numbers with decimals and words, then the marks that decide where a term cannot reach across.
_TOKEN = re.compile(
    r"\b[bB]/[lL]\b|\d+(?:\.\d+)+[^\W_]*|[^\W_]+(?:['’][^\W_]+)?|[.,;:!?()\[\]•·*|/+]|[\n\r\f\u2028\u2029]+"
)
_BRITISH = (("ae", "e"), ("oe", "e"), ("sulph", "sulf"), ("leuc", "leuk"), ("yse", "yze"), ("isation", "ization"))
# A side in one letter, before what has sides or behind it: 'R knee pain', 'L 3rd toe', 'shoulder pain, L.', '(L)'; not
# '2 L', 'R/O', 'L5', 'Humulin R'.
_SIDE = re.compile(
    r"(?<![^\s(,;:\[])(?<!\d )(?<!\d\n)[RL](?= [^\W\d_]{2}| \d(?:st|nd|rd|th)\b|\))"
    r"|(?:(?<=[^\W\d_]{2} )|(?<=[^\W\d_]{2}, ))(?<!lin )[RL](?=[ \t]*(?:[.,;:>\n]|$))"
)
_NAMED = re.compile(r"\b[A-Z][a-z]+,? [RL]\.")  # an initial: 'John R. Smith'
_SIDES = {"R": "right", "L": "left"}
_LONGEST = 40  # letters of a word before its initial
_SHORT = 4  # 'toe', 'does' and the like keep their vowels


def read_words(path: Path) -> frozenset[str]:
    """Words of a file; a line that begins with # is a remark."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return frozenset(word for line in lines if not line.startswith("#") for word in line.split())


def read_pairs(path: Path) -> dict[str, str]:
    """What stands before and behind the tab of every line; a line that begins with # is a remark."""
    lines = path.read_text(encoding="utf-8").splitlines()
    pairs = (line.partition("\t") for line in lines if not line.startswith("#"))
    return {before: behind for before, _, behind in pairs}


# Words that carry no meaning of their own inside a term ('mellitus' is what diabetes is unless said otherwise).
FUNCTION_WORDS = read_words(Path(__file__).with_name("function_words.txt"))
# One word for what notes, titles and the index call by several; adjectives of an organ stand under the organ.
_SAME = read_pairs(Path(__file__).with_name("word_forms.tsv"))


@dataclass(frozen=True, slots=True)
class Token:
    """A word or mark of the text: its characters and its norm (a mark is its own norm; a line end is a line feed)."""

    start: int
    end: int
    norm: str
    word: bool


@lru_cache(maxsize=100_000)
def normalise(word: str) -> str:
    """The spelling the lexicon uses: lower case, no accents, American, singular, one word for one organ."""
    plain = unicodedata.normalize("NFKD", word.lower())
    plain = "".join(c for c in plain if not unicodedata.combining(c)).replace("’", "'")
    plain = plain.removesuffix("'s").replace("'", "")
    if len(plain) > _SHORT:
        for british, american in _BRITISH:
            plain = plain.replace(british, american)
        plain = plain[:-3] + "or" if plain.endswith("our") else plain.replace("our", "or") if "mour" in plain else plain
    plain = _singular(plain)
    return _SAME.get(plain, plain)


def _singular(word: str) -> str:
    if len(word) <= _SHORT or not word.endswith("s") or word.endswith(("ss", "us", "is")):
        return word[:-1] if len(word) == _SHORT and word.endswith("s") and word[-2] not in "aius" else word
    if word.endswith("ies"):
        return word[:-3] + "y"
    if word.endswith(("xes", "ches", "shes", "sses")):
        return word[:-2]
    return word[:-1]


def tokenise(text: str) -> list[Token]:
    """Every word and mark of `text`, in order; nothing of the text is changed, so offsets are exact."""
    tokens = []
    for match in _TOKEN.finditer(text):
        raw = match.group()
        if raw[0].isalnum():
            norm = _SIDES[raw] if raw in _SIDES and _says_a_side(text, match.start()) else normalise(raw)
            tokens.append(Token(match.start(), match.end(), norm, True))
        else:
            mark = _line_mark(raw, text, match) if raw[0] in "\n\r\f\u2028\u2029" else raw
            tokens.append(Token(match.start(), match.end(), mark, False))
    return tokens


def _says_a_side(text: str, at: int) -> bool:
    line = max(text.rfind("\n", 0, at) + 1, at - _LONGEST)
    return bool(_SIDE.match(text, at)) and not any(m.end() == at + 2 for m in _NAMED.finditer(text, line, at + 2))


def _line_mark(raw: str, text: str, match: "re.Match[str]") -> str:
    """A single line end before a small letter is a wrapped line and ends nothing."""
    breaks = raw.replace("\r\n", "\n")
    following = text[match.end() : match.end() + 40].lstrip(" \t")
    if "\f" in raw:
        return "\f"
    if len(breaks) > 1:
        return "\n\n"
    return "wrap" if following[:1].islower() else "\n"


def content_words(text: str) -> list[str]:
    """The norms of the words of a term that carry its meaning, in order."""
    return [t.norm for t in tokenise(text) if t.word and t.norm not in FUNCTION_WORDS]


def term_key(words: list[str]) -> str:
    """The one key of a term whatever the order of its words ('diabetes, type 2' and 'type 2 diabetes')."""
    return " ".join(sorted(set(words)))
