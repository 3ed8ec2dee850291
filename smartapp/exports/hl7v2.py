"""HL7 v2.5.1 DFT^P03, "Post detail financial transactions" (chapter 6): the diagnoses of an encounter, and no charge.

The message must have a financial transaction (FT1). Chartside knows no service and no price, so it is a local code with
quantity 0 and without any amount: the billing system gets the diagnoses (DG1) and makes up nothing from us.
"""

import hashlib
import re
from collections.abc import Iterable
from datetime import UTC, date, datetime

from smartapp.fhir.chart import Chart
from smartapp.fhir.elements import instant, words
from smartapp.reviews import AcceptedCode, Attestation, Review, Reviewer

ICD10CM = "I10C"  # HL7 table 0396
NO_CHARGE = ("DX-ONLY", "Diagnoses of the encounter, no charge", "99CHTSD")  # 99...: a local code system
_SEX = {"male": "M", "female": "F", "other": "O", "unknown": "U"}  # table 0001
_CLASSES = {  # table 0004
    "AMB": "O", "VR": "O", "HH": "O", "OBSENC": "O", "EMER": "E", "IMP": "I", "ACUTE": "I", "NONAC": "I",
}  # fmt: skip
_ESCAPES = {"\\": "\\E\\", "|": "\\F\\", "^": "\\S\\", "&": "\\T\\", "~": "\\R\\"}  # 2.5.1, 2.7
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]+")  # a carriage return would end the segment


def message(review: Review, chart: Chart, now: datetime) -> str:
    """The message of a signed review; each segment ends with a carriage return (2.5.1, 2.5.4)."""
    signed, accepted = review.attestation, review.accepted()
    assert signed is not None
    segments = [
        _header(review, chart, signed, now),
        _segment("EVN", {1: "P03", 2: _time(signed.at), 5: _person(signed.by)}),
        _patient(chart),
        _visit(chart),
        _transaction(chart, signed, accepted),
        *(_diagnosis(code, signed) for code in accepted),
    ]
    return "".join(f"{segment}\r" for segment in segments)


def _header(review: Review, chart: Chart, signed: Attestation, now: datetime) -> str:
    """MSH. The control id is that of what was signed: the same export twice is seen to be the same."""
    what = "\n".join((chart.key.iss, chart.key.patient, chart.key.encounter, signed.at.isoformat(), signed.statement))
    control = hashlib.sha256(what.encode()).hexdigest()[:20]  # ST of at most 20 characters
    fields = {
        3: "CHARTSIDE",
        7: _time(now),
        9: _components("DFT", "P03", "DFT_P03"),
        10: control,
        11: "P",
        12: "2.5.1",
        18: "UNICODE UTF-8",
    }
    return "MSH|^~\\&|" + _segment("", fields).split("|", 3)[3]


def _patient(chart: Chart) -> str:
    """PID. Without a record number the EHR's own id stands for the patient (table 0203: PI)."""
    header = chart.header
    number = (
        _components(header.mrn, "", "", "", "MR") if header.mrn else _components(chart.key.patient, "", "", "", "PI")
    )
    name = _components(header.family_name or header.patient_name, header.given_names or "")
    born = (header.birth_date or "").replace("-", "")
    return _segment("PID", {1: "1", 3: number, 5: name, 7: born, 8: _SEX.get(header.gender or "", "")})


def _visit(chart: Chart) -> str:
    start, end = (instant(words(chart.encounter, "period", name)) for name in ("start", "end"))
    times = {44: _time(start) if start else "", 45: _time(end) if end else ""}
    kind = _CLASSES.get(chart.header.encounter_class or "", "U")
    return _segment("PV1", {1: "1", 2: kind, 19: _components(chart.key.encounter), **times})


def _transaction(chart: Chart, signed: Attestation, accepted: Iterable[AcceptedCode]) -> str:
    """FT1: date, type and code are required; amounts stay empty."""
    day = chart.date_of_service or signed.at.astimezone(UTC).date()
    diagnoses = "~".join(_coded(code) for code in accepted)
    return _segment(
        "FT1", {1: "1", 4: _day(day), 5: _time(signed.at), 6: "CG", 7: _components(*NO_CHARGE), 10: "0", 19: diagnoses}
    )


def _diagnosis(code: AcceptedCode, signed: Attestation) -> str:
    """DG1 in the order of the claim: F final (table 0052); priority 1 is the first, higher ones follow (0359)."""
    rank = str(code.rank)
    attested = _time(signed.at)
    return _segment("DG1", {1: rank, 3: _coded(code), 5: _time(code.decision.at), 6: "F", 15: rank, 19: attested})


def _coded(code: AcceptedCode) -> str:
    return _components(code.code, code.title, ICD10CM)


def _person(who: Reviewer) -> str:
    """XCN: the id, and the name as the EHR gives it, unparted."""
    return _components(who.fhir_user.rpartition("/")[2], who.name)


def _segment(name: str, fields: dict[int, str]) -> str:
    """Empty fields up to the last one that has a value (2.5.1, 2.6)."""
    last = max((number for number, value in fields.items() if value), default=0)
    return "|".join([name, *(fields.get(number, "") for number in range(1, last + 1))])


def _components(*parts: str) -> str:
    return "^".join(map(_escaped, parts)).rstrip("^")


def _escaped(text: str) -> str:
    plain = _CONTROL.sub(" ", text)
    return "".join(_ESCAPES.get(character, character) for character in plain)


def _time(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y%m%d%H%M%S+0000")


def _day(day: date) -> str:
    return day.strftime("%Y%m%d")
