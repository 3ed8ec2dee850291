"""The application's own errors; the one place error -> page is smartapp/views/errors.py.

ChartsideError
├── UnknownReview       the encounter was never opened here (404)
├── ReviewChanged       somebody else changed the review since the page was loaded (409)
├── ReviewClosed        decisions after sign-off (409)
├── OtherChart          the form is of another patient or encounter than the launch (409)
├── EncounterVoid       the EHR says that the encounter did not take place (409)
├── UnknownCode         the code is not in the code book or not billable on the date of service (422)
├── NothingAccepted     sign-off without a code (422)
├── NotSignable         a rule stops the signature, or a warning is without a reason (422)
├── NotSigned           a file is wanted of codes that nobody has signed (409)
├── UnknownQuery        the review has no such query (404)
├── NotForRole          the page is for people in another role (403)
├── RoleGiven           the site lets nobody choose a role on the page (409)
├── ChartRemoved        what was read of the chart is no longer kept (410)
├── ForeignResource     the EHR sent something of another patient or encounter (502)
├── EHRUnavailable      the EHR does not answer (504); `retryable`
│   └── SessionsAway    nor can it be asked: our store of sessions, with the access to it, is away (503)
├── EHRRefused          the EHR answered with an error; carries its words (502)
├── MalformedCall       a call of the CDS service is not what CDS Hooks wants (400)
├── UnknownService      there is no such CDS service (404)
├── UnknownCard         feedback on a card that was not shown to this EHR (404)
├── MissingData         the CDS service needs the encounter and cannot get it (412)
├── ForeignServer       a call of the CDS service names another FHIR server than the caller's (403)
├── SessionExpired      the EHR no longer takes the token (401)
├── TooBusy             more charts wait already than can be read soon (503); the page asks again
├── TooManyRequests     of one launch or one address in a minute (429)
└── PredictorUnavailable the predictor is down (503); manual coding still works
    ├── PredictorBusy    it is at other charts; asking again helps (503)
    └── NotesTooLong     it reads no notes of that length; asking again does not help (422)
"""


class ChartsideError(Exception):
    """`title` says what happened, `advice` what to do; both are shown and hold no PHI."""

    status = 500
    title = "Something went wrong"
    advice = "Your decisions are saved. Reload the page; if it happens again, report the reference below."

    def __init__(self, detail: str = "") -> None:
        super().__init__(detail or self.title)
        self.detail = detail


class UnknownReview(ChartsideError):
    status = 404
    title = "This encounter has not been opened yet"
    advice = "Open Chartside again from the patient's chart."


class ReviewChanged(ChartsideError):
    status = 409
    title = "This review was changed in another window"
    advice = "Reload the page to see the current state, then decide again."


class ReviewClosed(ChartsideError):
    status = 409
    title = "This review is already signed off"
    advice = "Open the receipt to see what was written."


class OtherChart(ChartsideError):
    status = 409
    title = "That page was of another patient or encounter"
    advice = "Nothing was changed. Reload the page to see whose chart is open here, then do it again."


class EncounterVoid(ChartsideError):
    status = 409
    title = "This encounter did not take place"
    advice = "The EHR says that it was cancelled or entered in error, so nothing of it is coded."


class UnknownCode(ChartsideError):
    status = 422
    title = "That code cannot be used"
    advice = "Search by words or by the beginning of the code and choose a billable code."


class NothingAccepted(ChartsideError):
    status = 422
    title = "There is nothing to sign"
    advice = "Accept or add at least one code first."


class StillWriting(ChartsideError):
    status = 409
    title = "What was signed may still be on its way to the chart"
    advice = "Nothing was changed. Wait a minute, look at the receipt, then correct the review."


class DecidedSince(ChartsideError):
    status = 409
    title = "Codes are no longer as they were signed"
    advice = "Undo what was decided since the correction began, then cancel it; or sign the correction."


