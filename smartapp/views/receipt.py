"""The receipt: what is in the chart now, what is not, and what to do about it."""

from flask import abort, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from smartapp.errors import DecidedSince, NoReason, ReviewChanged, StillWriting
from smartapp.fhir.outbox import IN_THE_CHART
from smartapp.reviews import CORRECTION_REASONS, Choice, ReviewStatus
from smartapp.signing import LONGEST_REASON
from smartapp.views.board import Board
from smartapp.views.launched import board_of, form_version, launched, pages, wants_fragment
from smartapp.views.rungs import INSTEAD, in_a_sentence, is_elsewhere, is_left_out
from smartapp.views.wiring import wiring

OUTCOMES = {
    "pending": "Not sent yet",
    "sent": "Sent, not confirmed",
    "written": "Written",
    "already-there": "Already in the chart",
    "taken": "Taken in the EHR",
    "not-written": "Not written",
    "failed": "Failed",
    "refused": "Refused by the EHR",
    "conflict": "Waits for your choice",
    "undone": "Withdrawn",
    "stray": "To be removed by hand",
}
CHOICES = {
    Choice.BOTH: "Both: keep their list and add what was signed after it",
    Choice.MINE: "Mine: the list as it was reviewed, then what was signed; theirs is taken out of the list",
    Choice.THEIRS: "Theirs: leave the list as it is now; what was signed is not listed",
}


@pages.get("/receipt")
def receipt() -> str | BaseResponse:
    """While it is written the page asks again by itself, and what has died is begun anew; no further view of it."""
    here, coding = launched(), wiring().coding
    review = coding.open(here.key, here.client, here.by) if wants_fragment() else coding.look(here.key, here.client)
    board = board_of(review)
    if not board.closed and not review.corrections:
        return redirect(url_for("review.show"), 303)
    if not wants_fragment():
        coding.viewed(here.key, "receipt", here.by)
    return receipt_page(board)


def receipt_page(board: Board, message: str = "") -> str:
    lines = board.review.receipt
    conflict = next((w.conflict for w in lines if w.outcome == "conflict"), None)
    unfinished = board.closed and conflict is None and board.review.status is not ReviewStatus.WRITTEN
    return render_template(
        "receipt.html", board=board, outcomes=OUTCOMES, unfinished=unfinished, conflict=conflict, choices=CHOICES,
        instead=INSTEAD, elsewhere=[line for line in lines if is_elsewhere(line)],
        left_out=[in_a_sentence(line) for line in lines if is_left_out(line)],
        under_way=board.review.status is ReviewStatus.SIGNED and bool(board.review.stage), message=message,
        reasons=CORRECTION_REASONS, longest=LONGEST_REASON,
        inside=any(line.outcome in IN_THE_CHART for line in lines),
    )  # fmt: skip


@pages.post("/choice")
def choose() -> BaseResponse:
    """Whose list of the encounter's diagnoses shall stand; then the write-back goes on."""
    here = launched()
    try:
        choice = Choice(request.form["choice"])
    except ValueError:
        abort(400)
    wiring().coding.choose(here.key, form_version(), choice, request.form["seen"], here.by, here.client)
    return redirect(url_for("review.receipt"), 303)


@pages.post("/finish")
def finish() -> BaseResponse:
    """Goes on with a write-back that was cut short; what is in the chart already is not written again.

    From a page that is behind nothing is begun: it shows what has become of the writes since.
    """
    here, coding = launched(), wiring().coding
    if form_version() == coding.review(here.key).version:
        coding.finish(here.key, here.client)
    return redirect(url_for("review.receipt"), 303)


@pages.post("/correct/cancel")
def cancel_correction() -> BaseResponse:
    """A correction opened by mistake: what was signed stands again, unless something was decided since."""
    here, coding = launched(), wiring().coding
    try:
        coding.cancel_correction(here.key, here.by)
    except ReviewChanged:
        return redirect(url_for("review.show"), 303)
    except DecidedSince as refused:
        page = receipt_page(board_of(coding.review(here.key)), f"{refused.title}. {refused.advice}")
        return make_response(page, refused.status)
    return redirect(url_for("review.receipt"), 303)


@pages.post("/correct")
def correct() -> BaseResponse:
    """Takes the signed review up again. From a page that is behind nothing is begun: it shows how it stands."""
    here, coding, form = launched(), wiring().coding, request.form
    try:
        coding.correct(here.key, form_version(), form.get("why", ""), here.by, here.client, form.get("text", ""))
    except ReviewChanged:
        return redirect(url_for("review.receipt"), 303)
    except (NoReason, StillWriting) as refused:
        page = receipt_page(board_of(coding.review(here.key)), f"{refused.title}. {refused.advice}")
        return make_response(page, refused.status)
    return redirect(url_for("review.show"), 303)
