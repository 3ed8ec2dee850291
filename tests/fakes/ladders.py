"""A chart as read, and the ladders of EHRs that take some kinds of resources."""

from dataclasses import replace
from typing import Any

from metadata_server import statement
from sample_chart import SIGNED_AT, encounter, key

from launch.ehrs import EHR
from model.document import Setting
from smartapp.fhir.capability import Capability
from smartapp.fhir.chart import Chart
from smartapp.fhir.ladder import Ladder, decide
from smartapp.reviews import ChartHeader, Note

KEY = key("https://ehr.example/fhir")


def chart(**changes: Any) -> Chart:
    header = ChartHeader("Noa L. Maier", "1961-04-05", None, "MRN-0042", "Office visit", "AMB", SIGNED_AT.date(), ())
    notes = (Note("n1", "3", "Progress note", SIGNED_AT, "Dr. Ito", "Essential hypertension.", None, "0" * 64),)
    return replace(Chart(KEY, header, notes, Setting.OUTPATIENT, None, (), (), "Coverage/v1", encounter()), **changes)


def ladder(*types: str, vendor: str = "generic", **settings: Any) -> Ladder:
    said = statement({type: {"interaction": ["create"]} for type in types})
    ehr = EHR("https://ehr.example/fhir", "Sample", "chartside", vendor=vendor, **settings)
    return decide(Capability.from_resource(said), ("user/*.cruds",), ehr)


def epic() -> Ladder:
    return ladder("Condition", "DocumentReference", vendor="epic", cds_issuer="https://ehr.example")
