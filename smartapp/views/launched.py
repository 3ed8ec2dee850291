"""The pages of one launch, `/r/<launch key>/...`: nobody gets in without that launch's session in this very browser."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, cast

from flask import Blueprint, Flask, abort, g, request, url_for

from launch.errors import SessionEnded
from launch.sessions import Session
from launch.views import browser_id
from smartapp.audit.events import hash_of
from smartapp.errors import NotForRole, OtherChart
from smartapp.reviews import Review, Reviewer, ReviewKey
from smartapp.roles import Role, role_in
from smartapp.views import limits
from smartapp.views.board import Board
from smartapp.views.csrf import FIELD, build_token, is_same_origin, is_token
from smartapp.views.wiring import wiring

if TYPE_CHECKING:
    from smartapp.fhir.client import FHIRClient

pages = Blueprint("review", __name__, url_prefix="/r/<launch_key>")


@dataclass(frozen=True, slots=True)
class Launched:
    """The launch a request belongs to: every read and write carries its EHR, patient and encounter."""

    session: Session
    key: ReviewKey
    by: Reviewer
    client: FHIRClient
    role: Role


def launched() -> Launched:
    """The launch of this request."""
    return cast(Launched, g.launched)


def current_launch() -> Launched | None:
    """The same, where there may be none."""
    return cast("Launched | None", g.get("launched"))


@pages.url_value_preprocessor
def _take_launch_key(endpoint: str | None, values: dict[str, Any] | None) -> None:
    g.launch_key = values.pop("launch_key") if values else ""


@pages.url_defaults
def _add_launch_key(endpoint: str, values: dict[str, Any]) -> None:
    values.setdefault("launch_key", g.get("launch_key", ""))


@pages.before_request
def _admit() -> None:
    """Raises SessionEnded, TooManyRequests; refuses forms that are not ours."""
    session = _session()
    context, launch = session.context, hash_of(session.key)
    key = ReviewKey(context.iss, context.patient, context.encounter)
    role = _role(session, key, launch)
    g.launched = Launched(
        session=session,
        key=key,
        by=Reviewer(context.fhir_user, context.user_name, launch, role.name),
        client=wiring().client_for(session),
        role=role,
    )
    _refuse_forged_form(g.launch_key)
    _refuse_form_of_another_chart(g.launched.key)


def _session() -> Session:
    try:
        session = wiring().launcher.session(g.launch_key, browser_id())
    except SessionEnded:
        limits.count_address()  # whoever tries out launch keys comes to an end of it
        raise
    limits.count_launch(session.key)
    return session


def _role(session: Session, key: ReviewKey, launch: str) -> Role:
    ehr = wiring().ehrs.find(session.context.iss)
    return role_in(session.context, ehr, wiring().worklist.chosen_role(key, launch) if ehr.role_switch else None)


def board_of(review: Review) -> Board:
    """The page for whoever asks."""
    return Board(review, launched().by, wiring().coding.remarks)


def coder() -> Launched:
    """The launch of this request. Raises NotForRole where its person is no coder."""
    if not launched().role.worklist:
        raise NotForRole
    return launched()


def tenant_of(here: Launched) -> str:
    """What the EHR calls its part, by a hash of one length; empty where it names none."""
    tenant = here.session.context.tenant
    return hash_of(tenant) if tenant else ""


def register(app: Flask) -> None:
    """Adds the pages, and a guard over the forms of everybody else: /logout names its launch in the form."""
    app.before_request(_guard_other_forms)
    app.register_blueprint(pages)


def _guard_other_forms() -> None:
    ours = request.url_rule is not None and request.blueprint != pages.name  # no rule: Flask answers 404 or 405
    machine = request.endpoint == "csp_report" or request.blueprint == "cds"  # they bring no cookie to misuse
    if ours and not machine and request.blueprint != "admin":  # which has a cookie and a token of its own
        _refuse_forged_form(request.form.get("launch_key", ""))


def _refuse_forged_form(launch_key: str) -> None:
    """403 unless the form carries this launch's token and comes from a page of ours."""
    if request.method in ("GET", "HEAD", "OPTIONS"):
        return
    config = wiring().config
    own = is_token(request.form.get(FIELD, ""), config.secret_keys, launch_key, browser_id())
    if not own or not is_same_origin(request, config.public_url):
        abort(403)


def _refuse_form_of_another_chart(key: ReviewKey) -> None:
    """Raises OtherChart: whatever an address or a cookie says, a decision is for the chart that the page showed."""
    if request.method == "POST" and (request.form.get("patient"), request.form.get("encounter")) != (
        key.patient,
        key.encounter,
    ):
        raise OtherChart


@pages.context_processor
def _launch_values() -> dict[str, Any]:
    here = current_launch()
    if here is None:
        return {}
    token = build_token(wiring().config.secret_keys[0], here.session.key, here.session.browser)
    idle = int(wiring().config.idle.total_seconds())
    context = here.session.context
    return {
        "launched": here,
        "csrf_token": token,
        "context": context,
        "idle": idle,
        "role": here.role,
        "url_for": cache(url_for),  # a long claim has hundreds of forms, and they go to few addresses
    }


def form_version() -> int:
    """The version of the review that the form was made from."""
    try:
        return int(request.form["version"])
    except ValueError:
        abort(400)


def wants_fragment() -> bool:
    """htmx asks: it wants the part of the page that changed."""
    return request.headers.get("HX-Request") == "true"
