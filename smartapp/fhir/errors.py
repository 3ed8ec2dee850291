"""What the EHR's answers mean beyond the application's own errors.

EHRRefused
├── EHRAnswered   an error status, kept for the few places that decide by it
├── NotGranted    the launch was not granted it, so the EHR was not asked
├── NotChangeable this EHR lets nobody change it; nothing was sent
├── NotConfirmed  it was written, but what the EHR holds is something else
└── TooLarge      the answer is larger than what is read
EHRUnavailable
└── AnswerLost    a request may have taken effect: look before it is repeated
"""

from smartapp.errors import EHRRefused, EHRUnavailable


class EHRAnswered(EHRRefused):
    """The EHR answered with an error status; `detail` carries its words."""

    def __init__(self, detail: str, http_status: int) -> None:
        super().__init__(detail)
        self.http_status = http_status


class NotGranted(EHRRefused):
    """The scopes of this launch do not allow it; nothing was sent."""


def is_forbidden(error: EHRRefused) -> bool:
    """Whether it is the data that are refused, so that asking in another way would not help."""
    return isinstance(error, NotGranted) or (isinstance(error, EHRAnswered) and error.http_status == 403)


class NotChangeable(EHRRefused):
    """This EHR lets nobody change it, now or later; nothing was sent. `reference` says what a person has to mend."""

    def __init__(self, detail: str, reference: str) -> None:
        super().__init__(detail)
        self.reference = reference


class NotConfirmed(EHRRefused):
    """The EHR took a resource and then holds something else; `reference` says where to look."""

    def __init__(self, detail: str, reference: str) -> None:
        super().__init__(detail)
        self.reference = reference


class TooLarge(EHRRefused):
    """The EHR sent more than Chartside reads."""


class AnswerLost(EHRUnavailable):
    """A request reached the EHR, or may have, and its answer did not come back."""
