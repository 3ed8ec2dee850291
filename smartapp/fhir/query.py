"""A query to the physician on its way: who can be asked, by which rung, once, and read back."""

import base64
from collections.abc import Iterator
from typing import Final

from smartapp.errors import ChartsideError, EHRRefused
from smartapp.fhir.chart import Chart
from smartapp.fhir.client import FHIRClient, typed
from smartapp.fhir.coding_summary import as_pdf
from smartapp.fhir.delivery import Delivery
from smartapp.fhir.elements import items, words
from smartapp.fhir.errors import NotConfirmed
from smartapp.fhir.identifiers import URI_SYSTEM, business_id
from smartapp.fhir.ladder import Choice, Ladder
from smartapp.fhir.outbox import Outbox
from smartapp.fhir.references import Resource, literal
from smartapp.fhir.resources import iso_instant, person, validated
from smartapp.fhir.vendors import ONE_ATTACHMENT
from smartapp.queries import TITLE, Query, Recipient, write_query
from smartapp.reviews import Rung

ASKED: Final = frozenset({"Practitioner", "PractitionerRole"})
_ADMINISTRATIVE: Final = {"system": "http://loinc.org", "code": "51851-4", "display": "Administrative note"}
_VOID: Final = "The chart holds this query already, but it was marked as an error there; it was not sent again."


def recipients(chart: Chart, ladder: Ladder) -> tuple[Recipient, ...]:
    """Who can be asked by a message: those whom the encounter names, then the site's pool. A Task takes no Group."""
    pool = ladder.query_pool
    named = list(_participants(chart))
    if pool and not (pool.startswith("Group/") and _message(ladder) == "Task"):
        named.append(Recipient(pool, "The pool for queries"))
    return tuple({recipient.reference: recipient for recipient in reversed(named)}.values())[::-1]


def way_to_ask(ladder: Ladder, has_recipient: bool) -> Choice:
    """The first rung that leads somewhere: a message needs somebody who gets it."""
    return next(choice for choice in ladder.queries if has_recipient or choice.rung is not Rung.MESSAGE)


def query_id(query: Query) -> str:
    """The same on every attempt."""
    return business_id(query.key, "query", str(query.id))


def build_query(query: Query, chart: Chart, ladder: Ladder, resource: str) -> Resource:
    """The query in words as a Communication, a Task or a document of the encounter."""
    assert query.sent_by is not None  # it is built of a query that somebody sends
    text, when = write_query(query, chart.header), iso_instant(query.changed_at)
    patient, encounter = {"reference": f"Patient/{chart.key.patient}"}, f"Encounter/{chart.key.encounter}"
    body: Resource = {
        "resourceType": resource,
        "identifier": [{"system": URI_SYSTEM, "value": query_id(query)}],
    }
    if resource == "DocumentReference":
        return validated(body | _document(text, when, query, encounter, ladder) | {"subject": patient})
    to = query.wording.recipient
    assert to is not None  # checked before it was sent
    if resource == "Task":
        body |= {
            "status": "requested",
            "intent": "proposal",
            "code": {"text": TITLE},
            "for": patient,
            "encounter": {"reference": encounter},
            "authoredOn": when,
            "requester": person(query.sent_by),
            "owner": {"reference": to.reference},
            "input": [{"type": {"text": TITLE}, "valueString": text}],
        }
    else:
        body |= {
            "status": "completed",
            "subject": patient,
            "encounter": {"reference": encounter},
            "topic": {"text": TITLE},
            "sent": when,
            "sender": person(query.sent_by),
            "recipient": [{"reference": to.reference}],
            "payload": [{"contentString": text}],
        }
    return validated(body)


def send_query(query: Query, chart: Chart, client: FHIRClient, ladder: Ladder, outbox: Outbox) -> None:
    """Brings the one line of the outbox to the EHR, unless it is there; whatever goes wrong is told by the line.

    Raises what keeping the line raises.
    """
    line = outbox.lines[0]
    delivery = Delivery(client, outbox, chart.key.encounter)
    identifier = query_id(query)
    try:
        found = delivery.find(0, line.resource, identifier)
        if found and found.get("status") == "entered-in-error":
            raise EHRRefused(_VOID)
        body = build_query(query, chart, ladder, line.resource)
        if found:
            resource = delivery.settle(0, typed(line.resource, str(found["id"])), body)
        else:
            resource = delivery.create(0, body, identifier)
    except NotConfirmed as error:
        outbox.tell(0, "failed", error.reference, error.detail)
    except ChartsideError as error:
        refused = isinstance(error, EHRRefused)
        outbox.tell(0, "refused" if refused else "failed", None, error.detail or error.title)
    else:
        outbox.tell(0, "already-there" if found else "written", typed(line.resource, str(resource["id"])), "")


def withdraw_query(query: Query, client: FHIRClient, outbox: Outbox) -> None:
    """Marks it as entered in error in the EHR; where that is not to be had, says that it stands there still."""
    line = outbox.lines[0]
    type, _, id = str(line.reference).partition("/")
    try:
        client.update(client.read(type, id) | {"status": "entered-in-error"})
    except ChartsideError as error:
        by_hand = f"It still stands in the EHR: mark {line.reference} as entered in error there. {error.detail}"
        outbox.tell(0, "stray", line.reference, by_hand.strip())
    else:
        outbox.tell(0, "undone", line.reference, "Marked as entered in error.")


def _document(text: str, when: str, query: Query, encounter: str, ladder: Ladder) -> Resource:
    assert query.sent_by is not None
    forms = {"text/plain; charset=utf-8": text.encode()}
    if not ladder.vendor.asks(ONE_ATTACHMENT):
        forms["application/pdf"] = as_pdf(text)
    return {
        "status": "current",
        "docStatus": "final",
        "type": {"coding": [_ADMINISTRATIVE], "text": TITLE},
        "category": [{"coding": [_ADMINISTRATIVE]}],
        "date": when,
        "author": [person(query.sent_by)],
        "description": TITLE,
        "content": [
            {
                "attachment": {
                    "contentType": kind,
                    "data": base64.b64encode(data).decode(),
                    "title": TITLE,
                    "creation": when,
                }
            }
            for kind, data in forms.items()
        ],
        "context": {"encounter": [{"reference": encounter}]},
    }


def _message(ladder: Ladder) -> str | None:
    return next((choice.resource for choice in ladder.queries if choice.rung is Rung.MESSAGE), None)


def _participants(chart: Chart) -> Iterator[Recipient]:
    for participant in items(chart.encounter, "participant"):
        reference = literal(chart.key.iss, words(participant, "individual", "reference"))
        if reference and reference.type in ASKED:
            yield Recipient(str(reference), words(participant, "individual", "display") or str(reference))
