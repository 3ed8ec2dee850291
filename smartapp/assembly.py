"""The parts of the application put together as configured, for the web processes and the worker alike."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from threading import Thread
from typing import TYPE_CHECKING, Any

from sqlalchemy import Engine

from launch.ehrs import TrustedEHRs
from launch.launcher import Launcher
from launch.sessions import Session
from launch.vault import Vault
from model.codebook import CodeBook
from smartapp import store, utc_now
from smartapp.audit import AuditLog
from smartapp.audit.notary import SigningNotary
from smartapp.audit.settings import told_of_config, told_of_ehrs
from smartapp.auditing import build_notary
from smartapp.coding import Coding
from smartapp.config import Config, MissingSettings
from smartapp.fhir.capability import Capabilities
from smartapp.fhir.client import FHIRClient
from smartapp.fhir.ladder import Ladder, decide
from smartapp.inference import PredictorClient
from smartapp.jobs import Jobs, log_without_words
from smartapp.launching import build_launcher

if TYPE_CHECKING:
    from smartapp.queueing import ChartQueue

Clock = Callable[[], datetime]
SIGN_WITHIN = timedelta(minutes=5)  # of an event, however little happens
UPKEEP_EVERY = 60.0  # seconds
STOP_WITHIN = 30.0  # seconds for charts under way; gunicorn itself gives up after 45


@dataclass(frozen=True, slots=True)
class Parts:
    """What there is one of in each process."""

    engine: Engine
    vault: Vault
    notary: SigningNotary
    audit: AuditLog
    ehrs: TrustedEHRs
    launcher: Launcher
    reviews: store.ReviewStore
    client_for: Callable[[Session], FHIRClient]
    ladder_for: Callable[[FHIRClient], Ladder]
    jobs: Jobs
    queue: "ChartQueue | None"
    coding: Coding
    codebook: CodeBook

    def begin_upkeep(self) -> None:
        """From now on this process signs the audit log, too, where a quiet day would leave its end unsigned."""
        sign = partial(sign_in_time, self.notary)
        Thread(target=repeat, args=(sign, UPKEEP_EVERY), daemon=True, name="chartside-upkeep").start()

    def stop(self) -> None:
        """What is under way in the background has some time to end."""
        self.jobs.stop(STOP_WITHIN)


def sign_in_time(notary: SigningNotary) -> None:
    """A checkpoint, when the last one is `SIGN_WITHIN` behind the log."""
    since = notary.unsigned_since()
    if since is not None and notary.clock() - since >= SIGN_WITHIN:
        notary.sign()


def repeat(work: Callable[[], None], every: float) -> None:
    while True:
        time.sleep(every)
        try:
            work()
        except Exception as error:  # what is away now may be there the next time; /readyz tells meanwhile
            log_without_words("upkeep failed", error)


def assemble(config: Config, clock: Clock = utc_now, connect: Callable[..., FHIRClient] = FHIRClient) -> Parts:
    """Brings the database to the current schema. Raises MissingSettings, InvalidEHRFile, BadKey."""
    vault = Vault(config.secret_keys)
    engine = store.connect(config.database_url)
    store.migrate(engine)
    notary = build_notary(config, engine, clock)
    audit = AuditLog(engine, clock, notary)
    audit.record_setting("configuration", told_of_config(config))
    ehrs = TrustedEHRs.watch(config.ehrs_file, lambda ehrs: audit.record_setting("ehrs", told_of_ehrs(ehrs)))
    launcher = build_launcher(config, ehrs, engine, vault, clock)
    reviews = store.ReviewStore(engine, vault, audit)
    jobs, queue = Jobs(), _build_queue(config)
    predictor = PredictorClient(config.predictor_socket, config.secret_keys)
    codebook = CodeBook.load(config.artifact / "codebook")
    capabilities = Capabilities(clock)

    def ladder_for(client: FHIRClient) -> Ladder:
        return decide(capabilities.read(client.base_url), client.granted, ehrs.find(client.base_url))

    def listed(iss: str) -> dict[str, frozenset[str]]:
        return {type: offer.searches for type, offer in capabilities.read(iss).types.items()}

    coding = Coding(reviews, predictor, codebook, jobs, clock, ladder_for, listed, queue)
    client_for = _Clients(launcher, ehrs, connect)
    chart = (reviews, client_for, ladder_for, jobs, queue, coding)
    return Parts(engine, vault, notary, audit, ehrs, launcher, *chart, codebook)


def _build_queue(config: Config) -> "ChartQueue | None":
    if config.queue_url is None:
        return None
    try:
        from smartapp.queueing import ChartQueue
    except ImportError:
        what = "CHARTSIDE_QUEUE_URL needs more packages: pip install -c requirements.lock -e '.[redis]'"
        raise MissingSettings([what]) from None
    return ChartQueue(config.queue_url)


@dataclass(frozen=True, slots=True)
class _Clients:
    """Makes the FHIR client of a launch."""

    launcher: Launcher
    ehrs: TrustedEHRs
    connect: Callable[..., FHIRClient]

    def __call__(self, session: Session) -> FHIRClient:
        context, key = session.context, session.key

        def token(refresh: bool) -> Any:
            return self.launcher.access_token(key, refresh=refresh)

        vendor = self.ehrs.find(context.iss).vendor
        return self.connect(
            context.iss, token, patient=context.patient, granted=context.scopes, vendor=vendor, launch=key
        )
