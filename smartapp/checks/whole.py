"""Rules on the claim as a whole and on what an inpatient claim asks: principal diagnosis, present on admission."""

from collections.abc import Iterator

from smartapp.checks.case import Case
from smartapp.checks.exempt import LISTED, is_exempt
from smartapp.checks.order import may_lead
from smartapp.checks.remarks import Remark
from smartapp.reviews import Action

PROFESSIONAL, INSTITUTIONAL = 12, 25  # diagnoses on an 837P and an 837I (X12 005010, segment HI)


def principal(case: Case) -> Iterator[Remark]:
    """305: of several codes of an admission a person says which is the principal one; the order alone does not."""
    if not case.review.inpatient or len(case.codes) == 1:
        return
    placing = case.review.placing_of(case.codes[0])
    if placing is None or placing.action is not Action.LEAD:
        head = case.codes[0]
        fit = may_lead(case, head)
        text = f"{head} ({case.titles[head]}) stands first because nobody has chosen another."
        text += " Confirm it, or choose another one." if fit else " Choose another one."
        yield case.remark("principal-unconfirmed", (head,), text, lead=head if fit else "")


def too_many(case: Case) -> Iterator[Remark]:
    """306."""
    most = INSTITUTIONAL if case.review.inpatient else PROFESSIONAL
    beyond = case.codes[most:]
    if beyond:
        kind = "institutional" if case.review.inpatient else "professional"
        text = f"An {kind} claim" if kind[0] == "i" else f"A {kind} claim"
        yield case.remark("too-many", beyond, f"{text} holds {most} codes; {', '.join(beyond)} will not be on it.")


def present_on_admission(case: Case) -> Iterator[Remark]:
    """601, 602: said of each code of an admission that is not exempt; our list of those is of one year."""
    if not case.review.inpatient:
        return
    unsaid = [a.code for a in case.accepted if a.poa is None and not is_exempt(a.code)]
    newer = [c for c in unsaid if (entry := case.book.get(c, case.day)) and entry.valid_from > LISTED[1]]
    missing = [c for c in unsaid if c not in newer]
    if missing:
        text = (
            f"Nobody has said whether {_listed(missing)} {'was' if len(missing) == 1 else 'were'} present on admission."
        )
        yield case.remark("poa-missing", missing, text)
    for code in newer:
        text = (
            f"Nobody has said whether {code} was present on admission. It may be exempt: our list ends before the code."
        )
        yield case.remark("poa-unlisted", (code,), text)


def _listed(codes: list[str]) -> str:
    return codes[0] if len(codes) == 1 else f"{', '.join(codes[:-1])} and {codes[-1]}"
