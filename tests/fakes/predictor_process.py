"""A predictor process around the fake predictor."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import fake_predictor

from smartapp.errors import PredictorUnavailable
from smartapp.inference import PredictorClient


class Child:
    """A predictor process."""

    def __init__(self, path: Path, key: str) -> None:
        self.path = path
        command = [sys.executable, fake_predictor.__file__, str(path), key]
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE)
        self.client = PredictorClient(path, [key], timeout=10)

    def until_ready(self) -> "Child":
        deadline = time.monotonic() + 20
        while self.process.poll() is None and time.monotonic() < deadline:
            try:
                self.client.revision()
            except PredictorUnavailable:
                time.sleep(0.02)
            else:
                return self
        raise AssertionError(f"the predictor did not come up: {self.end()}")

    def end(self) -> str:
        """Asks it to stop; what it wrote to the log."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.communicate(timeout=20)[1].decode()
