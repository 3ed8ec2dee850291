"""What gunicorn serves: `smartapp.wsgi:app`."""

import atexit
import sys
from threading import Thread

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
_parts = app.extensions["parts"]
_parts.begin_upkeep()
Thread(
    target=_parts.codebook.warm_up, name="warm-up", daemon=True
).start()  # nobody waits for it, nor at the first search
atexit.register(_parts.stop)  # requests under way have ended by then; charts under way end now
