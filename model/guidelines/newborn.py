"""Whether a note is that of a newborn: its weeks, weight and delivery are then those of its own birth."""

import re

_BABY = re.compile(
    r"\binfant:|\b(?:newborn|neonat\w+|well[- ]baby|nursery|NICU|baby (?:boy|girl)|DOL|days? of life"
    r"|\d{1,2}[- ](?:day|hour)s?[- ]old|birth ?weight)\b",
    re.IGNORECASE,
)
_MOTHER = re.compile(
    r"\b(?:(?-i:OB)|obstetric\w*|prenatal|antenatal|postpartum|pregnan\w+|G\d+,? ?P\d+"
    r"|gravida|primigravida|multigravida|IUP"
    r"|(?:1[2-9]|[2-5]\d)(?:[- ]year[- ]old|[- ]?(?:yo|y/o)\b| ?F\b))",
    re.IGNORECASE,
)


def of_newborn(text: str) -> bool:
    """By who is named first: the child, or one who could be its mother."""
    baby, mother = _BABY.search(text), _MOTHER.search(text)
    return baby is not None and (mother is None or baby.start() < mother.start())
