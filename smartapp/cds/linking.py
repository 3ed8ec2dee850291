"""What a card's link carries into the app (CDS Hooks 2.0, "Link", `appContext`): sealed here, read here at the launch.

It passes through the EHR and its authorization server. It can only choose the page of the chart that the EHR opened.
"""

import json
import logging
from datetime import datetime, timedelta

from launch.vault import BrokenSeal, Vault
from smartapp.reviews import ReviewKey

log = logging.getLogger(__name__)

PURPOSE = "card link"  # other things are sealed with the same keys
LINK_LIFE = timedelta(hours=12)  # a card that was left open for a shift still leads somewhere


def seal_link(vault: Vault, key: ReviewKey, now: datetime) -> str:
    """Which encounter the card spoke of, and when; opaque to everybody between us and us."""
    named = [PURPOSE, key.iss, key.patient, key.encounter, int(now.timestamp())]
    return vault.seal(json.dumps(named).encode()).decode("ascii")


def is_link_to(vault: Vault, sealed: str, key: ReviewKey, now: datetime) -> bool:
    """Whether a card of ours spoke of this very chart, lately. What is not used is told to the log, without names."""
    try:
        purpose, *named, sealed_at = json.loads(vault.open(sealed.encode("utf-8", "replace")))
        age = now - datetime.fromtimestamp(sealed_at, now.tzinfo)
    except (BrokenSeal, ValueError, TypeError):
        return _unused("it was not sealed here, or changed since")
    if purpose != PURPOSE:
        return _unused("it was sealed for something else")
    if named != [key.iss, key.patient, key.encounter]:
        return _unused("it is about another chart than the EHR opened")
    return age <= LINK_LIFE or _unused("it is too old")


def _unused(why: str) -> bool:
    log.warning("a launch brought a card's context (appContext) that is not used: %s", why)
    return False
