"""Rules on codes beside each other: excluded, held by another, combined, signs, sides. Most of them are the model's."""

from collections.abc import Iterator
from functools import lru_cache
from itertools import combinations as pairs_of

from model.document import Span
from model.guidelines.beside import beside_rules
from model.guidelines.combinations import Combination, combinations
from model.guidelines.excluded import Excluder
from model.guidelines.integral import integral_signs
from model.guidelines.specific import yielding_codes
from model.specification import title_words
from smartapp.checks.case import Book, Case
from smartapp.checks.remarks import Level, Remark
from smartapp.suggestions import place

_SIDES = {"right", "left", "bilateral"}
_FULL = 8  # characters of a code with its 7th, the dot included
_BEYOND = 10**9  # a place in no note: of codes that were added without words


@lru_cache(maxsize=4)
def _excluder(book: Book) -> Excluder:
    return Excluder(book)


def excluded(case: Case) -> Iterator[Remark]:
    """201: an error where the very same words speak for both, for then the conditions are not unrelated."""
    excluder = _excluder(case.book)
    for one, other in pairs_of(case.codes, 2):
        under, named = (one, other) if excluder(one, other) else (other, one)
        note = excluder.note(under, named)
        if note is None:
            continue
        same = case.evidence[one] & case.evidence[other]
        text = f"The code book says at {note.source} that {under} and {named} exclude each other: “{note.text}”."
        text += " The same words speak for both, so they are one condition." if same else ""
        yield case.remark("excludes1", (one, other), text, level=Level.ERROR if same else None)


def held(case: Case) -> Iterator[Remark]:
    """202, 210: what `beside.toml` says of codes that do not stand beside another, or not without one."""
    words = {code: [Span(n, n + 1)] for n, code in enumerate(case.codes)}  # a person stands for each of them
    seen: set[str] = set()
    for row in beside_rules():
        if row.said:
            continue
        for code in (c for c in case.codes if c not in seen and row.drops(c, case.codes, case.codes, words)):
            seen.add(code)
            if row.needed:
                yield case.remark("only-beside", (code,), f"{code}: {row.rule.reason}", row.rule.citation)
            else:
                other = next(c for c in case.codes if c != code and c.startswith(row.others))
                text = f"{code} beside {other}: {row.rule.reason}"
                yield case.remark("held-by-another", (code, other), text, row.rule.citation)


def combined(case: Case) -> Iterator[Remark]:
    """203: two codes for which there is one."""
    for row in combinations():
        firsts = [c for c in case.codes if c.startswith(row.first)]
        seconds = [c for c in case.codes if c.startswith(row.second) and c not in firsts and _says(case, row, c)]
        if not firsts or not seconds or row.unless.search(case.text):
            continue
        code = row.target(firsts[0], seconds[0])
        if code in case.codes or not case.book.is_billable(code, case.day):
            continue
        told = f"{firsts[0]} and {seconds[0]} are named together by {code} ({case.title(code)}). {row.rule.reason}"
        replaced = firsts[0] if firsts[0].startswith(tuple(p.replace("%", firsts[0][:3]) for p in row.replaces)) else ""
        yield case.remark(
            "combination", (firsts[0], seconds[0]), told, row.rule.citation, add=(code,), instead_of=replaced
        )


def _says(case: Case, row: Combination, code: str) -> bool:
    """Whether the words for the second code say what the rule wants; without words, only where it wants none."""
    quotes = [e.quote for a in case.listed if a.code == code for e in a.evidence]
    return not row.says.pattern or any(map(row.says.search, quotes))


def said_in_more_detail(case: Case) -> Iterator[Remark]:
    """204: of two codes for one condition the vaguer one; pairs that exclude each other are 201's."""
    starts = {p.note_id: p.start for p in place(case.review.notes)}
    words = {
        a.code: [
            Span(starts[e.note_id] + e.start, starts[e.note_id] + e.end) for e in a.evidence if e.note_id in starts
        ]
        or [Span(_BEYOND + 2 * n, _BEYOND + 2 * n + 1)]
        for n, a in enumerate(case.accepted)
    }
    excluder = _excluder(case.book)
    yields = yielding_codes(case.titles, case.titles, words, excluder)
    for code, rule in yields.items():
        other = next((c for c in case.codes if f"({c})" in rule.reason), "")
        if not (excluder(code, other) or excluder(other, code)):
            yield case.remark("said-in-more-detail", (code, other), f"{code}: {rule.reason}", rule.citation)


def integral(case: Case) -> Iterator[Remark]:
    """205: signs of a diagnosis that is on the claim as well, unless the notes tell of their own treatment."""
    for sign, rule in integral_signs(case.codes, case.titles, case.text).items():
        cause = next(c for c in case.codes if f"({c})" in rule.reason)
        text = f"{sign} ({case.titles[sign]}) is a usual sign of {cause} ({case.titles[cause]})."
        yield case.remark("integral-sign", (sign, cause), text, rule.citation)


def both_sides(case: Case) -> Iterator[Remark]:
    """206: right and left of the same where one code says both."""
    for right, left in ((a, b) for a in case.codes for b in case.codes if a[:3] == b[:3]):
        said = title_words(case.titles[right])
        if "right" not in said or title_words(case.titles[left]) != said - {"right"} | {"left"}:
            continue
        both = next((c for c in case.book.billable_descendants(right[:3], case.day) if _is_both(case, c, right)), None)
        if both:
            text = f"{right} and {left} are the two sides of {both} ({case.title(both)})."
            yield case.remark("both-sides", (right, left), text, add=(both,), instead_of=right)


def _is_both(case: Case, code: str, right: str) -> bool:
    """Whether the code says for both sides what the other says for the right one, with the same 7th character."""
    title = case.title(code)
    if "bilateral" not in title.lower() or (len(code) == _FULL) != (len(right) == _FULL):
        return False
    siblings = len(code) == len(right) and sum(a != b for a, b in zip(code, right, strict=True)) == 1
    return siblings or title_words(title) - _SIDES == title_words(case.titles[right]) - _SIDES
