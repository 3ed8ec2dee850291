"""For whoever runs Chartside: is it alive, is it ready, what does it count; and a log line for every request."""

import logging
import secrets
import time
from typing import Protocol

from flask import Blueprint, Flask, Response, g, jsonify, request
from prometheus_client import CONTENT_TYPE_LATEST

from smartapp import metrics
from smartapp.logs import request_id

log = logging.getLogger(__name__)

UNMATCHED = "none"  # a request for an address that there is not


class Readiness(Protocol):
    """`smartapp.readiness.Readiness`: pages know neither database nor predictor."""

    def __call__(self) -> dict[str, str]: ...
    def waiting(self) -> int | None: ...
    def queued(self) -> int | None: ...
    def workers(self) -> int | None: ...


def register(app: Flask, readiness: Readiness) -> None:
    """Before everything else, so that what others refuse is counted, too."""
    app.before_request(_begin)
    app.after_request(_end)
    app.register_blueprint(_blueprint(readiness))


def _begin() -> None:
    """Every request has a name of our own: one from outside could be anything."""
    g.request_id, g.began = secrets.token_hex(8), time.perf_counter()
    request_id.set(g.request_id)


def _end(response: Response) -> Response:
    route, seconds = request.endpoint or UNMATCHED, time.perf_counter() - g.began
    metrics.REQUESTS.labels(route, str(response.status_code)).inc()
    metrics.REQUEST_SECONDS.labels(route).observe(seconds)
    response.headers["X-Request-ID"] = g.request_id
    said = {"route": route, "status": response.status_code, "seconds": round(seconds, 4)}
    log.info("answered", extra={"said": said})
    return response


def _blueprint(readiness: Readiness) -> Blueprint:
    pages = Blueprint("operations", __name__)

    @pages.get("/healthz")
    def healthz() -> dict[str, str]:
        """The process answers; nothing else is asked, so that it is not restarted for what others lack."""
        return {"status": "ok"}

    @pages.get("/readyz")
    def readyz() -> tuple[Response, int]:
        """503 when something is wrong; what stands in `exclude` is told and does not count."""
        told = readiness()
        ready = all(said == "ok" for name, said in told.items() if name not in request.args.getlist("exclude"))
        return jsonify(ready=ready, checks=told), 200 if ready else 503

    @pages.get("/metrics")
    def show_metrics() -> Response:
        waiting = readiness.waiting()
        metrics.PREDICTOR_UP.set(waiting is not None)
        metrics.PREDICTOR_WAITING.set(waiting or 0)
        metrics.QUEUE_LENGTH.set(readiness.queued() or 0)
        metrics.WORKERS.set(readiness.workers() or 0)
        return Response(metrics.as_text(), content_type=CONTENT_TYPE_LATEST)

    return pages
