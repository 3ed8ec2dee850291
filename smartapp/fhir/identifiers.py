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


def document_id(key: ReviewKey) -> str:
    """Of the coding summary that is filed among the notes."""
    return business_id(key, "DocumentReference")


def message_id(key: ReviewKey) -> str:
    """Of the message to those who bill."""
    return business_id(key, "Communication")


def token(identifier: str) -> str:
    """The identifier as a search token."""
    return f"{URI_SYSTEM}|{identifier}"
