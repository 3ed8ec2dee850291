"""The page that takes the browser to an EHR which wants the authorization request by POST."""

from flask import g, make_response, render_template
from werkzeug.wrappers import Response

from launch.oauth import AuthorizationRequest


def hand_over(asked: AuthorizationRequest) -> Response:
    """A form that sends itself, by a button where scripts are off; of all our pages only this may send to an EHR."""
    # Browsers hold every redirect that follows against form-action too, and an EHR may send its users through a sign-in
    # of the hospital's that no configuration names: any https address then. The form's own address is the EHR's.
    g.form_origins = ("https:", *(origin for origin in asked.origins if not origin.startswith("https:")))
    return make_response(render_template("handover.html", asked=asked))
