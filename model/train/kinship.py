"""Whether a code has anything to do with a word by the terms of the code book: what is learnt by chance has not."""

from collections import defaultdict
from collections.abc import Mapping

from model.train.terms import GENERAL_WORDS

_STEM = 6  # letters; 'diabetic' and 'diabetes' are kin


class Kinship:
    """The stems of all words by which the code book, the house and abbreviations call the codes of a category."""

    def __init__(self, terms: Mapping[str, str]) -> None:
        """`terms`: key -> 'source:code source:code'."""
        self._terms = terms
        self._stems: dict[str, set[str]] = defaultdict(set)
        for key, codes in terms.items():
            stems = {word[:_STEM] for word in key.split(" ")}
            for category in {item.split(":", 1)[1][:3] for item in codes.split(" ")}:
                self._stems[category] |= stems

    def akin(self, key: str, code: str) -> bool:
        """Whether a word of the term that is not a general one names the category of the code."""
        stems = self._stems.get(code[:3], set())
        return any(w[:_STEM] in stems for w in key.split(" ") if _names(w))

    def says_something(self, key: str) -> bool:
        """Whether any word of the term is more than a number or a general word ('twice daily', '2018')."""
        return any(_names(w) for w in key.split(" "))

    def contradicts(self, key: str, code: str) -> bool:
        """Whether the term is known for other codes alone, of whatever category."""
        known = [item.split(":", 1)[1].rstrip("-.") for item in self._terms.get(key, "").split()]
        return bool(known) and not any(code.startswith(k) or k.startswith(code) for k in known)

    def taken(self, key: str, code: str) -> bool:
        """Whether the term is known, and for codes of other categories alone."""
        codes = self._terms.get(key, "").split()
        return bool(codes) and all(item.split(":", 1)[1][:3] != code[:3] for item in codes)


def _names(word: str) -> bool:
    return len(word) > 1 and word not in GENERAL_WORDS and not word[0].isdigit()
