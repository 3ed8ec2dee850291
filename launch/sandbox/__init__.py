"""The demonstration EHR: a strict SMART authorization server, a guarded FHIR API before sekmet-fhir, chart pages."""

from flask import Flask, Response

from launch.sandbox.auth_views import auth_blueprint
from launch.sandbox.authorization import SMARTAuthorizationServer
from launch.sandbox.fhir_server import FHIRServer, HTTPFHIRServer
from launch.sandbox.grants import GrantStore
from launch.sandbox.pages import pages_blueprint
from launch.sandbox.proxy import FHIRProxy, fhir_blueprint
from launch.sandbox.settings import Faults, RegisteredClient, SandboxSettings
from launch.sandbox.standalone import ChartChooser

__all__ = ["Faults", "RegisteredClient", "SandboxSettings", "create_sandbox"]


def create_sandbox(settings: SandboxSettings, fhir: FHIRServer | None = None) -> Flask:
    """Wires it. `app.extensions` holds "sandbox_faults" and "sandbox_grants" for tests."""
    app = Flask(__name__)
    faults, store = Faults(), GrantStore()
    server = fhir or HTTPFHIRServer(settings.fhir_url, settings.fhir_base, settings.fhir_timeout)
    app.extensions["sandbox_faults"], app.extensions["sandbox_grants"] = faults, store
    app.register_blueprint(
        auth_blueprint(SMARTAuthorizationServer(app, settings, store, faults), ChartChooser(settings, server, store))
    )
    app.register_blueprint(fhir_blueprint(FHIRProxy(settings, server, store, faults)))
    app.register_blueprint(pages_blueprint(settings, server, store))

    @app.after_request
    def harden(response: Response) -> Response:
        # form-action and frame-src name the app: the consent form is answered by a redirect there, and the chart
        # page's frame holds our own authorize page on its way to the app.
        policy = (
            f"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
            f"frame-src 'self' {settings.public_url} {settings.app_origin}; form-action 'self' {settings.app_origin}; "
            "base-uri 'none'; frame-ancestors 'self'"
        )
        response.headers.setdefault("Content-Security-Policy", policy)
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Referrer-Policy"] = "no-referrer"
        return response

    return app
