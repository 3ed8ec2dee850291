"""The use cases on a real database and over HTTP to the fake FHIR server, with a clock that stands still."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

from cryptography.fernet import Fernet
from databases import connect_migrated
from fake_predictor import FakePredictor
from fhir_server import FakeFHIRServer
from sample_chart import key, visit

from launch.vault import Vault
from model.codebook import Entry, Notes
from model.document import Document
from model.prediction import Policy, Prediction
from smartapp.coding import Coding
from smartapp.fhir.client import FHIRClient
from smartapp.fhir.ladder import SINGLE_WRITES, Ladder
from smartapp.jobs import Jobs
from smartapp.reviews import Review, Reviewer, ReviewStatus
from smartapp.store import ReviewStore

ANA = Reviewer("Practitioner/ana", "Ana Ruiz, MD")
BEN = Reviewer("Practitioner/ben", "Ben Okafor, CPC")
KEY = Fernet.generate_key().decode()


class Clock:
    """Stands still until it is put forward."""

    def __init__(self) -> None:
        self.now = datetime(2026, 3, 2, 17, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def forward(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


class FakeCodeBook:
    """A few codes; Q00.0 is billable only before 2026."""

    titles: ClassVar[dict[str, str]] = {
        "I10": "Essential (primary) hypertension",
        "E11.9": "Type 2 diabetes mellitus without complications",
        "Z87.891": "Personal history of nicotine dependence",
        "J06.9": "Acute upper respiratory infection, unspecified",
        "M54.50": "Low back pain, unspecified",
        "Q00.0": "Anencephaly",
        "E11": "Type 2 diabetes mellitus",
    }

    def get(self, code: str, on: date | None = None) -> Entry | None:
        if code not in self.titles:
            return None
        return Entry(code, self.titles[code], self.is_billable(code, on), date(2015, 10, 1), None, True)

    def is_billable(self, code: str, on: date | None = None) -> bool:
        expired = code == "Q00.0" and (on is None or on >= date(2026, 1, 1))
        return code in self.titles and code != "E11" and not expired

    def billable_days(self, code: str) -> tuple[tuple[date, date | None], ...]:
        return ((date(2015, 10, 1), date(2025, 12, 31) if code == "Q00.0" else None),)

    def notes(self, code: str) -> Notes:
        return Notes((), (), (), (), (), (), {})

    def lineage(self, code: str) -> list[str]:
        return [code]

    def billable_descendants(self, code: str, on: date | None = None) -> tuple[str, ...]:
        return (code,) if self.is_billable(code, on) else ()


class PredictorInProcess(FakePredictor):
    """Stands for PredictorClient; `before` runs ahead of each prediction and may raise."""

    def __init__(self) -> None:
        self.documents: list[Document] = []
        self.before: Callable[[], Any] = lambda: None

    def predict(self, document: Document, policy: Policy) -> Prediction:
        self.documents.append(document)
        self.before()
        return super().predict(document, policy)


@dataclass
class Bench:
    """One process of the application; `another()` is a further one on the same database."""

    server: FakeFHIRServer
    client: FHIRClient
    database: Path
    clock: Clock = field(default_factory=Clock)
    predictor: PredictorInProcess = field(default_factory=PredictorInProcess)
    jobs: Jobs = field(default_factory=lambda: Jobs(beat_every=0.02))
    ladder_for: Callable[[FHIRClient], Ladder] = lambda _: SINGLE_WRITES

    def __post_init__(self) -> None:
        self.engine = connect_migrated(f"sqlite:///{self.database}")
        self.store = ReviewStore(self.engine, Vault([KEY]))
        self.coding = Coding(self.store, self.predictor, FakeCodeBook(), self.jobs, self.clock, self.ladder_for)
        self.key = key(self.server.base_url)
        self._others: list[Bench] = []

    def another(self, jobs: Any = None, ladder_for: Callable[[FHIRClient], Ladder] | None = None) -> "Bench":
        jobs, ladder_for = jobs or Jobs(beat_every=0.02), ladder_for or self.ladder_for
        other = Bench(self.server, self.client, self.database, self.clock, jobs=jobs, ladder_for=ladder_for)
        self._others.append(other)
        return other

    def close(self) -> None:
        for other in self._others:
            other.close()
        self.jobs.stop()
        self.engine.dispose()

    def until(self, *statuses: ReviewStatus) -> Review:
        """The review, once it stands at one of the statuses."""
        deadline = time.monotonic() + 10
        while (review := self.coding.review(self.key)).status not in statuses:
            assert time.monotonic() < deadline, f"still {review.status}: {review.stage} {review.failure}"
            time.sleep(0.01)
        return review

    def ready(self) -> Review:
        """Opens the encounter and waits until it is read and coded."""
        self.coding.open(self.key, self.client)
        return self.until(ReviewStatus.READY)


def running_bench(server: FakeFHIRServer, client: FHIRClient, folder: Path) -> Iterator[Bench]:
    server.put(*visit())
    bench = Bench(server, client, folder / "chartside.db")
    try:
        yield bench
    finally:
        bench.close()
