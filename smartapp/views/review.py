"""The review page: notes, suggestions, and a POST for each decision."""

from dataclasses import replace

from flask import Response, abort, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from smartapp.deciding import LONGEST_TEXT, chosen_words
from smartapp.errors import ReviewChanged
from smartapp.reviews import REJECT_REASONS, Action, Decision, Particulars, PresentOnAdmission, Review
from smartapp.views.board import Board
from smartapp.views.cards import POA_WORDS
from smartapp.views.launched import board_of, form_version, launched, pages, tenant_of, wants_fragment
from smartapp.views.wiring import wiring


@pages.get("/")
def show() -> str:
    here, coding = launched(), wiring().coding
    coding.viewed(here.key, "review", here.by)
    review = coding.open(here.key, here.client, here.by)
    wiring().worklist.opened(here.key, tenant_of(here), here.by, wiring().asking.clock())
    return render_template("review/page.html", board=board_of(review))


@pages.get("/progress")
def progress() -> Response:
    """Asked every second while the chart is read and coded; sends the page's work area once there is more to show.
    Opening, not only looking: work whose process has died is begun anew."""
    here = launched()
    board = board_of(wiring().coding.open(here.key, here.client, here.by))
    if board.working and request.args.get("notes") == str(len(board.notes)):
        return make_response(render_template("review/_progress.html", board=board))
    return _whole_work(board, "")


@pages.post("/retry")
def retry() -> BaseResponse:
    """From a page that is behind nothing is begun: it shows what has changed since."""
    here, coding = launched(), wiring().coding
    if form_version() == coding.review(here.key).version:
        coding.retry(here.key, here.client, here.by)
    return redirect(url_for("review.show"), 303)


@pages.post("/decisions")
def decide() -> BaseResponse:
    here, coding = launched(), wiring().coding
    action, code, reason = _read_decision()
    try:
        particulars = _read_particulars(action)
        review = coding.decide(here.key, form_version(), action, code, reason, here.by, particulars)
    except ReviewChanged as changed:
        return _changed(changed)
    board = board_of(review)
    if wants_fragment():
        shown = replace(review, version=form_version(), decisions=review.decisions[:-1])
        return _answer(board, board_of(shown), action, code)
    card = board.card_of(code)
    return redirect(url_for("review.show", _anchor=card.id if card else "codes"), 303)


@pages.post("/decisions/viewed")
def accept_viewed() -> BaseResponse:
    """Accepts what is undecided and has been viewed; the page is shown anew, each card where it was."""
    here, coding = launched(), wiring().coding
    try:
        before = len(coding.review(here.key).decisions)
        review = coding.accept_viewed(here.key, form_version(), here.by)
    except ReviewChanged as changed:
        return _changed(changed)
    if not wants_fragment():
        return redirect(url_for("review.show", _anchor="codes"), 303)
    count = len(review.decisions) - before
    return _whole_work(board_of(review), "", said=f"{count} {'code' if count == 1 else 'codes'} accepted.")


@pages.post("/viewed")
def saw() -> Response:
    """The evidence for these codes was before the person's eyes; sends the button that counts them."""
    here, coding = launched(), wiring().coding
    review = coding.review(here.key)
    behind = form_version() != review.version  # then the page may show other evidence
    if not behind:
        review = coding.saw(here.key, request.form["codes"].split(), here.by)
    board = board_of(review)
    return make_response(render_template("review/_accept_viewed.html", board=board), 409 if behind else 200)


def _read_decision() -> tuple[Action, str, str | None]:
    """What the form says, or 400."""
    try:
        action = Action(request.form["action"].partition(":")[0])
    except ValueError:
        abort(400)
    reason = request.form.get("reason") if action is Action.REJECT else None
    if reason is not None and reason not in REJECT_REASONS:
        abort(400)
    return action, request.form["code"], reason


