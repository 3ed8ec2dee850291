"""The demo: EHR, predictor and app as processes of this machine, started and stopped together."""

import contextlib
import fcntl
import http.client
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

from smartapp.demo_settings import HOST, DemoFailed, Ports, admin_line, settings

READY_WITHIN = 180.0  # seconds; the first start fills the demo EHR
STOP_WITHIN = 10.0


def run_demo(ehr_port: int, app_port: int, fhir_port: int, data: tuple[Path, ...], state: Path) -> None:
    """Runs until Ctrl-C or until one of the processes ends; raises DemoFailed."""
    signal.signal(signal.SIGTERM, stop_like_ctrl_c)
    try:
        with running_demo(Ports(ehr_port, app_port, fhir_port), state, data, say) as demo:
            say(f"\nOpen {demo.ports.ehr_url}\n\nChoose a patient, then an encounter. Ctrl-C stops everything.\n")
            say(f"For the admin pages, in another terminal:  {admin_line(state)}")
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
