"""The summary before signing: the claim, what the rules say of it, exactly what will be written, and the sentence."""

from collections.abc import Mapping, Sequence

from flask import Response, abort, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from smartapp.checks import Level, Remark
from smartapp.errors import NotSignable, ReviewChanged
from smartapp.queries import QueryState
from smartapp.reviews import Action, Particulars, PresentOnAdmission
from smartapp.views.launched import board_of, form_version, launched, pages
from smartapp.views.rungs import HOW, INSTEAD, NAMES
from smartapp.views.wiring import wiring

UNTICKED = "Tick the box to say that you stand for these codes, then sign."
CHANGED = "The review was changed in another window and was not signed. Check the list below as it is now."
KEPT = "What you said about admission was kept, and nothing was signed. Read the list as it is now, then sign."
NOT_MOVED = "The review was changed in another window; the order was left as it is. Check the list below as it is now."
NOT_SIGNABLE = (
    "Nothing was signed. Mend what is listed under “Before you can sign”, and give a reason for each warning."
)
LEVELS = {
    Level.ERROR: "Before you can sign",
    Level.WARNING: "Warnings: mend them, or say why not",
    Level.INFORMATION: "Good to know",
}
_REASON, _POA = "reason-", "poa-"  # what the names of fields begin with; the id of the warning or the code follows


@pages.get("/summary")
def summary() -> BaseResponse:
    return summary_page()


@pages.post("/summary")
def change_summary() -> BaseResponse:
    """What the page says besides the signature: who was present on admission, and one act. All of the page is one
    form, so no button of it loses what was said elsewhere; reasons typed are shown again."""
    here, coding = launched(), wiring().coding
    try:
        version, _ = _keep_poa(form_version())
        if "act" in request.form:
            action, code, particulars = _read_act(request.form["act"])
            coding.decide(here.key, version, action, code, None, here.by, particulars)
    except ReviewChanged as changed:
        return summary_page(NOT_MOVED, changed.status)
    return summary_page()


@pages.post("/sign")
def sign() -> BaseResponse:
    """Nobody signs what they have not seen: what was said about admission just now is kept and shown first."""
    here = launched()
    try:
        version, news = _keep_poa(form_version())
        if news:
            return summary_page(KEPT, 422)
        if request.form.get("attest") != "yes":
            return summary_page(UNTICKED, 422)
        wiring().coding.sign_off(here.key, version, here.by, here.client, _given())
    except ReviewChanged as changed:
        return summary_page(CHANGED, changed.status)
    except NotSignable as refused:
        return summary_page(NOT_SIGNABLE, refused.status)
    return redirect(url_for("review.receipt"), 303)


def _keep_poa(version: int) -> tuple[int, bool]:
    """The version after what the form says of admission, each word a decision of its own; whether any was new."""
    here, coding = launched(), wiring().coding
    said = {a.code: a.poa for a in coding.review(here.key).accepted()}
    news = {
        name.removeprefix(_POA): PresentOnAdmission(value)
        for name, value in request.form.items()
        if name.startswith(_POA) and value in set(PresentOnAdmission) and said.get(name.removeprefix(_POA)) != value
    }
    for code, poa in news.items():
        version = coding.decide(here.key, version, Action.POA, code, None, here.by, Particulars(poa=poa)).version
    return version, bool(news)


def _read_act(said: str) -> tuple[Action, str, Particulars]:
    """What a button says, or 400: the action, its code, and the code that it goes before or takes the place of."""
    word, code, other = f"{said}::".split(":")[:3]
    if word not in (Action.ACCEPT, Action.ADD, Action.EDIT, Action.LEAD, Action.MOVE):
        abort(400)
    action = Action(word)
    before, instead_of = (other if action is wanted else None for wanted in (Action.MOVE, Action.EDIT))
    return action, code, Particulars(before=before or None, instead_of=instead_of)


def _given() -> dict[str, str]:
    """Reasons by the ids of warnings, as the form has them."""
    fields = request.form.items() if request.method == "POST" else ()
    return {name.removeprefix(_REASON): words for name, words in fields if name.startswith(_REASON)}


def by_level(remarks: Sequence[Remark]) -> Mapping[Level, Sequence[Remark]]:
    """The gravest first; a level of which there is nothing is left out."""
    levels = {level: [remark for remark in remarks if remark.level is level] for level in Level}
    return {level: found for level, found in levels.items() if found}


def summary_page(message: str = "", status: int = 200) -> BaseResponse:
    here = launched()
    board = board_of(wiring().coding.look(here.key, here.client))
    if board.closed:
        return redirect(url_for("review.receipt"), 303)
    wiring().coding.viewed(here.key, "summary", here.by)
    plan = wiring().coding.summary(here.key, here.client, here.by) if board.review.has_to_sign else None
    queries = [q for q in wiring().asking.queries(here.key) if q.state in (QueryState.DRAFT, QueryState.SENT)]
    page = render_template(
        "summary.html", board=board, plan=plan, message=message, how=HOW, names=NAMES, instead=INSTEAD,
        remarks=by_level(plan.remarks) if plan else {}, levels=LEVELS, given=_given(),
        suggested={s.code for s in board.review.suggestions}, queries=queries, asks=here.role.worklist,
    )  # fmt: skip
    response: Response = make_response(page)
    response.status_code = status
    return response
