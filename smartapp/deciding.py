"""When a decision counts: what must hold for it, and when it is only the same click once more. Pure."""

import re
from datetime import date

from smartapp.errors import ReviewChanged, UnknownCode
from smartapp.reviews import NO_PARTICULARS, PLACES, Action, NoteEvidence, Particulars, Review, Reviewer

LONGEST_TEXT = 2000  # characters of a note to self, or of what is said beside a reason


def check(review: Review, action: Action, code: str, particulars: Particulars) -> None:
    """Raises ReviewChanged where the page shows what no longer is, UnknownCode for a code that cannot be used."""
    claim = {a.code for a in review.accepted()}
    if action in PLACES | {Action.POA} and code not in claim:
        raise ReviewChanged("Only an accepted code has a place on the claim.")
    if particulars.before is not None and (particulars.before not in claim or particulars.before == code):
        raise ReviewChanged("The code that it should stand before is no longer on the claim.")
    if action is Action.EDIT:
        known = claim | {s.code for s in review.suggestions}
        if particulars.instead_of not in known or particulars.instead_of == code:
            raise UnknownCode("Only a suggested or accepted code can be changed to another one.")
    texts = {note.id: note.text or "" for note in review.notes}
    for words in particulars.evidence:
        if not words.quote or texts.get(words.note_id, "")[words.start : words.end] != words.quote:
            raise ReviewChanged("The note no longer says the chosen words there.")


def chosen_words(review: Review, note_id: str, start: int, quote: str) -> NoteEvidence:
    """The words that a person chose: there, else at the nearest place where the note holds them.

    Raises ReviewChanged when the note does not hold them.
    """
    quote = quote.replace("\r\n", "\n")  # a form sends its lines so (HTML, 4.10.21.8)
    text = next((note.text or "" for note in review.notes if note.id == note_id), "")
    places = [found.start() for found in re.finditer(re.escape(quote), text)] if quote.strip() else []
    if not places:
        raise ReviewChanged("The note does not hold the chosen words.")
    at = min(places, key=lambda place: abs(place - start))
    return NoteEvidence(note_id, at, at + len(quote), quote, None, "present")


def is_repeated(
    review: Review,
    version: int,
    action: Action,
    code: str,
    reason: str | None,
    by: Reviewer,
    particulars: Particulars = NO_PARTICULARS,
) -> bool:
    """The same click once more: the last act on the code was this one, and nothing has been asked for since.

    An UNDO that saw the newest version is a further step back, not a repetition. A LEAD or MOVE is repeated while its
    code stands there, whatever else was decided: another code may have been put before it since.
    """
    if action in PLACES:
        claim = [a.code for a in review.accepted()]
        if code not in claim:
            return False
        following = next(iter(claim[claim.index(code) + 1 :]), None)
        if action is Action.MOVE:
            return following == particulars.before
        placing = review.placing_of(code)  # a code that stands first by itself is confirmed by its LEAD
        return claim[0] == code and placing is not None and placing.action is Action.LEAD
    last = next((d for d in reversed(review.decisions) if d.code == code), None)
    if last is None or (last.action, last.reason, last.by, last.particulars) != (action, reason, by, particulars):
        return False
    return action is not Action.UNDO or version != review.version


def is_own_word(review: Review, action: Action, code: str, by: Reviewer) -> bool:
    """Whether it was present on admission, where nobody else has said so: it is taken whatever else was decided since
    the page was made, so that one word may follow fast upon another."""
    said = (d for d in reversed(review.decisions) if d.action is Action.POA and d.code == code)
    return action is Action.POA and next((d.by == by for d in said), True)


def not_billable(code: str, day: date | None) -> str:
    """In words; what was typed may be anything."""
    when = f" on {day.isoformat()}" if day else ""
    return f"{code[:8]} is not a billable ICD-10-CM code{when}."
