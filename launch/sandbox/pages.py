"""The demonstration EHR's pages: patients, a chart with the app in it, and who is at the keyboard."""

import json
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, Response, abort, redirect, render_template, request, url_for

from launch.sandbox.cds import CDSClient, CDSFailed, Shown
from launch.sandbox.chart_view import Chart, list_patients, read_attachment, read_chart, read_patient
from launch.sandbox.fhir_server import FHIR_JSON, FHIRServer, FHIRServerSilent, read
from launch.sandbox.grants import GrantStore, Launch
from launch.sandbox.settings import DemoUser, SandboxSettings

_USER_COOKIE = "demo-ehr-user"  # cookies are shared between the ports of a host, so the name must differ from the app's


def pages_blueprint(settings: SandboxSettings, fhir: FHIRServer, store: GrantStore) -> Blueprint:
    blueprint = Blueprint("pages", __name__)
    pages = _Pages(settings, fhir, store)
    blueprint.add_url_rule("/", "patients", pages.patients)
    blueprint.add_url_rule("/patient/<patient>", "patient", pages.patient)
    blueprint.add_url_rule("/chart/<patient>/<encounter>", "chart", pages.chart)
    blueprint.add_url_rule("/chart/<patient>/<encounter>/record", "record", pages.record)
    blueprint.add_url_rule("/chart/<patient>/<encounter>/open", "open_app", pages.open_app)
    blueprint.add_url_rule("/chart/<patient>/<encounter>/take", "take_suggestion", pages.take, methods=["POST"])
    blueprint.add_url_rule("/chart/<patient>/<encounter>/dismiss", "dismiss_card", pages.dismiss, methods=["POST"])
    blueprint.add_url_rule("/cds/jwks.json", "cds_keys", pages.cds_keys)
    blueprint.add_url_rule("/note/<note>", "note", pages.note)
    blueprint.add_url_rule("/user", "choose_user", pages.choose_user, methods=["POST"])
    blueprint.add_url_rule("/healthz", "healthz", pages.healthz)

    @blueprint.app_context_processor
    def share() -> dict[str, Any]:
        return {"facility": settings.facility, "users": settings.users, "current_user": pages.read_user()}

    @blueprint.app_errorhandler(404)
    def missing(_: Exception) -> Any:
        return render_template("message.html", title="Not found", words="There is no such page or chart here."), 404

    @blueprint.errorhandler(FHIRServerSilent)
    def silent(_: Exception) -> Any:
        words = "The record store is not answering. Wait a moment, then try again."
        return render_template("message.html", title="The chart cannot be read", words=words), 503

    return blueprint


def read_user(settings: SandboxSettings) -> DemoUser:
    """Who was chosen; the first one when nobody was."""
    key = request.cookies.get(_USER_COOKIE)
    return next((user for user in settings.users if user.key == key), settings.users[0])


