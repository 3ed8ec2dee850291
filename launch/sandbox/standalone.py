"""Standalone launch: the user of an app that brings no launch chooses a chart ("Launch App: Standalone Launch")."""

from typing import Any
from urllib.parse import urlencode

from authlib.oauth2.rfc6749 import InvalidRequestError
from flask import redirect, render_template, request, url_for

from launch.sandbox.chart_view import list_patients
from launch.sandbox.fhir_server import FHIRServer, read
from launch.sandbox.grants import GrantStore, Launch
from launch.sandbox.pages import read_user
from launch.sandbox.settings import SandboxSettings


class ChartChooser:
    """The page of patients and encounters on the way to the app, and what the choice stands for."""

    def __init__(self, settings: SandboxSettings, fhir: FHIRServer, store: GrantStore) -> None:
        self._settings, self._fhir, self._store = settings, fhir, store

    def ask(self, grant: Any) -> Any:
        """Asks; once answered, the request goes on as if it had come with a launch. Raises InvalidRequestError."""
        sent = [(name, value) for name, value in request.values.items(multi=True) if name != "chart"]
        chart = request.form.get("chart")
        if chart is None:
            return render_template(
                "choose.html",
                app_name=grant.client.registration.name,
                patients=list_patients(self._fhir, self._settings.clock().date()),
                action=f"{url_for('auth.authorize')}?{urlencode(sent)}",
            )
        return redirect(f"{url_for('auth.authorize')}?{urlencode([*sent, ('launch', self._begin(chart))])}", 303)

    def _begin(self, chart: str) -> str:
        patient, _, encounter = chart.partition("/")
        found = read(self._fhir, "Encounter", encounter) if encounter.isascii() and "/" not in encounter else None
        if not found or found.get("subject", {}).get("reference") != f"Patient/{patient}":
            raise InvalidRequestError("There is no such chart here.")
        now, user = self._settings.clock(), read_user(self._settings)
        launch = Launch(patient, encounter, user, False, now + self._settings.launch_life, alone=True, standalone=True)
        return self._store.add_launch(launch, now)
