"""The launcher as the settings want it, with its store of sessions; for the web and for commands."""

from collections.abc import Callable
from datetime import datetime

from sqlalchemy import Engine

from launch.ehrs import TrustedEHRs
from launch.launcher import Launcher
from launch.sessions import SessionStore, SQLSessionStore
from launch.vault import Vault
from smartapp.config import Config, MissingSettings


def build_launcher(
    config: Config, ehrs: TrustedEHRs, engine: Engine, vault: Vault, clock: Callable[[], datetime]
) -> Launcher:
    """Raises MissingSettings where sessions are to be in Redis and its package is not installed."""
    return Launcher(ehrs, _build_store(config, engine, vault), config.public_url, clock=clock, idle=config.idle)


def _build_store(config: Config, engine: Engine, vault: Vault) -> SessionStore:
    if config.sessions_url is None:
        return SQLSessionStore(engine, vault)
    try:
        from launch.redis_sessions import RedisSessionStore
    except ImportError:
        what = "CHARTSIDE_SESSIONS_URL needs one more package: pip install -c requirements.lock -e '.[redis]'"
        raise MissingSettings([what]) from None
    return RedisSessionStore(config.sessions_url, vault)
