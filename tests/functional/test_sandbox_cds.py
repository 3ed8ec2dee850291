"""The demo EHR calls the CDS service over HTTP, shows what it says, and what its user does with a card comes back."""

import json
import re
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from bs4 import BeautifulSoup
from cryptography.fernet import Fernet
from demo_app import Clock, clients, resources
from fhir_in_memory import FHIRInMemory
from flask import Flask
from flask.testing import FlaskClient

from launch.cds_clients import CDSClients, SQLReplays
from launch.ehrs import EHR, TrustedEHRs
from launch.sandbox import SandboxSettings, create_sandbox
from launch.sandbox.cds import complaint
from launch.sandbox.serving import find_free_port, serve_in_thread
from launch.vault import Vault
from smartapp.cds import CodesToReview
from smartapp.cds.linking import is_link_to
from smartapp.reviews import Action, Attestation, Reviewer, ReviewKey, ReviewStatus, Rung, WrittenResource
from smartapp.store import CardStore, ReviewStore, connect, migrate
from smartapp.views.cds import blueprint

ANA = Reviewer("Practitioner/demo-clinician", "Dr Helena Marsh")
CHART = "/chart/ana/ana-visit"


class Site:
    """Both ends on loopback ports, each on a thread; `ehr` is a browser at the demo EHR."""

    def __init__(self, folder: Path, stack: ExitStack, registered: bool) -> None:
        ports = find_free_port(), find_free_port()
        self.ehr_url, self.app_url = (f"http://127.0.0.1:{port}" for port in ports)
        self.clock, self.fhir = Clock(), FHIRInMemory(resources())
        engine = connect(f"sqlite:///{folder / 'cds.db'}")
        stack.callback(engine.dispose)
        migrate(engine)
        vault = self.vault = Vault([Fernet.generate_key().decode()])
        self.store, self.key = ReviewStore(engine, vault), ReviewKey(f"{self.ehr_url}/fhir", "ana", "ana-visit")
        keys = {"cds_issuer": self.key.iss, "cds_jwks_url": f"{self.ehr_url}/cds/jwks.json"} if registered else {}
        ehrs = TrustedEHRs([EHR(self.key.iss, "Demo EHR", "us", "public", **keys)])
        app = Flask("only the CDS service")
        service = CodesToReview(self.store, CardStore(engine), vault, self.app_url, self.clock)
        callers = CDSClients(ehrs, SQLReplays(engine), self.clock)
        app.register_blueprint(blueprint(service, callers, ehrs, self.app_url))
        settings = SandboxSettings(
            public_url=self.ehr_url,
            fhir_url="http://127.0.0.1:9/fhir",
            app_launch_url=f"{self.app_url}/launch",
            clients=clients(),
            clock=self.clock,
            id_token_alg="ES256",
            cds_url=f"{self.app_url}/cds-services",
        )
        sandbox = create_sandbox(settings, self.fhir)
        stack.enter_context(serve_in_thread(app, ports[1]))
        stack.enter_context(serve_in_thread(sandbox, ports[0]))
        self.ehr: FlaskClient = sandbox.test_client()

    def sign(self) -> None:
        """Two codes, signed, which this EHR takes from a card alone."""
        self.store.create(self.key, self.clock())
        with self.store.change(self.key, self.clock()) as draft:
            for code in ("I10", "E11.9"):
                draft.add_decision(Action.ADD, code, f"Title of {code}", None, ANA, self.clock())
            draft.attest(Attestation(ANA, self.clock(), "I stand for it."))
            draft.set_status(ReviewStatus.WRITTEN)
            draft.set_receipt(
                WrittenResource("Condition", f"diagnosis {c}", "not-written", None, "", Rung.CDS_SUGGESTION)
                for c in ("I10", "E11.9")
            )

    def outcomes(self) -> list[str]:
        return [line.outcome for line in self.store.review(self.key).receipt]


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Any]:
    with ExitStack() as stack:
        yield lambda registered=True: Site(tmp_path, stack, registered)


def test_a_chart_that_was_never_reviewed(make: Any) -> None:
    """The page shows the invitation, with a link that launches the app."""
    page = make().ehr.get(CHART).text
    assert "Review the codes of this encounter" in page
    assert f'href="{CHART}/open?context=' in page


def test_the_link_of_a_card(make: Any) -> None:
    """What the card's link carries goes into the launch, and comes back with the token alone."""
    site = make()
    links = BeautifulSoup(site.ehr.get(CHART).text, "html.parser").find_all("a", href=re.compile(r"/open\?context="))
    started = site.ehr.get(links[0]["href"]).location
    (launch,) = parse_qs(urlsplit(started).query)["launch"]
    kept = site.ehr.application.extensions["sandbox_grants"].find_launch(launch, site.clock())
    assert is_link_to(site.vault, kept.app_context, site.key, site.clock())
    assert kept.app_context not in started


def test_taking_a_suggestion(make: Any) -> None:
    """The EHR makes the diagnosis, the receipt says so, and the card offers what is left."""
    site = make()
    site.sign()
    page = site.ehr.get(CHART).text
    assert "2 codes signed for this encounter" in page
    card = re.search(r'name="card" value="([^"]+)"', page)[1]
    chosen = re.search(r'name="suggestion" value="([^"]+)">Add I10', page)[1]
    assert site.ehr.post(f"{CHART}/take", data={"card": card, "suggestion": chosen}).status_code == 303
    made = [r for r in site.fhir.resources.values() if r["resourceType"] == "Condition" and "code" in r]
    assert [r["code"]["coding"][0]["code"] for r in made] == ["I10"]
    assert site.outcomes() == ["taken", "not-written"]
    assert "1 code signed for this encounter" in site.ehr.get(CHART).text


def test_dismissing_a_card(make: Any) -> None:
    """The reason goes back with it; nothing is made."""
    site = make()
    site.sign()
    page = site.ehr.get(CHART).text
    card = re.search(r'<button name="card" value="([^"]+)"', page)[1]
    reason = re.search(r'<option value="([^"|]+\|[^"]+)"', page)[1]
    assert site.ehr.post(f"{CHART}/dismiss", data={"card": card, "reason": reason}).status_code == 303
    assert site.outcomes() == ["not-written", "not-written"]
    assert site.ehr.post(f"{CHART}/dismiss", data={"card": "another"}).status_code == 502


def test_an_app_that_does_not_know_this_ehr(make: Any) -> None:
    """The chart opens all the same, and says that the service refused."""
    answer = make(registered=False).ehr.get(CHART)
    assert answer.status_code == 200
    assert "The CDS service refused the call (401)." in answer.text


GOOD = {"summary": "s", "indicator": "info", "source": {"label": "l"}}
BROKEN = [
    GOOD | {"summary": "s" * 140},
    GOOD | {"indicator": "hard-stop"},
    GOOD | {"source": {"url": "https://x.example"}},
    GOOD | {"detail": ""},
    GOOD | {"links": []},
    GOOD | {"uuid": None},
    GOOD | {"suggestions": [{"label": "x"}]},
    GOOD | {"links": [{"label": "x", "type": "smart", "url": "https://elsewhere.example/launch"}]},
    "no card",
]


@pytest.mark.parametrize("card", BROKEN, ids=json.dumps)
def test_the_demo_ehr_is_strict(card: Any) -> None:
    """Each rule of "Card Attributes" that a card breaks is named, and the card is not shown."""
    assert complaint(GOOD, "http://app/launch") == ""
    assert complaint(card, "http://app/launch")
