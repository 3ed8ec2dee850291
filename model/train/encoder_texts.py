"""What the encoder learns from: wordings of one code, beside wordings of its siblings."""

import random
import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from model.codebook.entries import Term, TermSource
from model.tokens import content_words, term_key

Bools = NDArray[np.bool_]
_CONNECTIVES = (
    "with",
    "without",
    "due to",
    "in ",
    "of ",
    "by ",
    "to ",
    "following",
    "during",
    "from ",
    "after",
    "and ",
)
_AS_PRINTED = 0.5  # share of the index terms that keep the order of the index
_WITH_MODIFIER = 0.15
_MISSPELT = 0.12
_SHORTENED = 0.2  # of those that an abbreviation could shorten
_LONGEST = 3  # words that an abbreviation stands for
_TOGETHER = 4  # wordings of one code in a batch
_LONELY = 0.3  # share of the codes with one wording: they teach only what others are not
_SIBLINGS = 6  # codes of one category in a batch, one behind the other
_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_NOISE = re.compile(r",? initial encounter.*$|,? unspecified$|\bNOS\b|\bNEC\b|\([^)]*\)|\[[^\]]*\]", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Wording:
    """Words for a code. Levels of the index stand apart, so that they may be said in another order."""

    code: str
    levels: tuple[str, ...]
    modifiers: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """As the code book prints it."""
        return ", ".join(self.levels)


def wordings(terms: Iterable[Term], without: Collection[str] = ()) -> list[Wording]:
    """Each wording of a code once. `without`: keys of terms that must not be learnt, whatever their source."""
    found: dict[tuple[str, str], Wording] = {}
    for one in map(_of_term, terms):
        key = term_key(content_words(one.text))
        if key and key not in without:
            found.setdefault((one.code, key), one)
    return list(found.values())


def _of_term(term: Term) -> Wording:
    indexed = term.source in (TermSource.INDEX, TermSource.NEOPLASM, TermSource.EXTERNAL)
    levels = term.path if indexed and term.path else (term.text,)
    return Wording(term.code.rstrip("-."), levels, term.modifiers)


def other_words(folder: Path) -> tuple[list[Wording], dict[str, str]]:
    """Abbreviations and lay words of the search beside what they stand for; and words -> their abbreviation."""
    pairs: list[Wording] = []
    short: dict[str, str] = {}
    for name in ("abbreviations.tsv", "synonyms.tsv"):
        for line in (folder / name).read_text(encoding="utf-8").splitlines():
            if not line.startswith("#") and "\t" in line:
                phrase, meanings = line.split("\t")
                meaning = meanings.split(";")[0].strip()
                pair = f"~{len(pairs):04}"  # no code, and no beginning of one
                pairs += [Wording(pair, (phrase,)), Wording(pair, (meaning,))]
                if name == "abbreviations.tsv":
                    short.setdefault(meaning.lower(), phrase)
    return pairs, short


def relations(codes: Sequence[str]) -> tuple[Bools, Bools]:
    """[n, n]: whether two have one code, and whether the code of one begins that of the other."""
    number = {code: at for at, code in enumerate(dict.fromkeys(codes))}
    of = np.array([number[code] for code in codes])
    related = np.array([[a.startswith(b) or b.startswith(a) for b in number] for a in number])
    return of[:, None] == of[None, :], related[np.ix_(of, of)]


def batches(every: Sequence[Wording], size: int, rng: random.Random) -> Iterator[list[Wording]]:
    """Every wording once: a few of one code together, its siblings beside it. The rest of less than a batch is left."""
    by_category: dict[str, dict[str, list[Wording]]] = defaultdict(lambda: defaultdict(list))
    for one in every:
        by_category[one.code[:3]][one.code].append(one)
    clusters: list[list[Wording]] = []
    for codes in by_category.values():
        groups: list[list[Wording]] = []
        for same in codes.values():
            if len(same) == 1 and rng.random() > _LONELY:
                continue
            rng.shuffle(same)
            groups += [same[at : at + _TOGETHER] for at in range(0, len(same), _TOGETHER)]
        rng.shuffle(groups)
        clusters += [list(chain(*groups[at : at + _SIBLINGS])) for at in range(0, len(groups), _SIBLINGS)]
    rng.shuffle(clusters)
    batch: list[Wording] = []
    for cluster in clusters:
        batch += cluster
        while len(batch) >= size:
            yield batch[:size]
            batch = batch[size:]


def as_said(one: Wording, short: Mapping[str, str], rng: random.Random) -> str:
    """The wording as somebody may write it: in another order, with a modifier, abbreviated or misspelt."""
    levels = one.levels
    if one.modifiers and rng.random() < _WITH_MODIFIER:
        levels = (*levels, rng.choice(one.modifiers))
    text = ", ".join(levels) if len(levels) == 1 or rng.random() < _AS_PRINTED else turned(levels)
    if len(one.levels) == 1 and rng.random() < 0.5:
        text = _NOISE.sub("", text).strip(" ,") or text
    if rng.random() < _SHORTENED:
        text = _abbreviated(text, short)
    return misspelt(text, rng) if rng.random() < _MISSPELT else text


def turned(levels: Sequence[str]) -> str:
    """'Abscess, kidney, with calculus' as it is said: 'kidney Abscess with calculus'."""
    rest = list(levels[1:])
    cut = next((at for at, level in enumerate(rest) if level.startswith(_CONNECTIVES)), len(rest))
    return " ".join([*reversed(rest[:cut]), levels[0], *rest[cut:]])


def _abbreviated(text: str, short: Mapping[str, str]) -> str:
    words = text.lower().split()
    for length in range(_LONGEST, 0, -1):
        for at in range(len(words) - length + 1):
            if abbreviation := short.get(" ".join(words[at : at + length])):
                return " ".join([*words[:at], abbreviation, *words[at + length :]])
    return text


def misspelt(text: str, rng: random.Random) -> str:
    """One letter of a word of five or more letters dropped, doubled, changed, or swapped with the next."""
    long = list(re.finditer(r"[A-Za-z]{5,}", text))
    if not long:
        return text
    word = rng.choice(long)
    at = rng.randrange(word.start() + 1, word.end() - 1)
    kind = rng.randrange(4)
    letter, following = text[at], text[at + 1]
    swapped = ("", letter * 2, rng.choice(_LETTERS), following + letter)[kind]
    return text[:at] + swapped + text[at + 1 + (kind == 3) :]
