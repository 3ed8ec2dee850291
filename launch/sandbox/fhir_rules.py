"""What a FHIR request may say: formats, search parameters, bodies and patches that keep to one patient."""

import base64
import binascii
from typing import Any

from flask import request

from launch.sandbox.compartment import PATIENT_ELEMENT, SHARED, Compartment
from launch.sandbox.fhir_server import FHIR_JSON, FHIRAnswer, Params
from launch.sandbox.grants import Token
from launch.sandbox.interactions import FHIRRefusal, Interaction
from launch.sandbox.scopes import permits

ELSEWHERE = "That belongs to another patient than the one of this launch."
_BEYOND = frozenset({"_has", "_list", "_filter", "_text", "_content"})  # they look outside one compartment
_SHAPING = frozenset({"_format", "_pretty", "_elements", "_summary"})  # left out: the check needs whole resources
_PATIENT_KEYS = frozenset({"patient", "patient:Patient", "subject", "subject:Patient", "beneficiary"})
_BODY_TYPES = {"patch": ("application/json-patch+json",)}


def check_formats(interaction: Interaction) -> None:
    """JSON in, JSON out; a Binary also as what it holds."""
    if interaction.type != "Binary" and not wants_json():
        raise FHIRRefusal(406, "not-supported", f"This server answers in {FHIR_JSON}.")
    if interaction.name in ("create", "update", "patch"):
        allowed = _BODY_TYPES.get(interaction.name, (FHIR_JSON, "application/json"))
        if request.mimetype not in allowed:
            raise FHIRRefusal(415, "not-supported", f"The body must be {allowed[0]}.")


def wants_json() -> bool:
    accept = request.args.get("_format") or request.headers.get("Accept") or "*/*"
    return "json" in accept or "*/*" in accept


def unwrap_binary(resource: dict[str, Any]) -> FHIRAnswer:
    """A Binary asked for in another format than FHIR's is its content (binary.html#rest)."""
    try:
        content = base64.b64decode(resource.get("data", ""), validate=True)
    except binascii.Error as error:
        raise FHIRRefusal(502, "invalid", "The content of the Binary cannot be decoded.") from error
    return FHIRAnswer(200, {"content-type": resource.get("contentType", "application/octet-stream")}, content)


def limit_search(resource_type: str, params: Params, compartment: Compartment) -> list[tuple[str, str]]:
    """Adds the launch patient to a search, and refuses one that names another."""
    if any(key.split(":")[0].split(".")[0] in _BEYOND for key, _ in params):
        raise FHIRRefusal(400, "not-supported", "A search parameter is not supported by this server.")
    kept = [(key, value) for key, value in params if key not in _SHAPING or (key, value) == ("_summary", "count")]
    if resource_type in SHARED:
        return kept
    if resource_type in PATIENT_ELEMENT:
        named = [value for key, values in kept if key in _PATIENT_KEYS for value in values.split(",")]
        _require(all(value == compartment.patient or compartment.is_patient(value) for value in named))
        rest = [(key, value) for key, value in kept if key not in _PATIENT_KEYS]
        return [*rest, ("patient", f"Patient/{compartment.patient}")]
    if resource_type == "Patient":
        _require(all(value == compartment.patient for key, value in kept if key == "_id"))
        return [*(pair for pair in kept if pair[0] != "_id"), ("_id", compartment.patient)]
    if resource_type == "Provenance":
        targets = [value for key, values in kept if key == "target" for value in values.split(",")]
        if not targets:
            raise FHIRRefusal(400, "required", "A search for Provenance must name its target.")
        _require(all(compartment.holds_reference(target) for target in targets))
        return kept
    raise FHIRRefusal(405, "not-supported", "This type cannot be searched.")


def may_see(resource: dict[str, Any], compartment: Compartment, token: Token) -> bool:
    """Checks one search result; servers have been seen to ignore parameters, and includes follow references."""
    resource_type = resource.get("resourceType", "")
    if resource_type == "OperationOutcome":
        return True
    allowed = any(permits(token.scope, resource_type, letter) for letter in "rs")
    return allowed and compartment.holds(resource)


def read_body(interaction: Interaction, compartment: Compartment) -> dict[str, Any]:
    """Reads a resource to be written; it must be of this patient."""
    body = request.get_json(force=True, silent=True)
    if not isinstance(body, dict) or body.get("resourceType") != interaction.type:
        raise FHIRRefusal(400, "structure", f"The body must be a {interaction.type} resource.")
    _require(interaction.type not in SHARED and compartment.holds(body))
    return body


def check_patch(interaction: Interaction) -> None:
    """A JSON Patch may not hand the resource to another patient."""
    operations = request.get_json(force=True, silent=True)
    if not isinstance(operations, list) or not all(isinstance(operation, dict) for operation in operations):
        raise FHIRRefusal(400, "structure", "The body must be a JSON Patch.")
    fixed = {"", "resourceType", "id", "target", PATIENT_ELEMENT.get(interaction.type, "")}
    touched = {str(operation.get("path", "")).strip("/").split("/")[0] for operation in operations}
    _require(not touched & fixed)


def _require(within: bool) -> None:
    if not within:
        raise FHIRRefusal(403, "forbidden", ELSEWHERE)
