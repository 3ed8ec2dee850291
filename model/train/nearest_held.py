"""Terms held out, so that words that no term holds can be asked for with a known answer."""

import random
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from model.codebook.entries import Term, TermSource
from model.tokens import content_words, term_key
from model.train.terms import index_terms

SEED = 2026
_TESTED = 20  # one in so many is for measuring, and twice as many teach the ranking
_ASKED = frozenset({TermSource.INDEX, TermSource.INCLUSION})
_NOT_ASKED = "VWXY"  # external causes


@dataclass(frozen=True, slots=True)
class Held:
    """Terms that no other term says in the same words: `tested` for measuring, `taught` for the ranking, the rest."""

    tested: tuple[Term, ...]
    taught: tuple[Term, ...]
    rest: tuple[Term, ...]


def hold_out(terms: Iterable[Term], taken: Collection[str], most: int | None = None, seed: int = SEED) -> Held:
    """The same terms each time. `taken`: keys of other tables, whose terms are not asked for; `most`: that teach."""
    every = list(terms)
    keys = [tuple(index_terms([term])) for term in every]
    times = Counter(key for one in keys for key in one)
    asked = [at for at, term in enumerate(every) if term.source in _ASKED and term.code[0] not in _NOT_ASKED]
    alone = [at for at in asked if _alone(every[at], keys[at], times, taken)]
    random.Random(seed).shuffle(alone)  # noqa: S311 (a sample, not a secret)
    share = max(1, len(asked) // _TESTED)
    tested, taught = alone[:share], alone[share : 3 * share][:most]
    out = {*tested, *taught}
    rest = tuple(term for at, term in enumerate(every) if at not in out)
    return Held(_chosen(every, tested), _chosen(every, taught), rest)


def keys_of(terms: Iterable[Term]) -> frozenset[str]:
    """Every key under which one of the terms is known, and that of its words as printed."""
    return frozenset(key for term in terms for key in (term_key(content_words(term.text)), *index_terms([term])))


def _chosen(terms: Sequence[Term], places: Iterable[int]) -> tuple[Term, ...]:
    return tuple(terms[at] for at in places)


def _alone(term: Term, keys: Sequence[str], times: Counter[str], taken: Collection[str]) -> bool:
    own = term_key(content_words(term.text))
    return own in keys and not any(times[key] > 1 or key in taken for key in keys)
