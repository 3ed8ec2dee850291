"""The application between `launch` and `model`: `create_app` is the wiring of its pages."""

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
    from smartapp import store, views
    from smartapp.asking import Asking
    from smartapp.assembly import assemble
    from smartapp.cds import CodesToReview
    from smartapp.ehr_removal import Removal
    from smartapp.fhir.client import FHIRClient
    from smartapp.inference import PredictorClient
    from smartapp.model_card import LocalValidity, ModelCard, SiteNotes
    from smartapp.readiness import Readiness
    from smartapp.views import admin, cds, compliance, denials, model_card, operations
    from smartapp.views.wiring import Wiring

    parts = assemble(config, clock, connect or FHIRClient)
    engine, ehrs, audit = parts.engine, parts.ehrs, parts.audit
    app = Flask(__name__, template_folder=str(config.templates), static_folder=None)
    app.extensions["parts"] = parts
    in_haste = PredictorClient(config.predictor_socket, config.secret_keys, timeout=2.0)
    state = config.predictor_socket.parent
    operations.register(app, Readiness(engine, parts.launcher, in_haste, state, parts.notary, parts.queue, clock))
    to_review = CodesToReview(parts.reviews, store.CardStore(engine, audit), parts.vault, config.public_url, clock)
    asking = Asking(parts.reviews, store.QueryStore(engine, audit), clock, parts.ladder_for)
    worklist = store.WorklistStore(engine, audit)
    pages = (parts.coding, asking, worklist, parts.launcher, parts.client_for)
    views.register(app, Wiring(*pages, ehrs, config, to_review.page_for))
    callers = CDSClients(ehrs, SQLReplays(engine), clock)
    app.register_blueprint(cds.blueprint(to_review, callers, ehrs, config.public_url))
    admins = store.AdminStore(engine, parts.vault, clock, config.idle, audit)
    admin.register(app, admins, Removal(config.ehrs_file, parts.launcher, parts.reviews, audit))
    compliance.register(app, compliance.Compliance(engine, parts.notary.keys, parts.notary.file))
    local = LocalValidity(engine, parts.codebook, clock)
    model_card.register(app, ModelCard(config, local, SiteNotes(audit)))
    denials.register(app, audit)
    return app
