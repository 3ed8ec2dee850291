"""An EHR that fails at random, by a seed: the fake server in this process, behind a transport that breaks things."""

import random
from collections.abc import Callable
from datetime import timedelta
from io import BytesIO
from typing import Any

import requests
from fhir_server import FakeFHIRServer, answers
from requests.adapters import BaseAdapter
from werkzeug.test import EnvironBuilder
from werkzeug.wrappers import Request, Response

LATE_AT_MOST = timedelta(seconds=60)  # no gateway keeps a request longer

READ_FAULTS = ("drop before", "drop after", "time out", "401", "403", "429", "500", "503", "cut body")
_LOST = ("drop before", "drop after", "commit then time out", "late", "late 502", "500 after commit", "cut body", "lag")
WRITE_FAULTS = (*_LOST, "401", "403", "409", "412", "422", "429", "500", "503")
CHANGE_FAULTS = (*WRITE_FAULTS, "lost update", "somebody else")
_STATUS = {
    "401": answers(401), "403": answers(403, "Not today."), "409": answers(409, "Busy."),
    "412": answers(412, "Changed."), "422": answers(422, "Against a rule."),
    "429": answers(429, "Slow down.", Retry_After="1"), "500": answers(500), "503": answers(503, Retry_After="1"),
}  # fmt: skip


class FaultyEHR(BaseAdapter):
    """Mounted on a client's session. `rate` of the reads meet a fault, and twice as many of the writes; `refused` names
    what is refused for good."""

    def __init__(self, server: FakeFHIRServer, seed: int, rate: float) -> None:
        super().__init__()
        self.server, self.rate = server, rate
        self.rng = random.Random(seed)
        self.refused: dict[str, int] = {}  # type -> status
        self.session_over = False
        self.met: list[str] = []
        self.others = 0  # diagnoses that somebody else listed meanwhile
        self._late: list[Callable[[], Any]] = []
        self._lag, self._old = 0, dict[str, list[Any]]()

    def close(self) -> None:
        """Nothing is open."""

    def arrive(self) -> None:
        """What was under way arrives now."""
        late, self._late = self._late, []
        for carry_on in late:
            carry_on()

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        if self._late and self.rng.random() < 0.3:
            self.arrive()
        answer = self._meet(request)
        response = requests.Response()
        response.status_code, response.request, response.url = answer.status_code, request, str(request.url)
        response.headers.update(answer.headers)
        response.raw = BytesIO(answer.get_data())
        return response

    def _meet(self, request: requests.PreparedRequest) -> Response:
        method, type = str(request.method), self._type(request)

        def carry_on() -> Response:
            return self._carry_on(request)

        if self.session_over:
            return answers(401)(self.server, carry_on)
        if method != "GET" and type in self.refused:
            return answers(self.refused[type], "Not in this EHR.")(self.server, carry_on)
        if self.rng.random() >= self.rate * (1 if method == "GET" else 2):  # there are many more reads than writes
            return carry_on()
        changes = method in ("PUT", "PATCH")
        fault = self.rng.choice(READ_FAULTS if method == "GET" else CHANGE_FAULTS if changes else WRITE_FAULTS)
        self.met.append(f"{fault}: {method} {type}")
        return self._break(fault, carry_on)

    def _break(self, fault: str, carry_on: Callable[[], Response]) -> Response:
        if fault in _STATUS:
            self.session_over = fault == "401" and self.rng.random() < 0.5
            return _STATUS[fault](self.server, carry_on)
        match fault:
            case "drop before":
                raise requests.ConnectionError
            case "drop after" | "cut body":
                carry_on()
                raise requests.ConnectionError
            case "time out":
                raise requests.ReadTimeout
            case "commit then time out":
                carry_on()
                raise requests.ReadTimeout
            case "late":
                self._late.append(carry_on)
                raise requests.ReadTimeout
            case "late 502":
                self._late.append(carry_on)
                return answers(502)(self.server, carry_on)
            case "500 after commit":
                carry_on()
                return answers(500)(self.server, carry_on)
            case "lag":
                self._old = {path: list(versions) for path, versions in self.server.versions.items()}
                answer = carry_on()
                self._lag = self.rng.randint(1, 2)
                return answer
            case "lost update":
                return answers(200)(self.server, carry_on)
            case "somebody else":
                self.somebody_lists_a_diagnosis()
                return carry_on()
        raise AssertionError(fault)

    def somebody_lists_a_diagnosis(self) -> None:
        self.others += 1
        encounter = self.server.get("Encounter/e1")
        theirs = {"condition": {"reference": f"Condition/theirs-{self.others}"}, "use": {"coding": [{"code": "CC"}]}}
        self.server.put(encounter | {"diagnosis": [*encounter.get("diagnosis", []), theirs]})

    def _carry_on(self, request: requests.PreparedRequest) -> Response:
        path, _, query = str(request.url).partition("/fhir")[2].partition("?")
        body = request.body.encode() if isinstance(request.body, str) else request.body
        builder = EnvironBuilder(
            path="/fhir" + path,
            query_string=query,
            method=str(request.method),
            data=body,
            headers=dict(request.headers),
        )
        if request.method != "GET" or not self._lag:
            return self.server.answer(Request(builder.get_environ()))
        self._lag -= 1  # a copy answers that does not know the latest write yet
        current, self.server.versions = self.server.versions, self._old
        try:
            return self.server.answer(Request(builder.get_environ()))
        finally:
            self.server.versions = current

    def _type(self, request: requests.PreparedRequest) -> str:
        return str(request.url).partition("/fhir")[2].partition("?")[0].strip("/").partition("/")[0] or "Bundle"
