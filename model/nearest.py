"""Codes for words that are no term: the terms most like them, ranked by trees that learnt on terms held out."""

from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from model.candidates import Resolver
from model.encoder import Encoder, Meanings
from model.nearest_features import FEATURES, Hits, Said, Title, of_leaves, of_terms
from model.nearest_tables import SOURCES, Floats, Integers, Lists, Small, Tables
from model.nearest_words import Spelling
from model.tokens import content_words

TABLES = "nearest.npz"
NETWORK = "encoder.onnx"
MEANINGS = "meanings.npz"
_SHORTENED = SOURCES.index("s")
_TERMS = 100  # looked at more closely
_CODES = 32
_WIDEST = 60  # codes under a heading; a wider one says too little
_NAMED = 6  # the first of them, whose headings are looked at too
_CLOSEST = 12  # codes whose wordings mean nearly the same to the encoder
_SENSED = 6  # codes whose terms are about the same, whatever their words
_ANSWERS = 8
# Without trees: how well the best term fits, and how much of the words all terms and titles of the code say.
_BY_HAND = [FEATURES.index("fit"), FEATURES.index("code_said")]
_SHARES = np.array([0.6, 0.4])
_UNKNOWN = 0.8  # weight of a word that no term has, as a share of the greatest


Meaning = Callable[[Sequence[str]], Small]  # phrases to vectors, as `model.encoder.Encoder` makes them


@dataclass(frozen=True)
class Described:
    """Codes that may be meant, the billable code of each, and what speaks for them [codes, FEATURES]."""

    codes: tuple[str, ...]
    leaves: tuple[str, ...]
    table: Floats


