"""Rules on the order of the claim: what goes first, what goes before, what may not."""

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache

from model.codebook import Note, referenced_codes
from model.codebook.notes import names_code
from model.guidelines.order import Sequencer, comes_before, first_alone, never_first
from smartapp.checks.case import Book, Case
from smartapp.checks.remarks import Level, Remark

_FULL = 8  # characters of a code with its 7th, the dot included
_SEQUELAE = ("B90", "B91", "B92", "B94", "E64", "E68", "G09", "O94")  # I69 holds the deficit itself (Section I.B.10)
_MANIFESTATION = re.compile(r"\bin (?:other )?(?:\w+ ){0,3}diseases classified elsewhere\b", re.IGNORECASE)
_UNDERLYING = re.compile(r"(?:the )?underlying\b", re.IGNORECASE)
_BY_CIRCUMSTANCES = "status-never-first"  # of a visit: either first or behind, as the encounter was (Section I.C.21.a)
_DETAIL = re.compile(r"\bto identify (?:the )?(?:stage|type)\b")
_CONDITIONAL = re.compile(r"\bif\b|\bany\b", re.IGNORECASE)


@lru_cache(maxsize=4)
def _sequencer(book: Book) -> Sequencer:
    return Sequencer(book)


def first(case: Case) -> Iterator[Remark]:
    """301, 302: a code at the head that is never listed first."""
    head, rest = case.codes[0], case.codes[1:]
    if any(_sequencer(case.book)(head, other) for other in rest):
        return  # 208 says which goes before it
    rule = never_first(head, case.titles[head])
    fit = [c for c in rest if never_first(c, case.titles[c]) is None]
    lead = fit[0] if len(fit) == 1 else ""
    add = "" if rest else " It is the only code: add the one that it belongs to."
    if rule:
        text = f"{head} is listed first. {rule.reason}{add}"
        open_to_both = rule.id == _BY_CIRCUMSTANCES and not case.review.inpatient
        level = Level.WARNING if open_to_both else None
        yield case.remark("never-first", (head,), text, rule.citation, level, lead=lead)
    elif head.startswith(_SEQUELAE) or (head[0] in "ST" and len(head) == _FULL and head[-1] == "S"):
        text = f"{head} is a sequela and is listed first. The condition that it left behind goes before it.{add}"
        # Where nothing on the claim could be that condition, the notes may not name it: that is for a person to say.
        yield case.remark("sequela-first", (head,), text, level=None if fit else Level.WARNING, lead=lead)


def may_lead(case: Case, code: str) -> bool:
    """Whether no rule keeps the code from the head of this claim."""
    sequencer = _sequencer(case.book)
    return never_first(code, case.titles[code]) is None and not any(sequencer(code, other) for other in case.codes)


def alone(case: Case) -> Iterator[Remark]:
    """303: codes further down that are only ever reported at the head."""
    for code in case.codes[1:]:
        rule = first_alone(code)
        if rule:
            text = f"{code} ({case.titles[code]}) may only be reported when listed first, and {case.codes[0]} is."
            yield case.remark("first-alone", (code,), text, rule.citation, lead=code)


def before(case: Case) -> Iterator[Remark]:
    """304: a code further down that the Guidelines put before the one at the head."""
    head = case.codes[0]
    found = ((code, comes_before(code, head)) for code in case.codes[1:])
    code, rule = next(((c, r) for c, r in found if r), ("", None))
    if rule and not _sequencer(case.book)(head, code):  # that is 208's
        yield case.remark(
            "goes-before", (code, head), f"{code} goes before {head}. {rule.reason}", rule.citation, lead=code
        )


