"""What gunicorn serves: `smartapp.wsgi:app`."""

import sys

from launch.ehrs import InvalidEHRFile
from smartapp import create_app, logs
from smartapp.config import Config, MissingSettings

logs.configure()
try:
    app = create_app(Config.from_env())
except (MissingSettings, InvalidEHRFile) as wrong:
    sys.exit(f"chartside {wrong}")
