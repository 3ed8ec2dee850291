"""What the demo EHR's FHIR API can be made to get wrong, as `Faults.fhir` takes it."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from whole_site import Site


def answers(path: str, status: int, body: bytes = b"", method: str = "GET", **headers: str) -> Callable[..., Any]:
    """A fault: this instead of the answer, whenever the path is asked for."""
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda m, p: (status, sent, body) if (m, p.startswith(path)) == (method, True) else None


def outcome(words: str) -> bytes:
    issue = {"severity": "error", "code": "processing", "diagnostics": words}
    return json.dumps({"resourceType": "OperationOutcome", "issue": [issue]}).encode()


def bundle(*resources: dict[str, Any]) -> bytes:
    entries = [{"resource": resource} for resource in resources]
    return json.dumps({"resourceType": "Bundle", "type": "searchset", "entry": entries}).encode()


@contextmanager
def silence(site: Site, path: str, method: str = "GET") -> Iterator[None]:
    """The EHR takes requests for the path and does not answer while the block runs."""
    over = threading.Event()

    def wait(asked: str, where: str) -> None:
        if asked == method and where.startswith(path):
            over.wait(20)

    site.faults.fhir = wait
    try:
        yield
    finally:
        site.faults.fhir = None
        over.set()
