"""A launch from start to end: begin, complete, then sessions and their tokens (SMART App Launch 2.2)."""

import hmac
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from launch.context import read_context
from launch.discovery import Discovery, SmartConfiguration
from launch.ehrs import EHR, TrustedEHRs
from launch.errors import (
    AuthorizationDenied,
    CookieBlocked,
    DiscoveryFailed,
    GrantRefused,
    InvalidState,
    MissingLaunchParameter,
    SessionEnded,
    TokenRequestFailed,
    UntrustedIssuer,
)
from launch.identity import Identities, fhir_user, issuers
from launch.oauth import AuthorizationRequest, AuthorizationServer, words
from launch.scopes import to_ask
from launch.sessions import IDLE, SESSION_LIFE, STATE_LIFE, Pending, Session, SessionStore, Tokens
from launch.style import Styles
from launch.transport import HURRIED, USUAL, is_secure

ASSUMED_TOKEN_LIFE = timedelta(minutes=5)  # expires_in is only recommended
AHEAD = timedelta(seconds=60)  # a token is renewed this long before it expires
REFRESH_LEASE = timedelta(seconds=75)  # longer than discovery and one token request can take
REFRESH_WAIT = timedelta(seconds=25)  # for what another caller is asking
SEEN_EVERY = timedelta(seconds=30)  # spares a write a request


def utc_now() -> datetime:
    return datetime.now(UTC)


