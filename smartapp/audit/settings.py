"""What of the settings the log says, so that a change of them shows, whoever made it and however: no secrets."""

import hashlib
from collections.abc import Sequence
from dataclasses import fields
from typing import Any, Final

from launch.ehrs import EHR
from smartapp.config import Config

_NOT_TOLD: Final = frozenset({"client_secret", "keys"})


def told_of_ehrs(ehrs: Sequence[EHR]) -> dict[str, Any]:
    """By iss, with the ids of the keys that prove us there; of a client secret, that there is one."""
    return {ehr.iss: _told_of(ehr) for ehr in ehrs}


def told_of_config(config: Config) -> dict[str, Any]:
    """The keys that seal are told by hashes: they are random and long, so nobody guesses them from that."""
    return {
        "public_url": config.public_url,
        "idle_minutes": int(config.idle.total_seconds() // 60),
        "secret_keys": [hashlib.sha256(key.encode("utf-8")).hexdigest()[:16] for key in config.secret_keys],
        "sessions_elsewhere": config.sessions_url is not None,
        "queue": config.queue_url is not None,
        "database": config.database_url.partition(":")[0],
        "launch_requests": config.rates.launch,
        "address_requests": config.rates.address,
        "proxies": config.rates.proxies,
    }


def _told_of(ehr: EHR) -> dict[str, Any]:
    plain = {field.name: getattr(ehr, field.name) for field in fields(ehr) if field.name not in _NOT_TOLD}
    return plain | {"has_client_secret": ehr.client_secret is not None, "kids": [key.kid for key in ehr.keys]}
