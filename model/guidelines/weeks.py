"""The weeks of gestation that a note states, in every way they are written."""

import re

from model.guidelines.spoken import affirmed, sentence_text
from model.reading import Reading

_PART = r"(?:[\s-]*(?:\+|and|&)?\s*\d/\d|\s*\+\s*[0-6](?!\d))?"  # '38-1/2', '35 2/7', '32+4'
_WEEK = r"[\s-]*(?:weeks?|wks?|w)\b"
_DAYS = r"(?:[\s,]*(?:and\s*)?(?:[0-6]|one|two|three|four|five|six)[\s-]*(?:days?|d)\b)?"
_GRAVID = (
    r"(?:gravida (?:\d+|\w+)(?:,? ?para (?:\d+|\w+))?|G\d+,?\s?P\d+|prenatal (?:care|visit)|pregnan\w+|gestation|IUP)"
)
_GESTATION = r"[\s,]*(?:of\s+)?(?:gestation\w*|pregnan\w+|EGA\b|GA\b|IUP\b|intrauterine)"
_LINK = (
    r"(?:[\s,:]*\b(?:of|at|is|was|currently|now|approximately|about|by (?:dates|scan|ultrasound)|puts her at))*[\s,:]+"
)
WEEKS = (
    r"\b(?:"
    r"(\d{1,2}) ?w(?:ks?)? ?[0-6] ?d\b"
    rf"|(\d{{1,2}}){_PART}{_WEEK}{_DAYS}{_GESTATION}"
    rf"|{_GRAVID}{_LINK}(\d{{1,2}}){_PART}{_WEEK}"
    rf"|(?:gestational age|EGA|(?-i:GA)){_LINK}(\d{{1,2}}){_PART}(?:{_WEEK}|\b(?!\s?(?:mm|cm|mg|%|/)))"
    r"|(?:last (?:menstrual )?period|LMP|dates|scan|ultrasound) (?:puts|places|dates) (?:her|the pregnancy) at"
    r" (\d{1,2})[\s-]*(?:weeks?|wks?)\b"
    r"|(?<![\d.])(\d{2}) [1-6]/7(?:ths)?[\s-]*(?:weeks?|wks?)?\b(?! (?:days|pain|strength))"
    r"|\b(?:at|now) (\d{2})\+[0-6]\b(?! ?(?:mm|cm|mg))"
    r")"
)
_WEEKS = re.compile(WEEKS, re.IGNORECASE)
MOST = 45
_ANOTHER_TIME = re.compile(r"\b(?:born|delivered) at\b|\b(?:gestation|pregnan\w+) in (?:19|20)\d\d\b", re.IGNORECASE)


def weeks_said(reading: Reading) -> int:
    """The first number of weeks that the note affirms, 0 where it states none."""
    said = affirmed(reading, _WEEKS, "weeks-of-gestation")
    now = (one for one in said if not _ANOTHER_TIME.search(sentence_text(reading, one.mention)))
    numbers = (int(next(g for g in one.match.groups() if g)) for one in now)
    return next((n for n in numbers if 0 < n <= MOST), 0)
