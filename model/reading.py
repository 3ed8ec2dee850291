"""A document as the predictor reads it: words, sentences and sections, each with its exact characters."""

from dataclasses import dataclass
from functools import cached_property

from model.document import Span
from model.sections import Section, read_sections
from model.tokens import Token, tokenise

_SHORT = 2  # letters of 'p.o.', 'vs.', 'pt.'
_ABBREVIATIONS = frozenset(
    {"etc", "approx", "mrs", "dept", "tab", "cap", "vol", "fig", "lab", "med", "hrs", "hr", "min"}
)
_LONGEST = 400  # tokens; a text that never ends a sentence must not take quadratic time
_ENDS = frozenset({"!", "?", ";", "\n", "\n\n", "\f", "•", "·", "*", "|"})


@dataclass(frozen=True, slots=True)
class Sentence:
    """Tokens `first` to `last` (half-open) that one statement runs over: a sentence, a line, an item of a list."""

    first: int
    last: int


@dataclass(frozen=True)
class Reading:
    """The text, its tokens, and where each sentence and section begins."""

    text: str

    @cached_property
    def tokens(self) -> tuple[Token, ...]:
        return tuple(tokenise(self.text))

    @cached_property
    def sections(self) -> tuple[Section, ...]:
        return read_sections(self.text)

    @cached_property
    def sentences(self) -> tuple[Sentence, ...]:
        sentences, first = [], 0
        headings = {s.body for s in self.sections if s.body > s.start}
        for index, token in enumerate(self.tokens):
            after = index + 1
            if token.end in headings or self._ends(index, token) or after - first >= _LONGEST:
                if after - first > 1 or token.word:
                    sentences.append(Sentence(first, after))
                first = after
        if first < len(self.tokens):
            sentences.append(Sentence(first, len(self.tokens)))
        return tuple(sentences)

    def _ends(self, index: int, token: Token) -> bool:
        """A full stop inside a number or an abbreviation ('p.o. daily') ends nothing."""
        if token.norm == "?" and self.text[token.end : token.end + 1].isalnum():  # '?COPD' is a doubt
            return False
        if token.norm in _ENDS:
            return True
        if token.norm != ".":
            return False
        following = self.text[token.end : token.end + 8]
        if following[:1].isalnum():
            return False
        if not following.lstrip(" \t")[:1].islower():
            return True
        before = self.tokens[index - 1] if index else token
        return before.end - before.start > _SHORT and before.norm not in _ABBREVIATIONS

    def words_of(self, sentence: Sentence) -> int:
        return sum(t.word for t in self.tokens[sentence.first : sentence.last])


@dataclass(frozen=True, slots=True)
class Mention:
    """Words of the document that a term of the lexicon names."""

    span: Span
    key: str
    length: int  # words of the term
    sentence: int
    first: int  # tokens, half-open
    last: int
    broken: bool  # a comma or stroke stands between its words
    nested: bool = False  # inside a longer mention
    gap: int = 0  # other words between its own ('metastases to liver and lung')
    words: tuple[int, ...] = ()  # tokens of its words, where others stand between them

    @property
    def places(self) -> tuple[int, ...]:
        """Its tokens."""
        return self.words or tuple(range(self.first, self.last))
