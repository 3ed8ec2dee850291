"""What speaks for and against each code that words may stand for: the features that the ranking trees ask for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from model.nearest_tables import SOURCES, Floats, Integers, Small, Tables

FEATURES = (
    "fit", "fit_of_best", "more_than_next", "query_said", "term_said", "most_query_said", "most_term_said", "hits",
    "mass", "category_mass", "parent_mass", "below", "source", "rank", "choices", "length", "billable", "code_said",
    "code_said_of_best", "category_said", "sense", "sense_of_best", "title_said", "title_said_of_best", "title_unsaid",
    "own_unsaid", "unspecified", "other", "asked_other", "asked_unspecified", "negated", "words", "known", "leaf_fit",
    "leaf_codes", "position", "close", "close_of_best", "close_above", "close_leaf",
)  # fmt: skip
_RESIDUAL = frozenset({"specified", "other"})


@dataclass(frozen=True)
class Said:
    """How much of the words each term, code and category says, and how much of a term the words say; 0..1."""

    query: Small
    term: Small
    code: Small
    category: Small
    sense: Small  # of every code: how close what it is about lies to what the words are about
    close: Small  # of every code: how close its closest wording lies in the eyes of the encoder
    heard: Floats  # of every word of the vocabulary: how like it the words are at best


@dataclass(frozen=True)
class Hits:
    """Codes of the terms most like the words, the best first; `codes` are their numbers in order, each once."""

    term: Integers
    place: Integers  # in the list of all codes of terms
    rank: Integers  # of the code among those of its term
    choices: Integers  # codes of the term
    score: Floats
    codes: NDArray[np.int32]
    first: Integers  # of every one of `codes`, its best hit
    of: Integers  # of every hit, where its code stands in `codes`


@dataclass(frozen=True)
class Title:
    """The title of a billable code: its words of the vocabulary, and those that the code above lacks."""

    text: str
    words: Integers
    weights: Floats
    whole: float
    own: Integers


def of_terms(
    tables: Tables, hits: Hits, said: Said, codes: Integers, names: Sequence[str]
) -> Mapping[str, Sequence[float] | Floats]:
    """What the terms of the codes say."""
    at = np.minimum(np.searchsorted(hits.codes, codes), len(hits.codes) - 1)
    found = hits.codes[at] == codes
    best = hits.first[at]
    score = np.where(found, hits.score[best], 0.0)
    following = np.sort(score)[-2] if len(score) > 1 else 0.0
    most_query, most_term = np.zeros(len(hits.codes)), np.zeros(len(hits.codes))
    np.maximum.at(most_query, hits.of, said.query[hits.term])
    np.maximum.at(most_term, hits.of, said.term[hits.term])
    mass = np.where(found, np.bincount(hits.of, np.square(hits.score))[at], 0.0)
    sense, code_said = said.sense[codes], said.code[codes]
    return {
        "fit": score,
        "fit_of_best": _of_best(score),
        "more_than_next": score - following,
        "query_said": found * said.query[hits.term[best]],
        "term_said": found * said.term[hits.term[best]],
        "most_query_said": found * most_query[at],
        "most_term_said": found * most_term[at],
        "hits": found * np.bincount(hits.of)[at],
        "mass": mass / max(float(mass.sum()), 1e-6),
        "category_mass": _shared([name[:3] for name in names], mass),
        "parent_mass": _shared([name[:5] for name in names], mass),
        "below": _best_below(names, score),
        "source": np.where(found, tables.sources[hits.place[best]], len(SOURCES)),
        "rank": found * hits.rank[best],
        "choices": found * hits.choices[best],
        "length": [float(len(name)) for name in names],
        "code_said": code_said,
        "code_said_of_best": _of_best(code_said),
        "category_said": said.category[tables.categories[codes]],
        "sense": sense,
        "sense_of_best": sense - sense.max(),
        "position": np.arange(len(codes)),
        "close": said.close[codes],
        "close_of_best": said.close[codes] - said.close.max(),
        "close_above": _best_of([name[:5] for name in names], said.close[codes]),
    }


def of_leaves(
    weights: Floats,
    known: float,
    titles: Sequence[Title],
    words: Sequence[str],
    said: Said,
    codes: Sequence[str],
    leaves: Sequence[str],
    fits: Floats,
    close: Floats,
) -> Mapping[str, Sequence[float] | Floats]:
    """What the titles of the billable codes say beside the words. `known`: share of the words that the tables have."""
    number = {leaf: at for at, leaf in enumerate(dict.fromkeys(leaves))}
    of = np.array([number[leaf] for leaf in leaves])
    best = np.zeros(len(number))
    np.maximum.at(best, of, fits)
    lower = [title.text for title in titles]
    heard, unheard = said.heard, 1 - said.heard
    title_said = np.array([float(heard[t.words] @ t.weights) / t.whole for t in titles])
    other = np.array([float("other" in title) for title in lower])
    unspecified = np.array([float("unspecified" in title) for title in lower])
    residual = 1.0 if _RESIDUAL.intersection(words) else -1.0
    without = "without" in words or "not" in words
    return {
        "title_said": title_said,
        "title_said_of_best": _of_best(title_said),
        "title_unsaid": [float(unheard[t.words] @ t.weights) for t in titles],
        "own_unsaid": [float(unheard[t.own] @ weights[t.own]) for t in titles],
        "unspecified": unspecified,
        "other": other,
        "asked_other": residual * other,
        "asked_unspecified": unspecified * (1.0 if "unspecified" in words else -1.0),
        "negated": [float(("without" in title or "not " in title) != without) for title in lower],
        "billable": [float(code == leaf) for code, leaf in zip(codes, leaves, strict=True)],
        "words": np.full(len(leaves), float(len(words))),
        "known": np.full(len(leaves), known),
        "leaf_fit": best[of],
        "close_leaf": _best_of(leaves, close),
        "leaf_codes": np.bincount(of)[of].astype(np.float64),
    }


def _shared(groups: Sequence[str], mass: Floats) -> Floats:
    """The share of the mass that the group of each has."""
    number = {group: at for at, group in enumerate(dict.fromkeys(groups))}
    of = np.array([number[group] for group in groups])
    return np.asarray(np.bincount(of, mass)[of] / max(float(mass.sum()), 1e-6))


def _best_of(groups: Sequence[str], values: Small | Floats) -> Floats:
    """The greatest value of the group of each."""
    number = {group: at for at, group in enumerate(dict.fromkeys(groups))}
    of = np.array([number[group] for group in groups])
    best = np.zeros(len(number))
    np.maximum.at(best, of, values)
    return np.asarray(best[of])


def _of_best(values: Small | Floats) -> Floats:
    return np.asarray(values / max(float(values.max()), 1e-6), np.float64)


def _best_below(names: Sequence[str], score: Floats) -> Floats:
    """The best score of each code and those that begin with it."""
    best: dict[str, float] = {}
    for name, one in zip(names, score.tolist(), strict=True):
        for size in range(3, len(name) + 1):
            best[name[:size]] = max(best.get(name[:size], 0.0), one)
    return np.array([best[name] for name in names])
