"""Three independent FHIR R4 validators: between them structure, bindings, invariants and reference targets."""

import json
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import fhirkit

HOME = Path(__file__).resolve().parent.parent / "validators"


def node_is_ready() -> bool:
    return shutil.which("node") is not None and (HOME / "node_modules" / "fhir").is_dir()


def complaints(resources: Sequence[dict[str, Any]]) -> list[str]:
    """Everything that fhirkit-rs, npm `fhir` and `@medplum/core` say against the resources."""
    lines = "".join(json.dumps(resource) + "\n" for resource in resources)
    node = subprocess.run(
        ["node", "validate.mjs"], cwd=HOME, input=lines, capture_output=True, text=True, timeout=60, check=True
    )
    found: list[str] = []
    for resource, answer in zip(resources, node.stdout.splitlines(), strict=True):
        said = {"fhirkit-rs": [str(issue) for issue in fhirkit.validate(resource)], **json.loads(answer)}
        found += [f"{resource['resourceType']}: {who}: {what}" for who, all in said.items() for what in all]
    return found
