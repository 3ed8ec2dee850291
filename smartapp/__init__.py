"""The application between `launch` and `model`: `create_app` is its whole wiring."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from smartapp.config import Config

if TYPE_CHECKING:
    from flask import Flask

    from smartapp.fhir.client import FHIRClient


def utc_now() -> datetime:
    return datetime.now(UTC)


def create_app(
    config: Config, clock: Callable[[], datetime] = utc_now, connect: "Callable[..., FHIRClient] | None" = None
) -> "Flask":
    """The web application. It brings the database to the current schema; the predictor may start before or after it.

    `connect` makes the FHIR client of a launch, where other time-outs than the client's own are wanted.
    """
    # Imported here: commands and the predictor's process import parts of this package and need no web.
    from flask import Flask

    from launch.cds_clients import CDSClients, SQLReplays
    from launch.ehrs import TrustedEHRs
    from launch.sessions import Session
    from launch.vault import Vault
    from model.codebook import CodeBook
    from smartapp import store, views
    from smartapp.audit import AuditLog
    from smartapp.audit.settings import told_of_config, told_of_ehrs
    from smartapp.auditing import build_notary
    from smartapp.cds import CodesToReview
    from smartapp.coding import Coding
    from smartapp.fhir.capability import Capabilities
    from smartapp.fhir.client import FHIRClient
    from smartapp.fhir.ladder import Ladder, decide
    from smartapp.inference import PredictorClient
    from smartapp.jobs import Jobs
    from smartapp.launching import build_launcher
    from smartapp.readiness import Readiness
    from smartapp.views import admin, cds, compliance, denials, operations
    from smartapp.views.wiring import Wiring

    vault = Vault(config.secret_keys)
    engine = store.connect(config.database_url)
    store.migrate(engine)
    notary = build_notary(config, engine, clock)
    audit = AuditLog(engine, clock, notary)
    audit.record_setting("configuration", told_of_config(config))
    ehrs = TrustedEHRs.watch(config.ehrs_file, lambda ehrs: audit.record_setting("ehrs", told_of_ehrs(ehrs)))
    launcher = build_launcher(config, ehrs, engine, vault, clock)
    predictor = PredictorClient(config.predictor_socket, config.secret_keys)
    codebook = CodeBook.load(config.artifact / "codebook")
    reviews = store.ReviewStore(engine, vault, audit)
    capabilities = Capabilities(clock)

    def ladder_for(client: FHIRClient) -> Ladder:
        return decide(capabilities.read(client.base_url), client.granted, ehrs.find(client.base_url))

    def listed(iss: str) -> dict[str, frozenset[str]]:
        return {type: offer.searches for type, offer in capabilities.read(iss).types.items()}

    coding = Coding(reviews, predictor, codebook, Jobs(), clock, ladder_for, listed)

    def client_for(session: Session) -> FHIRClient:
        context, key = session.context, session.key
        return (connect or FHIRClient)(
            context.iss,
            lambda refresh: launcher.access_token(key, refresh=refresh),
            patient=context.patient,
            granted=context.scopes,
            vendor=ehrs.find(context.iss).vendor,
        )

    app = Flask(__name__, template_folder=str(config.templates), static_folder=None)
    asked_in_haste = PredictorClient(config.predictor_socket, config.secret_keys, timeout=2.0)
    operations.register(app, Readiness(engine, launcher, asked_in_haste, config.predictor_socket.parent))
    views.register(app, Wiring(coding, launcher, client_for, ehrs, config))
    to_review = CodesToReview(reviews, store.CardStore(engine, audit), vault, config.public_url, clock)
    callers = CDSClients(ehrs, SQLReplays(engine), clock)
    app.register_blueprint(cds.blueprint(to_review, callers, ehrs, config.public_url))
    admin.register(app, store.AdminStore(engine, vault, clock, config.idle, audit))
    compliance.register(app, compliance.Compliance(engine, notary.keys, notary.file))
    denials.register(app, audit)
    return app
