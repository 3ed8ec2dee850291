"""Downloads of what was signed; before that there is only a preview to read."""

from typing import Any

from flask import Response, abort

from smartapp.exports import KINDS, offered, plain
from smartapp.reviews import Review
from smartapp.views.launched import launched, pages
from smartapp.views.wiring import wiring


@pages.get("/export/<kind>")
def export(kind: str) -> Response:
    if kind not in KINDS:
        abort(404)
    here = launched()
    made = wiring().coding.export(here.key, kind)
    wiring().coding.viewed(here.key, f"export {kind}", here.by)
    response = Response(made.content, content_type=made.media_type)
    response.headers["Content-Disposition"] = f'attachment; filename="{made.name}"'
    response.headers["Cache-Control"] = "no-store"
    return response


@pages.context_processor
def _words() -> dict[str, Any]:
    """What `_exports.html` needs, on whatever page it stands."""
    return {"export_kinds": offered, "codes_as_text": _as_text}


def _as_text(review: Review) -> str:
    return plain.lines(review.accepted(), review.attestation)
