"""What is left to choose under a heading whose codes differ by kind, side and 7th character, and where it leads."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from model.codebook.entries import Entry

_MOST_KINDS = 4  # more are read in the tabular list, not chosen by a key
_SIDE = re.compile(r"\b(right|left)\b")
_UNSIDED = re.compile(r"\b(bilateral|unspecified)\b")
_PLURAL = re.compile(r"(?<=[a-z]{2})(?:s|(i)es)\b")  # "bilateral upper limbs"
SIDES = ("right", "left", "bilateral", "unspecified")


@dataclass(frozen=True, slots=True)
class Option:
    """One of the things to choose between; `key` is what is pressed for it."""

    key: str
    words: str


@dataclass(frozen=True, slots=True)
class Choices:
    """The billable codes under a heading by what sets them apart. A group of fewer than two is nothing to choose.

    codes: (kind, side, 7th character), by their keys and empty where there is no such group -> code.
    """

    heading: str
    title: str
    kinds: tuple[Option, ...]
    sides: tuple[Option, ...]
    sevenths: tuple[Option, ...]
    codes: Mapping[tuple[str, str, str], str]

    @property
    def needs(self) -> tuple[str, ...]:
        """What a heading still wants before it can be billed, in words."""
        wanted = {"kind": self.kinds, "side": self.sides, "7th character": self.sevenths}
        return tuple(words for words, options in wanted.items() if len(options) > 1)

    @property
    def wanting(self) -> str:
        """The same as words of a sentence: `kind, side and 7th character`."""
        *others, last = self.needs
        return f"{', '.join(others)} and {last}" if others else last

    def keys_of(self, code: str) -> tuple[str, str, str]:
        """What was chosen for the code; raises KeyError."""
        return {chosen_code: keys for keys, chosen_code in self.codes.items()}[code]


def choices_under(
    heading: Entry, leaves: Sequence[Entry], seventh_of: Callable[[str], Mapping[str, str]]
) -> Choices | None:
    """The choices between billable codes under a heading; None when side and 7th character do not tell them apart."""
    parts = {entry.code: _parts(entry, seventh_of(entry.code)) for entry in leaves}
    templates = {_SIDE.sub("@", title) for title, _, _ in parts.values() if _SIDE.search(title)}
    told = {code: (*_sided(title, templates), seventh) for code, (title, seventh, _) in parts.items()}
    meanings = {seventh: words for _, seventh, words in parts.values() if seventh}
    kinds = list(dict.fromkeys(kind for kind, _, _ in told.values()))
    if len(kinds) > _MOST_KINDS or len(set(told.values())) < len(told) or len(told) < 2:
        return None
    sides = [side for side in SIDES if any(side == s for _, s, _ in told.values())]
    if len(sides) < 2 and len(meanings) < 2:
        return None
    key_of = {kind: str(n) for n, kind in enumerate(kinds, 1)} if len(kinds) > 1 else {}
    return Choices(
        heading.code,
        heading.title,
        tuple(Option(key, _shown(kind)) for kind, key in key_of.items()),
        tuple(Option(side[0].upper(), side) for side in sides),
        tuple(Option(key, words) for key, words in sorted(meanings.items())),
        {(key_of.get(kind, ""), side[:1].upper(), seventh): code for code, (kind, side, seventh) in told.items()},
    )


def _parts(entry: Entry, table: Mapping[str, str]) -> tuple[str, str, str]:
    """(title without what the 7th character says, 7th character, what it says)."""
    character = entry.code[-1] if len(entry.code) == 8 else ""
    if character not in table:
        return entry.title.lower(), "", ""
    words = table[character]
    title, end = entry.title.lower(), f", {words.lower()}"
    return (title[: -len(end)] if title.endswith(end) else title.rpartition(", ")[0] or title), character, words


def _sided(title: str, templates: Iterable[str]) -> tuple[str, str]:
    """(what the code is of, side); a side is what stands where others of the heading say right or left."""
    if match := _SIDE.search(title):
        return _SIDE.sub("@", title), match[1]
    known = {_loose(template): template for template in templates}
    for match in _UNSIDED.finditer(title):
        rest = f"{title[: match.start()]}{title[match.end() :]}"
        if template := known.get(_loose(rest)):
            return template, match[1]
    return title, ""


def _loose(title: str) -> str:
    """The words alone, in the singular: the place of the side differs between the codes of some headings."""
    return " ".join(re.findall(r"[^\s,@]+", _PLURAL.sub(lambda m: "y" if m[1] else "", title)))


def _shown(kind: str) -> str:
    """The words of a kind without the place of the side."""
    words = " ".join(kind.replace("@", "").split())
    return words[:1].upper() + words[1:]
