"""Security headers of every response (ASVS 5.0 V3.4), and the door for the browser's reports on violations."""

import logging
from collections.abc import Iterable

from flask import Flask, Response, g, request
from werkzeug.exceptions import BadRequest

from smartapp.views.errors import AGAIN_AFTER
from smartapp.views.launched import current_launch
from smartapp.views.wiring import wiring

log = logging.getLogger(__name__)

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; form-action {forms}; base-uri 'none'; object-src 'none'; "
    "frame-ancestors {ancestors}; report-to csp"
)
SWITCHED_OFF = (
    "accelerometer autoplay browsing-topics camera clipboard-read display-capture "
    "encrypted-media fullscreen geolocation gyroscope hid idle-detection local-fonts magnetometer microphone midi "
    "payment picture-in-picture publickey-credentials-get screen-wake-lock serial usb xr-spatial-tracking"
)
HEADERS = {
    "Strict-Transport-Security": "max-age=31536000; includeSubDomains",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": ", ".join(f"{feature}=()" for feature in SWITCHED_OFF.split()),
    "Reporting-Endpoints": 'csp="/csp-report"',
}
# Pages without PHI that a frame of the EHR shows before a launch, after it, or when it failed. Any trusted EHR may
# frame them: which one it is, is not known yet or not known any more, and an error must be read where it happens.
OUTSIDE_A_LAUNCH = ("/", "/launch", "/callback", "/logout", "/embed-check", "/embed-check/result")


def register(app: Flask) -> None:
    app.after_request(add_headers)
    app.add_url_rule("/csp-report", "csp_report", take_report, methods=["POST"])


def add_headers(response: Response) -> Response:
    """No X-Frame-Options: it knows no list of origins (ASVS 5.0 3.4.6)."""
    response.headers.update(HEADERS)
    forms = " ".join(("'self'", *g.get("form_origins", ())))  # the page that hands over to an EHR names its origin
    response.headers["Content-Security-Policy"] = POLICY.format(ancestors=" ".join(frame_ancestors()), forms=forms)
    response.headers.setdefault("Cache-Control", "no-store")
    if response.status_code == 503:  # whoever asks: a page, an EHR for cards, a probe
        response.headers.setdefault("Retry-After", str(AGAIN_AFTER))
    if request.path == "/logout" and response.status_code < 400:
        # The cookie stays: another launch of the same browser may live by it, and it opens nothing of this one.
        response.headers["Clear-Site-Data"] = '"cache", "storage"'
    return response


def frame_ancestors() -> Iterable[str]:
    """Who may frame this: the launch's EHR; before and after a launch any trusted one, so that its words are read."""
    ehrs = wiring().ehrs
    if here := current_launch():
        return ehrs.find(here.session.context.iss).embed_origins or ("'none'",)
    if request.path in OUTSIDE_A_LAUNCH or request.path.startswith("/r/"):
        return sorted({origin for ehr in ehrs for origin in ehr.embed_origins}) or ("'none'",)
    return ("'none'",)


def take_report() -> tuple[str, int]:
    """Logs which directive was violated. The addresses in a report hold launch keys and are not kept."""
    try:
        reports = request.get_json(force=True)
    except (BadRequest, RecursionError):
        return "", 400
    for report in reports[:5] if isinstance(reports, list) else [reports]:
        log.warning("content security policy violated: %s", _directive(report))
    return "", 204


def _directive(report: object) -> str:
    body = report.get("body") if isinstance(report, dict) else None
    directive = body.get("effectiveDirective") if isinstance(body, dict) else None
    return "".join(c for c in str(directive)[:40] if c.isalpha() or c == "-")