def _read_particulars(action: Action) -> Particulars:
    """What the form says beyond code and reason, or 400. Raises ReviewChanged for words that the note does not hold."""
    form, text = request.form, request.form.get("text", "").replace("\r\n", "\n").strip()
    if len(text) > LONGEST_TEXT:
        abort(400)
    try:
        poa = PresentOnAdmission(form["poa"]) if action is Action.POA else None
        chosen = action in (Action.ADD, Action.EDIT) and form.get("quote")
        review = wiring().coding.review(launched().key) if chosen else None
        words = chosen_words(review, form["note"], int(form["start"]), form["quote"]) if review else None
    except ValueError:
        abort(400)
    return Particulars(
        before=form["action"].partition(":")[2] or None,  # "move:I10": a button of the claim's row says both
        poa=poa,
        instead_of=form["instead_of"].strip().upper() if action is Action.EDIT else None,
        text=text if action in (Action.NOTE, Action.REJECT) else "",
        evidence=(words,) if words else (),
    )


def _answer(board: Board, before: Board, action: Action, code: str) -> Response:
    """The cards that it decides on, what the rules say of others now, and the counters out of band: nothing else on
    the page moves."""
    decided = _decided(board.review, action, code)
    codes = decided.codes if decided else (code,)
    said, was = board.remarks, before.remarks
    told = {c for c in {**was, **said} if said.get(c) != was.get(c)}.difference(codes)
    retold = {words.note_id for words in decided.particulars.evidence} if decided else set()
    card = next((found for c in reversed(codes) if (found := board.card(c))), None)
    others = [found for c in codes if (found := board.card(c)) and not (card and c == card.code)]
    asked_by = request.headers.get("HX-Trigger", "")
    response = make_response(
        render_template(
            "review/_decided.html",
            board=board,
            card=card,
            others=others,
            told=[found for c in sorted(told) if (found := board.card_of(c))],
            retold=[note for note in board.notes if note.note_id in retold] if retold else (),
            added=card is not None and any(board.card(c) is None for c in codes),
            said=announcement(board, action, code),
            result=asked_by if asked_by.startswith("r-") else None,
        )
    )
    response.headers["HX-Retarget"] = f"#{card.id}" if card else "#added"
    response.headers["HX-Reswap"] = "outerHTML"
    return response


def _decided(review: Review, action: Action, code: str) -> Decision | None:
    """The decision on the code just taken; of an undoing, what was taken back."""
    acts = review.decisions
    if action is Action.UNDO:
        return replace(review, decisions=acts[:-1]).latest_on(code)
    return next((d for d in reversed(acts) if d.code == code), None)


def announcement(board: Board, action: Action, code: str) -> str:
    """What a screen reader says after a decision."""
    review, tally = board.review, board.tally
    first = "made principal" if review.inpatient else "listed first"
    at = next((f"moved to place {a.rank}" for a in review.accepted() if a.code == code), "moved")
    words = {"accept": "accepted", "reject": "rejected", "add": "added", "undo": "put back", "lead": first, "move": at}
    word = words.get(action, "kept")
    latest = review.decisions[-1] if review.decisions else None
    if action is Action.EDIT and latest:
        word = f"taken in the place of {latest.particulars.instead_of}"
    if action is Action.POA and latest and latest.particulars.poa:
        word = f"present on admission: {POA_WORDS[latest.particulars.poa]}"
    if action is Action.NOTE:
        return f"The note on {code} is {'kept' if latest and latest.particulars.text else 'removed'}."
    if action is Action.UNDO and review.decision_on(code):
        word = "put one step back"
    return f"{code} {word}. {tally.accepted} accepted, {tally.undecided} undecided."


def _changed(changed: ReviewChanged) -> BaseResponse:
    """The state as it is now, with the reason why the decision was not taken."""
    board = board_of(wiring().coding.review(launched().key))
    return as_it_is_now(board, "your last decision was not taken. Decide again if needed.", changed)


def as_it_is_now(board: Board, told: str, changed: ReviewChanged, words: str = "") -> Response:
    """The page, or the whole of its work area, for a form that was made from an earlier version."""
    message = f"{changed.title}. This is its current state; {told}"
    if wants_fragment():
        response = _whole_work(board, message, words)
    else:
        response = make_response(render_template("review/page.html", board=board, message=message, words=words))
    response.status_code = changed.status
    return response


def _whole_work(board: Board, message: str, words: str = "", said: str = "") -> Response:
    response = make_response(
        render_template("review/_work_fragment.html", board=board, message=message, words=words, said=said)
    )
    response.headers["HX-Retarget"] = "#work"
    response.headers["HX-Reswap"] = "outerHTML"
    return response
