"""Decides, resource by resource, by which rung it reaches the EHR: what it offers, what was granted, who made it.

All three must agree: a create in a CapabilityStatement is no promise, and a granted scope is none either.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Final

from launch.ehrs import EHR
from launch.scopes import allows
from smartapp.fhir.capability import NO_VERSIONS, Capability
from smartapp.fhir.vendors import GENERIC, Vendor, vendor
from smartapp.reviews import PassedOver, Rung

DIRECT: Final = frozenset({Rung.TRANSACTION, Rung.SINGLE_WRITES, Rung.JSON_PATCH})  # it is in the chart as such
WRITTEN: Final = ("Condition", "Encounter", "Claim", "Provenance")
_PLURAL: Final = {"Communication": "Communications", "Task": "Tasks", "Provenance": "Provenance"}
_LETTER: Final = {"create": "c", "update": "u", "patch": "u"}


@dataclass(frozen=True, slots=True)
class Choice:
    """The rung for one type of resource, and why those above it were passed over."""

    resource: str
    rung: Rung
    passed: tuple[PassedOver, ...] = ()


@dataclass(frozen=True, slots=True)
class Ladder:
    """The choices for one launch in one EHR."""

    choices: tuple[Choice, ...]
    vendor: Vendor
    capability: Capability
    message: str | None  # Communication or Task: what goes to the billing pool
    billing_pool: str | None
    ai_label: bool
    condition_updates: bool  # a Condition of ours can be marked as an error
    claim_updates: bool  # a draft claim of ours can be changed
    queries: tuple[Choice, ...] = (Choice("", Rung.EXPORT),)  # ways to ask the physician, best first; the last is paper
    query_pool: str | None = None

    def of(self, resource: str) -> Choice:
        return next(choice for choice in self.choices if choice.resource == resource)

    def rung(self, resource: str) -> Rung:
        return self.of(resource).rung

    def one_by_one(self) -> "Ladder":
        """For a correction: what is there already is read and changed, each by itself."""
        return replace(self, choices=tuple(map(_one_by_one, self.choices)))

    def takes(self, rung: Rung) -> bool:
        """Whether anything goes by this rung."""
        return any(choice.rung is rung for choice in self.choices)


# Everything one after the other, as in an EHR that takes all of it; for whoever asks without one.
SINGLE_WRITES: Final = Ladder(
    choices=tuple(Choice(resource, Rung.SINGLE_WRITES) for resource in WRITTEN),
    vendor=GENERIC,
    capability=Capability("", "4.0.1", "", {}),
    message=None,
    billing_pool=None,
    ai_label=True,
    condition_updates=True,
    claim_updates=True,
)


def decide(capability: Capability, granted: Iterable[str], ehr: EHR) -> Ladder:
    """The first rung for each resource that the EHR offers, the scopes allow and nothing known of its vendor closes."""
    site = _Site(capability, tuple(granted), vendor(ehr.vendor), ehr)
    return Ladder(
        choices=tuple(site.choice(resource) for resource in WRITTEN),
        vendor=site.vendor,
        capability=capability,
        message=site.message(),
        billing_pool=ehr.billing_pool,
        ai_label=ehr.ai_label,
        condition_updates=site.why_not("Condition", "update") is None,
        claim_updates=site.why_not("Claim", "update") is None,
        queries=tuple(site.queries()),
        query_pool=ehr.query_pool,
    )


def fixed(capability: Capability, granted: Iterable[str], ehr: EHR) -> dict[str, str]:
    """What Chartside writes there and a correction cannot change afterwards, by type, and why."""
    site = _Site(capability, tuple(granted), vendor(ehr.vendor), ehr)
    written = [choice.resource for choice in map(site.choice, ("Condition", "Claim")) if choice.rung in DIRECT]
    return {type: why for type in written if (why := site.why_not(type, "update"))}


@dataclass(frozen=True, slots=True)
class _Site:
    capability: Capability
    granted: tuple[str, ...]
    vendor: Vendor
    ehr: EHR

    def choice(self, resource: str) -> Choice:
        passed: list[PassedOver] = []
        for rung in Rung:
            if rung is Rung.JSON_PATCH and resource != "Encounter":
                continue  # everything else is made, not changed
            if rung is Rung.CDS_SUGGESTION and resource != "Condition":
                continue  # a card suggests diagnoses
            why = self._why_not_by(rung, resource)
            if why is None:
                return Choice(resource, rung, tuple(passed))
            passed.append(PassedOver(rung, why))
        raise AssertionError("an export needs nothing of the EHR")

    def why_not(self, type: str, interaction: str) -> str | None:
        """Why the EHR will not do this with resources of the type; None when it will."""
        if not self._offers(type, interaction):
            return f"the EHR does not {'take' if interaction == 'create' else 'let others change'} {_plural(type)}"
        if closed := self.vendor.closed(f"{type}.{interaction}"):
            return closed
        if interaction == "update" and self.capability.of(type).versioning == NO_VERSIONS:
            return f"the EHR keeps no versions of {_plural(type)}, so a change could overwrite somebody else's"
        if not allows(self.granted, letter := _LETTER[interaction], type):
            return f"the scope user/{type}.{letter} was not granted"
        return None

    def _offers(self, type: str, interaction: str) -> bool:
        if interaction == "patch":
            return self.capability.patches_json(type)
        return self.capability.offers(type, interaction)

    def _why_not_by(self, rung: Rung, resource: str) -> str | None:
        match rung:
            case Rung.TRANSACTION:
                return self._why_no_transaction() or self._why_not_direct(resource)
            case Rung.SINGLE_WRITES:
                return self._why_not_direct(resource)
            case Rung.JSON_PATCH:
                return self.why_not("Encounter", "patch") or self._why_no_references()
            case Rung.CDS_SUGGESTION:
                return self._why_no_suggestion()
            case Rung.DOCUMENT:
                return self.why_not("DocumentReference", "create")
            case Rung.MESSAGE:
                return self._why_no_message()
            case Rung.EXPORT:
                return None

    def _why_not_direct(self, resource: str) -> str | None:
        if resource == "Encounter":
            return self.why_not("Encounter", "update") or self._why_no_references()
        return self.why_not(resource, "create")

    def _why_no_references(self) -> str | None:
        """Encounter.diagnosis points to Conditions, and somebody else's cannot be made here."""
        if self.why_not("Condition", "create") is None:
            return None
        return "the diagnoses do not get into the chart in a way that the encounter's list can point to"

    def _why_no_transaction(self) -> str | None:
        if "transaction" not in self.capability.system:
            return "the EHR takes no transactions"
        if closed := self.vendor.closed("system.transaction"):
            return closed
        if self.why_not("Encounter", "update") and self.why_not("Encounter", "patch") is None:
            return "the EHR lets the encounter's list be patched only, which follows by itself"
        return None

    def _why_no_suggestion(self) -> str | None:
        if self.vendor is not GENERIC and not self.vendor.suggests("Condition"):
            return f"{self.vendor.name} is not known to make diagnoses of a CDS Hooks suggestion"
        if self.ehr.cds_issuer is None:
            return "this EHR is not set up to ask Chartside's CDS service (cds_issuer in ehrs.toml)"
        return None

    def _why_no_message(self) -> str | None:
        if self.ehr.billing_pool is None:
            return "nobody is named who gets messages about bills (billing_pool in ehrs.toml)"
        return None if self.message() else self.why_not("Communication", "create")

    def queries(self) -> Iterator[Choice]:
        """A message of either type, a document among the notes, and at last what a person carries over."""
        passed: list[PassedOver] = []
        types = (("Communication", Rung.MESSAGE), ("Task", Rung.MESSAGE), ("DocumentReference", Rung.DOCUMENT))
        for type, rung in types:
            why = self.why_not(type, "create")
            if why is None:
                yield Choice(type, rung, tuple(passed))
            passed.append(PassedOver(rung, why or "nobody is named in the encounter who could get it"))
        yield Choice("", Rung.EXPORT, tuple(passed))

    def message(self) -> str | None:
        """A Communication; else a Task, which cannot be given to a Group (https://hl7.org/fhir/R4/task.html)."""
        if self.why_not("Communication", "create") is None:
            return "Communication"
        group = (self.ehr.billing_pool or "").startswith("Group/")
        return "Task" if not group and self.why_not("Task", "create") is None else None


def _one_by_one(choice: Choice) -> Choice:
    if choice.rung is not Rung.TRANSACTION:
        return choice
    passed = PassedOver(Rung.TRANSACTION, "a correction changes what is in the chart, each thing by itself")
    return Choice(choice.resource, Rung.SINGLE_WRITES, (*choice.passed, passed))


def _plural(type: str) -> str:
    return _PLURAL.get(type, f"{type}s")
