"""The receipt: what is in the chart now, what is not, and what to do about it."""

from flask import abort, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from smartapp.fhir.outbox import IN_THE_CHART
from smartapp.reviews import Choice, ReviewStatus
from smartapp.views.board import build_board
from smartapp.views.launched import form_version, launched, pages
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
    here = launched()
    board = build_board(wiring().coding.look(here.key, here.client))
    if not board.closed:
        return redirect(url_for("review.show"), 303)
    wiring().coding.viewed(here.key, "receipt", here.by)
    lines = board.review.receipt
    conflict = next((w.conflict for w in lines if w.outcome == "conflict"), None)
    unfinished = conflict is None and board.review.status is not ReviewStatus.WRITTEN
    return render_template(
        "receipt.html", board=board, outcomes=OUTCOMES, unfinished=unfinished, conflict=conflict, choices=CHOICES,
        instead=INSTEAD, elsewhere=[line for line in lines if is_elsewhere(line)],
        left_out=[in_a_sentence(line) for line in lines if is_left_out(line)],
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
