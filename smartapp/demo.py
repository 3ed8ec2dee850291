"""The demo: EHR, predictor and app as processes of this machine, started and stopped together."""

import contextlib
import fcntl
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import NoReturn

from cryptography.fernet import Fernet
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

HOST = "127.0.0.1"
READY_WITHIN = 180.0  # seconds; the first start fills the demo EHR
STOP_WITHIN = 10.0


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


def run_demo(ehr_port: int, app_port: int, fhir_port: int, data: tuple[Path, ...], state: Path) -> None:
    """Runs until Ctrl-C or until one of the processes ends; raises DemoFailed."""
    signal.signal(signal.SIGTERM, stop_like_ctrl_c)
    try:
        with running_demo(
            Ports(ehr_port, app_port, fhir_port), state, data, lambda line: print(line, flush=True)
        ) as demo:
            print(
                f"\nOpen {demo.ports.ehr_url}\n\nChoose a patient, then an encounter. Ctrl-C stops everything.",
                flush=True,
            )
            while True:
                time.sleep(0.5)
                demo.check()
    except KeyboardInterrupt:
        say("\nStopped.")


def say(line: str) -> None:
    print(line, flush=True)


def stop_like_ctrl_c(_number: int, _frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt


@dataclass(frozen=True, slots=True)
class Running:
    """The processes of a running demo."""

    ports: Ports
    state: Path
    processes: Mapping[str, "subprocess.Popen[bytes]"]

    def check(self) -> None:
        """Raises DemoFailed when one of the processes has ended."""
        for name, process in self.processes.items():
            if process.poll() is not None:
                raise DemoFailed(f"the {name} ended (exit code {process.returncode}).\n{self.last_words(name)}")

    def last_words(self, name: str) -> str:
        log = self.state / "logs" / f"{name.replace(' ', '-')}.log"
        lines = log.read_text(errors="replace").splitlines()[-6:]
        return "\n".join([*(f"  {line}" for line in lines), f"The whole log: {log}"])


@contextlib.contextmanager
def running_demo(
    ports: Ports, state: Path, data: tuple[Path, ...] = (), say: Callable[[str], None] = lambda _: None
) -> Iterator[Running]:
    """Starts everything, waits until it answers, and stops it at the end."""
    refuse_taken_ports(ports)
    (state / "logs").mkdir(parents=True, exist_ok=True)
    with locked(state):
        yield from started(ports, state, data, say)


@contextlib.contextmanager
def locked(state: Path) -> Iterator[None]:
    """Two demos on one folder would overwrite each other's settings."""
    with (state / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise DemoFailed(
                f"another demo keeps its data in {state}; stop it or choose another with --state"
            ) from None
        yield


def started(ports: Ports, state: Path, data: tuple[Path, ...], say: Callable[[str], None]) -> Iterator[Running]:
    environ = os.environ | settings(ports, state)
    predictor_socket = Path(environ["CHARTSIDE_PREDICTOR_SOCKET"])
    predictor_socket.unlink(missing_ok=True)  # of a start that was killed
    processes: dict[str, subprocess.Popen[bytes]] = {}
    try:
        for name, command in commands(ports, state, data).items():
            with (state / "logs" / f"{name.replace(' ', '-')}.log").open("wb") as log:
                # A session of their own: Ctrl-C reaches us alone, and we stop them in order.
                processes[name] = subprocess.Popen(  # noqa: S603 - our own commands, no shell
                    command,
                    env=environ,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    stdin=subprocess.DEVNULL,
                    start_new_session=True,
                )
        demo = Running(ports, state, processes)
        for name, ready in readiness(ports, predictor_socket).items():
            say(f"Starting the {name} ...")
            wait_until(ready, demo, name)
        yield demo
    finally:
        stop(processes)


def commands(ports: Ports, state: Path, data: tuple[Path, ...]) -> dict[str, list[str]]:
    sandbox = [sys.executable, "-m", "launch.sandbox", "--port", str(ports.ehr), "--fhir-port", str(ports.fhir)]
    sandbox += ["--app-url", ports.app_url, "--state", str(state / "ehr"), "--client-file", str(state / "clients.toml")]
    sandbox += [word for folder in data for word in ("--data", str(folder))]
    gunicorn = [sys.executable, "-m", "gunicorn", "smartapp.wsgi:app", "--bind", f"{HOST}:{ports.app}"]
    gunicorn += [
        "--worker-class",
        "gthread",
        "--workers",
        "1",
        "--threads",
        "8",
        "--timeout",
        "60",
        "--graceful-timeout",
        "5",
    ]
    return {
        "demo EHR": sandbox,
        "predictor": [sys.executable, "-m", "smartapp.cli", "predictor"],
        "app": [*gunicorn, "--no-control-socket"],
    }


def readiness(ports: Ports, predictor_socket: Path) -> dict[str, Callable[[], bool]]:
    return {
        "demo EHR": lambda: answers(ports.ehr),
        "predictor": predictor_socket.exists,
        "app": lambda: answers(ports.app),
    }


def settings(ports: Ports, state: Path) -> dict[str, str]:
    """The app's environment; the keys are made once and kept in `state`."""
    seal, client_key = state / "seal.key", state / "client-key.pem"
    if not seal.exists():
        write_private(seal, Fernet.generate_key().decode())
        write_private(client_key, new_client_key())
    scopes = json.dumps(SCOPES.split())  # a JSON list of strings is a TOML one
    allowed = json.dumps([*SCOPES.split(), "launch/patient", "launch/encounter"])  # the last two: standalone
    by_name = f"http://localhost:{ports.ehr}"
    write_private(state / "ehrs.toml", EHRS.format(ehr=ports.ehr_url, by_name=by_name, scopes=scopes))
    write_private(state / "clients.toml", CLIENTS.format(app=ports.app_url, allowed=allowed))
    return {
        "CHARTSIDE_PUBLIC_URL": ports.app_url,
        "CHARTSIDE_SECRET_KEYS": seal.read_text(),
        "CHARTSIDE_EHRS": str(state / "ehrs.toml"),
        "CHARTSIDE_STATE": str(state),
        "CHARTSIDE_PREDICTOR_SOCKET": str(state / "predictor.sock"),
    }


# What the app asks of the demo EHR: the minimum to read, and what it writes.
SCOPES = (
    "launch openid fhirUser online_access patient/Patient.r patient/Encounter.rs patient/DocumentReference.rs "
    "patient/DiagnosticReport.rs patient/Binary.r patient/Condition.rs patient/Procedure.rs patient/Coverage.rs "
    "user/Practitioner.r user/Condition.crs user/Encounter.ru user/Claim.crs user/Provenance.crs"
)

EHRS = """# The demo EHR, as an admin would register it.
[[ehr]]
iss = "{ehr}/fhir"
name = "Demo EHR"
client_id = "chartside-demo"
client_auth = "private_key_jwt"
private_keys = ["client-key.pem"]
scopes = {scopes}
embed_origins = ["{ehr}", "{by_name}"]
cds_issuer = "{ehr}/fhir"
cds_jwks_url = "{ehr}/cds/jwks.json"
standalone = true
"""

CLIENTS = """# Chartside, as the demo EHR knows it.
[[client]]
client_id = "chartside-demo"
name = "Chartside"
auth = "private_key_jwt"
jwks_url = "{app}/jwks.json"
redirect_uris = ["{app}/callback"]
scopes = {allowed}
"""


def new_client_key() -> str:
    """A key for private_key_jwt with ES384, in PEM."""
    key = ec.generate_private_key(ec.SECP384R1())
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return pem.decode()


def write_private(path: Path, text: str) -> None:
    path.touch(mode=0o600)
    path.write_text(text)


def refuse_taken_ports(ports: Ports) -> None:
    for port, name, option, variable in (
        (ports.ehr, "the demo EHR", "--port", "CHARTSIDE_DEMO_EHR_PORT"),
        (ports.app, "Chartside", "--app-port", "CHARTSIDE_DEMO_APP_PORT"),
        (ports.fhir, "the FHIR server", "--fhir-port", "CHARTSIDE_DEMO_FHIR_PORT"),
    ):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, port))
            except OSError:
                raise DemoFailed(
                    f"port {port}, wanted for {name}, is taken; free it or choose another with {option} or {variable}"
                ) from None


def answers(port: int) -> bool:
    connection = http.client.HTTPConnection(HOST, port, timeout=2)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def wait_until(ready: Callable[[], bool], demo: Running, name: str) -> None:
    deadline = time.monotonic() + READY_WITHIN
    while not ready():
        demo.check()
        if time.monotonic() > deadline:
            raise DemoFailed(f"the {name} does not answer after {READY_WITHIN:.0f} s.\n{demo.last_words(name)}")
        time.sleep(0.1)


def stop(processes: Mapping[str, "subprocess.Popen[bytes]"]) -> None:
    """The app first, the EHR last, so that what is in flight can end."""
    for process in reversed(list(processes.values())):
        process.terminate()
    for process in reversed(list(processes.values())):
        try:
            process.wait(STOP_WITHIN)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