class NoReason(ChartsideError):
    status = 422
    title = "A correction needs a reason"
    advice = "Choose one on the receipt; for another reason say it in your words. It is kept with the signature."


class NotSignable(ChartsideError):
    status = 422
    title = "These codes cannot be signed yet"
    advice = "The summary says what to mend first, and which warnings want a reason."


class NotSigned(ChartsideError):
    status = 409
    title = "These codes are not signed yet"
    advice = "Sign them first: a file for another system holds only what a person stands for."


class UnknownQuery(ChartsideError):
    status = 404
    title = "There is no such query here"
    advice = "Queries are listed on the review page of the encounter that they are about."


class NotForRole(ChartsideError):
    status = 403
    title = "This page is for coders"
    advice = "You work as a clinician in this launch. If that is wrong, tell your administrator (role in ehrs.toml)."


class RoleGiven(ChartsideError):
    status = 409
    title = "Your EHR decides in which role you work here"
    advice = "Nothing was changed. Your administrator can allow the choice (role_switch in ehrs.toml)."


class ChartRemoved(ChartsideError):
    status = 410
    title = "Chartside no longer keeps what it read of this chart"
    advice = "The review was finished long ago. What was signed is on the receipt, and the chart itself in the EHR."


class ForeignResource(ChartsideError):
    status = 502
    title = "The EHR sent data of another patient or encounter"
    advice = "Nothing of it was used. Tell your administrator: the EHR's access rules need a look."


class EHRUnavailable(ChartsideError):
    status = 504
    title = "The EHR does not answer"
    advice = "Your decisions are saved. Wait a moment and press Try again."


class SessionsAway(EHRUnavailable):
    status = 503
    title = "Chartside cannot reach its store of sessions"


class EHRRefused(ChartsideError):
    status = 502
    title = "The EHR refused the request"
    advice = "The reason it gave is shown below. Your decisions are saved."


class SessionExpired(ChartsideError):
    status = 401
    title = "Your session with the EHR has ended"
    advice = "Your decisions are saved. Open Chartside again as you did before, then press Try again."


class PredictorUnavailable(ChartsideError):
    status = 503
    title = "Suggestions are not available right now"
    advice = "You can code by hand with the search; press Try again for suggestions."


class PredictorBusy(PredictorUnavailable):
    title = "Many charts wait for suggestions"
    advice = "You can code by hand with the search; press Try again for suggestions in a minute."


class NotesTooLong(PredictorUnavailable):
    status = 422
    title = "The notes are too long for suggestions"
    advice = "You can code by hand with the search."


class TooBusy(ChartsideError):
    status = 503
    title = "Many charts are being read just now"
    advice = "Yours is read as soon as there is room. Nothing is lost."


class TooManyRequests(ChartsideError):
    """`again`: seconds until the next one is answered."""

    status = 429
    title = "That was more than Chartside answers in a minute"
    advice = "Nothing was changed. Wait a moment, then do it again; what you decided before is saved."

    def __init__(self, again: int) -> None:
        super().__init__()
        self.again = again


class MalformedCall(ChartsideError):
    status = 400
    title = "The call is not what CDS Hooks 2.0 wants"
    advice = "Send one JSON object with the fields of the hook, as application/json."


class UnknownService(ChartsideError):
    status = 404
    title = "There is no such CDS service"
    advice = "GET /cds-services lists those there are."


class UnknownCard(ChartsideError):
    status = 404
    title = "The feedback is about a card that was not shown to this EHR"
    advice = "Nothing was recorded. Send the uuids of the card and its suggestions as they came."


class MissingData(ChartsideError):
    status = 412
    title = "The encounter is needed and could not be had"
    advice = "Send the prefetch that discovery asks for, or fhirAuthorization with a token that may read the Encounter."


class ForeignServer(ChartsideError):
    status = 403
    title = "fhirServer is not the FHIR server that is registered for the caller"
    advice = "Register it with Chartside, or call from the EHR that it belongs to."
