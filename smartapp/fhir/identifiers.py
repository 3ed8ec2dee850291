"""The identifiers of what Chartside writes, by which it knows its own again."""

import json
import uuid

from smartapp.reviews import ReviewKey

URI_SYSTEM = (
    "urn:ietf:rfc:3986"  # the system of identifiers that are URIs, https://hl7.org/fhir/R4/datatypes.html#Identifier
)
_OURS = uuid.UUID("6f0b5d1e-6a55-4f0c-9a57-3d3a3c0f5b11")  # only Chartside's identifiers are made under it


def business_id(key: ReviewKey, *what: str) -> str:
    """The identifier of one thing written for one encounter: the same in every run, silent about the patient."""
    name = json.dumps([key.iss, key.patient, key.encounter, *what])
    return f"urn:uuid:{uuid.uuid5(_OURS, name)}"


def document_id(key: ReviewKey, correction: int = 0) -> str:
    """Of the coding summary that is filed among the notes; of a correction's own, beside that, by its number."""
    return business_id(key, "DocumentReference", *_numbered(correction))


def message_id(key: ReviewKey, correction: int = 0) -> str:
    """Of the message to those who bill."""
    return business_id(key, "Communication", *_numbered(correction))


def _numbered(correction: int) -> list[str]:
    return [str(correction)] if correction else []


def token(identifier: str) -> str:
    """The identifier as a search token."""
    return f"{URI_SYSTEM}|{identifier}"
