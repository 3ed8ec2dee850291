"""In which role a person works in one launch, and what that shows: clinicians the few codes that matter, coders all."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final, TypeVar

from launch.context import LaunchContext
from launch.ehrs import EHR

T = TypeVar("T")
_TITLES: Final = Path(__file__).with_name("plain_titles.tsv")
# People of health information in the NUCC Health Care Provider Taxonomy (https://taxonomy.nucc.org), and the
# credentials of AAPC and AHIMA, which EHRs give as qualifications in systems of their own.
CODER_CODES: Final = frozenset(
    {"246Y00000X", "246YC3301X", "246YC3302X", "246YR1600X", "247000000X", "2470A2800X"}
    | {"CPC", "COC", "CIC", "CRC", "CCA", "CCS", "CCS-P", "RHIA", "RHIT"}
)


@dataclass(frozen=True, slots=True)
class Role:
    """What a page shows to whom; it gives no right to anything but the worklist."""

    name: str  # as signed, audited and written in ehrs.toml
    first: int | None  # suggestions that stand open, the rest folded; None: all of them
    plain: bool  # everyday words beside the titles of the code book
    money: bool  # whether anything about payment may be shown; never in a query
    worklist: bool

    def shown(self, cards: Sequence[T]) -> Sequence[T]:
        """The suggestions that stand open."""
        return cards[: self.first]

    def folded(self, cards: Sequence[T]) -> Sequence[T]:
        """The suggestions behind a fold."""
        return cards[self.first :] if self.first is not None else ()

    def plain_title(self, code: str) -> str:
        """The code in everyday words; empty where the role wants none, or none are known."""
        return plain_titles().get(code, "") if self.plain else ""


CLINICIAN: Final = Role("clinician", first=5, plain=True, money=False, worklist=False)
CODER: Final = Role("coder", first=None, plain=False, money=True, worklist=True)
ROLES: Final = {role.name: role for role in (CLINICIAN, CODER)}


def role_in(context: LaunchContext, ehr: EHR, chosen: str | None = None) -> Role:
    """By the site's rule; else as chosen on the page, where the site lets people choose; else by the `intent` of the
    launch; else by what the EHR says the person is. A Person who is no Practitioner (fhirUser) is a coder."""
    if ehr.role:
        return ROLES[ehr.role]
    if ehr.role_switch and chosen:
        return ROLES[chosen]
    if context.intent in ehr.coder_intents:
        return CODER
    if context.intent in ehr.clinician_intents:
        return CLINICIAN
    if any(code.rpartition("|")[2].upper() in CODER_CODES for code in context.user_codes):
        return CODER
    return CODER if context.fhir_user.startswith("Person/") else CLINICIAN


@cache
def plain_titles() -> dict[str, str]:
    """Codes that are common on claims, in everyday words."""
    lines = _TITLES.read_text("utf-8").splitlines()
    return dict(line.split("\t") for line in lines if line and not line.startswith("#"))
