"""What gunicorn serves: `smartapp.wsgi:app`."""

import sys

from smartapp import create_app
from smartapp.config import Config, MissingSettings

try:
    app = create_app(Config.from_env())
except MissingSettings as missing:
    sys.exit(f"chartside {missing}")
