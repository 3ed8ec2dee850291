"""A WSGI application that takes its time, for what gunicorn does with it: `/slow/NAME` waits for the file NAME."""

import os
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any


def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    folder = Path(os.environ["SLOW_APP"])
    if environ["PATH_INFO"].startswith("/slow/"):
        name = environ["PATH_INFO"].rpartition("/")[2]
        (folder / f"{name}.begun").touch()
        while not (folder / name).exists():
            time.sleep(0.02)
        (folder / f"{name}.ended").touch()
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [str(os.getpid()).encode()]
