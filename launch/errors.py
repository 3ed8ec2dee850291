"""What can go wrong between the EHR's user and us.

LaunchError
├── UntrustedIssuer        the iss is not registered
├── MissingLaunchParameter iss or launch is missing, or all that an EHR's answer holds
├── DiscoveryFailed        the EHR's SMART configuration cannot be read or lacks what is needed
├── InvalidState           state is missing, unknown, expired, used, or of another browser
├── CookieBlocked          the browser did not send our cookie back
├── AuthorizationDenied    the EHR or its user said no
├── TokenRequestFailed     the EHR gave no token
│   └── GrantRefused       because it does not take the code or the refresh token (any more)
├── InvalidIdentity        the id_token does not prove who the user is
├── MissingContext         the token came without patient or encounter
├── UntrustedCaller        a call of the CDS service does not prove which EHR it is from
├── SessionEnded           no live session for this launch key in this browser; a relaunch mends it
└── SessionsUnavailable    the store of sessions does not answer
"""


class LaunchError(Exception):
    """A launch that cannot go on: `title` says what happened, `advice` what to do. Both are shown; neither holds PHI.

    `detail` may quote the EHR: it is text, to be escaped wherever it is shown.
    """

    status = 400
    title = "The launch could not be completed"
    advice = "Close this window and open Chartside again from the patient's chart."

    def __init__(self, detail: str = "") -> None:
        super().__init__(detail or self.title)
        self.detail = detail


class UntrustedIssuer(LaunchError):
    status = 403
    title = "This EHR is not registered with Chartside"
    advice = "Ask your administrator to add the EHR's FHIR address to the trusted EHRs."


class MissingLaunchParameter(LaunchError):
    title = "Chartside was opened without a launch from the EHR"
    advice = "Open Chartside from the patient's chart in the EHR; this address cannot be opened by itself."


class DiscoveryFailed(LaunchError):
    status = 502
    title = "The EHR's SMART configuration cannot be used"
    advice = "Try again in a minute. If it happens again, give your administrator the reason below."


class InvalidState(LaunchError):
    title = "This sign-in was not started here, is too old, or was used before"
    advice = "Nothing was opened. Close this window and open Chartside again from the patient's chart."


class CookieBlocked(LaunchError):
    title = "Your browser did not send Chartside's cookie back"
    advice = (
        "Chartside needs one cookie to know that the sign-in is yours, and inside the EHR's window your browser blocks "
        "it. Ask your administrator to allow cookies for Chartside's address there, then open Chartside again."
    )


class AuthorizationDenied(LaunchError):
    status = 403
    title = "The EHR did not give access"
    advice = (
        "You or the EHR said no, so nothing was opened and nothing was read. "
        "To try again, open Chartside from the patient's chart."
    )


class TokenRequestFailed(LaunchError):
    status = 502
    title = "The EHR did not complete the sign-in"
    advice = (
        "Open Chartside again from the patient's chart. If it happens again, give your administrator the reason below."
    )


class GrantRefused(TokenRequestFailed):
    """OAuth's invalid_grant: asking again cannot help."""


class InvalidIdentity(LaunchError):
    status = 502
    title = "The EHR did not prove who you are"
    advice = "Chartside signs with your name, so it stopped here. Give your administrator the reason below."


class MissingContext(LaunchError):
    status = 422
    title = "The EHR did not say which patient and encounter to open"
    advice = "Open an encounter in the EHR first, then open Chartside from it."


class UntrustedCaller(LaunchError):
    status = 401
    title = "The call does not prove which EHR it is from"
    advice = "The EHR's administrator finds in Chartside's list of EHRs which issuer and keys are registered."


class SessionEnded(LaunchError):
    """`relaunch` is the iss with which to sign in again, where the launch was standalone and that is still known."""

    status = 401
    title = "Your session has ended"
    advice = "Your decisions are saved. Open Chartside again from the patient's chart to go on."

    def __init__(self, detail: str = "", relaunch: str = "") -> None:
        super().__init__(detail)
        self.relaunch = relaunch


class SessionsUnavailable(LaunchError):
    status = 503
    title = "Chartside cannot reach its store of sessions"
    advice = "Your decisions are saved. Wait a moment and reload the page; if it goes on, tell your administrator."
