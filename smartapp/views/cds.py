"""The addresses of the CDS service (CDS Hooks 2.0): JSON in, JSON out, no cookie; every call proves its EHR."""

import json
from collections.abc import Callable
from typing import Any

from flask import Blueprint, Response, jsonify, request
from werkzeug.exceptions import HTTPException, UnsupportedMediaType

from launch.cds_clients import CDSClients
from launch.ehrs import EHR, TrustedEHRs
from launch.errors import LaunchError
from smartapp.cds import SERVICE, CodesToReview, read_call, read_feedback, services
from smartapp.errors import ChartsideError, MalformedCall, TooManyRequests, UnknownService

LARGEST_CALL = 1024 * 1024  # bytes; order-sign brings every draft order along
PREFLIGHT_SECONDS = 600
WORDS = {405: "This address does not work that way", 413: "The call is larger than 1 MiB", 415: "Send application/json"}


def blueprint(service: CodesToReview, clients: CDSClients, ehrs: TrustedEHRs, public_url: str) -> Blueprint:
    """The routes, with their own errors: a machine reads them."""
    routes = Blueprint("cds", __name__, url_prefix="/cds-services")

    @routes.get("", strict_slashes=False)
    def discover() -> Response:
        """Open to all: it says nothing of any patient ("CDS Services SHOULD require authentication if ...")."""
        return jsonify(services=services())

    @routes.post("/<id>")
    def call(id: str) -> Response:
        ehr = _caller(id, "")
        return jsonify(cards=service.answer(ehr, read_call(_body())))

    @routes.post("/<id>/feedback")
    def feedback(id: str) -> Response:
        ehr = _caller(id, "/feedback")
        service.keep_feedback(ehr.iss, read_feedback(_body()))
        return jsonify({})

    def _caller(id: str, path: str) -> EHR:
        """`aud` is the address called; for feedback the service's will do too: EHRs let an admin enter just one."""
        if id != SERVICE:
            raise UnknownService
        address = f"{public_url}/cds-services/{SERVICE}"
        return clients.verify(request.headers.get("Authorization", ""), *{address, address + path})

    routes.register_error_handler(LaunchError, _refused)
    routes.register_error_handler(ChartsideError, _refused)
    routes.register_error_handler(HTTPException, _refused_by_flask)
    routes.after_request(_allow(ehrs))
    return routes


def _body() -> Any:
    if request.mimetype != "application/json":
        raise UnsupportedMediaType
    request.max_content_length = LARGEST_CALL
    try:
        return json.loads(request.get_data(cache=False))
    except (ValueError, RecursionError):
        raise MalformedCall("the body is not JSON") from None


def _refused(error: LaunchError | ChartsideError) -> Response:
    detail = f": {error.detail}" if error.detail and error.detail != error.title else ""
    response = _error(error.status, f"{error.title}{detail}. {error.advice}".replace("..", "."))
    if isinstance(error, TooManyRequests):
        response.headers["Retry-After"] = str(error.again)
    return response


def _refused_by_flask(error: HTTPException) -> Response:
    """Werkzeug's own descriptions may quote the request."""
    status = error.code or 500
    response = _error(status, WORDS.get(status, "The call was not understood"))
    response.headers.extend({k: v for k, v in error.get_headers() if k == "Allow"})
    return response


def _error(status: int, words: str) -> Response:
    response = jsonify(error=words)
    response.status_code = status
    if status == 401:
        response.headers["WWW-Authenticate"] = 'Bearer realm="Chartside CDS service"'  # RFC 6750, 3
    return response


def _allow(ehrs: TrustedEHRs) -> Callable[[Response], Response]:
    """CORS for CDS clients that run in a browser: pages of EHRs registered for the service, and no others."""

    def allow(response: Response) -> Response:
        response.headers["Vary"] = "Origin"
        origin = request.headers.get("Origin")
        if origin and any(origin in ehr.embed_origins for ehr in ehrs if ehr.cds_issuer):
            response.headers["Access-Control-Allow-Origin"] = origin
            if request.method == "OPTIONS":
                response.headers["Access-Control-Allow-Methods"] = "GET, POST"
                response.headers["Access-Control-Allow-Headers"] = "Authorization, Content-Type"
                response.headers["Access-Control-Max-Age"] = str(PREFLIGHT_SECONDS)
        return response

    return allow
