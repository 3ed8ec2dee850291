"""`smartapp.wsgi` with a clock that a test can put wrong: by the seconds in the file that CLOCK_FILE names."""

import atexit
import os
from datetime import datetime, timedelta
from pathlib import Path

from smartapp import create_app, logs, utc_now
from smartapp.config import Config

_FILE = Path(os.environ["CLOCK_FILE"])


def clock() -> datetime:
    return utc_now() + timedelta(seconds=float(_FILE.read_text() or 0))


logs.configure()
app = create_app(Config.from_env(), clock)
app.extensions["parts"].begin_upkeep()
atexit.register(app.extensions["parts"].stop)
