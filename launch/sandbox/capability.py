"""The CapabilityStatement of the demonstration EHR: what the proxy lets through, not what lies behind it."""

from typing import Any

from launch.sandbox.compartment import KNOWN_TYPES, SHARED
from launch.sandbox.fhir_server import FHIR_JSON
from launch.sandbox.settings import SandboxSettings

_OAUTH_URIS = "http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris"
_SECURITY_SERVICE = "http://terminology.hl7.org/CodeSystem/restful-security-service"
_READING = ("read", "vread", "search-type")
_WRITING = ("create", "update", "patch", "delete")


def narrow_capabilities(statement: dict[str, Any], settings: SandboxSettings) -> dict[str, Any]:
    """Builds it from that of the FHIR server."""
    resources = [_narrow(resource) for resource in statement["rest"][0]["resource"] if resource["type"] in KNOWN_TYPES]
    kept = {name: value for name, value in statement.items() if name not in ("messaging", "url", "contact")}
    return kept | {
        "id": "demo-ehr",
        "name": "DemonstrationEHR",
        "title": settings.facility,
        "publisher": settings.facility,
        "implementation": {"description": f"{settings.facility} (demonstration)", "url": settings.fhir_base},
        "format": [FHIR_JSON, "json"],
        "patchFormat": ["application/json-patch+json"],
        "rest": [{"mode": "server", "security": _describe_security(settings), "resource": resources}],
    }


def _narrow(resource: dict[str, Any]) -> dict[str, Any]:
    names = _READING if resource["type"] in SHARED else _READING + _WRITING
    kept = {name: value for name, value in resource.items() if name not in ("operation", "searchRevInclude")}
    return kept | {
        "interaction": [{"code": name} for name in names],
        "readHistory": False,
        "updateCreate": False,
        "conditionalCreate": resource["type"] not in SHARED,
        "conditionalUpdate": False,
        "conditionalDelete": "not-supported",
    }


def _describe_security(settings: SandboxSettings) -> dict[str, Any]:
    """Where older apps look for the endpoints ("Conformance")."""
    names = ("authorize", "token", "revoke")
    uris = [{"url": name, "valueUri": f"{settings.public_url}/auth/{name}"} for name in names]
    return {
        "cors": False,
        "service": [{"coding": [{"system": _SECURITY_SERVICE, "code": "SMART-on-FHIR"}]}],
        "extension": [{"url": _OAUTH_URIS, "extension": uris}],
    }
