"""The pages: one module a screen."""

from flask import Flask, url_for
from jinja2 import StrictUndefined

from launch.views import blueprint
from smartapp.reviews import REJECT_REASONS
from smartapp.views import (
    assets,
    compliance,
    embed_check,
    errors,
    exports,
    headers,
    home,
    launched,
    receipt,
    review,
    search,
    since,
    site,
    style,
    summary,
)
from smartapp.views.board import card_id
from smartapp.views.dates import show_birth_date, show_date, show_time
from smartapp.views.handover import hand_over
from smartapp.views.wiring import EXTENSION, Wiring

__all__ = ["Wiring", "compliance", "register"]

LARGEST_FORM = 64 * 1024  # bytes; our forms hold a few words
SCREENS = (review, since, search, summary, receipt, exports)  # each adds its addresses to the pages of a launch


def register(app: Flask, wiring: Wiring) -> None:
    """Adds to the application: pages, the launch's addresses, error pages, static files, headers."""
    app.extensions[EXTENSION] = wiring
    app.config["MAX_CONTENT_LENGTH"] = LARGEST_FORM
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.jinja_env.undefined = StrictUndefined  # a form without its token must not be made
    app.jinja_env.filters.update(date=show_date, time=show_time, birth_date=show_birth_date, card_id=card_id)
    app.jinja_env.filters["since_words"] = since.since_words
    app.jinja_env.globals["reject_reasons"] = REJECT_REASONS
    headers.register(app)
    errors.register(app)
    assets.register(app, wiring.config.static)
    app.register_blueprint(home.pages)
    app.register_blueprint(embed_check.pages)
    app.register_blueprint(site.pages)
    app.register_blueprint(blueprint(wiring.launcher, review_address, hand_over, home_url="/?ended"))
    style.register(app, wiring.config.static)
    launched.register(app)


def review_address(launch_key: str) -> str:
    """Where a launch that is complete goes on."""
    return url_for("review.show", launch_key=launch_key)
