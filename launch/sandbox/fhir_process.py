"""Runs sekmet-fhir, the FHIR server behind the demonstration EHR, as a child process that never outlives its parent."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import requests

_START_LIMIT = 90.0  # seconds; one is usual, a busy machine has been seen to need twelve
_STOP_LIMIT = 10.0


class FHIRServerFailed(Exception):
    """The FHIR server did not start, or stopped; the message says where its own words are."""


class FHIRProcess:
    """A running sekmet with its data in `state`."""

    def __init__(self, state: Path, port: int) -> None:
        self.fhir_url = f"http://127.0.0.1:{port}/fhir"
        self._log = state / "fhir-server.log"
        state.mkdir(parents=True, exist_ok=True)
        settings = state / "fhir-server.yaml"
        settings.write_text(_write_settings(state, port), "utf-8")
        command = [sys.executable, "-m", "launch.sandbox.fhir_process", str(settings)]
        environment = {name: value for name, value in os.environ.items() if not name.startswith("SEKMET_")}
        root = str(Path(__file__).resolve().parents[2])
        environment["PYTHONPATH"] = os.pathsep.join(filter(None, [root, environment.get("PYTHONPATH")]))
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603  # our own interpreter and module
                command, cwd=state, env=environment, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=log
            )

    def wait_until_ready(self) -> None:
        deadline = time.monotonic() + _START_LIMIT
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                raise FHIRServerFailed(f"the FHIR server stopped while starting; see {self._log}")
            try:
                if requests.get(f"{self.fhir_url}/metadata", timeout=5).status_code == 200:
                    return
            except requests.RequestException:
                time.sleep(0.2)
        self.stop()
        raise FHIRServerFailed(f"the FHIR server did not answer within {_START_LIMIT:.0f} seconds; see {self._log}")

    def stop(self) -> None:
        """Asks it to end, and makes it end."""
        if self._process.stdin:
            self._process.stdin.close()
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(_STOP_LIMIT)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()


def _write_settings(state: Path, port: int) -> str:
    # JSON is YAML. The simulator would answer our claims by itself; the traffic log would copy every note.
    return json.dumps(
        {
            "base_url": f"http://127.0.0.1:{port}/fhir",
            "host": "127.0.0.1",
            "port": port,
            "data_dir": str(state / "fhir"),
            "own_private_key_path": str(state / "fhir" / "key.pem"),
            "server_auth": {"types": ["none"]},
            "validation": {"inbound": "strict"},
            "simulator": {"enabled": False},
            "log_inbound": False,
        }
    )


def _run_child(settings: str) -> None:
    """In the child: serves until told to stop or until the parent's end of the pipe closes."""
    import uvicorn
    from sekmet.config import load_settings
    from sekmet.main import create_app

    def leave_with_parent() -> None:
        sys.stdin.buffer.read()
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=leave_with_parent, daemon=True).start()
    loaded = load_settings(settings)
    uvicorn.run(create_app(loaded), host=loaded.host, port=loaded.port, log_level="warning")


if __name__ == "__main__":
    _run_child(sys.argv[1])
