"""The forms of the places where apps are registered, each in its own words."""

from collections.abc import Callable
from dataclasses import dataclass

from launch.ehrs import GENERIC, PRIVATE_KEY
from launch.scopes import STANDALONE
from smartapp.registration.fields import DESCRIPTION, NAME, SUMMARY, Field, Section, Site

STANDALONE_TOO = (
    f"Where users may also begin at the launch URL (standalone = true), register {' and '.join(STANDALONE)} too: "
    "the EHR then asks which chart to open."
)


@dataclass(frozen=True, slots=True)
class Marketplace:
    """Where apps are registered. The labels of its form come from the vendor's public pages, named at each."""

    id: str
    name: str
    vendor: str  # whose EHRs it leads to: decides the scopes
    intro: str
    form: Callable[[Site], tuple[Section, ...]]


def _epic(site: Site) -> tuple[Section, ...]:
    # Labels: fhir.epic.com, "App Creation & Request Process", and Google's public page on registering an Epic app
    # (docs.cloud.google.com/gemini/enterprise/docs/connectors/epic/epic-configuration).
    apis = "Patient.Read, Encounter.Read and Search, DocumentReference.Read and Search (Clinical Notes), Binary.Read"
    more = "Condition.Read and Search (Encounter Diagnosis, Problems), Procedure.Read and Search, Practitioner.Read"
    write = "DocumentReference.Create (Clinical Notes)"
    return (
        Section(
            "Build Apps: the app record",
            (
                Field("Application Name", (NAME,)),
                Field("Application Audience", ("Clinicians or Administrative Users",)),
                Field("Incoming APIs", (apis, more, write), "All R4. One for each scope below; Epic grants by API."),
                Field("Will this app register dynamic clients?", ("No",)),
                site.redirect("Redirect URI"),
                Field("Is Confidential Client", ("Yes",), "It holds a private key; no secret is shared."),
                site.jwks("JWK Set URL"),
                Field("Requires Persistent Access", ("No",), "Access ends with the user's session."),
                Field("SMART on FHIR Version", ("R4",)),
                Field("SMART Scope Version", ("SMART v2",), "Fixed for the app; v1 works too, see the scopes."),
                Field("FHIR ID Generation Scheme", ("Use 64-Character-Limited FHIR IDs for USCDI FHIR Resources",)),
                Field("Summary", (SUMMARY,)),
                *site.papers(),
                site.logo("Thumbnail"),
            ),
        ),
        Section(
            "For the customer's Epic analysts",
            (
                site.launch("Launch URL").because("Goes into the integration record; the app form has no field."),
                site.hooks().because("Epic takes encounter diagnoses as suggestions of CDS Hooks, not over REST."),
                *site.support(),
            ),
        ),
    )


def _oracle(site: Site) -> tuple[Section, ...]:
    # Labels: Oracle Health Developer Portal User Guide (docs.oracle.com, health-ai-application-suite/aidpu).
    return (
        Section(
            "Register Oracle Health SMART App",
            (
                site.organization("Company Name"),
                Field("App Type", ("Provider",)),
                Field("App Name", (NAME,)),
                Field("Description", (DESCRIPTION,)),
                Field("FHIR Version", ("R4",)),
                Field("SMART Version", ("v2",), "Cannot be changed after registration."),
                Field("Confidential App", ("Yes",), "It holds a private key."),
                site.jwks("JWKS URL"),
                site.redirect("Redirect URL"),
                site.launch("Launch URL"),
                *site.support(),
            ),
        ),
        Section("Beside the form", (*site.papers(), site.logo(), site.hooks())),
    )


def _athenahealth(site: Site) -> tuple[Section, ...]:
    # Categories: docs.athenahealth.com, "Onboarding Overview" and "Authorization Overview". The form itself stands
    # behind a sign-in, so the labels are those of SMART App Launch.
    return (
        Section(
            "Developer Portal: create an app",
            (
                Field("App category", ("3-legged OAuth app, for providers",), "A user signs in; no service account."),
                Field("App name", (NAME,)),
                *site.text(),
                site.redirect("Redirect URI"),
                site.launch("Launch URL"),
                Field("Client authentication", (PRIVATE_KEY,), "With an RSA key: chartside ehr add --alg RS384."),
                site.jwks("JWKS URL"),
            ),
        ),
        Section("For the partner review", (site.organization("Company"), *site.support(), *site.papers(), site.logo())),
    )


def _gallery(site: Site) -> tuple[Section, ...]:
    # Words: SMART App Launch 2.2 and OAuth dynamic registration (RFC 7591), whose names the gallery's listings follow.
    return (
        Section(
            "Listing",
            (
                Field("App name", (NAME,)),
                *site.text(),
                site.logo(),
                Field("Categories", ("Billing and coding",)),
                Field("Designed for", ("Clinicians, coders",)),
                Field("FHIR version", ("R4",)),
                site.organization("Developer"),
                *site.support(),
                *site.papers(),
            ),
        ),
        Section("Launch", (site.launch("launch_uri"), site.redirect("redirect_uris"), site.jwks("jwks_uri"))),
    )


def _generic(site: Site) -> tuple[Section, ...]:
    return (
        Section(
            "The app",
            (
                Field("Name", (NAME,)),
                *site.text(),
                Field("Type", ("Confidential web app, for clinicians and coders",)),
                site.launch("Launch URL"),
                site.redirect("Redirect URL"),
                Field("Client authentication", (PRIVATE_KEY,), "ES384 or RS384. client_secret_basic works too."),
                site.jwks("JWKS URL"),
                Field("FHIR version", ("R4",)),
                Field("SMART App Launch", ("2.2, EHR launch with PKCE (S256)",), STANDALONE_TOO),
                site.hooks(),
            ),
        ),
        Section(
            "Who is behind it",
            (
                site.organization("Organization"),
                site.contact("Contact", "name", "name of a person"),
                *site.support(),
                *site.papers(),
                site.logo(),
            ),
        ),
    )


MARKETPLACES = {
    place.id: place
    for place in (
        Marketplace(
            GENERIC,
            "Any EHR",
            GENERIC,
            "What every SMART on FHIR registration asks for, in the words of SMART.",
            _generic,
        ),
        Marketplace(
            "epic",
            "Epic",
            "epic",
            "At fhir.epic.com, Build Apps. A record marked ready for production can no longer be changed: check it "
            "here first. Each customer then activates the app.",
            _epic,
        ),
        Marketplace(
            "oracle",
            "Oracle Health",
            "oracle",
            "In the Oracle Health Developer Portal. The customer then enables the app for its domains and roles.",
            _oracle,
        ),
        Marketplace(
            "athenahealth",
            "athenahealth",
            "athenahealth",
            "In the athenahealth Developer Portal. Preview and production are two apps with a client id each.",
            _athenahealth,
        ),
        Marketplace(
            "gallery",
            "SMART App Gallery",
            GENERIC,
            "A listing only: each EHR still has to register the app for itself.",
            _gallery,
        ),
    )
}
