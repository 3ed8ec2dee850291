"""How gunicorn serves Chartside: `gunicorn --config deploy/gunicorn.py smartapp.wsgi:app`.

PORT and WEB_CONCURRENCY are gunicorn's own settings: where it listens and how many processes there are.
"""

import os
import shutil
import tempfile
from typing import Any

worker_class = "gthread"
workers = int(os.environ.get("WEB_CONCURRENCY", "2"))
threads = 8
timeout = 60  # seconds without a sign of life until a process is replaced
graceful_timeout = 45  # seconds for requests under way once it is told to stop; signing is the longest
worker_tmp_dir = "/dev/shm" if os.path.isdir("/dev/shm") else None  # noqa: S108, PTH112 - a heartbeat must not wait for a disk
control_socket_disable = True
logconfig_dict = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"json": {"()": "smartapp.logs.JSONLines"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json"}},
    "root": {"level": "WARNING", "handlers": ["stderr"]},
    "loggers": {"gunicorn.error": {"level": "INFO", "handlers": ["stderr"], "propagate": False}},
}

_OURS = "chartside-metrics-"
_FOLDER = "PROMETHEUS_MULTIPROC_DIR"  # must be known before prometheus_client is imported: /metrics speaks for all
if not os.environ.get(_FOLDER):
    os.environ[_FOLDER] = tempfile.mkdtemp(prefix=_OURS)


def child_exit(_server: Any, worker: Any) -> None:
    from prometheus_client.multiprocess import mark_process_dead

    mark_process_dead(worker.pid)


def on_exit(_server: Any) -> None:
    if _OURS in os.environ[_FOLDER]:
        shutil.rmtree(os.environ[_FOLDER], ignore_errors=True)
