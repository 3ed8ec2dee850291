"""The scopes Chartside asks an EHR for, each with its reason: what it reads, and what that vendor's EHR takes."""

from collections.abc import Iterator
from dataclasses import dataclass

from launch.ehrs import GENERIC
from launch.scopes import to_v1


@dataclass(frozen=True, slots=True)
class WantedScope:
    """A scope in the grammar of SMART v2, and why."""

    scope: str
    why: str

    @property
    def v1(self) -> tuple[str, ...]:
        """The same in v1, where `.read` and `.write` are all there is."""
        return to_v1(self.scope)


READ = (
    WantedScope(
        "launch", "The EHR says which patient and which encounter are open; Chartside shows no list of its own."
    ),
    WantedScope("openid", "The EHR says who is signed in; Chartside keeps no passwords."),
    WantedScope("fhirUser", "The person who signs is named in what is written."),
    WantedScope("online_access", "The work goes on while the user is signed in; nothing runs after that."),
    WantedScope(
        "patient/Patient.r", "Name, birth date and sex stand on the page, and some codes depend on age and sex."
    ),
    WantedScope("patient/Encounter.rs", "Class and dates decide which coding rules and which year's codes apply."),
    WantedScope("patient/DocumentReference.rs", "Finds the notes of the encounter."),
    WantedScope("patient/DiagnosticReport.rs", "Finds reports of the encounter that are kept apart from the notes."),
    WantedScope("patient/Binary.r", "Reads the text of a note."),
    WantedScope("patient/Condition.rs", "Shows the diagnoses that are there already, so that none is written twice."),
    WantedScope("patient/Procedure.rs", "Shows what was done in the encounter."),
    WantedScope("patient/Coverage.rs", "A draft claim names the patient's coverage."),
    WantedScope("user/Practitioner.r", "Reads the name of the person who is signed in."),
)
_CONDITION = WantedScope(
    "user/Condition.crus",
    "Writes a signed code as a diagnosis of the encounter and reads it back; a correction marks one as made in error.",
)
_ENCOUNTER = WantedScope("user/Encounter.ru", "Puts the signed diagnoses in order in the encounter and reads it back.")
_CLAIM = WantedScope(
    "user/Claim.crus",
    "Writes a draft claim for a biller to complete and reads it back; a correction changes that draft.",
)
_NEW_CLAIM = WantedScope("user/Claim.crs", "Writes a draft claim for a biller to complete and reads it back.")
_PROVENANCE = WantedScope("user/Provenance.crs", "Writes who signed, when, and from which notes.")
_DOCUMENT = WantedScope("user/DocumentReference.crs", "Files a coding summary among the notes and reads it back.")
_MESSAGE = WantedScope("user/Communication.c", "Sends the signed codes to those who bill.")
# What each vendor's EHR takes, by its CapabilityStatement and its developers' pages (2022 to 2026); no scope is asked
# for a write that its EHR does not take.
WRITE: dict[str, tuple[WantedScope, ...]] = {
    GENERIC: (_CONDITION, _ENCOUNTER, _CLAIM, _PROVENANCE),
    "epic": (_DOCUMENT,),  # over REST a Condition becomes a problem; encounter diagnoses come by CDS Hooks
    "oracle": (_CONDITION, _PROVENANCE, _DOCUMENT),
    "athenahealth": (),
    "meditech": (_MESSAGE,),
    "eclinicalworks": (),
    "nextgen": (),
    "canvas": (_CONDITION, _ENCOUNTER, _NEW_CLAIM, _DOCUMENT),  # it lets nobody change a Claim
    "medplum": (_CONDITION, _ENCOUNTER, _CLAIM, _PROVENANCE),
    "openemr": (),
}


def wanted_scopes(vendor: str) -> tuple[WantedScope, ...]:
    """What to ask an EHR of this vendor for."""
    return (*READ, *WRITE.get(vendor, ()))


def scope_words(vendor: str, version: str) -> tuple[str, ...]:
    """The scopes in the grammar `v1` or `v2`, each once."""

    def words() -> Iterator[str]:
        for wanted in wanted_scopes(vendor):
            yield from wanted.v1 if version == "v1" else (wanted.scope,)

    return tuple(dict.fromkeys(words()))
