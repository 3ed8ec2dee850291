"""What must hold of a chart and of its receipt, whatever the EHR did while it was signed and corrected."""

from typing import Any

from signing_at_random import ENDS, MENDABLE, Story

from smartapp.fhir.claim import claim_id
from smartapp.fhir.earlier import DIAGNOSIS, WITHDRAWAL
from smartapp.fhir.identifiers import document_id, message_id
from smartapp.fhir.outbox import IN_THE_CHART
from smartapp.fhir.resources import condition_id, iso_instant
from smartapp.reviews import Choice, Rung, WrittenResource

Resource = dict[str, Any]
OURS = "urn:ietf:rfc:3986"


def complaints(story: Story) -> list[str]:
    """Whatever does not hold; empty when all is well."""
    return [f"seed {story.seed} ({story.rung}): {what}" for what in _Check(story).all()]


class _Check:
    def __init__(self, story: Story) -> None:
        self._story, self._review, self._server = story, story.review, story.ehr.server
        self._key, self._receipt = story.key, self._review.receipt
        self._ids = {condition_id(self._key, code): code for code in self._codes()}
        self._now = self._provenances(str(iso_instant(self._review.attestation.at)) if self._review.attestation else "")

    def all(self) -> list[str]:
        return [
            *self._named(), *self._once(), *self._agrees(), *self._listed_as_told(), *self._spoken_of(),
            *self._stands(), *self._claimed(), *self._nothing_lost(),
        ]  # fmt: skip

    def _codes(self) -> set[str]:
        """All that were ever signed."""
        receipts = [self._receipt, *(correction.receipt for correction in self._review.corrections)]
        lines = [line.purpose for receipt in receipts for line in receipt if line.purpose.startswith(DIAGNOSIS)]
        return {purpose.removeprefix(DIAGNOSIS) for purpose in lines}

    def _named(self) -> list[str]:
        lines = [f"{w.resource} {w.outcome}: {w.detail}" for w in self._receipt if w.outcome in MENDABLE]
        return lines if self._review.status in ENDS else [f"ended as {self._review.status}", *lines]

    def _once(self) -> list[str]:
        found = []
        for type in ("Condition", "Claim", "DocumentReference", "Communication"):
            ids = [_ours(r)[-1] for r in self._server.all(type) if _ours(r)]
            found += [f"{type} is there {ids.count(i)} times" for i in set(ids) if ids.count(i) > 1]
        listed = self._listed()
        found += [f"{r} is listed {listed.count(r)} times" for r in set(listed) if listed.count(r) > 1]
        spoken = [(p["recorded"], target) for p in self._server.all("Provenance") for target in _targets(p)]
        twice = {pair for pair in spoken if spoken.count(pair) > 1}
        return found + [f"{spoken.count(pair)} Provenances of one signature speak of {pair[1]}" for pair in twice]

    def _agrees(self) -> list[str]:
        """What the receipt says and what the EHR holds are the same."""
        found = []
        for line in self._receipt:
            held = self._held(line.reference)
            void = line.purpose.startswith(WITHDRAWAL) or (line.resource == "Claim" and not self._review.accepted())
            if line.outcome in IN_THE_CHART and (held is None or _is_void(held) is not void):
                found.append(f"{line.purpose} is told as {line.outcome} and is not so")
            told = line.outcome == "not-written" and "already a diagnosis" in line.detail  # nothing was to be written
            if line.outcome in ("refused", "not-written") and self._is_there(line) and not told:
                found.append(f"{line.purpose} is told as {line.outcome} and is there")
        return found + [f"the list leads nowhere: {r}" for r in self._listed() if r.startswith("urn:")]

    def _is_there(self, line: WrittenResource) -> bool:
        """What this very signature would have written."""
        number = len(self._review.corrections)
        match line.resource:
            case "Condition" if line.purpose.startswith(DIAGNOSIS):
                return line.purpose.removeprefix(DIAGNOSIS) in self._valid()
            case "Claim" if not number:
                return any(claim_id(self._key) in _ours(r) and not _is_void(r) for r in self._server.all("Claim"))
            case "DocumentReference":
                return any(document_id(self._key, number) in _ours(r)[-1:] for r in self._server.all(line.resource))
            case "Communication":
                return any(message_id(self._key, number) in _ours(r)[-1:] for r in self._server.all(line.resource))
            case "Provenance":
                return bool(self._now)
        return False

    def _listed_as_told(self) -> list[str]:
        """The encounter lists all of this signature that came into the chart, and nothing that was withdrawn."""
        line = self._line("Encounter")
        if line is None or line.outcome not in IN_THE_CHART:
            return []
        listed = set(self._listed())
        here = {w.reference for w in self._receipt if w.outcome in IN_THE_CHART and w.purpose.startswith(DIAGNOSIS)}
        found = [f"the list is told as {line.outcome} and lacks {r}" for r in here - listed]
        void = {f"Condition/{r['id']}" for r in self._server.all("Condition") if _ours(r) and _is_void(r)}
        found += [f"the list is told as {line.outcome} and holds the withdrawn {r}" for r in void & listed]
        if "see above" in line.detail and len(here) == len(self._review.accepted()):
            found.append("the list is told as without a diagnosis that is there")
        return found

    def _spoken_of(self) -> list[str]:
        """Provenance tells of everything that this signature wrote."""
        line = self._line("Provenance")
        # What a receipt tells as stray is what the EHR keeps of a transaction that it took apart: it leads nowhere.
        stray = line.reference if line and line.outcome == "stray" else None
        targets = [target for p in self._now if f"Provenance/{p['id']}" != stray for target in _targets(p)]
        found = [f"a Provenance leads nowhere: {t}" for t in targets if t.startswith("urn:")]
        if line and line.outcome == "written":
            ours = {w.reference for w in self._receipt if w.outcome == "written" and w.attempts and w is not line}
            found += [f"no Provenance speaks of {reference}" for reference in ours - set(targets)]
        return found

    def _stands(self) -> list[str]:
        """In the chart stands what was signed last; what was withdrawn since stands only where the receipt says so."""
        signed = {a.code for a in self._review.accepted()}
        told = {w.purpose: w.outcome for w in self._receipt}
        found = [
            f"{code} stands, is not signed, and its withdrawal is told as {told.get(WITHDRAWAL + code)}"
            for code in self._valid() - signed
            if told.get(WITHDRAWAL + code) not in ("refused", "stray")
        ]
        lost = {
            i for n in self._server.versions if n.startswith("Condition/") for i in _ours(self._server.versions[n][0])
        }
        here = {i for r in self._server.all("Condition") for i in _ours(r)}
        found += [f"the Condition of {self._ids.get(i)} has lost its identifier" for i in lost - here]
        return found + ["something was deleted"] * bool(self._server.sent("DELETE"))

    def _claimed(self) -> list[str]:
        """The draft claim says what was signed last, in its order; the one of no code is void."""
        line = self._line("Claim")
        claim = next((r for r in self._server.all("Claim") if claim_id(self._key) in _ours(r)), None)
        if line is None or line.outcome not in IN_THE_CHART or claim is None:
            return []
        wanted = ("draft", [a.code for a in self._review.accepted()])
        held = (claim["status"], [_code(d["diagnosisCodeableConcept"]) for d in claim["diagnosis"]])
        if not wanted[1]:
            return [] if _is_void(claim) else ["a claim of no code can be billed"]
        return [] if held == wanted else [f"the claim is {held}, and signed was {wanted}"]

    def _nothing_lost(self) -> list[str]:
        """Nobody's change is overwritten, but by a person's choice."""
        theirs = {f"Condition/theirs-{n}" for n in range(1, self._story.ehr.others + 1)}
        kept = theirs <= set(self._listed()) or Choice.MINE in self._story.choices
        return [] if kept else ["what somebody else listed is gone"]

    def _line(self, resource: str) -> WrittenResource | None:
        lines = (w for w in self._receipt if w.resource == resource and w.rung is not Rung.EXPORT)
        return next(lines, None)

    def _held(self, reference: str | None) -> Resource | None:
        versions = self._server.versions.get(reference or "")
        return versions[-1] if versions else None

    def _valid(self) -> set[str]:
        """The codes of our Conditions that stand."""
        standing = (r for r in self._server.all("Condition") if not _is_void(r))
        return {self._ids[i] for r in standing for i in _ours(r) if i in self._ids}

    def _listed(self) -> list[str]:
        entries = self._server.get("Encounter/e1").get("diagnosis", [])
        return [str(entry["condition"]["reference"]) for entry in entries]

    def _provenances(self, recorded: str) -> list[Resource]:
        return [p for p in self._server.all("Provenance") if p["recorded"] == recorded]


def _ours(resource: Resource) -> list[str]:
    """Our identifiers; the last one is of this thing alone, for a correction's summary bears the first one's too."""
    return [i["value"] for i in resource.get("identifier", []) if i.get("system") == OURS]


def _targets(provenance: Resource) -> list[str]:
    return [str(t["reference"]).partition("/_history")[0] for t in provenance["target"]]


def _code(concept: Resource) -> str:
    return str(concept["coding"][0]["code"])


def _is_void(resource: Resource) -> bool:
    codings = resource.get("verificationStatus", {}).get("coding", [])
    return resource.get("status") == "entered-in-error" or any(c.get("code") == "entered-in-error" for c in codings)
