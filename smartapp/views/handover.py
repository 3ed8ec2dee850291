"""The page that takes the browser to an EHR which wants the authorization request by POST."""

from flask import g, make_response, render_template
from werkzeug.wrappers import Response

from launch.oauth import AuthorizationRequest


def hand_over(asked: AuthorizationRequest) -> Response:
    """A form that sends itself, by a button where scripts are off; of all our pages only this may send to an EHR."""
    g.form_origins = asked.origins
    return make_response(render_template("handover.html", asked=asked))
