"""Code systems as types: a code that exists as a value is at least well formed."""

import re
from dataclasses import dataclass
from typing import ClassVar


class MalformedCode(ValueError):
    """The text is not written as a code of this system."""


@dataclass(frozen=True, order=True, slots=True)
class ICD10CMCode:
    """International Classification of Diseases, 10th Revision, Clinical Modification; written with its dot.

    Raises MalformedCode for any other text. Whether the code is in force is for the code book to say.
    Format: ICD-10-CM Official Guidelines FY2026, Section I.A.2 (3 to 7 characters, letter first). FY2027 opens the
    categories QA0-QA9, the first whose second character is a letter.
    """

    text: str

    system: ClassVar[str] = "http://hl7.org/fhir/sid/icd-10-cm"
    pattern: ClassVar[re.Pattern[str]] = re.compile(r"(?:[A-Z][0-9]|QA)[0-9A-Z](\.[0-9A-Z]{1,4})?\Z")

    def __post_init__(self) -> None:
        if not self.pattern.match(self.text):
            raise MalformedCode(f"not an ICD-10-CM code: {self.text[:12]!r}")

    def __str__(self) -> str:
        return self.text

    @property
    def category(self) -> str:
        """The first three characters."""
        return self.text[:3]
