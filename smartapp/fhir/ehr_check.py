"""Judges what of Chartside will work at an EHR, from what it says of itself and how we are registered there."""

from collections.abc import Iterable, Iterator

from launch.ehrs import EHR
from smartapp.fhir.capability import Capability
from smartapp.fhir.findings import Finding as Finding
from smartapp.fhir.findings import Sign as Sign
from smartapp.fhir.findings import blocks as blocks
from smartapp.fhir.findings import unheard
from smartapp.fhir.hearing import Ask, Heard, NotHeard, listen
from smartapp.fhir.ladder import DIRECT, decide, fixed
from smartapp.fhir.launch_check import judge_launch, judge_ours, judge_sign_in
from smartapp.fhir.vendors import vendor
from smartapp.reviews import Rung

RUNGS = {
    Rung.TRANSACTION: "in one transaction with the others",
    Rung.SINGLE_WRITES: "written by itself and read back",
    Rung.JSON_PATCH: "changed with a JSON Patch",
    Rung.CDS_SUGGESTION: "suggested on a CDS Hooks card, written by the EHR",
    Rung.DOCUMENT: "not as such; a coding summary is filed among the notes",
    Rung.MESSAGE: "not as such; a message goes to those who bill",
    Rung.EXPORT: "not written; a file to download",
}
LIST, BROKEN = "The list of EHRs", "something else in it is wrong"
KEPT = "a running Chartside keeps the list that it had, so a change of this EHR is not in force, and none starts"


def check(ehr: EHR, ask: Ask, public_url: str | None = None, broken: Iterable[str] = ()) -> tuple[Finding, ...]:
    """All that is found, in the order in which it would hurt; `broken` is what is wrong with others of the list."""
    return (*judge(ehr, listen(ehr, ask), public_url), *(Finding(LIST, Sign.LIMITED, BROKEN, KEPT, b) for b in broken))


def judge(ehr: EHR, heard: Heard, public_url: str | None = None) -> Iterator[Finding]:
    if isinstance(heard.smart, NotHeard):
        yield unheard("Launch", Sign.BLOCKS, "the SMART configuration cannot be read", heard.smart, "no launch")
    else:
        tls = "over https" if ehr.iss.startswith("https:") else "over plain http, on this machine only"
        yield Finding("Launch", Sign.WORKS, f"the SMART configuration is read {tls}")
        yield from judge_launch(ehr, heard.smart)
        yield from judge_sign_in(ehr, heard.smart, heard.keys)
    yield from judge_ours(ehr, public_url)
    if isinstance(heard.capability, NotHeard):
        refused = heard.capability.final
        sign = Sign.BLOCKS if refused else Sign.LIMITED
        why = "nothing can be read" if refused else "what can be read and written shows only in use"
        yield unheard("Reading", sign, "the CapabilityStatement (/metadata) cannot be used", heard.capability, why)
    else:
        yield from _reading(heard.capability)
        yield from _writing(ehr, heard.capability)
    yield from _framing(ehr)
    yield from _known(ehr)


def _reading(capability: Capability) -> Iterator[Finding]:
    if capability.software:
        yield Finding("Reading", Sign.WORKS, f"FHIR {capability.fhir_version}, {capability.software}")
    for type in ("Patient", "Encounter"):
        if capability.offers(type, "read"):
            yield Finding("Reading", Sign.WORKS, f"{type} can be read")
        else:
            yield Finding("Reading", Sign.BLOCKS, f"{type} cannot be read", "Chartside works on one encounter")
    yield from _notes(capability)
    for type, loss in (
        ("Binary", "notes whose text is not inside the DocumentReference may not be readable"),
        ("DiagnosticReport", "reports that are kept apart from the notes are not read"),
        ("Condition", "diagnoses that are there already are not seen, so one may be written twice"),
    ):
        offered = capability.offers(type, "read") or capability.searches(type, "patient")
        yield (
            Finding("Reading", Sign.WORKS, f"{type} is listed")
            if offered
            else Finding("Reading", Sign.LIMITED, f"{type} is not listed", loss)
        )


def _notes(capability: Capability) -> Iterator[Finding]:
    if capability.searches("DocumentReference", "patient", "encounter"):
        yield Finding("Reading", Sign.WORKS, "notes are found by encounter")
        return
    ways = [
        name for name in ("category", "period", "date") if capability.searches("DocumentReference", "patient", name)
    ]
    if capability.searches("DocumentReference", "patient"):
        by = " and ".join(["patient", *ways])
        what = f"notes are not found by encounter, but by {by}"
        yield Finding("Reading", Sign.LIMITED, what, "Chartside keeps those that say they belong to the encounter")
    else:
        mend = "Ask the vendor for DocumentReference search; without it codes are found by hand."
        yield Finding("Reading", Sign.BLOCKS, "notes cannot be searched for", "there is nothing to code from", mend)


def _writing(ehr: EHR, capability: Capability) -> Iterator[Finding]:
    """The write plan as it would be if all scopes were granted."""
    for choice in decide(capability, ehr.scopes, ehr).choices:
        sign = Sign.WORKS if choice.rung in DIRECT else Sign.LIMITED
        passed = (over.reason for over in choice.passed if over.rung is not Rung.TRANSACTION)
        why = "" if sign is Sign.WORKS else "; ".join(dict.fromkeys(passed))
        yield Finding("Writing", sign, f"{choice.resource}: {RUNGS[choice.rung]}", why)
    for type, why in fixed(capability, ehr.scopes, ehr).items():
        mend = f"If the EHR grants it, ask for user/{type}.crus." if "scope" in why else ""
        yield Finding("Writing", Sign.LIMITED, f"{type}: a correction cannot change what was written", why, mend)


def _framing(ehr: EHR) -> Iterator[Finding]:
    if ehr.embed_origins:
        yield Finding("Frame", Sign.WORKS, f"may be shown inside {', '.join(ehr.embed_origins)}")
    else:
        mend = "If the EHR shows apps inside its own window, set embed_origins to the origin of that window."
        yield Finding(
            "Frame", Sign.LIMITED, "no page may frame Chartside", "it opens in a window of its own only", mend
        )


def _known(ehr: EHR) -> Iterator[Finding]:
    """What no statement of the EHR says and nothing here can change: for whoever sets it up there."""
    known = vendor(ehr.vendor)
    for fact in known.facts:
        if not (fact.closes or fact.suggests or fact.asks):
            yield Finding(f"Known of {known.name}", Sign.LIMITED, fact.says, f"from {fact.source}")
