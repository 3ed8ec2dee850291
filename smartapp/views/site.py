"""What an admin types where Chartside is registered, and the pages that registrations ask for; public, without PHI."""

from flask import Blueprint, Response, abort, jsonify, redirect, render_template, request, send_from_directory
from werkzeug.wrappers import Response as BaseResponse

from launch.ehrs import GENERIC
from smartapp.registration import MARKETPLACES, Marketplace, as_json, build_sections, to_be_filled_in
from smartapp.scopes import wanted_scopes
from smartapp.views.wiring import wiring

pages = Blueprint("site", __name__)
LOGO_LIFE = 86_400  # seconds; marketplaces keep the address, so it has no digest in it


@pages.get("/register")
def register() -> str:
    place, config = _place(), wiring().config
    sections = build_sections(place, config)
    return render_template(
        "site/register.html",
        place=place,
        places=MARKETPLACES.values(),
        sections=sections,
        missing=to_be_filled_in(place, config),
        scopes=wanted_scopes(place.vendor),
        public_url=config.public_url,
    )


@pages.get("/register.json")
def register_json() -> Response:
    place = _place()
    answer = jsonify(as_json(place, wiring().config))
    answer.headers["Content-Disposition"] = f'attachment; filename="chartside-{place.id}.json"'
    return answer


@pages.get("/logo.svg")
def logo_svg() -> Response:
    return send_from_directory(wiring().config.static, "icon.svg", max_age=LOGO_LIFE)


@pages.get("/logo.png")
def logo_png() -> Response:
    return send_from_directory(wiring().config.static, "icon.png", max_age=LOGO_LIFE)


@pages.get("/privacy")
def privacy() -> str | BaseResponse:
    return _paper("privacy", wiring().config.contacts.privacy_url)


@pages.get("/terms")
def terms() -> str | BaseResponse:
    return _paper("terms", wiring().config.contacts.terms_url)


@pages.get("/support")
def support() -> str | BaseResponse:
    return _paper("support", wiring().config.contacts.support_url)


def _paper(name: str, elsewhere: str) -> str | BaseResponse:
    """Our page, or the way to the one that the site's settings name."""
    return redirect(elsewhere) if elsewhere else render_template(f"site/{name}.html", contacts=wiring().config.contacts)


def _place() -> Marketplace:
    place = MARKETPLACES.get(request.args.get("for", GENERIC))
    if place is None:
        abort(404)
    return place
