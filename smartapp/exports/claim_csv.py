"""The diagnoses for the HI segment of an 837P claim (ASC X12 005010X222A1, loop 2300), one a row.

| column | what it holds |
|---|---|
| position | place in the claim, 1 first |
| pointer | what a service line points with: 837P SV107 the position, the CMS-1500 form (item 24E) the letter A to L |
| letter | see pointer |
| qualifier | HI composite: ABK for the first diagnosis, ABF for the others |
| hi_code | the code as HI carries it, without its point |
| code, title | ICD-10-CM as people read it |
| date_of_service, encounter, record_number | which encounter of which patient |
| signed_by, signed_at | who stands for it, since when (UTC) |
| note | what a biller must know of this row |

A claim holds twelve diagnoses. Further ones have neither pointer nor qualifier, and their note says so.
"""

import csv
import io
from datetime import UTC, datetime

from smartapp.fhir.chart import Chart
from smartapp.reviews import AcceptedCode, Review

COLUMNS = (
    "position", "pointer", "letter", "qualifier", "hi_code", "code", "title", "date_of_service", "encounter",
    "record_number", "signed_by", "signed_at", "note",
)  # fmt: skip
LETTERS = "ABCDEFGHIJKL"
TOO_MANY = "Not on this claim: an 837P claim holds 12 diagnoses"
_FORMULA = ("=", "+", "-", "@", "\t", "\r")  # a spreadsheet would compute such a cell (OWASP, "CSV Injection")


def table(review: Review, chart: Chart, _now: datetime) -> str:
    """RFC 4180: commas, CRLF, quotes where needed."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    for code in review.accepted():
        writer.writerow([_tame(cell) for cell in _row(code, review, chart)])
    return out.getvalue()


def _row(code: AcceptedCode, review: Review, chart: Chart) -> tuple[str, ...]:
    fits = code.rank <= len(LETTERS)
    signed, served = review.attestation, chart.date_of_service
    return (
        str(code.rank),
        str(code.rank) if fits else "",
        LETTERS[code.rank - 1] if fits else "",
        ("ABK" if code.rank == 1 else "ABF") if fits else "",
        code.code.replace(".", ""),
        code.code,
        code.title,
        served.isoformat() if served else "",
        chart.key.encounter,
        chart.header.mrn or "",
        signed.by.name if signed else "",
        signed.at.astimezone(UTC).isoformat(timespec="seconds") if signed else "",
        "" if fits else TOO_MANY,
    )


def _tame(cell: str) -> str:
    return f"'{cell}" if cell.startswith(_FORMULA) else cell