class _Pages:
    def __init__(self, settings: SandboxSettings, fhir: FHIRServer, store: GrantStore) -> None:
        self._settings, self._fhir, self._store = settings, fhir, store
        self._cds = CDSClient(settings)

    def read_user(self) -> DemoUser:
        return read_user(self._settings)

    def patients(self) -> str:
        return render_template("patients.html", patients=list_patients(self._fhir, self._settings.clock().date()))

    def patient(self, patient: str) -> str:
        found = read_patient(self._fhir, patient, self._settings.clock().date()) or abort(404)
        return render_template("patient.html", patient=found)

    def chart(self, patient: str, encounter: str) -> str:
        chart = read_chart(self._fhir, patient, encounter, self._settings.clock().date()) or abort(404)
        ask_consent = request.args.get("consent") == "ask"
        app_url = self._begin_launch(patient, encounter, ask_consent)
        return render_template(
            "chart.html", chart=chart, app_url=app_url, ask_consent=ask_consent, shown=self._ask(chart)
        )

    def record(self, patient: str, encounter: str) -> str:
        """The part of the chart page that changes when an app writes."""
        chart = read_chart(self._fhir, patient, encounter, self._settings.clock().date()) or abort(404)
        return render_template("_record.html", chart=chart, shown=self._ask(chart))

    def take(self, patient: str, encounter: str) -> Any:
        """Does what the suggestion says and tells the service ("Suggestion accepted")."""
        card, chosen = request.form.get("card", ""), request.form.get("suggestion", "")
        suggestion = self._cds.suggestion(card, chosen) or abort(404)
        for action in suggestion["actions"]:
            resource = action["resource"]
            if resource.get("subject", {}).get("reference") != f"Patient/{patient}":
                abort(400)
            body, headers = json.dumps(resource).encode(), {"Content-Type": FHIR_JSON}
            if self._fhir.send("POST", resource["resourceType"], headers=headers, body=body).status != 201:
                return self._failed("The record store did not take it.")
        return self._told(patient, encounter, card, "accepted", acceptedSuggestions=[{"id": chosen}])

    def dismiss(self, patient: str, encounter: str) -> Any:
        """Tells the service that the card was overridden, with the reason if one was chosen."""
        system, _, code = request.form.get("reason", "").rpartition("|")
        why = {"overrideReason": {"reason": {"system": system, "code": code}}} if code else {}
        return self._told(patient, encounter, request.form.get("card", ""), "overridden", **why)

    def cds_keys(self) -> Any:
        return self._cds.keys()

    def _ask(self, chart: Chart) -> Shown:
        """What the CDS service says of the chart that is being opened."""
        visit = read(self._fhir, "Encounter", chart.encounter.id) or {}
        expires = self._settings.clock()
        return self._cds.ask(Launch(chart.patient.id, chart.encounter.id, self.read_user(), False, expires), visit)

    def _told(self, patient: str, encounter: str, card: str, outcome: str, **more: Any) -> Any:
        try:
            self._cds.report(card, outcome, **more)
        except CDSFailed as failed:
            return self._failed(str(failed))
        return redirect(url_for("pages.chart", patient=patient, encounter=encounter), 303)

    def _failed(self, words: str) -> Any:
        return render_template("message.html", title="The card could not be used", words=words), 502

    def open_app(self, patient: str, encounter: str) -> Any:
        """Launches the app in a tab of its own; each launch token is good once, so it is made on the way."""
        found = read(self._fhir, "Encounter", encounter) or abort(404)
        if found.get("subject", {}).get("reference") != f"Patient/{patient}":
            abort(404)
        said = {"alone": True, "app_context": request.args.get("context")}
        return redirect(self._begin_launch(patient, encounter, request.args.get("consent") == "ask", **said))

    def note(self, note: str) -> Response:
        """Gives a note's file as a download: its content is never shown as a page of this EHR."""
        found = read(self._fhir, "DocumentReference", note) or abort(404)
        content_type, content = read_attachment(self._fhir, found)
        response = Response(content, content_type=content_type)
        response.headers["Content-Disposition"] = "attachment"
        response.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
        return response

    def choose_user(self) -> Any:
        keys = [user.key for user in self._settings.users]
        if request.form.get("user") not in keys:
            abort(400)
        back = request.form.get("back", "/")
        inside = back.startswith("/") and not back.startswith(("//", "/\\"))
        response = redirect(back if inside else url_for("pages.patients"), 303)
        response.set_cookie(_USER_COOKIE, request.form["user"], httponly=True, samesite="Lax")
        return response

    def healthz(self) -> Any:
        try:
            ready = self._fhir.send("GET", "metadata").status == 200
        except FHIRServerSilent:
            ready = False
        return {"status": "ok" if ready else "the FHIR server is not answering"}, 200 if ready else 503

    def _begin_launch(self, patient: str, encounter: str, ask_consent: bool, **more: Any) -> str:
        """Makes a `launch` and the app's URL with it (SMART App Launch 2.2, "Launch App: EHR Launch")."""
        now = self._settings.clock()
        launch = Launch(patient, encounter, self.read_user(), ask_consent, now + self._settings.launch_life, **more)
        query = urlencode({"iss": self._settings.fhir_base, "launch": self._store.add_launch(launch, now)})
        return f"{self._settings.app_launch_url}?{query}"