class NearestTerms:
    """Finds codes for words that no term holds. The same each time; safe to share between threads."""

    def __init__(self, tables: Tables, resolver: Resolver, meaning: tuple[Meaning, Meanings] | None = None) -> None:
        """`meaning`: an encoder and what it makes of the wordings; without it words are compared alone."""
        self._tables = tables
        self._resolver = resolver
        self._meaning = meaning
        self._number = {word: at for at, word in enumerate(tables.words)}
        self._holding = tables.terms.inverted(len(tables.words))
        self._spelling = Spelling(tables.words)
        self._unknown = _UNKNOWN * float(tables.weights.max(initial=0.0))
        whole = np.bincount(tables.terms.owners(), tables.weights[tables.terms.values], len(tables.terms.lengths))
        self._whole = np.maximum(whole, 1e-6).astype(np.float32)
        self._similar: Callable[[str], tuple[tuple[int, float], ...]] = lru_cache(maxsize=20_000)(self._find_similar)
        self._place = {code: at for at, code in enumerate(tables.codes)}
        of = [self._place.get(code, -1) for code in meaning[1].codes] if meaning else []
        self._meant = np.array(of, np.int64)  # of every code with a vector, its place among the codes of the terms
        self._headings: Callable[[int], tuple[int, ...]] = lru_cache(maxsize=20_000)(self._find_headings)
        self._word_senses = tables.senses.astype(np.float32) / np.float32(127)
        self._code_senses = _senses_of_codes(tables, self._word_senses)
        self._title: Callable[[str], Title] = lru_cache(maxsize=50_000)(self._read_title)

    @classmethod
    def load(cls, folder: Path, tokenizer: Path, resolver: Resolver) -> "NearestTerms":
        """Reads what `model.train.nearest_ranking` wrote; raises OSError, KeyError or ValueError for other files.

        An encoder is used where the folder has one.
        """
        meaning: tuple[Meaning, Meanings] | None = None
        if (folder / NETWORK).is_file():
            meaning = (Encoder.load(tokenizer, folder / NETWORK), Meanings.load(folder / MEANINGS))
        return cls(Tables.load(folder / TABLES), resolver, meaning)

    def __call__(self, phrases: Sequence[str]) -> Sequence[Sequence[tuple[str, float]]]:
        """For every phrase at most eight codes of terms, best first, each with a score 0..1.

        Two codes that stand for the same billable code of the newest edition are one answer.
        """
        return [self._answer(phrase) for phrase in phrases]

    def _answer(self, phrase: str) -> Sequence[tuple[str, float]]:
        described = self.describe(phrase)
        if described is None:
            return ()
        forest = self._tables.forest
        scores = forest.probabilities(described.table) if forest else described.table[:, _BY_HAND] @ _SHARES
        best: dict[str, tuple[str, float]] = {}
        for at in np.argsort(-scores, kind="stable").tolist():
            best.setdefault(described.leaves[at], (described.codes[at], round(float(scores[at]), 4)))
        return list(best.values())[:_ANSWERS]

    def describe(self, phrase: str) -> Described | None:
        """The codes of the terms most like the phrase; None where no word is like any of a term."""
        words = list(dict.fromkeys(content_words(phrase)))
        said = self._listen(words, phrase)
        if said is None:
            return None
        fit = said.query * np.sqrt(said.term)
        top = np.argpartition(-fit, min(_TERMS, len(fit) - 1))[:_TERMS]
        top = top[np.argsort(-fit[top], kind="stable")]
        hits = self._hits(fit, top[fit[top] > 0])
        chosen = self._choose(hits, said)
        resolved = [self._resolver.resolve(self._tables.codes[at], frozenset(words), None) for at in chosen]
        pairs = [(at, leaves[0]) for at, leaves in zip(chosen, resolved, strict=True) if leaves]
        if not pairs:
            return None
        codes, leaves = np.array([at for at, _ in pairs]), tuple(leaf for _, leaf in pairs)
        names = tuple(self._tables.codes[at] for at in codes)
        columns = dict(of_terms(self._tables, hits, said, codes, names))
        known = sum(word in self._number for word in words) / len(words)
        titles = [self._title(leaf) for leaf in leaves]
        fits = np.asarray(columns["fit"], np.float64)
        columns |= of_leaves(
            self._tables.weights, known, titles, words, said, names, leaves, fits, np.asarray(columns["close"])
        )
        return Described(names, leaves, np.stack([np.asarray(columns[name], np.float64) for name in FEATURES], axis=1))

    def _listen(self, words: Sequence[str], phrase: str) -> Said | None:
        tables = self._tables
        query = np.zeros(len(self._whole), np.float32)
        code = np.zeros(len(tables.codes), np.float32)
        category = np.zeros(int(tables.categories.max(initial=-1)) + 1, np.float32)
        heard = np.zeros(len(tables.words))
        whole = 0.0
        for word in words:
            weight = np.float32(self._weight(word))
            whole += float(weight)
            similar = self._similar(word)
            for total, lists in ((query, self._holding), (code, tables.code_words), (category, tables.category_words)):
                total += weight * _greatest(lists, similar, len(total))
            for at, likeness in similar:
                heard[at] = max(heard[at], likeness)
        said = np.flatnonzero(heard)
        if not said.size or not whole:
            return None
        term = np.zeros(len(self._whole), np.float32)
        for at in said.tolist():
            term[self._holding[at]] += np.float32(heard[at] * tables.weights[at])
        term = np.minimum(term / self._whole, np.float32(1))
        share = np.float32(1 / whole)
        return Said(
            query * share, term, code * share, category * share, self._sensed(words), self._close(phrase), heard
        )

    def _close(self, phrase: str) -> Small:
        """Of every code: how close its closest wording lies to the phrase, 0..1; 0 where there is no encoder."""
        close = np.zeros(len(self._tables.codes), np.float32)
        if self._meaning is not None:
            encoder, meanings = self._meaning
            known = self._meant >= 0
            close[self._meant[known]] = np.maximum(meanings.close(encoder([phrase])[0])[known], 0)
        return close

    def _sensed(self, words: Sequence[str]) -> Small:
        about = np.zeros(self._word_senses.shape[1], np.float32)
        for word in words:
            own = self._number.get(word)
            near = [(own, 1.0)] if own is not None else [(at, like) for at, like in self._similar(word)]
            whole = sum(like for _, like in near)
            for at, like in near:
                about += np.float32(self._weight(word) * like / whole) * self._word_senses[at]
        length = float(np.sqrt(about @ about))
        return self._code_senses @ (about / np.float32(max(length, 1e-6)))

    def _hits(self, fit: Small, top: Integers) -> Hits:
        """The codes of the terms `top`, best term first."""
        held = self._tables.term_codes
        counts = held.lengths[top]
        rank = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
        place = np.repeat(held.starts[top], counts) + rank
        term = np.repeat(top, counts)
        score = fit[term] - 0.01 * rank - 0.02 * (self._tables.sources[place] == _SHORTENED)
        order = np.argsort(-score, kind="stable")
        codes, first, of = np.unique(held.values[place][order], return_index=True, return_inverse=True)
        choices = np.repeat(counts, counts)
        return Hits(term[order], place[order], rank[order], choices[order], score[order], codes, first, of)

    def _choose(self, hits: Hits, said: Said) -> list[int]:
        """Codes of the best terms, the headings above them, codes about the same, and those closest in meaning."""
        worth = 0.5 * hits.score[hits.first] + 0.3 * said.code[hits.codes] + 0.2 * said.sense[hits.codes]
        chosen = hits.codes[np.argsort(-worth, kind="stable")[:_CODES]].tolist()
        above = [at for code in chosen[:_NAMED] for at in self._headings(code)]
        close = np.argpartition(-said.sense, min(_SENSED, len(said.sense) - 1))[:_SENSED]
        close = close[np.lexsort((close, -said.sense[close]))]
        meant = np.argpartition(-said.close, min(_CLOSEST, len(said.close) - 1))[:_CLOSEST] if self._meaning else close
        return list(dict.fromkeys([*chosen, *above, *close.tolist(), *sorted(meant.tolist())]))

    def _find_headings(self, code: int) -> tuple[int, ...]:
        name = self._tables.codes[code]
        above = (name[:size].rstrip(".") for size in range(len(name) - 1, 2, -1))
        places = dict.fromkeys(self._place[one] for one in above if one in self._place)
        return tuple(at for at in places if self._under(at) <= _WIDEST)

    def _under(self, code: int) -> int:
        """How many codes of terms begin with it."""
        return bisect_left(self._tables.codes, self._tables.codes[code] + "~") - code

    def _weight(self, word: str) -> float:
        at = self._number.get(word)
        return self._unknown if at is None else float(self._tables.weights[at])

    def _find_similar(self, word: str) -> tuple[tuple[int, float], ...]:
        """Words of the vocabulary that may stand for it, the least like first."""
        found: dict[int, float] = {}
        own = self._number.get(word)
        trust = 0.95 if own is None else 0.8
        for at, likeness in self._spelling.like(word):
            found[at] = trust * likeness
        if own is not None:
            low, high = self._tables.alike.starts[own : own + 2]
            for at, learnt in zip(self._tables.alike[own].tolist(), self._tables.likeness[low:high], strict=True):
                found[at] = max(found.get(at, 0.0), float(learnt))
            found[own] = 1.0
        return tuple(sorted(found.items(), key=lambda item: (item[1], item[0])))

    def _read_title(self, leaf: str) -> Title:
        words = self._words_of(leaf)
        above = set(self._words_of(leaf[:-1].rstrip(".")).tolist())
        own = np.array([word for word in words.tolist() if word not in above], dtype=np.int64)
        weights = self._tables.weights[words]
        whole = max(float(weights.sum()), 1e-6)
        return Title(self._resolver.title(leaf, None).lower(), words, weights, whole, own)

    def _words_of(self, code: str) -> Integers:
        words = dict.fromkeys(content_words(self._resolver.title(code, None)))
        return np.array([self._number[word] for word in words if word in self._number], dtype=np.int64)


def _greatest(lists: Lists, similar: Sequence[tuple[int, float]], number: int) -> Small:
    """The likeness of the most similar word that each value of the lists is under. `similar`: the least like first."""
    found = np.zeros(number, np.float32)
    for at, likeness in similar:
        found[lists[at]] = likeness
    return found


def _senses_of_codes(tables: Tables, senses: Small) -> Small:
    """[codes, directions], each of length 1: what the words of a code are about."""
    codes, words = tables.code_words.values, tables.code_words.owners()
    weights = tables.weights[words]
    summed = [np.bincount(codes, weights * senses[words, at], len(tables.codes)) for at in range(senses.shape[1])]
    about = np.stack(summed, axis=1)
    return np.asarray(about / np.maximum(np.linalg.norm(about, axis=1, keepdims=True), 1e-6), np.float32)
