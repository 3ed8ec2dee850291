"""What security questionnaires ask, answered for the software; the rest is the site's to answer."""

from datetime import timedelta

from launch.sessions import SESSION_LIFE
from smartapp.registration.fields import Field, Section, Site

ANSWERS = {
    "Where does patient data go?": (
        "To the server on which this organization runs Chartside, and back to the EHR. To no one else."
    ),
    "Data at rest": (
        "What was read from the chart, the suggestions, free text and messages of the EHR are sealed with "
        "authenticated encryption (Fernet: AES-128-CBC with HMAC-SHA-256); the site holds the keys and can change "
        "them. Ids, decided codes and the names of those who decided are plain columns: encrypt the disk."
    ),
    "Data in transit": "https only, with HSTS. The server speaks https to the EHR and checks its certificate.",
    "Tokens": (
        "Sealed on the server, never in the browser, sent to no address but the EHR's own, and given back at logout "
        "where the EHR has a revocation endpoint."
    ),
    "Users and passwords": "No passwords. The EHR says who is signed in (OpenID Connect).",
    "Cookies": "One, necessary, partitioned, without patient data. No tracking and no third parties.",
    "Sub-processors": (
        "None by the software. Whoever hosts the server for this organization is the organization's to name."
    ),
    "Use of AI": (
        "A predictor that was trained beforehand suggests codes on the site's own server. It does not learn from the "
        "site's charts and sends nothing out. Every suggestion shows the words it rests on, none is accepted "
        "beforehand, and a person decides on each code and signs. Not for decisions on coverage or medical necessity. "
        "Training data, figures and limits stand in the model card that comes with the software."
    ),
    "Record of who did what": (
        "Who opened, saw, suggested, decided, signed and wrote what, by ids, without a word of a note. The database "
        "refuses to change it; a chain of hashes with signed checkpoints shows it when somebody did. It can be "
        "exported as FHIR AuditEvents."
    ),
}


def security_answers(site: Site) -> Section:
    answers = tuple(Field(question, (answer,)) for question, answer in ANSWERS.items())
    idle, life = site.config.idle // timedelta(minutes=1), SESSION_LIFE // timedelta(hours=1)
    session = Field("Session", (f"Ends after {idle} minutes without use and after {life} hours at the latest.",))
    contact = site.contact("Report a weakness to", "security", "e-mail address for security")
    return Section("Security and privacy answers", (*answers, session, contact))
