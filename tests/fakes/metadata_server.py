"""A server that only says what it offers, and CapabilityStatements made of the few facts a test is about."""

import json
import threading
from typing import Any, Self

from werkzeug.serving import WSGIRequestHandler, make_server
from werkzeug.wrappers import Request, Response

Statement = dict[str, Any]


def statement(types: dict[str, dict[str, Any]], **more: Any) -> Statement:
    """A CapabilityStatement from our own short form: lists of names where FHIR has lists of objects."""
    interaction = more.pop("interaction", [])
    return {
        "resourceType": "CapabilityStatement",
        "status": "active",
        "kind": "instance",
        "date": "2026-01-01",
        "fhirVersion": "4.0.1",
        "format": ["json"],
        "software": {"name": "Sample EHR", "version": "7"},
        "rest": [
            {
                "mode": "server",
                "interaction": [{"code": code} for code in interaction],
                "resource": [_resource(type, facts) for type, facts in types.items()],
            }
        ],
        **more,
    }


def _resource(type: str, facts: dict[str, Any]) -> dict[str, Any]:
    interactions = [{"code": code} for code in facts.get("interaction", [])]
    searches = [{"name": name, "type": "token"} for name in facts.get("searchParam", [])]
    plain = {name: value for name, value in facts.items() if name not in ("interaction", "searchParam")}
    return {"type": type, "interaction": interactions, "searchParam": searches, **plain}


class MetadataServer:
    """On a loopback port; honours If-None-Match."""

    def __init__(self) -> None:
        self.status, self.redirect = 200, ""
        self.seen: list[dict[str, str]] = []  # the headers of each request
        self.say(statement({"Condition": {"interaction": ["read"]}}), 'W/"1"')
        self._server = make_server("127.0.0.1", 0, self._wsgi, threaded=True, request_handler=_Quiet)
        self.base_url = f"http://127.0.0.1:{self._server.server_port}/fhir"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)

    def say(self, said: Statement, etag: str) -> None:
        self.body, self.etag = json.dumps(said).encode(), etag

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _wsgi(self, environ: Any, start_response: Any) -> Any:
        request = Request(environ)
        self.seen.append(dict(request.headers))
        if self.redirect:
            answer = Response(status=302, headers={"Location": self.redirect})
        elif self.status != 200:
            answer = Response(status=self.status)
        elif request.headers.get("If-None-Match") == self.etag:
            answer = Response(status=304)
        else:
            answer = Response(self.body, content_type="application/fhir+json", headers={"ETag": self.etag})
        return answer(environ, start_response)


class _Quiet(WSGIRequestHandler):
    def log(self, *_: Any) -> None:
        """A test prints nothing."""
