"""What the review page shows, worked out from a Review: cards, notes with their marks, counts. Pure."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from smartapp.checks import Remark
from smartapp.checks.exempt import is_exempt
from smartapp.checks.words import doubt
from smartapp.reviews import AcceptedCode, Review, Reviewer, ReviewStatus, Suggestion, WhyNot
from smartapp.views.cards import Card, Cards, Mention, state_of
from smartapp.views.note_pages import NotePage, note_pages

PROFESSIONAL: Final = 12  # diagnoses of an 837P or CMS-1500
PAIR: Final = 2  # codes
INSTITUTIONAL: Final = 25  # of an 837I or UB-04: the principal one and 24 others


@dataclass(frozen=True, slots=True)
class Tally:
    """How far the reviewer is; undecided counts what is suggested, not what is less certain."""

    accepted: int
    rejected: int
    undecided: int


@dataclass(frozen=True)
class Board:
    """The review page. Each part is worked out when it is asked for: a decision shows little more than its card."""

    review: Review
    viewer: Reviewer | None = None  # who looks at it
    rules: Callable[[Review], Iterable[Remark]] = lambda _: ()  # what they say of it

    @cached_property
    def notes(self) -> tuple[NotePage, ...]:
        return note_pages(self.review)

    @cached_property
    def suggested(self) -> tuple[Card, ...]:
        return tuple(self._of(s) for s in self.review.suggestions if s.suggested)

    @cached_property
    def less_certain(self) -> tuple[Card, ...]:
        return tuple(self._of(s) for s in self.review.suggestions if not s.suggested)

    @cached_property
    def added(self) -> tuple[Card, ...]:
        """What a person added that is not suggested."""
        return tuple(self._cards.card(a.code, a.title, None) for a in self.claim if a.code not in self._suggestions)

    @cached_property
    def mentioned(self) -> Mapping[str, tuple[Mention, ...]]:
        """By the reason why it was not coded, the commonest reason last: it is the most and the least surprising."""
        same: dict[tuple[str, str], list[WhyNot]] = {}
        for left_out in self.review.why_not:
            same.setdefault((left_out.reason, left_out.code), []).append(left_out)
        mentions = [self._cards.mention(found) for found in same.values()]
        count = Counter(mention.reason for mention in mentions)
        reasons = sorted(count, key=lambda reason: count[reason])
        return {reason: tuple(m for m in mentions if m.reason == reason) for reason in reasons}

    @cached_property
    def remarks(self) -> Mapping[str, tuple[Remark, ...]]:
        """By code. What is said of more than two codes is said of the whole claim, and stands on the summary; what
        would be said if a code was accepted stands with that code."""
        said: dict[str, tuple[Remark, ...]] = {}
        claim = {a.code for a in self.claim}
        for remark in (r for r in self.rules(self.review) if len(r.codes) <= PAIR):
            foreseen = set(remark.codes) - claim
            for code in foreseen or remark.codes:
                said[code] = (*said.get(code, ()), remark)
        return said

    @property
    def claim(self) -> tuple[AcceptedCode, ...]:
        return self.review.accepted()

    @cached_property
    def tally(self) -> Tally:
        states = {code: state_of(self.review.decision_on(code), code) for code in self._suggestions}
        return Tally(
            accepted=len(self.claim),
            rejected=sum(state in ("rejected", "replaced") for state in states.values()),
            undecided=sum(s.suggested and states[s.code] == "undecided" for s in self.review.suggestions),
        )

    @property
    def viewed(self) -> int:
        """Undecided suggestions whose evidence the viewer has seen."""
        return len(self.review.to_accept(self.viewer)) if self.viewer else 0

    @property
    def first_words(self) -> str:
        """What the code at the head of the claim is called."""
        return "Principal" if self.review.inpatient else "First-listed"

    @property
    def unconfirmed(self) -> str:
        """The code that stands first on the claim of an admission, and nobody has said that it is the principal one."""
        head = self.claim[0].code if self.claim else ""
        return head if any(r.rule.id == "principal-unconfirmed" and r.lead for r in self.remarks.get(head, ())) else ""

    @property
    def lead_words(self) -> str:
        """What putting a code there is called."""
        return "Make principal" if self.review.inpatient else "List first"

    @property
    def working(self) -> bool:
        """The chart is being read or coded: the page asks again."""
        return self.review.status in (ReviewStatus.READING, ReviewStatus.CODING)

    @property
    def closed(self) -> bool:
        """Signed: nothing more is decided."""
        return self.review.attestation is not None or self.review.status in (
            ReviewStatus.SIGNED,
            ReviewStatus.WRITTEN,
            ReviewStatus.PARTLY_WRITTEN,
            ReviewStatus.REFUSED,
        )

    @property
    def open(self) -> bool:
        """Decisions are taken: the chart has been read, nobody works on it, nobody has signed."""
        return not (self.working or self.closed or self.void) and self.review.header is not None

    @property
    def void(self) -> bool:
        """The EHR says that the encounter did not take place."""
        return self.review.header is not None and self.review.header.void

    def doubt(self, code: str) -> str:
        """Why the decision on the code wants a second look; empty when it does not."""
        return doubt(self.review, code)

    def card(self, code: str) -> Card | None:
        """The card of a suggested code."""
        return self._of(self._suggestions[code]) if code in self._suggestions else None

    def card_of(self, code: str) -> Card | None:
        """The card of a code that is suggested, or was added by hand."""
        return self.card(code) or next((c for c in self.added if c.code == code), None)

    def poa_exempt(self, code: str) -> bool:
        """The code needs no word on whether it was present on admission."""
        return is_exempt(code)

    def beyond(self, rank: int) -> str:
        """Which claim has no room for the code at that place; empty where each has."""
        if rank > INSTITUTIONAL:
            return f"beyond the {INSTITUTIONAL}th: on no claim"
        if rank > PROFESSIONAL and not self.review.inpatient:
            return f"beyond the {PROFESSIONAL}th: not on a professional claim"
        return ""

    @cached_property
    def _cards(self) -> Cards:
        return Cards(self.review, self.viewer, self.remarks)

    @cached_property
    def _suggestions(self) -> dict[str, Suggestion]:
        return {s.code: s for s in self.review.suggestions}

    def _of(self, suggestion: Suggestion) -> Card:
        return self._cards.card(suggestion.code, suggestion.title, suggestion)
