"""The settings of the demo: made at the first start, kept with its data, and written out for the other commands."""

import json
import os
import shlex
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.fernet import Fernet

from launch.client_keys import create_pem
from launch.ehr_file import add_ehr, change_ehr, remove_ehr
from launch.ehrs import PRIVATE_KEY, InvalidEHRFile, TrustedEHRs

HOST = "127.0.0.1"
DEMO_CLIENT = "chartside-demo"
ENVIRONMENT = "environment"  # beside the data: what a shell reads before another command


class DemoFailed(Exception):
    """The demo cannot start or go on; says what to change."""


@dataclass(frozen=True, slots=True)
class Ports:
    """Where the three servers of the demo listen, on 127.0.0.1."""

    ehr: int = 8090
    app: int = 8080
    fhir: int = 8095

    @property
    def ehr_url(self) -> str:
        return f"http://{HOST}:{self.ehr}"

    @property
    def app_url(self) -> str:
        return f"http://{HOST}:{self.app}"


def settings(ports: Ports, state: Path) -> dict[str, str]:
    """The app's environment; the keys are made once and kept in `state`. Raises DemoFailed."""
    seal, client_key = state / "seal.key", state / "client-key.pem"
    if not seal.exists():
        write_private(seal, Fernet.generate_key().decode())
        write_private(client_key, create_pem("ES384"))
    allowed = json.dumps([*SCOPES.split(), "launch/patient", "launch/encounter"])  # JSON strings are TOML ones
    list_demo_ehr(ports, state / "ehrs.toml")
    write_private(state / "clients.toml", CLIENTS.format(app=ports.app_url, allowed=allowed))
    ours = {
        "CHARTSIDE_PUBLIC_URL": ports.app_url,
        "CHARTSIDE_SECRET_KEYS": seal.read_text(),
        "CHARTSIDE_EHRS": str(state / "ehrs.toml"),
        "CHARTSIDE_STATE": str(state),
        "CHARTSIDE_PREDICTOR_SOCKET": str(state / "predictor.sock"),
    }
    exports = "".join(f"export {name}={shlex.quote(value)}\n" for name, value in ours.items())
    write_private(state / ENVIRONMENT, f"# Settings of this demo, for other commands; they hold its keys.\n{exports}")
    return ours


# What the app asks of the demo EHR: the minimum to read, and what it writes and, by a correction, changes.
SCOPES = (
    "launch openid fhirUser online_access patient/Patient.r patient/Encounter.rs patient/DocumentReference.rs "
    "patient/DiagnosticReport.rs patient/Binary.r patient/Condition.rs patient/Procedure.rs patient/Coverage.rs "
    "user/Practitioner.r user/Condition.crus user/Encounter.ru user/Claim.crus user/Provenance.crs"
)


def list_demo_ehr(ports: Ports, path: Path) -> None:
    """Writes the demo EHR into the list as an admin would; other EHRs, rotated keys and further settings stay.

    Raises DemoFailed where somebody has made the list unusable.
    """
    here: dict[str, Any] = {
        "iss": f"{ports.ehr_url}/fhir",
        "name": "Demo EHR",
        "client_id": DEMO_CLIENT,
        "client_auth": PRIVATE_KEY,
        "scopes": SCOPES.split(),
        "embed_origins": [ports.ehr_url, f"http://localhost:{ports.ehr}"],
        "cds_issuer": f"{ports.ehr_url}/fhir",
        "cds_jwks_url": f"{ports.ehr_url}/cds/jwks.json",
        "standalone": True,
    }
    try:
        listed = {ehr.iss: ehr.client_id for ehr in TrustedEHRs.load(path)} if path.exists() else {}
        for iss in (iss for iss, client in listed.items() if client == DEMO_CLIENT and iss != here["iss"]):
            remove_ehr(path, iss)  # the demo on another port
        if here["iss"] in listed:
            change_ehr(path, here["iss"], here)
        else:
            add_ehr(path, {**here, "private_keys": ["client-key.pem"]})
    except InvalidEHRFile as invalid:
        raise DemoFailed(f"{invalid}\nMend it, or delete it: the demo writes a new one.") from None


CLIENTS = """# Chartside, as the demo EHR knows it.
[[client]]
client_id = "chartside-demo"
name = "Chartside"
auth = "private_key_jwt"
jwks_url = "{app}/jwks.json"
redirect_uris = ["{app}/callback"]
scopes = {allowed}
"""


def write_private(path: Path, text: str) -> None:
    path.touch(mode=0o600)
    path.write_text(text)


def admin_line(state: Path) -> str:
    """What to type in this folder; any other command of `chartside` may take its place there."""
    environment = shlex.quote(f"{os.path.relpath(state)}/{ENVIRONMENT}")  # never a bare name, looked up in PATH
    program = shlex.quote(os.path.relpath(Path(sys.executable).parent / "chartside"))
    return f"(. {environment} && {program} admin link)"
