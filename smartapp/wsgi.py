"""What gunicorn serves: `smartapp.wsgi:app`."""

import sys

from launch.ehrs import InvalidEHRFile
from smartapp import create_app, logs
from smartapp.config import Config, MissingSettings

WORKER_BOOT_ERROR = 3  # gunicorn then stops; after any other it starts the process again and again

logs.configure()
try:
    app = create_app(Config.from_env())
except (MissingSettings, InvalidEHRFile) as wrong:
    sys.stderr.write(f"chartside {wrong}\n")
    sys.exit(WORKER_BOOT_ERROR)