def underlying(case: Case) -> Iterator[Remark]:
    """207, 208: what the code book says to code first is on the claim, and before."""
    sequencer = _sequencer(case.book)
    for place, code in enumerate(case.codes):
        notes = case.book.notes(code).code_first
        if not notes or any(sequencer(code, other) for other in case.codes[:place]):
            continue
        after = next((other for other in case.codes[place + 1 :] if sequencer(code, other)), None)
        if after:
            text = f"{code} ({case.titles[code]}) is listed before {after}. The code book says to code {after} first."
            lead, move = (after, None) if place == 0 else ("", (after, code))
            yield case.remark("underlying-after", (code, after), text, lead=lead, move=move)
        elif remark := _missing(case, code, place, notes):
            yield remark


def _missing(case: Case, code: str, place: int, notes: tuple[Note, ...]) -> Remark | None:
    """An error where the code book leaves no choice; where its list is open, another code before may be the one."""
    manifestation = _MANIFESTATION.search(case.titles[code])
    wanted = [n for n in notes if _UNDERLYING.match(n.text) and not _CONDITIONAL.search(n.text)]
    if not manifestation and not wanted:
        return None
    open_list = any("such as" in n.text or not referenced_codes(n) for n in wanted or notes)
    level = Level.WARNING if place and open_list else Level.ERROR if manifestation else Level.WARNING
    named = ", ".join(dict.fromkeys(n.text for n in notes if referenced_codes(n)))
    text = f"{code} ({case.titles[code]}) follows the condition that underlies it, and none that the code book names"
    text += f" is on the claim{f': {_shortened(named)}' if named else ''}."
    return case.remark("underlying-missing", (code,), text, level=level, add=case.to_add(notes)[:4])


def additional(case: Case) -> Iterator[Remark]:
    """209: what the code book asks to add where the chart supports it, each of its instructions by itself. A warning
    where the stage or type must be told and can be (Sections I.C.4.a, I.C.9.a)."""
    for code in case.codes:
        own = [n for n in case.book.notes(code).use_additional if n.source in case.book.lineage(code)]
        unmet = [i for i in _instructions(own) if any(map(referenced_codes, i)) and not _is_met(i, case.codes)]
        pressing = [i for i in unmet if _is_pressing(case, i, unmet)]
        if unmet:
            notes = [n for i in (*pressing, *(i for i in unmet if i not in pressing)) for n in i]
            named = _shortened("; ".join(dict.fromkeys(n.text for n in notes if referenced_codes(n))))
            asks = "the code book says what else to code where the chart supports it"
            text = f"{code} ({case.titles[code]}): {asks}: {named}."
            suggested = {s.code for s in case.review.suggestions}
            add = [c for c in case.to_add(notes) if c in suggested]
            yield case.remark("use-additional", (code,), text, level=Level.WARNING if pressing else None, add=add)


def _instructions(notes: Sequence[Note]) -> list[list[Note]]:
    """Each "code to identify ..." of the Tabular List, with the choices printed below it."""
    found: list[list[Note]] = []
    for note in notes:
        if found and found[-1][0].source == note.source and not note.text.startswith("code"):
            found[-1].append(note)
        else:
            found.append([note])
    return found


def _is_met(instruction: Sequence[Note], codes: Sequence[str]) -> bool:
    """A list of choices is met by one of them."""
    return any(names_code(note, code) for note in instruction for code in codes)


def _is_pressing(case: Case, instruction: Sequence[Note], unmet: Sequence[Sequence[Note]]) -> bool:
    """It asks for the stage or type without an "if", and a suggestion gives it or a second such one is unmet."""
    if not _asks_for_detail(instruction):
        return False
    open_ones = [s.code for s in case.review.suggestions if s.suggested and case.review.decision_on(s.code) is None]
    beside = [i for i in unmet if i[0].source == instruction[0].source and _asks_for_detail(i)]
    return _is_met(instruction, open_ones) or len(beside) > 1


def _asks_for_detail(instruction: Sequence[Note]) -> bool:
    text = instruction[0].text
    return bool(_DETAIL.search(text)) and not _CONDITIONAL.search(text)


def _shortened(text: str, most: int = 240) -> str:
    return text if len(text) <= most else f"{text[:most].rsplit(' ', 1)[0]} …"
