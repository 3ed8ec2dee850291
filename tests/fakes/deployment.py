"""A deployment of Chartside as its settings say, for the commands that an administrator types."""

import secrets
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from click.testing import CliRunner, Result
from cryptography.fernet import Fernet

from launch.context import LaunchContext
from launch.ehrs import TrustedEHRs
from launch.errors import SessionEnded
from launch.launcher import Launcher
from launch.sessions import Session, Tokens
from launch.vault import Vault
from smartapp import store, utc_now
from smartapp.cli import main
from smartapp.config import Config
from smartapp.launching import build_launcher

ONE, OTHER = "http://127.0.0.1:9/one", "http://127.0.0.1:9/other"  # nobody listens there
EHRS = "".join(
    f'[[ehr]]\niss = "{iss}"\nname = "EHR"\nclient_id = "c"\nclient_auth = "public"\n' for iss in (ONE, OTHER)
)


class Deployment:
    """Settings as an administrator has them, and a launcher on the same store."""

    def __init__(self, folder: Path, **more: str) -> None:
        (folder / "ehrs.toml").write_text(EHRS)
        self.environ = {
            "CHARTSIDE_PUBLIC_URL": "https://app.example",
            "CHARTSIDE_SECRET_KEYS": Fernet.generate_key().decode(),
            "CHARTSIDE_EHRS": str(folder / "ehrs.toml"),
            "CHARTSIDE_STATE": str(folder),
        } | more
        config = Config.from_env(self.environ)
        engine, vault = store.connect(config.database_url), Vault(config.secret_keys)
        store.migrate(engine)
        self.launcher: Launcher = build_launcher(config, TrustedEHRs.load(config.ehrs_file), engine, vault, utc_now)

    def sign_in(self, iss: str, user: str, **changes: datetime) -> Session:
        now = datetime.now(UTC).replace(microsecond=0)
        context = LaunchContext(iss, "EHR", "patient-77", "encounter-88", user, "Dr. Ines Okafor", ("launch",))
        tokens = Tokens("token-for-access", "token-for-more", now + timedelta(minutes=5))
        session = replace(Session(secrets.token_urlsafe(16), "browser", context, tokens, now, now), **changes)
        self.launcher._store.put(session)
        return session

    def is_open(self, session: Session) -> bool:
        try:
            return bool(self.launcher.session(session.key, "browser"))
        except SessionEnded:
            return False

    def run(self, *words: str, answer: str = "") -> Result:
        return CliRunner().invoke(main, list(words), input=answer, env=self.environ)
