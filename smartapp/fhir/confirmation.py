"""Compares what was sent with what the EHR then holds; EHRs add, reorder and rewrite, but must not lose the meaning."""

from smartapp.fhir.elements import instant, items
from smartapp.fhir.references import Resource

# What makes the resource what it is. Some EHRs drop extra fields on purpose (recorder, identifier).
_ESSENTIAL = {
    "Condition": ("code", "subject", "encounter", "category", "clinicalStatus", "verificationStatus"),
    "Encounter": ("subject", "diagnosis"),
    "Claim": ("status", "type", "use", "patient", "insurance", "diagnosis"),
    "Provenance": ("target", "agent", "recorded"),
    "DocumentReference": ("status", "subject", "context"),  # some keep the words elsewhere, as a Binary
    "Communication": ("status", "subject", "encounter", "payload"),
    "Task": ("intent", "for", "encounter", "input"),  # whoever works on it changes its status
}


def differences(base: str, sent: Resource, held: Resource, before: Resource | None = None) -> list[str]:
    """The essential elements that the EHR does not hold as they were sent; or, of what was changed from `before`, that
    hold still what was taken away."""
    names = _ESSENTIAL[sent["resourceType"]]
    lacking = [name for name in names if name in sent and not _within(base, sent[name], held.get(name))]
    kept = [name for name in names if before and _left(base, before.get(name), sent.get(name), held.get(name))]
    return list(dict.fromkeys(lacking + kept))


def _left(base: str, before: object, sent: object, held: object) -> bool:
    """Whether a list holds an entry still that it was to lose."""
    if not isinstance(before, list):
        return False
    taken = [entry for entry in before if not _within(base, [entry], sent)]
    return any(_within(base, [entry], held) for entry in taken)


def _within(base: str, sent: object, held: object) -> bool:
    if isinstance(sent, dict):
        if "coding" in sent and items(held, "coding"):
            sent = {"coding": sent["coding"]}  # the text beside a code is the EHR's to choose
        if sent.get("code") and sent.get("system"):
            sent = {"system": sent["system"], "code": sent["code"]}  # and so is the display
        return isinstance(held, dict) and all(
            _same_reference(base, value, held.get(name))
            if name == "reference"
            else _within(base, value, held.get(name))
            for name, value in sent.items()
            if name != "display"
        )
    if isinstance(sent, list):
        return isinstance(held, list) and all(any(_within(base, s, h) for h in held) for s in sent)
    return sent == held or _same_moment(sent, held)


def _same_reference(base: str, sent: object, held: object) -> bool:
    """Servers make references absolute or leave the version out."""
    plain = [str(r).removeprefix(base + "/").partition("/_history/")[0] for r in (sent, held)]
    return plain[0] == plain[1]


def _same_moment(sent: object, held: object) -> bool:
    moment = instant(sent) if isinstance(sent, str) and "T" in sent else None
    return moment is not None and moment == instant(held)
