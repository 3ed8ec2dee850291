"""What a query is: its wording, which a coder edits, and where it stands."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from smartapp.reviews import Reviewer, ReviewKey, WrittenResource

OTHER: Final = "Other (please specify)"
UNABLE: Final = "Unable to determine"


class QueryState(StrEnum):
    """Where a query stands; only one that is sent keeps its review waiting."""

    DRAFT = "draft"
    SENT = "sent"
    ANSWERED = "answered"
    WITHDRAWN = "withdrawn"


class Form(StrEnum):
    """How it may be answered."""

    OPEN = "open"
    CHOICE = "choice"
    YES_NO = "yes-no"


class Ground(StrEnum):
    """What a question for yes or no may be about; never a diagnosis that is not documented."""

    POA = "poa"
    DOCUMENTED = "documented"
    CAUSE = "cause"


GROUNDS: Final = {
    Ground.POA: "Whether a documented diagnosis was present on admission",
    Ground.DOCUMENTED: "Whether a finding that a report or another author documents is a diagnosis",
    Ground.CAUSE: "Whether two documented conditions are cause and effect",
}


@dataclass(frozen=True, slots=True)
class Indicator:
    """A clinical indicator: words of a note, and whose note of which day it is."""

    quote: str
    note: str
    day: str | None  # 2026-03-12
    author: str | None


@dataclass(frozen=True, slots=True)
class Recipient:
    """Who is asked, as the EHR knows them."""

    reference: str  # Practitioner/12
    name: str


@dataclass(frozen=True, slots=True)
class Wording:
    """What is asked; `other` and `unable to determine` are always offered and never stored."""

    subject: str  # the words of the note that are unclear
    form: Form
    question: str
    indicators: tuple[Indicator, ...]
    options: tuple[str, ...] = ()
    ground: Ground | None = None
    vouched: bool = False  # a person says that the indicators support each option
    recipient: Recipient | None = None

    @property
    def offered(self) -> tuple[str, ...]:
        """The answers to choose from; none for an open question."""
        match self.form:
            case Form.OPEN:
                return ()
            case Form.CHOICE:
                return (*self.options, OTHER, UNABLE)
            case Form.YES_NO:
                return ("Yes", "No", OTHER, UNABLE)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "Wording":
        return cls(
            value["subject"],
            Form(value["form"]),
            value["question"],
            tuple(Indicator(**indicator) for indicator in value["indicators"]),
            tuple(value["options"]),
            Ground(value["ground"]) if value["ground"] else None,
            value["vouched"],
            Recipient(**value["recipient"]) if value["recipient"] else None,
        )


@dataclass(frozen=True, slots=True)
class Query:
    """A query of one review."""

    id: int
    key: ReviewKey
    version: int
    state: QueryState
    code: str  # whose card or mention it began from
    wording: Wording
    by: Reviewer
    created_at: datetime
    changed_at: datetime
    line: WrittenResource | None = None  # how it goes to the EHR, once it is sent
    sent_by: Reviewer | None = None
    answer: str | None = None
