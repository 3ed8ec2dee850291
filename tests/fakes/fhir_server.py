"""A FHIR R4 server on a loopback port that works, so that a test can break one thing; held against sekmet-fhir."""

import base64
import copy
import json
import threading
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

import jsonpatch
from werkzeug.serving import WSGIRequestHandler, make_server
from werkzeug.wrappers import Request, Response

from smartapp.fhir.elements import instant

Resource = dict[str, Any]
Fault = Callable[["FakeFHIRServer", Callable[[], Response]], Response]

_ABOUT = ("subject", "patient", "beneficiary")


# What the server says it offers; the demo EHR in front of it tells only of the types that it knows itself.
_TYPES = "Patient Encounter DocumentReference DiagnosticReport Condition Procedure Coverage Claim Provenance Binary"
_SEARCHES = [{"name": name} for name in ("patient", "encounter", "category", "date", "period", "identifier", "_tag")]
_REST = {"mode": "server", "resource": [{"type": type, "searchParam": _SEARCHES} for type in _TYPES.split()]}


@dataclass(frozen=True)
class Seen:
    """A request as it came in."""

    method: str
    path: str  # under the base: Condition/12
    query: list[tuple[str, str]]
    headers: Mapping[str, str]
    body: Any


@dataclass
class _Planned:
    method: str
    path: str
    fault: Fault
    times: int


