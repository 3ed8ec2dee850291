"""The facts of vendors' CapabilityStatements in our own form, and a statement made of them again.

`python tests/fakes/capability_digest.py FOLDER` digests the statements that lie in FOLDER, named as below.
"""

import json
import sys
from pathlib import Path
from typing import Any

from metadata_server import Statement, statement

FIXTURES = Path(__file__).parent.parent / "fixtures" / "capabilities"
FILES = {
    "athenahealth": "athenahealth-fhir",
    "eclinicalworks": "eclinicalworks-fhir",
    "epic": "epic-fhir-r4",
    "meditech": "meditech-greenfield",
    "nextgen-enterprise": "nextgen-enterprise-r4",
    "nextgen-office": "nextgen-office-r4",
    "oracle": "cerner-r4-secure",
}
SOURCES = {  # where those that do not name their own address were asked
    "epic": "https://fhir.epic.com/interconnect-fhir-oauth/api/FHIR/R4/metadata",
    "nextgen-enterprise": "https://fhir.nextgen.com/nge/prod/fhir-api-r4/fhir/R4/metadata",
    "nextgen-office": "https://fhir.meditouchehr.com/api/fhir/r4/metadata",
}
# What Chartside reads or writes, or could.
TYPES = (
    "Binary", "Claim", "Communication", "Condition", "Coverage", "DiagnosticReport", "DocumentReference", "Encounter",
    "Patient", "Procedure", "Provenance", "Task",
)  # fmt: skip
PLAIN = ("versioning", "conditionalCreate", "updateCreate")


def digest(said: Statement, source: str) -> dict[str, Any]:
    """Types with their interactions, searches and versions; what holds for the whole; when and where it was said."""
    (rest,) = said["rest"]
    known = sorted((r for r in rest["resource"] if r["type"] in TYPES), key=lambda r: r["type"])
    return {
        "source": said.get("url") or source,
        "date": said["date"],
        "fhirVersion": said["fhirVersion"],
        "software": said.get("software", {"name": said.get("implementation", {}).get("description", "")}),
        "patchFormat": said.get("patchFormat", []),
        "interaction": [i["code"] for i in rest.get("interaction", [])],
        "types": {r["type"]: _facts(r) for r in known},
    }


def _facts(resource: dict[str, Any]) -> dict[str, Any]:
    facts: dict[str, Any] = {"interaction": [i["code"] for i in resource["interaction"]]}
    facts |= {"searchParam": sorted(s["name"] for s in resource.get("searchParam", []))}
    return facts | {name: resource[name] for name in PLAIN if name in resource}


def load(name: str) -> Statement:
    """The CapabilityStatement that says what the digest says."""
    said = json.loads((FIXTURES / f"{name}.json").read_text("utf-8"))
    return statement(said.pop("types"), **said)


def main(folder: Path) -> None:
    for name, file in FILES.items():
        said = json.loads((folder / f"{file}-capabilitystatement.json").read_text("utf-8"))
        text = json.dumps(digest(said, SOURCES.get(name, "")), indent=1, ensure_ascii=False)
        (FIXTURES / f"{name}.json").write_text(text + "\n", "utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
