"""Judges whether an EHR can open Chartside and who signs in is proved, from its SMART configuration."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import urljoin, urlsplit

from launch.ehrs import EHR, NEEDED_SCOPES, PRIVATE_KEY, PUBLIC, SECRET
from launch.scopes import ResourceScope, is_scope
from launch.transport import is_loopback, is_secure
from smartapp.fhir.findings import Finding, Sign, unheard
from smartapp.fhir.hearing import NotHeard

ID_TOKEN_KEYS = {"RSA", "EC"}  # of RS256, RS384, ES256, ES384
# SMART App Launch 2.2, "Conformance": what an EHR calls these in its `capabilities`.
CLIENT = {
    PRIVATE_KEY: "client-confidential-asymmetric",
    SECRET: "client-confidential-symmetric",
    PUBLIC: "client-public",
}
CONTEXT = (  # capability, what it does, how bad it is without it, why, how to mend it
    ("launch-ehr", "it opens apps from a chart", Sign.BLOCKS, "it opens no apps from a chart", "Ask the vendor."),
    ("context-ehr-patient", "it says which patient is open", Sign.LIMITED, "it may not say which patient is open", ""),
    (
        "context-ehr-encounter",
        "it says which encounter is open",
        Sign.LIMITED,
        "it may not say which encounter is open, and Chartside needs it",
        "Ask the vendor from where in the EHR a launch carries the encounter.",
    ),
)


def _listed(smart: dict[str, Any], name: str) -> list[str] | None:
    """None where the EHR says nothing about it."""
    value = smart.get(name)
    return [v for v in value if isinstance(v, str)] if isinstance(value, list) else None


def judge_launch(ehr: EHR, smart: dict[str, Any]) -> Iterator[Finding]:
    methods = _listed(smart, "code_challenge_methods_supported") or []
    if "S256" in methods:
        yield Finding("Launch", Sign.WORKS, "PKCE with S256")
    elif ehr.assume_s256:
        why = "this entry says assume_s256"
        yield Finding("Launch", Sign.LIMITED, "PKCE with S256 is not announced, and used all the same", why)
    else:
        mend = "If the vendor says that it supports S256, set assume_s256 = true."
        yield Finding("Launch", Sign.BLOCKS, "PKCE with S256 is not announced", "SMART requires it", mend)
    yield from _endpoints(ehr, smart)
    capabilities = _listed(smart, "capabilities")
    if capabilities is None:
        yield Finding(
            "Launch", Sign.LIMITED, "capabilities are not listed", "whether it launches apps shows only in use"
        )
        return
    for name, works, sign, why, mend in CONTEXT:
        if name in capabilities:
            yield Finding("Launch", Sign.WORKS, f"{name}: {works}")
        else:
            yield Finding("Launch", sign, f"{name} is not among its capabilities", why, mend)
    if "authorize-post" in capabilities:
        yield Finding("Launch", Sign.WORKS, "authorize-post: long lists of scopes do not overflow an address")
    yield from _scopes(ehr, smart, capabilities)


def _endpoints(ehr: EHR, smart: dict[str, Any]) -> Iterator[Finding]:
    host = urlsplit(ehr.iss).hostname
    for name, needed in (("authorization_endpoint", True), ("token_endpoint", True), ("revocation_endpoint", False)):
        said = smart.get(name)
        if not isinstance(said, str) or not said:
            if needed:
                yield Finding("Launch", Sign.BLOCKS, f"{name} is missing", "no launch", "Ask the vendor.")
            else:
                why = "at logout the access ends here, and at the EHR when it runs out"
                yield Finding("Launch", Sign.LIMITED, f"{name} is missing", why)
            continue
        url = urljoin(ehr.iss + "/", said)
        if not is_secure(url, loopback=is_loopback(ehr.iss)):
            yield Finding("Launch", Sign.BLOCKS, f"{name} is not an https address", "it could be listened to")
        elif urlsplit(url).hostname != host:
            mend = "Make sure that this host is the vendor's."
            why = f"it lies on {urlsplit(url).hostname}, not on {host}"
            yield Finding("Launch", Sign.LIMITED, f"{name} is on another host", why, mend)
        else:
            yield Finding("Launch", Sign.WORKS, f"{name} is on the same host")


def _scopes(ehr: EHR, smart: dict[str, Any], capabilities: list[str]) -> Iterator[Finding]:
    v1 = "permission-v1" in capabilities
    if "permission-v2" in capabilities:
        yield Finding("Launch", Sign.WORKS, "scopes in the grammar of SMART v2" + (" and v1" if v1 else ""))
    elif v1:
        why = "create, read, update and delete cannot be told apart; Chartside asks for .read and .write"
        yield Finding("Launch", Sign.LIMITED, "scopes in the grammar of SMART v1 only", why)
    if any(scope.startswith("user/") for scope in ehr.scopes) and "permission-user" not in capabilities:
        yield Finding("Launch", Sign.LIMITED, "permission-user is not announced", "user/ scopes may not be granted")
    supported = _listed(smart, "scopes_supported")
    if supported is None:
        return
    lacking = [scope for scope in ehr.scopes if not _covered(scope, supported)]
    if not any(map(ResourceScope.parse, supported)):
        why = "what is granted shows only in use; the vendor decides it with the app's registration"
        yield Finding("Launch", Sign.LIMITED, "its list of scopes names none for resources", why)
    elif not lacking:
        yield Finding("Launch", Sign.WORKS, f"all {len(ehr.scopes)} scopes that are asked for are listed")
    else:
        needed = [scope for scope in lacking if scope in NEEDED_SCOPES]
        why = (
            "Chartside needs " + ", ".join(needed) if needed else "the list may be incomplete; they may not be granted"
        )
        mend = "See what the vendor grants for the app, and take out of `scopes` what it does not."
        yield Finding("Launch", Sign.LIMITED, f"scopes not listed: {' '.join(lacking)}", why, mend)


def _covered(scope: str, supported: list[str]) -> bool:
    """Whether the list holds the scope, or one that is wider, in either grammar."""
    if scope in supported:
        return True
    wanted = ResourceScope.parse(scope)
    offers = [offer for offer in map(ResourceScope.parse, filter(is_scope, supported)) if offer and not offer.only]
    letters = {
        letter
        for offer in offers
        if wanted and offer.level == wanted.level and offer.type in ("*", wanted.type)
        for letter in offer.letters
    }
    return bool(wanted and letters.issuperset(wanted.letters))


def judge_sign_in(ehr: EHR, smart: dict[str, Any], keys: list[dict[str, Any]] | NotHeard) -> Iterator[Finding]:
    yield from _client_auth(ehr, smart)
    capabilities = _listed(smart, "capabilities")
    if capabilities is not None and "sso-openid-connect" not in capabilities:
        why = "Chartside signs with the name of the person whom the EHR vouches for"
        yield Finding("Sign-in", Sign.LIMITED, "sso-openid-connect is not announced", why, "Ask the vendor.")
    if not isinstance(smart.get("issuer"), str) and not ehr.id_token_issuers:
        mend = "Ask the vendor for the iss of its id_tokens and set id_token_issuers."
        yield Finding("Sign-in", Sign.BLOCKS, "no issuer of id_tokens is named", "who signs is not proved", mend)
    if isinstance(keys, NotHeard):
        why = "who signs is not proved"
        yield unheard("Sign-in", Sign.BLOCKS, "the keys of its id_tokens cannot be read", keys, why)
    elif not any(key.get("kty") in ID_TOKEN_KEYS for key in keys):
        why = "Chartside takes RS256, RS384, ES256 and ES384"
        yield Finding("Sign-in", Sign.BLOCKS, "no key of its id_tokens is of a kind that Chartside takes", why)
    else:
        yield Finding("Sign-in", Sign.WORKS, f"the keys of its id_tokens are read ({len(keys)})")


def _client_auth(ehr: EHR, smart: dict[str, Any]) -> Iterator[Finding]:
    methods = _listed(smart, "token_endpoint_auth_methods_supported")
    capabilities = _listed(smart, "capabilities") or []
    if ehr.client_auth in (methods or []) or CLIENT[ehr.client_auth] in capabilities:
        yield Finding("Sign-in", Sign.WORKS, f"client authentication with {ehr.client_auth}")
    elif methods is None and not any(name in capabilities for name in CLIENT.values()):
        yield Finding("Sign-in", Sign.LIMITED, "ways of client authentication are not listed", "shows only in use")
    else:
        mend = f"It takes {', '.join(methods or []) or 'others'}: choose another client_auth, or ask the vendor."
        what = f"client authentication with {ehr.client_auth} is not offered"
        yield Finding("Sign-in", Sign.BLOCKS, what, "it gives no token", mend)
    algs = _listed(smart, "token_endpoint_auth_signing_alg_values_supported")
    ours = {key.alg for key in ehr.keys}
    if ehr.client_auth == PRIVATE_KEY and algs is not None and ours:
        if ours.isdisjoint(algs):
            mend = "Add a key of a kind that it takes: " + ", ".join(a for a in algs if a in ("ES384", "RS384"))
            what = f"our key signs with {', '.join(sorted(ours))}, which it does not take"
            yield Finding("Sign-in", Sign.BLOCKS, what, "it gives no token", mend)
        else:
            yield Finding("Sign-in", Sign.WORKS, f"it takes our key ({', '.join(sorted(ours & set(algs)))})")


def judge_ours(ehr: EHR, public_url: str | None) -> Iterator[Finding]:
    """What the EHR and its users need to reach here."""
    if not public_url:
        return
    if is_loopback(public_url) and not is_loopback(ehr.iss):
        mend = "Set CHARTSIDE_PUBLIC_URL to the https address where browsers reach Chartside."
        yield Finding("Launch", Sign.BLOCKS, f"Chartside is at {public_url}", "nobody else reaches this machine", mend)
    elif ehr.client_auth == PRIVATE_KEY:
        why = "this server cannot see that for itself"
        what = f"the EHR must be able to read our keys at {public_url}/jwks.json"
        yield Finding("Sign-in", Sign.LIMITED if not is_loopback(public_url) else Sign.WORKS, what, why)
