"""Numbered rules that a claim is held against before it is signed. Pure: a review and the code book go in."""

from collections.abc import Callable, Iterable, Iterator
from typing import Final

from smartapp.checks import asserted, order, pairs, single, whole, words
from smartapp.checks.case import Book, Case
from smartapp.checks.remarks import Level, Remark, Rule, rules
from smartapp.reviews import Review

__all__ = ["Level", "Remark", "Rule", "remarks_if_accepted", "remarks_on", "rules"]

_CHECKS: Final[tuple[Callable[[Case], Iterator[Remark]], ...]] = (
    single.valid,
    single.once,
    pairs.excluded,
    pairs.held,
    pairs.combined,
    pairs.said_in_more_detail,
    pairs.integral,
    pairs.both_sides,
    order.underlying,
    order.additional,
    order.first,
    order.alone,
    order.before,
    whole.principal,
    whole.too_many,
    single.of_this_sex,
    single.of_this_age,
    words.unspecified,
    asserted.other_side,
    asserted.uncertain,
    asserted.not_affirmed,
    words.changed,
    words.undecided,
    whole.present_on_admission,
)
# Those that need no decision, and not the order of the claim.
_FORESEEN: Final = (
    pairs.excluded,
    pairs.held,
    pairs.combined,
    pairs.integral,
    pairs.both_sides,
    order.additional,
    single.of_this_sex,
    single.of_this_age,
)
_ORDER: Final = tuple(Level)


def remarks_on(review: Review, book: Book) -> tuple[Remark, ...]:
    """What the rules say of the codes that would be signed now: errors first, then by number."""
    accepted = review.accepted()
    if not accepted:
        return ()
    return _sorted(Case(review, accepted, book), _CHECKS)


def remarks_if_accepted(review: Review, book: Book) -> tuple[Remark, ...]:
    """What the rules would say of the undecided suggestions, were all of them accepted; errors first."""
    supposed = tuple(s for s in review.suggestions if s.suggested and review.decision_on(s.code) is None)
    codes = {s.code for s in supposed}
    found = _sorted(Case(review, review.accepted(), book, supposed), _FORESEEN) if supposed else ()
    return tuple(remark for remark in found if codes.intersection(remark.codes))


def _sorted(case: Case, checks: Iterable[Callable[[Case], Iterator[Remark]]]) -> tuple[Remark, ...]:
    found = {remark.id: remark for check in checks for remark in check(case)}
    return tuple(sorted(found.values(), key=lambda r: (_ORDER.index(r.level), r.rule.number, r.codes)))
