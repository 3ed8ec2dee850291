"""The EHR launch from start to end: begin, complete, then sessions and their tokens (SMART App Launch 2.2)."""

import hmac
import re
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from launch.context import LaunchContext
from launch.discovery import Discovery, SmartConfiguration
from launch.ehrs import EHR, TrustedEHRs
from launch.errors import (
    AuthorizationDenied,
    CookieBlocked,
    DiscoveryFailed,
    GrantRefused,
    InvalidState,
    MissingContext,
    MissingLaunchParameter,
    SessionEnded,
    TokenRequestFailed,
    UntrustedIssuer,
)
from launch.identity import Identities, fhir_user, issuers
from launch.oauth import AuthorizationServer, words
from launch.sessions import IDLE, SESSION_LIFE, STATE_LIFE, Pending, Session, SessionStore, Tokens
from launch.transport import is_secure

_FHIR_ID = re.compile(r"[A-Za-z0-9.-]{1,64}")
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
        self._discovery, self._identities = Discovery(clock), Identities(clock)

    def begin(self, iss: str, launch: str, browser: str) -> str:
        """Where to send the browser: the EHR's authorization endpoint, asking for what this launch stands for."""
        if not iss or not launch:
            raise MissingLaunchParameter(f"{'launch' if iss else 'iss'} is missing")
        ehr = self.ehrs.find(iss)
        server = self._server(ehr)
        state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))  # 256 bits each; the guide wants 122
        self._store.put_pending(Pending(state, browser, ehr.iss, nonce, verifier, self._clock()))
        # aud is the iss as it came: servers compare it letter by letter, trailing slash and all.
        return server.authorization_url(aud=iss, launch=launch, state=state, nonce=nonce, verifier=verifier)

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
        context = _context(answer, ehr, user)
        context = replace(context, user_name=self._identities.read_name(ehr, user, answer["access_token"]))
        now = self._clock()
        # 128 bits: the key stands in the path of every page of this launch, and is worth nothing without the cookie.
        session = Session(secrets.token_urlsafe(16), browser, context, _tokens(answer, None, now), now, now)
        self._store.put(session)
        return session

    def session(self, launch_key: str, browser: str) -> Session:
        """The live session of this launch, for the browser it was made in. Raises SessionEnded, UntrustedIssuer."""
        session = self._live(launch_key)
        if not _same(session.browser, browser):
            raise SessionEnded()
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
        before = self._live(launch_key).tokens
        end = time.monotonic() + REFRESH_WAIT.total_seconds()
        while time.monotonic() < end:
            tokens, now = self._live(launch_key).tokens, self._clock()
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

    def dismiss(self, session: Session) -> None:
        """Ends a session here, whoever holds it, then gives its tokens back to the EHR as far as that answers."""
        self._store.remove(session.key)
        try:
            server = self._server(self.ehrs.find(session.context.iss))
        except (DiscoveryFailed, UntrustedIssuer):
            return  # the session is over for us; the tokens die of age
        if session.tokens.refresh_token:
            server.revoke(session.tokens.refresh_token, "refresh_token")
        server.revoke(session.tokens.access_token, "access_token")

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

    def _live(self, launch_key: str) -> Session:
        session = self._store.get(launch_key)
        if session is None or self._is_over(session):
            raise SessionEnded()
        return session

    def _is_over(self, session: Session) -> bool:
        now = self._clock()
        return now - session.seen_at > self._idle or now - session.created_at > SESSION_LIFE

    def _renew(self, launch_key: str, before: Tokens, refresh: bool) -> str:
        """With the lease held: unless somebody was faster, one refresh, stored at once."""
        try:
            session = self._live(launch_key)
            if session.tokens != before or session.tokens.refresh_token is None:
                return session.tokens.access_token
            answer = self._server(self.ehrs.find(session.context.iss)).refresh(session.tokens.refresh_token)
            tokens = _tokens(answer, session.tokens.refresh_token, self._clock())
            self._store.put_tokens(launch_key, tokens)
            return tokens.access_token
        except GrantRefused:
            self._store.remove(launch_key)
            raise SessionEnded("the EHR has ended the access") from None
        except (TokenRequestFailed, DiscoveryFailed):
            if refresh or self._clock() >= before.expires_at:
                raise
            return before.access_token  # still good; the next request tries again
        finally:
            self._store.release_refresh(launch_key)

    def _server(self, ehr: EHR) -> AuthorizationServer:
        return AuthorizationServer(ehr, self._discovery.read(ehr), self.redirect_uri, self._clock)


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(), other.encode())


def _check_origin(said: str | None, ehr: EHR, smart: SmartConfiguration) -> None:
    """RFC 9207: an answer that names its authorization server, or must, is from the one that was asked."""
    if (said is not None or smart.names_itself) and said not in (smart.issuer or ehr.iss, *issuers(ehr, smart)):
        raise InvalidState("the answer is from another authorization server")


def _context(answer: Mapping[str, Any], ehr: EHR, user: str) -> LaunchContext:
    """Launch context of the token response; no id that is not FHIR's, since ids become addresses."""
    for name in ("patient", "encounter"):
        if not isinstance(answer.get(name), str) or not _FHIR_ID.fullmatch(answer[name]):
            raise MissingContext(f"the EHR named no {name}")
    scope = answer.get("scope")
    granted = tuple(scope.split()) if isinstance(scope, str) else ehr.scopes  # RFC 6749 5.1: absent means as asked
    intent, tenant = (answer.get(name) for name in ("intent", "tenant"))
    return LaunchContext(
        iss=ehr.iss,
        ehr_name=ehr.name,
        patient=answer["patient"],
        encounter=answer["encounter"],
        fhir_user=user,
        user_name=user,
        scopes=granted,
        need_patient_banner=answer.get("need_patient_banner") is not False,
        intent=intent if isinstance(intent, str) else None,
        tenant=tenant if isinstance(tenant, str) else None,
    )


def _tokens(answer: Mapping[str, Any], earlier_refresh_token: str | None, now: datetime) -> Tokens:
    """A refresh token that is not replaced stays good (RFC 6749 6)."""
    seconds, refresh_token = int(answer.get("expires_in") or 0), answer.get("refresh_token")
    return Tokens(
        answer["access_token"],
        refresh_token if isinstance(refresh_token, str) and refresh_token else earlier_refresh_token,
        now + (timedelta(seconds=min(seconds, 86400)) if seconds > 0 else ASSUMED_TOKEN_LIFE),
    )
