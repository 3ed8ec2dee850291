"""What can go wrong between the EHR's user and us.

LaunchError
├── UntrustedIssuer        the iss is not registered
├── MissingLaunchParameter iss or launch is missing
├── DiscoveryFailed        the EHR's SMART configuration cannot be read or lacks what is needed
├── InvalidState           state is missing, unknown, expired, used, or of another browser
├── AuthorizationDenied    the EHR or its user said no
├── TokenRequestFailed     the code was not exchanged
├── InvalidIdentity        the id_token does not prove who the user is
├── MissingContext         the token came without patient or encounter
└── SessionEnded           no live session for this launch key in this browser; a relaunch mends it
"""


class LaunchError(Exception):
    """A launch that cannot go on: `title` says what happened, `advice` what to do. Both are shown; neither holds PHI."""

    status = 400
    title = "The launch could not be completed"
    advice = "Close this window and open Chartside again from the patient's chart."

    def __init__(self, detail: str = "") -> None:
        super().__init__(detail or self.title)
        self.detail = detail
