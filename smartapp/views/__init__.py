"""The pages: one module a screen."""

from flask import Flask, url_for
from jinja2 import StrictUndefined

from launch.sessions import Session
from launch.views import blueprint
from smartapp.reviews import REJECT_REASONS
from smartapp.views import (
    assets,
    book,
    compliance,
    embed_check,
    errors,
    exports,
    headers,
    home,
    launched,
    limits,
    model_card,
    queries,
    receipt,
    review,
    search,
    since,
    site,
    style,
    summary,
    waiting,
    work,
    worklist,
)
from smartapp.views.cards import POA_WORDS, card_id
from smartapp.views.dates import show_birth_date, show_date, show_time
from smartapp.views.handover import hand_over
from smartapp.views.numbers import Number
from smartapp.views.wiring import EXTENSION, Wiring, wiring

__all__ = ["Wiring", "compliance", "register"]

LARGEST_FORM = 64 * 1024  # bytes; our forms hold a few words
SCREENS = (  # each adds its addresses to the pages of a launch
    *(review, since, search, book, summary, receipt, exports, waiting),
    *(work, queries, worklist),
)


def register(app: Flask, wired: Wiring) -> None:
    """Adds to the application: pages, the launch's addresses, error pages, static files, headers."""
    app.extensions[EXTENSION] = wired
    app.config["MAX_CONTENT_LENGTH"] = LARGEST_FORM
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.jinja_env.undefined = StrictUndefined  # a form without its token must not be made
    app.jinja_env.filters.update(date=show_date, time=show_time, birth_date=show_birth_date, card_id=card_id)
    app.jinja_env.filters["since_words"] = since.since_words
    app.jinja_env.globals.update(reject_reasons=REJECT_REASONS, poa_words=POA_WORDS)
    app.url_map.converters["int"] = Number
    headers.register(app)
    limits.register(app, wired.config)
    errors.register(app)
    assets.register(app, wired.config.static)
    app.register_blueprint(home.pages)
    app.register_blueprint(embed_check.pages)
    app.register_blueprint(site.pages)
    app.register_blueprint(model_card.pages)
    app.register_blueprint(blueprint(wired.launcher, review_address, hand_over, home_url="/?ended"))
    style.register(app, wired.config.static)
    launched.register(app)


def review_address(session: Session) -> str:
    """Where a launch that is complete goes on."""
    return url_for(wiring().page_for(session.context), launch_key=session.key)
