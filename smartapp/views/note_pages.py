"""The notes as the page shows them: cut into pieces where evidence begins and ends."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from smartapp.reviews import Note, Review
from smartapp.views.highlight import Passage, Segment, Strength, segments


@dataclass(frozen=True, slots=True)
class NotePage:
    """A note as the page shows it."""

    number: int
    note_id: str
    title: str
    date: datetime | None
    author: str | None
    unreadable: str | None
    segments: tuple[Segment, ...]
    tags: tuple[str, ...] = ()  # what to know of it at a glance

    @property
    def id(self) -> str:
        return f"n{self.number}"


def note_pages(review: Review) -> tuple[NotePage, ...]:
    passages: dict[str, list[Passage]] = {note.id: [] for note in review.notes}
    found = [
        (s.code, e, Strength.SUGGESTED if s.suggested else Strength.LESS_CERTAIN)
        for s in review.suggestions
        for e in s.evidence
    ]
    found += [(a.code, e, Strength.SUGGESTED) for a in review.accepted() for e in a.decision.particulars.evidence]
    found += [(w.code, w.evidence, Strength.NOT_CODED) for w in review.why_not]
    for code, e, strength in found:
        passages.setdefault(e.note_id, []).append(Passage(e.start, e.end, code, strength))
    titles = {note.id: note.title for note in review.notes}
    return tuple(
        NotePage(
            number=number,
            note_id=note.id,
            title=note.title,
            date=note.date,
            author=note.author,
            unreadable=note.unreadable if note.text is None else None,
            segments=segments(note.text or "", passages[note.id]),
            tags=_tags(note, titles),
        )
        for number, note in enumerate(review.notes)
    )


def _tags(note: Note, titles: Mapping[str, str]) -> tuple[str, ...]:
    said = {
        "Report": note.is_report,
        "Matched by date": note.by_date,
        f"Addendum to {titles.get(note.addendum_to or '', 'another note')}": note.addendum_to is not None,
        "Replaces an earlier version": bool(note.replaces),
        "Changed since it was first read": note.changed_at is not None,
    }
    return tuple(words for words, holds in said.items() if holds)
