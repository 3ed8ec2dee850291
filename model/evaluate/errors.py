"""What went wrong, code by code: gold codes that are not suggested and suggestions that are wrong, with their kind."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from model.document import Span
from model.evaluate.gold import Barred, overlap
from model.evaluate.outcomes import Judged, Outcome
from model.guidelines.specific import vagueness
from model.prediction import Assertion, NotCoded

Titles = Callable[[str], str]
_NOT_ASSERTED = frozenset({"negated", "family", "history", "uncertain", "hypothetical"})
_INTEGRAL = "integral"


class Kind(StrEnum):
    """The first two are of gold codes, the others of suggestions."""

    MISSED = "missed"  # neither listed nor a candidate for listed words
    NOT_SUGGESTED = "not suggested"  # a candidate below the threshold, or refused by a rule
    WRONG_SIBLING = "wrong sibling"  # the category of a gold code that is not met, another code
    UNSPECIFIC = "unspecific"  # says less than such a gold code: stands above it or has the vaguer title
    NOT_ASSERTED = "not asserted"  # barred as negated, family, history or uncertain; or no evidence is present
    INTEGRAL = "integral"  # barred as part of another condition
    OVER_CODED = "over-coded"  # everything else


@dataclass(frozen=True, slots=True)
class Error:
    """One error; `words` are the gold's for a gold code and the evidence of the suggestion for a suggestion."""

    document: str
    code: str
    title: str
    kind: Kind
    words: str
    confidence: float | None  # None: never weighed
    remark: str  # the gold code it stands beside, or the rule that refused it


def errors_of(outcome: Outcome, title: Titles) -> list[Error]:
    """Every error of a document: gold codes first, each part in the order of the codes."""
    unmet = sorted(outcome.gold.codes.keys() - {j.met for j in outcome.judged if j.code.suggested})
    wrong = sorted((j for j in outcome.suggested if j.met is None), key=lambda j: j.code.code)
    return [*_lost(outcome, unmet, title), *_given(outcome, unmet, wrong, title)]


def count_kinds(errors: Iterable[Error]) -> dict[Kind, int]:
    """Errors of each kind, also of those that did not happen."""
    counted = Counter(e.kind for e in errors)
    return {kind: counted[kind] for kind in Kind}


def _lost(outcome: Outcome, unmet: Sequence[str], title: Titles) -> Iterator[Error]:
    weighed = {str(c.code): c.score for j in outcome.judged for c in j.code.candidates}
    weighed |= {j.met: j.code.confidence for j in outcome.judged if j.met}
    refused = {str(n.code): n for n in outcome.prediction.not_coded}
    for code in unmet:
        words = _words(outcome, outcome.gold.codes[code])
        kind, confidence, remark = _why_lost(weighed.get(code), refused.get(code))
        yield Error(outcome.gold.document.id, code, title(code), kind, words, confidence, remark)


def _why_lost(weighed: float | None, refused: NotCoded | None) -> tuple[Kind, float | None, str]:
    if weighed is not None:
        return Kind.NOT_SUGGESTED, weighed, ""
    if refused:
        return Kind.NOT_SUGGESTED, None, f"rule: {refused.rule.id}" if refused.rule else "refused"
    return Kind.MISSED, None, ""


def _given(outcome: Outcome, unmet: Sequence[str], wrong: Sequence[Judged], title: Titles) -> Iterator[Error]:
    for one in wrong:
        code = str(one.code.code)
        kind, beside = _why_given(outcome, one, unmet, title)
        words = _words(outcome, [e.span for e in one.code.evidence])
        remark = f"gold: {beside}" if beside else ""
        yield Error(outcome.gold.document.id, code, title(code), kind, words, one.code.confidence, remark)


def _why_given(outcome: Outcome, one: Judged, unmet: Sequence[str], title: Titles) -> tuple[Kind, str]:
    """What the coders say of the code decides; then its kin among the gold codes; then what the text says of it."""
    reasons = {b.reason for b in _barred(outcome, one)}
    if reasons & _NOT_ASSERTED:
        return Kind.NOT_ASSERTED, ""
    if _INTEGRAL in reasons:
        return Kind.INTEGRAL, ""
    code = str(one.code.code)
    kin = [gold for gold in unmet if gold[:3] == code[:3]]
    for gold in kin:
        if gold.startswith(code) or vagueness(title(code)) > vagueness(title(gold)):
            return Kind.UNSPECIFIC, gold
    if kin:
        return Kind.WRONG_SIBLING, kin[0]
    if all(e.assertion is not Assertion.PRESENT for e in one.code.evidence):
        return Kind.NOT_ASSERTED, ""
    return Kind.OVER_CODED, ""


def _barred(outcome: Outcome, one: Judged) -> list[Barred]:
    """What the coders bar the code for: where its own words tempt, if any of them do."""
    barred = [b for b in outcome.gold.must_not if b.code == str(one.code.code)]
    evidence = [e.span for e in one.code.evidence]
    return [b for b in barred if overlap(evidence, b.spans)] or barred


def _words(outcome: Outcome, spans: Iterable[Span]) -> str:
    """The different words of the spans, in the order of the text, on one line."""
    text = outcome.gold.document.text
    return " | ".join(dict.fromkeys(" ".join(span.of(text).split()) for span in sorted(spans)))