@dataclass
class FakeFHIRServer:
    """Versions, If-Match, If-None-Exist, typed reference and token search, pages; JSON Binary only, like sekmet."""

    token: str = "good-token"  # empty: everybody may ask, as behind an EHR's own door
    page_size: int = 1000
    knows_if_none_exist: bool = True
    knows_encounter_search: bool = True
    refuses: frozenset[str] = frozenset()  # search parameters it answers 400 to
    ignores: frozenset[str] = frozenset()  # search parameters it takes and does not heed
    knows_systems: bool = False  # `system|code` finds nothing on many servers
    says: tuple[Resource, ...] = ()  # issues of an OperationOutcome among the entries of every search
    patches_blindly: bool = False  # ignores If-Match on PATCH, as some servers do
    transactions: str = "atomic"  # batch: each entry by itself; half-done: refuses, and leaves what came before
    raw_binaries: bool = False
    served: bool = True  # False: no port; requests come through `answer`
    seen: list[Seen] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.versions: dict[str, list[Resource]] = {}  # "Condition/12" -> its versions
        self._faults: list[_Planned] = []
        self._lock = threading.RLock()
        self.stopping = threading.Event()
        self.base_url = "http://ehr.test/fhir"
        if self.served:
            self._serve()

    def _serve(self) -> None:
        self._server = make_server("127.0.0.1", 0, self._wsgi, threaded=True, request_handler=_Quiet)
        self._server.daemon_threads = True
        self.base_url = f"http://127.0.0.1:{self._server.server_port}/fhir"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()

    def reset(self) -> None:
        """As new, on the same port; whoever is kept waiting is let go."""
        self.stopping.set()
        with self._lock:
            self.stopping = threading.Event()
            self.token, self.page_size, self.raw_binaries = "good-token", 1000, False
            self.knows_if_none_exist = self.knows_encounter_search = True
            self.refuses, self.ignores, self.knows_systems, self.says = frozenset(), frozenset(), False, ()
            self.patches_blindly, self.transactions = False, "atomic"
            self.seen, self.versions, self._faults = [], {}, []

    def stop(self) -> None:
        self.stopping.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def put(self, *resources: Resource) -> None:
        """Stores resources under their own ids, as a next version where the id is taken."""
        for resource in resources:
            self._store(copy.deepcopy(resource))

    def all(self, type: str) -> list[Resource]:
        """The current version of all resources of the type."""
        with self._lock:
            return [copy.deepcopy(v[-1]) for path, v in self.versions.items() if path.startswith(f"{type}/")]

    def get(self, path: str) -> Resource:
        return copy.deepcopy(self.versions[path][-1])

    def fail(self, method: str, path: str, fault: Fault, times: int = 1) -> None:
        """The next `times` requests of the method on the path (or below it) meet the fault."""
        self._faults.append(_Planned(method, path, fault, times))

    def mend(self) -> None:
        """Nothing fails any more."""
        self._faults = []

    def sent(self, method: str, type: str = "") -> list[Seen]:
        """The requests of the method on the type, in order."""
        return [s for s in self.seen if s.method == method and s.path.startswith(type)]

    def _wsgi(self, environ: Any, start_response: Any) -> Any:
        return self.answer(Request(environ))(environ, start_response)

    def answer(self, request: Request) -> Response:
        path = request.path.removeprefix("/fhir").strip("/")
        body = json.loads(request.get_data() or b"null")
        query = list(request.args.items(multi=True))
        headers = dict(request.headers)
        with self._lock:
            self.seen.append(Seen(request.method, path, query, headers, body))
            planned = next(
                (f for f in self._faults if f.times and f.method == request.method and path.startswith(f.path)), None
            )
            if planned:
                planned.times -= 1

        def carry_on() -> Response:
            with self._lock:
                return self._carry_out(request.method, path, query, headers, body)

        if planned:
            return planned.fault(self, carry_on)
        if self.token and headers.get("Authorization") != f"Bearer {self.token}":
            return outcome(401, "The token is not known.")
        return carry_on()

    def _carry_out(
        self, method: str, path: str, query: list[tuple[str, str]], headers: Mapping[str, str], body: Any
    ) -> Response:
        if method == "POST" and not path:
            return self._transact(body)
        if path == "metadata":
            return _json(200, {"resourceType": "CapabilityStatement", "fhirVersion": "4.0.1", "rest": [_REST]})
        if method == "POST":
            return self._create(path, body, headers.get("If-None-Exist"))
        if "/" not in path:
            return self._search(path, query)
        if path not in self.versions:
            return outcome(404, f"{path} not found")
        if method == "PUT":
            return self._update(path, body, headers.get("If-Match"))
        if method == "PATCH":
            return self._patch(path, body, None if self.patches_blindly else headers.get("If-Match"))
        return self._read(path, headers.get("Accept", ""))

    def _read(self, path: str, accept: str) -> Response:
        resource = self.versions[path][-1]
        if "json" not in accept and "*/*" not in accept:
            if not (self.raw_binaries and path.startswith("Binary/")):
                return outcome(406, f"Cannot produce any of: {accept}")
            return Response(base64.b64decode(resource.get("data", "")), content_type=resource["contentType"])
        return _json(200, resource)

    def _create(self, type: str, body: Resource, condition: str | None, id: str | None = None) -> Response:
        if condition and self.knows_if_none_exist:
            found = self._matching(type, parse_qsl(condition))
            if len(found) > 1:
                return outcome(412, "The condition matches several.")
            if found:
                return _json(200, found[0], location=self._location(found[0]))
        stored = self._store(body | {"id": id or str(uuid.uuid4())})
        return _json(201, stored, location=self._location(stored))

    def _update(self, path: str, body: Resource, if_match: str | None) -> Response:
        current = self.versions[path][-1]["meta"]["versionId"]
        if if_match is not None and if_match != f'W/"{current}"':
            return outcome(412, f"Version conflict: the current version is {current}")
        return _json(200, self._store(body))

    def _patch(self, path: str, operations: list[dict[str, Any]], if_match: str | None) -> Response:
        try:
            changed = jsonpatch.apply_patch(self.get(path), operations)
        except jsonpatch.JsonPatchException:
            return outcome(422, "An operation of the patch failed.")
        return self._update(path, changed, if_match)

    def _transact(self, bundle: Resource) -> Response:
        """All entries with their references resolved, or none; or what the server is told to make of it."""
        before = copy.deepcopy(self.versions)
        ids = {e["fullUrl"]: str(uuid.uuid4()) for e in bundle["entry"] if e["request"]["method"] == "POST"}
        answered = []
        for entry in bundle["entry"]:
            text = json.dumps(entry["resource"])
            for url, id in ids.items() if self.transactions == "atomic" else ():
                type = next(e["request"]["url"] for e in bundle["entry"] if e["fullUrl"] == url)
                text = text.replace(f'"{url}"', f'"{type}/{id}"')  # wherever it stands, as some servers do
            answer = self._carry_out_entry(entry, json.loads(text), ids.get(entry["fullUrl"]))
            if answer.status_code >= 400 and self.transactions != "batch":
                if self.transactions == "atomic":
                    self.versions = before
                return answer
            answered.append(_as_entry(answer))
        type = "batch-response" if self.transactions == "batch" else "transaction-response"
        return _json(200, {"resourceType": "Bundle", "type": type, "entry": answered})

    def _carry_out_entry(self, entry: Resource, body: Resource, id: str | None) -> Response:
        request = entry["request"]
        with self._lock:
            planned = next((f for f in self._faults if f.times and f.path == f"entry:{body['resourceType']}"), None)
            if planned:
                planned.times -= 1
                return planned.fault(self, lambda: outcome(500, "not carried out"))
        if request["method"] == "PUT":
            return self._update(request["url"], body, request.get("ifMatch"))
        return self._create(request["url"], body, request.get("ifNoneExist"), id)

    def _store(self, resource: Resource) -> Resource:
        with self._lock:
            versions = self.versions.setdefault(f"{resource['resourceType']}/{resource['id']}", [])
            resource["meta"] = {**resource.get("meta", {}), "versionId": str(len(versions) + 1)}
            versions.append(resource)
            return resource

    def _location(self, resource: Resource) -> str:
        # A proxy's inner address, as some leave it: nobody may follow it.
        return f"http://inner.invalid/fhir/{resource['resourceType']}/{resource['id']}/_history/1"

    def _search(self, type: str, query: list[tuple[str, str]]) -> Response:
        if refused := self.refuses & dict(query).keys():
            return outcome(400, f"Unknown search parameter: {', '.join(refused)}")
        page = int(dict(query).get("_page", 0))
        found = self._matching(type, [q for q in query if not q[0].startswith(("_count", "_page", "_revinclude"))])
        shown = found[page * self.page_size : (page + 1) * self.page_size]
        bundle: Resource = {"resourceType": "Bundle", "type": "searchset", "link": []}
        bundle["entry"] = [{"resource": r, "search": {"mode": "match"}} for r in shown]
        for _, value in (param for param in query if param[0] == "_revinclude"):
            other, _, name = value.partition(":")
            near = [r for r in self.all(other) if any(self._matches(r, name, f"{type}/{s['id']}") for s in shown)]
            bundle["entry"] += [{"resource": r, "search": {"mode": "include"}} for r in near]
        if self.says:
            said = {"resourceType": "OperationOutcome", "issue": list(self.says)}
            bundle["entry"].append({"resource": said, "search": {"mode": "outcome"}})
        if (page + 1) * self.page_size < len(found):
            kept = "&".join(f"{n}={v}" for n, v in query if n != "_page")
            bundle["link"].append({"relation": "next", "url": f"{self.base_url}/{type}?{kept}&_page={page + 1}"})
        return _json(200, bundle)

    def _matching(self, type: str, query: list[tuple[str, str]]) -> list[Resource]:
        found = self.all(type)
        for name, value in query:
            if name in self.ignores:
                continue
            found = [r for r in found if self._matches(r, name, value)]
        return found

    def _matches(self, resource: Resource, name: str, value: str) -> bool:
        if name in ("patient", "beneficiary"):
            return value in _references([resource[n] for n in _ABOUT if n in resource])
        if name == "encounter":
            if not self.knows_encounter_search:
                return False
            context = resource.get("context", {}).get("encounter", [])
            return value in _references([*context, *([resource["encounter"]] if "encounter" in resource else [])])
        if name == "target":
            return value in _references(resource.get("target", []))
        if name == "identifier":
            system, _, wanted = value.partition("|")
            return any((i.get("system"), i.get("value")) == (system, wanted) for i in resource.get("identifier", []))
        if name == "_tag":
            system, _, wanted = value.partition("|")
            return any((t.get("system"), t.get("code")) == (system, wanted) for t in resource["meta"].get("tag", []))
        if name == "category":
            system, _, code = value.rpartition("|")
            codings = [c for concept in resource.get("category", []) for c in concept["coding"]]
            return any(c.get("code") == code and system in ("", c.get("system")) for c in codings) and (
                not system or self.knows_systems
            )
        if name in ("date", "period"):
            stated = resource.get("date", resource.get("effectiveDateTime"))
            if name == "period":
                stated = resource.get("context", {}).get("period", {}).get("start")
            written, bound = instant(stated), instant(value[2:])
            assert bound is not None
            if written is None:
                return False
            return written.date() >= bound.date() if value.startswith("ge") else written.date() < bound.date()
        return True  # a parameter that it does not know is ignored


