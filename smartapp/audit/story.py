"""How each code of a chart came about, told by its events: words, rule, prediction, person, resource. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from smartapp.audit.events import Event, Kind


@dataclass(frozen=True, slots=True)
class CodeStory:
    """The events about one code, in order."""

    code: str
    suggested: Event | None  # the suggestion that stood when it was last decided, or the newest
    reads: tuple[Event, ...]  # of the notes that its evidence names
    decisions: tuple[Event, ...]
    signed: tuple[Event, ...]  # each signature that names it, and what took each of them up again to be corrected
    writes: tuple[Event, ...]  # of its own resource, the last that was said of it
    carriers: tuple[Event, ...]  # of resources that tell of all codes
    viewings: tuple[Event, ...] = ()  # who had its evidence before their eyes
    queries: tuple[Event, ...] = ()  # to the physician about it, and what became of each message

    @property
    def events(self) -> tuple[Event, ...]:
        told = (
            *(*self.reads, self.suggested, *self.viewings, *self.queries, *self.decisions),
            *(*self.signed, *self.writes, *self.carriers),
        )
        return tuple(sorted({e.sequence: e for e in told if e}.values(), key=lambda e: e.sequence))


def stories_of(events: Sequence[Event]) -> tuple[CodeStory, ...]:
    """Of all events of a chart, one story a code: what a person decided on first, then what was only suggested."""
    suggestions = _by_code(events, Kind.SUGGESTION)
    decisions = _by_code(events, Kind.DECISION)
    asked, viewed = _by_code(events, Kind.QUERY), _by_code(events, Kind.VIEWED)
    writes = _last_of_each([e for e in events if e.kind is Kind.WRITE])
    stories = []
    for code in dict.fromkeys((*decisions, *suggestions, *asked)):
        acts = decisions.get(code, [])
        suggested = _standing(suggestions.get(code, []), acts)
        signed = _signed(events, code)
        own = tuple(e for e in writes if is_of_code(e.what, code))
        others = tuple(e for e in writes if signed and e.what["resource"] != "Condition" and not _query_of(e))
        queries = _with_messages(asked.get(code, []), writes)
        reads, written = _reads(events, suggested), own if acts else ()
        seen = tuple(viewed.get(code, ()))
        stories.append(CodeStory(code, suggested, reads, tuple(acts), signed, written, others, seen, queries))
    return tuple(stories)


def _signed(events: Sequence[Event], code: str) -> tuple[Event, ...]:
    """Signatures that name the code; a correction is told with all that it can change: from the first of them on."""
    found: list[Event] = []
    for event in events:
        names = event.kind is Kind.ATTESTATION and code in event.what["codes"]
        if names or (found and event.kind is Kind.CORRECTION):
            found.append(event)
    return tuple(found)


def is_of_code(write: Any, code: str) -> bool:
    """Purposes end with the code they are for: "diagnosis I10"."""
    return write["resource"] == "Condition" and str(write["purpose"]).split()[-1:] == [code]


def _by_code(events: Sequence[Event], kind: Kind) -> dict[str, list[Event]]:
    """An edit is of both codes: of the one that it takes, and of the one that it replaces."""
    found: dict[str, list[Event]] = {}
    for event in events:
        if event.kind is kind:
            for code in dict.fromkeys(filter(None, (event.what.get("code"), event.what.get("instead_of")))):
                found.setdefault(str(code), []).append(event)
    return found


def _query_of(write: Event) -> str:
    """The number of the query that the message is of; empty for what is no query's."""
    what, _, number = str(write.what["purpose"]).partition(" ")
    return number if what == "query" else ""


def _with_messages(asked: Sequence[Event], writes: Sequence[Event]) -> tuple[Event, ...]:
    numbers = {str(event.what["query"]) for event in asked}
    return (*asked, *(write for write in writes if _query_of(write) in numbers))


def _standing(suggestions: Sequence[Event], decisions: Sequence[Event]) -> Event | None:
    """What the person saw: the newest suggestion before the last decision."""
    last = decisions[-1].sequence if decisions else None
    return next((s for s in reversed(suggestions) if last is None or s.sequence < last), None)


def _reads(events: Sequence[Event], suggested: Event | None) -> tuple[Event, ...]:
    """When the texts that the evidence points into were last read before the suggestion."""
    if suggested is None:
        return ()
    texts = {(words["note"], words["sha256"]) for words in suggested.what["evidence"]}
    found: dict[tuple[str, str], Event] = {}
    for event in events:
        if event.kind is Kind.NOTE and event.sequence < suggested.sequence:
            found[event.what["note"], event.what["sha256"]] = event
    return tuple(event for text, event in found.items() if text in texts)


def _last_of_each(writes: Sequence[Event]) -> list[Event]:
    return list({(e.what["resource"], e.what["purpose"]): e for e in writes}.values())
