"""A worker of a whole site as a process of its own: `python worker_process.py SETTINGS`, which are JSON."""

import json
import subprocess
import sys
import time
from datetime import datetime
from pathlib import Path
from typing import Any

import requests

from launch.sandbox.serving import find_free_port


class WorkerProcess:
    """Its clock stands where the site's stood when it was started."""

    def __init__(self, site: Any, queue_url: str) -> None:
        config = site.config
        said = {
            "public_url": config.public_url,
            "secret_keys": list(config.secret_keys),
            "ehrs_file": str(config.ehrs_file),
            "database_url": config.database_url,
            "artifact": str(config.artifact),
            "predictor_socket": str(config.predictor_socket),
            "audit_key": str(config.audit_key),
            "audit_checkpoints": str(config.audit_checkpoints),
            "queue_url": queue_url,
            "now": site.clock().isoformat(),
        }
        self.port = find_free_port()
        said["port"] = self.port
        self.log = config.ehrs_file.with_name("worker.log")
        with self.log.open("wb") as log:
            self.process = subprocess.Popen([sys.executable, __file__, json.dumps(said)], stderr=log)

    def until_ready(self) -> "WorkerProcess":
        deadline = time.monotonic() + 120
        while "the worker is ready" not in self.log.read_text():
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.close()
                raise AssertionError(self.log.read_text())
            time.sleep(0.05)
        return self

    def page(self, path: str) -> requests.Response:
        return requests.get(f"http://127.0.0.1:{self.port}{path}", timeout=20)

    def logged(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.log.read_text().splitlines()]

    def close(self) -> None:
        self.process.kill()
        self.process.wait()


if __name__ == "__main__":
    from smartapp import logs
    from smartapp.assembly import assemble
    from smartapp.config import Config
    from smartapp.worker import Worker, serve

    said = json.loads(sys.argv[1])
    now, port = datetime.fromisoformat(said.pop("now")), said.pop("port")
    for name in ("ehrs_file", "artifact", "predictor_socket", "audit_key", "audit_checkpoints"):
        said[name] = Path(said[name])
    config = Config(**said | {"secret_keys": tuple(said["secret_keys"])})
    logs.configure()
    parts = assemble(config, lambda: now)
    serve(Worker(parts.coding.attending, parts.launcher, parts.client_for), parts.queue, port=port)