class _Quiet(WSGIRequestHandler):
    def log(self, type: str, message: str, *args: Any) -> None:
        pass


def _references(references: list[Any]) -> set[str]:
    return {r.get("reference", "").partition("/_history/")[0] for r in references}


def _json(status: int, resource: Resource, location: str | None = None) -> Response:
    response = Response(json.dumps(resource), status, content_type="application/fhir+json; charset=utf-8")
    if "versionId" in resource.get("meta", {}):
        response.headers["ETag"] = f'W/"{resource["meta"]["versionId"]}"'
    if location:
        response.headers["Location"] = location
    return response


def _as_entry(answer: Response) -> Resource:
    """An answer as an entry of a Bundle; what failed carries its OperationOutcome."""
    response = {"status": f"{answer.status_code} {answer.status.partition(' ')[2]}"}
    if "Location" in answer.headers:
        response["location"] = answer.headers["Location"]
    if answer.status_code >= 400:
        return {"response": response | {"outcome": json.loads(answer.get_data() or b"null")}}
    return {"response": response}


def outcome(status: int, words: str) -> Response:
    """An OperationOutcome with the status."""
    issue = {"severity": "error", "code": "processing", "diagnostics": words}
    return _json(status, {"resourceType": "OperationOutcome", "issue": [issue]})