class Launcher:
    """Everything between an EHR's launch link and a session, for all trusted EHRs."""

    def __init__(
        self,
        ehrs: TrustedEHRs,
        store: SessionStore,
        public_url: str,
        *,
        clock: Callable[[], datetime] = utc_now,
        idle: timedelta = IDLE,
    ) -> None:
        if not is_secure(public_url, loopback=True):
            raise ValueError("the public address must be https (plain http is for loopback only)")
        self.ehrs, self._store, self._clock, self._idle = ehrs, store, clock, idle
        self.redirect_uri = public_url.rstrip("/") + "/callback"
        self._discovery, self._identities, self._styles = Discovery(clock), Identities(clock), Styles(clock)

    def begin(self, iss: str, launch: str | None, browser: str) -> AuthorizationRequest:
        """With what to send the browser to the EHR, which is asked for what this launch stands for.

        Without `launch`, where the EHR is listed as `standalone`, its user is asked there which chart to open.
        """
        if not iss:
            raise MissingLaunchParameter("iss is missing")
        ehr = self.ehrs.find(iss)
        standalone = launch is None and ehr.standalone
        if not launch and not standalone:
            raise MissingLaunchParameter("launch is missing")
        smart = self._discovery.read(ehr)
        scope = " ".join(to_ask(ehr.scopes, v1=smart.scopes_are_v1, standalone=standalone))
        state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))  # 256 bits each; the guide wants 122
        self._store.put_pending(Pending(state, browser, ehr.iss, nonce, verifier, self._clock(), scope, standalone))
        # aud is the iss as it came: servers compare it letter by letter, trailing slash and all.
        return self._server(ehr).authorization_request(
            scope=scope, aud=iss, launch=launch, state=state, nonce=nonce, verifier=verifier
        )

    def complete(self, args: Mapping[str, str], browser: str) -> Session:
        """The session for the EHR's answer at the redirect URI. Raises LaunchError."""
        if not {"state", "code", "error"} & args.keys():
            raise MissingLaunchParameter("Only the EHR sends a browser to this address, at the end of a sign-in")
        pending = self._take(args.get("state", ""), browser)
        ehr = self.ehrs.find(pending.iss)
        if "error" in args:
            raise AuthorizationDenied(words(args["error"], args.get("error_description")))
        smart = self._discovery.read(ehr)
        _check_origin(args.get("iss"), ehr, smart)
        if not args.get("code"):
            raise TokenRequestFailed("the EHR sent no authorization code")
        answer = self._server(ehr).exchange(args["code"], pending.verifier)
        claims = self._identities.verify(answer.get("id_token"), ehr, smart, pending.nonce)
        user = fhir_user(claims, ehr)
        person = self._identities.read_person(ehr, user, answer["access_token"])
        context = replace(
            read_context(answer, ehr, user, tuple(pending.scope.split())),
            user_name=person.name,
            user_codes=person.codes,
            style=self._styles.read(answer.get("smart_style_url"), ehr),
            standalone=pending.standalone,
        )
        now = self._clock()
        # 128 bits: the key stands in the path of every page of this launch, and is worth nothing without the cookie.
        session = Session(secrets.token_urlsafe(16), browser, context, _tokens(answer, None, now), now, now)
        self._store.put(session)
        return session

    def session(self, launch_key: str, browser: str) -> Session:
        """The live session of this launch, for the browser it was made in. Raises SessionEnded, UntrustedIssuer."""
        session = self._store.get(launch_key)
        if session is None or not _same(session.browser, browser):
            raise SessionEnded()
        self._check_life(session)
        self.ehrs.find(session.context.iss)  # an EHR taken off the list has no sessions either
        now = self._clock()
        if now - session.seen_at >= SEEN_EVERY:
            self._store.touch(launch_key, now)
        return session

    def access_token(self, launch_key: str, *, refresh: bool = False) -> str:
        """A token for the EHR's FHIR API; `refresh` asks for a new one, after the EHR refused the last.

        One caller renews, in whatever process; the others wait for what it gets: a refresh token sent twice would end
        the grant. Raises SessionEnded, or TokenRequestFailed or DiscoveryFailed when the EHR does not answer.
        """
        before = self.live(launch_key).tokens
        end = time.monotonic() + REFRESH_WAIT.total_seconds()
        while time.monotonic() < end:
            tokens, now = self.live(launch_key).tokens, self._clock()
            if tokens != before or (not refresh and now + AHEAD < tokens.expires_at):
                return tokens.access_token
            if tokens.refresh_token is None:
                if refresh or now >= tokens.expires_at:
                    raise SessionEnded("the EHR's access has expired")
                return tokens.access_token
            if self._store.claim_refresh(launch_key, now, now + REFRESH_LEASE):
                return self._renew(launch_key, before, refresh)
            time.sleep(0.05)
        raise TokenRequestFailed("another request is still waiting for the EHR")

    def end(self, launch_key: str, browser: str) -> None:
        """Ends the session here, then at the EHR. Raises as `session` does when there is none of this browser."""
        self.dismiss(self.session(launch_key, browser))

    def dismiss(self, session: Session, of: EHR | None = None) -> None:
        """Ends a session here, whoever holds it, then gives its tokens back to the EHR as far as that answers.

        `of` is its EHR, where that is on the list no more.
        """
        self._store.remove(session.key)
        try:
            server = self._server(of or self.ehrs.find(session.context.iss), hurried=True)
        except (DiscoveryFailed, UntrustedIssuer):
            return  # the session is over for us; the tokens die of age
        refresh_token = session.tokens.refresh_token
        if refresh_token is None or server.revoke(refresh_token, "refresh_token"):  # else nobody is there to answer
            server.revoke(session.tokens.access_token, "access_token")

    def check_sessions(self) -> None:
        """Raises SessionsUnavailable where their store does not answer."""
        self._store.get("nobody's")

    def live_sessions(self) -> list[Session]:
        """Every session that still opens its pages, for an administrator."""
        return [session for session in self._store.every() if not self._is_over(session)]

    def _take(self, state: str, browser: str) -> Pending:
        """What was kept under the state: once, in time, for the browser that began."""
        if not state:
            raise InvalidState("the answer carries no state")
        if not browser:
            raise CookieBlocked()
        pending = self._store.take_pending(state)
        if pending is None or self._clock() - pending.created_at > STATE_LIFE or not _same(pending.browser, browser):
            raise InvalidState()
        return pending

    def live(self, launch_key: str) -> Session:
        """The live session of this launch for work of our own, without its browser. Raises SessionEnded."""
        session = self._store.get(launch_key)
        if session is None:
            raise SessionEnded()
        self._check_life(session)
        return session

    def _check_life(self, session: Session) -> None:
        if self._is_over(session):
            raise SessionEnded(relaunch=session.context.iss if session.context.standalone else "")

    def _is_over(self, session: Session) -> bool:
        """By age, or because the EHR has ended the access: what is kept then says only how it began."""
        now = self._clock()
        too_old = now - session.seen_at > self._idle or now - session.created_at > SESSION_LIFE
        return too_old or not session.tokens.access_token

    def _renew(self, launch_key: str, before: Tokens, refresh: bool) -> str:
        """With the lease held: unless somebody was faster, one refresh, stored at once."""
        try:
            session = self.live(launch_key)
            if session.tokens != before or session.tokens.refresh_token is None:
                return session.tokens.access_token
            answer = self._server(self.ehrs.find(session.context.iss)).refresh(session.tokens.refresh_token)
            tokens = _tokens(answer, session.tokens.refresh_token, self._clock())
            self._store.put_tokens(launch_key, tokens)
            return tokens.access_token
        except GrantRefused:
            self._store.put_tokens(launch_key, Tokens("", None, self._clock()))
            raise SessionEnded("the EHR has ended the access") from None
        except (TokenRequestFailed, DiscoveryFailed):
            if refresh or self._clock() >= before.expires_at:
                raise
            return before.access_token  # still good; the next request tries again
        finally:
            self._store.release_refresh(launch_key)

    def _server(self, ehr: EHR, *, hurried: bool = False) -> AuthorizationServer:
        smart = self._discovery.read(ehr, hurried=hurried)
        return AuthorizationServer(ehr, smart, self.redirect_uri, self._clock, HURRIED if hurried else USUAL)


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(), other.encode())


def _check_origin(said: str | None, ehr: EHR, smart: SmartConfiguration) -> None:
    """RFC 9207: an answer that names its authorization server, or must, is from the one that was asked."""
    if (said is not None or smart.names_itself) and said not in (smart.issuer or ehr.iss, *issuers(ehr, smart)):
        raise InvalidState("the answer is from another authorization server")


def _tokens(answer: Mapping[str, Any], earlier_refresh_token: str | None, now: datetime) -> Tokens:
    """A refresh token that is not replaced stays good (RFC 6749 6)."""
    seconds, refresh_token = int(answer.get("expires_in") or 0), answer.get("refresh_token")
    return Tokens(
        answer["access_token"],
        refresh_token if isinstance(refresh_token, str) and refresh_token else earlier_refresh_token,
        now + (timedelta(seconds=min(seconds, 86400)) if seconds > 0 else ASSUMED_TOKEN_LIFE),
    )
