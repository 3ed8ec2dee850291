"""The demo EHR of a whole site on a port, in front of a FHIR server that tests can break; visits of patients in it."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import fields
from datetime import datetime
from itertools import count
from pathlib import Path
from typing import Any

from fhir_server import FakeFHIRServer
from sample_chart import coverage, encounter, note, patient
from site_browser import APP

from launch.sandbox import Faults, RegisteredClient, SandboxSettings, create_sandbox
from launch.sandbox.grants import GrantStore
from launch.sandbox.scopes import STANDALONE_SCOPES
from launch.sandbox.serving import find_free_port, serve_in_thread
from smartapp.demo_settings import SCOPES

EHRS = """
[[ehr]]
iss = "{iss}"
name = "Demo EHR"
client_id = "chartside"
client_auth = "public"
scopes = {scopes}
embed_origins = ["{origin}"]
"""

Resource = dict[str, Any]
_numbers = count(1)


class SiteEHR:
    """The EHR that a site's app knows, by the file of EHRs in the folder; what it gets wrong lasts until `mend`."""

    def __init__(self, folder: Path, clock: Callable[[], datetime]) -> None:
        self.clock, self.fhir = clock, FakeFHIRServer()
        self._empty_ehr()
        self.port = find_free_port()
        self.ehr, self.iss = f"http://127.0.0.1:{self.port}", f"http://127.0.0.1:{self.port}/fhir"
        scopes = tuple(SCOPES.split())
        registered = RegisteredClient(
            "chartside", "Chartside", "public", (f"{APP}/callback",), (*scopes, *STANDALONE_SCOPES)
        )
        settings = SandboxSettings(
            self.ehr, self.fhir.base_url, f"{APP}/launch", (registered,), id_token_alg="ES256", clock=clock
        )
        self.sandbox = create_sandbox(settings)
        self.faults: Faults = self.sandbox.extensions["sandbox_faults"]
        self.grants: GrantStore = self.sandbox.extensions["sandbox_grants"]
        self.dead_iss = f"http://127.0.0.1:{find_free_port()}/fhir"  # registered, and nobody answers
        ehrs = [EHRS.format(iss=iss, scopes=list(scopes), origin=self.ehr) for iss in (self.iss, self.dead_iss)]
        (folder / "ehrs.toml").write_text("".join(ehrs).replace("'", '"'))
        self._serving = serve_in_thread(self.sandbox, self.port)
        self._serving.__enter__()

    @contextmanager
    def ehr_down(self) -> Iterator[None]:
        """Nobody listens on the EHR's port."""
        self._serving.__exit__(None, None, None)
        try:
            yield
        finally:
            self._serving = serve_in_thread(self.sandbox, self.port)
            self._serving.__enter__()

    def _empty_ehr(self) -> None:
        """Nobody but who signs: pages of the demo EHR look through all charts, and many tests leave many."""
        self.fhir.reset()
        self.fhir.token = ""
        self.fhir.put({"resourceType": "Practitioner", "id": "demo-clinician", "name": [{"text": "Dr Helena Marsh"}]})

    def mend(self) -> None:
        self._empty_ehr()
        for fault in fields(Faults):
            setattr(self.faults, fault.name, fault.default)

    def close(self) -> None:
        self._serving.__exit__(None, None, None)
        self.fhir.stop()

    def visit(self, *notes: Resource, **patient_says: Any) -> "Visit":
        """A patient of their own with an office visit and these notes; the sample note when there are none."""
        here = Visit(self, str(next(_numbers)))
        here.put(patient() | patient_says, encounter(), coverage(), *(notes or (note(),)))
        return here


class Visit:
    """One patient's encounter: the ids of the sample chart with a suffix that no other visit has."""

    def __init__(self, site: SiteEHR, number: str) -> None:
        self._site, self._number = site, number
        self.patient, self.encounter = self.id("p1"), self.id("e1")

    def id(self, id: str) -> str:
        return f"{id}-of-{self._number}"

    def put(self, *resources: Resource) -> None:
        self._site.fhir.put(*(self.own(resource) for resource in resources))

    def own(self, value: Any) -> Any:
        """The resource with this visit's ids."""
        if isinstance(value, dict):
            return {name: self._id(item) if name == "id" else self.own(item) for name, item in value.items()}
        if isinstance(value, list):
            return [self.own(item) for item in value]
        is_reference = isinstance(value, str) and re.fullmatch(r"(Patient|Encounter|Binary)/[a-z]1", value)
        return self.id(value) if is_reference else value

    def _id(self, value: Any) -> Any:
        return self.id(value) if isinstance(value, str) else self.own(value)

    def held(self, type: str) -> list[Resource]:
        """What the EHR holds of the type about this patient."""
        about = f"Patient/{self.patient}"
        return [r for r in self._site.fhir.all(type) if about in str(r.get("subject", r.get("patient")))]

    def counts(self) -> dict[str, int]:
        """How much of what signing writes the EHR holds."""
        return {type: len(self.held(type)) for type in ("Condition", "Claim")}