def answers(status: int, words: str = "", **headers: str) -> Fault:
    """An error status, with words, instead of the answer."""

    def fault(server: FakeFHIRServer, carry_on: Callable[[], Response]) -> Response:
        response = outcome(status, words) if words else Response(b"", status)
        response.headers.update({name.replace("_", "-"): value for name, value in headers.items()})
        return response

    return fault


def says(body: bytes, content_type: str = "application/fhir+json") -> Fault:
    """A body of the test's own with status 200."""
    return lambda server, carry_on: Response(body, 200, content_type=content_type)


def is_silent(server: FakeFHIRServer, carry_on: Callable[[], Response]) -> Response:
    """Never answers, and does nothing."""
    server.stopping.wait(20)
    return Response(b"", 503)


def commits_then_is_silent(server: FakeFHIRServer, carry_on: Callable[[], Response]) -> Response:
    """Does what was asked for and never says so."""
    carry_on()
    return is_silent(server, carry_on)


def cuts_the_body(server: FakeFHIRServer, carry_on: Callable[[], Response]) -> Response:
    """Announces more than it sends."""
    response = carry_on()
    response.headers["Content-Length"] = str(len(response.get_data()) + 500)
    return response


def running() -> Iterator[FakeFHIRServer]:
    server = FakeFHIRServer()
    try:
        yield server
    finally:
        server.stop()
